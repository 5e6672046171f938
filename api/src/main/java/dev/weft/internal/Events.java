package dev.weft.internal;

import jdk.jfr.FlightRecorder;

/**
 * Begins the events of weft's operations in Flight Recorder ({@code docs/jfr.md}). Each method
 * gives null unless somebody records its event, and then costs a branch. {@link FlightEvents}, and
 * with it what names classes of the module {@code jdk.jfr}, is loaded only where the runtime has
 * the module, and no sooner than Flight Recorder is used: that registers the events.
 *
 * <p>An operation of a device may return before it is done: an event lasts as long as the call.
 */
public final class Events {
  private static final boolean PRESENT = ModuleLayer.boot().findModule("jdk.jfr").isPresent();

  private Events() {}

  private static boolean inUse() {
    return PRESENT && FlightRecorder.isInitialized();
  }

  /** {@code dev.weft.Fill}. */
  public static OperationEvent fill() {
    return inUse() ? FlightEvents.fill() : null;
  }

  /** {@code dev.weft.CopyTo}. */
  public static OperationEvent copyTo() {
    return inUse() ? FlightEvents.copyTo() : null;
  }

  /** {@code dev.weft.CopyFrom}. */
  public static OperationEvent copyFrom() {
    return inUse() ? FlightEvents.copyFrom() : null;
  }

  /** {@code dev.weft.Gemm}. */
  public static OperationEvent gemm() {
    return inUse() ? FlightEvents.gemm() : null;
  }

  /** {@code dev.weft.DenseForward}. */
  public static OperationEvent denseForward() {
    return inUse() ? FlightEvents.denseForward() : null;
  }

  /** {@code dev.weft.DenseBackward}. */
  public static OperationEvent denseBackward() {
    return inUse() ? FlightEvents.denseBackward() : null;
  }

  /** {@code dev.weft.TrainStep}. */
  public static OperationEvent trainStep() {
    return inUse() ? FlightEvents.trainStep() : null;
  }
}
