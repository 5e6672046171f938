package dev.weft.gpu.kernels;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.weft.DType;
import dev.weft.Region;
import dev.weft.random.Philox4x32;
import dev.weft.spi.fill.StreamFill;
import dev.weft.spi.fill.TruncatedNormalPlanF32;
import dev.weft.spi.fill.TruncatedNormalPlanF64;
import java.lang.foreign.MemorySegment;

/**
 * The struct {@code FillPlan} of plan.cuh in off-heap memory: {@value #BYTES} bytes, aligned to 8.
 *
 * <p>A region is its runs: output element r·run + i is logical element start(r) + i, where start(r)
 * is the origin plus the digits of r in the mixed radix of the extents, each times its stride. Axes
 * of one element are left out and axes that follow on are merged, so that {@value #MAX_AXES} axes
 * hold any region.
 */
final class FillPlan {
  /** Size of the struct. */
  static final int BYTES = 1112;

  /** {@code WEFT_MAX_AXES} of plan.cuh. */
  static final int MAX_AXES = 40;

  private static final int ORIGIN = 0;
  private static final int RUN = 8;
  private static final int RUNS = 16;
  private static final int SEED = 24;
  private static final int SCALE64 = 32;
  private static final int TRUNCATED64 = 64;
  private static final int TAIL64 = 144;
  private static final int EXTENT = 296;
  private static final int STRIDE = 616;
  private static final int AXES = 936;
  private static final int SUBSEQUENCE_BITS = 940;
  private static final int SCALE32 = 944;
  private static final int TRUNCATED32 = 960;
  private static final int ROUND_KEYS = 1032;

  private final MemorySegment struct;
  private final long[] extent = new long[MAX_AXES];
  private final long[] stride = new long[MAX_AXES];

  /**
   * A plan in {@code struct}.
   *
   * @param struct {@value #BYTES} bytes, aligned to 8; overwritten by every method here
   */
  FillPlan(MemorySegment struct) {
    this.struct = struct;
  }

  /** The struct. */
  MemorySegment struct() {
    return struct;
  }

  /** Writes the fields of a region that is not empty. */
  void region(Region region) {
    long run = region.runLength();
    struct.set(JAVA_LONG, ORIGIN, region.runStart(0));
    struct.set(JAVA_LONG, RUN, run);
    struct.set(JAVA_LONG, RUNS, region.runCount());
    int axes = region.runCount() == 1 ? 0 : axes(region, run);
    struct.set(JAVA_INT, AXES, axes);
    for (int i = 0; i < axes; i++) { // collected from the innermost axis outwards
      struct.set(JAVA_LONG, EXTENT + 8L * i, extent[axes - 1 - i]);
      struct.set(JAVA_LONG, STRIDE + 8L * i, stride[axes - 1 - i]);
    }
  }

  private int axes(Region region, long run) {
    int axis = region.logical().rank() - 1;
    long step = 1;
    for (long inRun = 1; inRun != run; axis--) { // the axes that a run covers
      inRun *= region.shape().dim(axis);
      step *= region.logical().dim(axis);
    }
    int axes = 0;
    for (; axis >= 0; axis--) {
      long count = region.shape().dim(axis);
      if (count > 1 && axes > 0 && step == extent[axes - 1] * stride[axes - 1]) {
        extent[axes - 1] *= count;
      } else if (count > 1) {
        extent[axes] = count;
        stride[axes] = step;
        axes++;
      }
      step *= region.logical().dim(axis);
    }
    return axes;
  }

  /** Writes the fields of a random fill. */
  void stream(StreamFill stream) {
    long seed = stream.seed();
    struct.set(JAVA_LONG, SEED, seed);
    struct.set(JAVA_INT, SUBSEQUENCE_BITS, stream.subsequenceBits());
    for (int round = 0; round < Philox4x32.ROUNDS; round++) {
      struct.set(JAVA_INT, ROUND_KEYS + 8L * round, (int) seed + round * Philox4x32.W0);
      struct.set(
          JAVA_INT, ROUND_KEYS + 8L * round + 4, (int) (seed >>> 32) + round * Philox4x32.W1);
    }
    if (stream.dtype() == DType.F64) {
      doubles(SCALE64, stream.scale(), stream.shift(), stream.least(), stream.most());
      truncated(stream.truncated64());
    } else {
      floats(
          SCALE32,
          (float) stream.scale(),
          (float) stream.shift(),
          (float) stream.least(),
          (float) stream.most());
      truncated(stream.truncated32());
    }
  }

  private void truncated(TruncatedNormalPlanF64 plan) {
    if (plan != null) {
      struct.set(JAVA_LONG, TRUNCATED64, plan.flip());
      struct.set(JAVA_LONG, TRUNCATED64 + 8, plan.split());
      doubles(
          TRUNCATED64 + 16,
          plan.width(),
          plan.tailBelow(),
          plan.tailAbove(),
          plan.middleBelow(),
          plan.middleAbove(),
          plan.cut(),
          plan.k(),
          plan.tailCentre());
      doubles(TAIL64, plan.tail());
    }
  }

  private void truncated(TruncatedNormalPlanF32 plan) {
    if (plan != null) {
      struct.set(JAVA_INT, TRUNCATED32, plan.flip());
      struct.set(JAVA_INT, TRUNCATED32 + 4, plan.split());
      floats(
          TRUNCATED32 + 8,
          plan.width(),
          plan.tailBelow(),
          plan.tailAbove(),
          plan.middleBelow(),
          plan.middleAbove(),
          plan.cut(),
          plan.k(),
          plan.tailCentre(),
          plan.tail0(),
          plan.tail1(),
          plan.tail2(),
          plan.tail3(),
          plan.tail4(),
          plan.tail5(),
          plan.tail6(),
          plan.tail7());
    }
  }

  private void doubles(int offset, double... values) {
    for (int i = 0; i < values.length; i++) {
      struct.set(JAVA_DOUBLE, offset + 8L * i, values[i]);
    }
  }

  private void floats(int offset, float... values) {
    for (int i = 0; i < values.length; i++) {
      struct.set(JAVA_FLOAT, offset + 4L * i, values[i]);
    }
  }
}
