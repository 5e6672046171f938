package dev.weft.internal;

import dev.weft.BackendInfo;
import dev.weft.DType;
import java.util.function.Supplier;
import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** The events that {@link Events} begins: null unless a recording asks for them. */
final class FlightEvents {
  private FlightEvents() {}

  static OperationEvent fill() {
    return Fill.PROBE.isEnabled() ? begun(new Fill()) : null;
  }

  static OperationEvent copyTo() {
    return CopyTo.PROBE.isEnabled() ? begun(new CopyTo()) : null;
  }

  static OperationEvent copyFrom() {
    return CopyFrom.PROBE.isEnabled() ? begun(new CopyFrom()) : null;
  }

  static OperationEvent gemm() {
    return Gemm.PROBE.isEnabled() ? begun(new Gemm()) : null;
  }

  static OperationEvent denseForward() {
    return DenseForward.PROBE.isEnabled() ? begun(new DenseForward()) : null;
  }

  static OperationEvent denseBackward() {
    return DenseBackward.PROBE.isEnabled() ? begun(new DenseBackward()) : null;
  }

  static OperationEvent trainStep() {
    return TrainStep.PROBE.isEnabled() ? begun(new TrainStep()) : null;
  }

  private static OperationEvent begun(Operation event) {
    event.begin();
    return event;
  }

  /** What all of them tell. */
  @Category("weft")
  @Enabled(false)
  @StackTrace(false)
  private abstract static class Operation extends Event implements OperationEvent {
    @Label("Backend")
    @Description("The name that opens it")
    String backend;

    @Label("Technique")
    @Description("What of the processor or device it uses")
    String technique;

    @Label("Element Type")
    @Description("Of the result")
    String dtype;

    @Label("Function")
    @Description("The fill, activation or loss")
    String function;

    @Label("Shape")
    String shape;

    @Label("Bytes")
    @Description("Of the operands, each once")
    @DataAmount
    long bytes;

    @Label("Floating-Point Operations")
    @Description("Of the products")
    long flops;

    @Override
    public final void end(
        BackendInfo backend,
        DType dtype,
        Object function,
        Supplier<String> shape,
        long bytes,
        long flops) {
      end();
      if (!shouldCommit()) {
        return;
      }
      this.backend = backend.name();
      this.technique = backend.probe().detail();
      this.dtype = dtype.id();
      this.function = function.toString();
      this.shape = shape.get();
      this.bytes = bytes;
      this.flops = flops;
      commit();
    }
  }

  @Name("dev.weft.Fill")
  @Label("Fill")
  @Description("Tensor.fill")
  private static final class Fill extends Operation {
    static final Fill PROBE = new Fill();
  }

  @Name("dev.weft.CopyTo")
  @Label("Copy to Host")
  @Description("Tensor.copyTo")
  private static final class CopyTo extends Operation {
    static final CopyTo PROBE = new CopyTo();
  }

  @Name("dev.weft.CopyFrom")
  @Label("Copy from Host")
  @Description("Tensor.copyFrom")
  private static final class CopyFrom extends Operation {
    static final CopyFrom PROBE = new CopyFrom();
  }

  @Name("dev.weft.Gemm")
  @Label("Matrix Product")
  @Description("Backend.gemm")
  private static final class Gemm extends Operation {
    static final Gemm PROBE = new Gemm();
  }

  @Name("dev.weft.DenseForward")
  @Label("Dense Forward")
  @Description("Dense.forward")
  private static final class DenseForward extends Operation {
    static final DenseForward PROBE = new DenseForward();
  }

  @Name("dev.weft.DenseBackward")
  @Label("Dense Backward")
  @Description("Dense.backward")
  private static final class DenseBackward extends Operation {
    static final DenseBackward PROBE = new DenseBackward();
  }

  @Name("dev.weft.TrainStep")
  @Label("Training Step")
  @Description("Mlp.trainStep")
  private static final class TrainStep extends Operation {
    static final TrainStep PROBE = new TrainStep();
  }
}
