package dev.weft.gpu.kernels;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Region;
import dev.weft.Shape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The region in the struct of a launch against {@link Region#runStart}. */
class FillPlanTest {
  private final MemorySegment struct = Arena.ofAuto().allocate(FillPlan.BYTES, 8);
  private final FillPlan plan = new FillPlan(struct);
  private final SplittableRandom random = new SplittableRandom(1);

  @Test
  void aRangeAndTheWholeHaveNoAxes() {
    Region whole = Region.of(Shape.of(3, 4, 5));
    plan.region(whole);
    assertThat(axes()).isZero();
    plan.region(whole.slice(7, 20));
    assertThat(axes()).isZero();
    assertStarts(whole.slice(7, 20));
    plan.region(whole.rows(1, 2));
    assertThat(axes()).isZero();
  }

  @Test
  void axesOfOneElementAreLeftOutAndWholeOnesMerged() {
    Region box =
        Region.of(Shape.of(6, 1, 5, 4, 9, 8))
            .box(new long[] {1, 0, 0, 0, 3, 0}, new long[] {3, 1, 5, 4, 1, 8});
    plan.region(box);
    assertThat(axes()).isEqualTo(1);
    assertStarts(box);
  }

  /** No region has more axes: of length 3 and cut, 2⁶³ elements in all but a little. */
  @Test
  void theMostAxesFit() {
    long[] dims = new long[40];
    long[] extent = new long[40];
    Arrays.fill(dims, 3);
    dims[0] = 2;
    dims[39] = 2;
    Arrays.fill(extent, 2);
    extent[39] = 1;
    Region box = Region.of(Shape.of(dims)).box(new long[40], extent);
    plan.region(box);
    assertThat(axes()).isEqualTo(39).isLessThanOrEqualTo(FillPlan.MAX_AXES);
    assertStarts(box);
  }

  @Test
  void runsOfRandomBoxesStartWhereTheRegionSays() {
    for (int trial = 0; trial < 2_000; trial++) {
      int rank = 1 + random.nextInt(8);
      long[] dims = new long[rank];
      long[] start = new long[rank];
      long[] extent = new long[rank];
      for (int axis = 0; axis < rank; axis++) {
        dims[axis] = 1 + random.nextInt(trial % 2 == 0 ? 4 : 100);
        extent[axis] = random.nextInt(3) == 0 ? dims[axis] : 1 + random.nextLong(dims[axis]);
        start[axis] = random.nextLong(dims[axis] - extent[axis] + 1);
      }
      Region box = Region.of(Shape.of(dims)).box(start, extent);
      plan.region(box);
      assertStarts(box);
    }
  }

  private int axes() {
    return struct.get(JAVA_INT, 936);
  }

  private void assertStarts(Region region) {
    assertThat(struct.get(JAVA_LONG, 8)).isEqualTo(region.runLength());
    assertThat(struct.get(JAVA_LONG, 16)).isEqualTo(region.runCount());
    for (int i = 0; i < 20; i++) {
      long run = i == 0 ? region.runCount() - 1 : random.nextLong(region.runCount());
      assertThat(start(run)).as("%s run %d", region, run).isEqualTo(region.runStart(run));
    }
  }

  /** As run_start of plan.cuh. */
  private long start(long run) {
    long first = struct.get(JAVA_LONG, 0);
    for (int axis = axes() - 1; axis >= 0; axis--) {
      long extent = struct.get(JAVA_LONG, 296 + 8L * axis);
      first += run % extent * struct.get(JAVA_LONG, 616 + 8L * axis);
      run /= extent;
    }
    assertThat(run).isZero();
    return first;
  }
}
