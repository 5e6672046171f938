package dev.weft.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Region;
import dev.weft.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The parts of a region are its elements, in order. */
class ChunksTest {
  @Test
  void partsAreTheRegion() {
    Shape shape = Shape.of(3, 4, 5, 6);
    Region whole = Region.of(shape);
    long[] zero = new long[4];
    for (Region region :
        List.of(
            whole,
            whole.slice(7, 301),
            whole.slice(9, 9),
            whole.box(zero, new long[] {3, 4, 5, 6}),
            whole.box(new long[] {1, 1, 1, 1}, new long[] {2, 3, 4, 5}),
            whole.box(new long[] {0, 3, 0, 2}, new long[] {3, 1, 5, 3}),
            whole.box(new long[] {2, 0, 4, 0}, new long[] {1, 4, 1, 6}),
            whole.box(zero, new long[] {3, 0, 5, 6}))) {
      for (long limit : new long[] {1, 2, 3, 5, 7, 19, 20, 21, 60, 119, 1000}) {
        List<Long> found = new ArrayList<>();
        Chunks.forEach(
            region,
            limit,
            part -> {
              assertThat(part.shape().elements()).isBetween(1L, limit);
              add(part, found);
            });
        List<Long> wanted = new ArrayList<>();
        add(region, wanted);
        assertThat(found).as(region + " by " + limit).isEqualTo(wanted);
      }
    }
  }

  @Test
  void boxesOfMostAxesAreCut() {
    long[] dims = new long[Shape.MAX_RANK];
    Arrays.fill(dims, 1);
    dims[0] = dims[20] = dims[40] = dims[63] = 3;
    long[] extent = dims.clone();
    extent[0] = extent[63] = 2;
    Region box = Region.of(Shape.of(dims)).box(new long[dims.length], extent);
    List<Long> found = new ArrayList<>();
    Chunks.forEach(box, 5, part -> add(part, found));
    List<Long> wanted = new ArrayList<>();
    add(box, wanted);
    assertThat(found).hasSize(36).isEqualTo(wanted);
  }

  private static void add(Region region, List<Long> to) {
    for (long run = 0; run < region.runCount(); run++) {
      for (long i = 0; i < region.runLength(); i++) {
        to.add(region.runStart(run) + i);
      }
    }
  }
}
