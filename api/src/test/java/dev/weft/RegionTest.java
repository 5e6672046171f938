package dev.weft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class RegionTest {
  @Test
  void runsOfABoxAreItsElements() {
    SplittableRandom random = new SplittableRandom(11);
    for (int trial = 0; trial < 3000; trial++) {
      int rank = random.nextInt(6);
      long[] dims = new long[rank];
      long[] start = new long[rank];
      long[] extent = new long[rank];
      for (int a = 0; a < rank; a++) {
        dims[a] = random.nextInt(trial % 10 == 0 ? 0 : 1, 6);
        boolean whole = random.nextInt(3) == 0;
        start[a] = whole ? 0 : random.nextLong(dims[a] + 1);
        extent[a] = whole ? dims[a] : random.nextLong(dims[a] - start[a] + 1);
      }
      Region box = Region.of(Shape.of(dims)).box(start, extent);
      assertThat(elements(box)).as("%s", box).isEqualTo(bruteForce(dims, start, extent));
      assertThat(box.shape()).isEqualTo(Shape.of(extent));
      assertThat(box.isBox()).isTrue();
      assertThat(box.start()).isEqualTo(start);
    }
  }

  @Test
  void aBoxOfWholeInnerAxesIsOneRun() {
    Region box = Region.of(Shape.of(4, 3, 5)).box(new long[] {1, 0, 0}, new long[] {2, 3, 5});
    assertThat(box.runCount()).isEqualTo(1);
    assertThat(box.runLength()).isEqualTo(30);
    assertThat(box.runStart(0)).isEqualTo(15);
    Region part = Region.of(Shape.of(4, 3, 5)).box(new long[] {1, 1, 0}, new long[] {2, 2, 5});
    assertThat(part.runCount()).isEqualTo(2);
    assertThat(part.runLength()).isEqualTo(10);
    assertThat(part.runStart(1)).isEqualTo(35);
  }

  @Test
  void sliceIsOneRun() {
    Region slice = Region.of(Shape.of(1L << 31, 1L << 31)).slice((1L << 61) + 3, (1L << 61) + 8);
    assertThat(slice.runCount()).isEqualTo(1);
    assertThat(slice.runLength()).isEqualTo(5);
    assertThat(slice.runStart(0)).isEqualTo((1L << 61) + 3);
    assertThat(slice.shape()).isEqualTo(Shape.of(5));
    assertThat(slice.isBox()).isFalse();
    assertThat(slice.isWhole()).isFalse();
  }

  @Test
  void wholeIsOneRunOfEverything() {
    Region whole = Region.of(Shape.of(3, 4));
    assertThat(elements(whole)).hasSize(12).startsWith(0L, 1L).endsWith(11L);
    assertThat(whole.isWhole()).isTrue();
    assertThat(Region.of(Shape.of()).runLength()).isEqualTo(1);
    assertThat(Region.of(Shape.of(3, 4)).slice(0, 12).isWhole()).isTrue();
    assertThat(Region.of(Shape.of(3, 4)).box(new long[2], new long[] {3, 4}).isWhole()).isTrue();
  }

  @Test
  void emptyRegionsHaveNoRuns() {
    assertThat(Region.of(Shape.of(0, 5)).runCount()).isZero();
    assertThat(Region.of(Shape.of(5)).slice(2, 2).runCount()).isZero();
    assertThat(Region.of(Shape.of(5, 5)).box(new long[] {1, 5}, new long[] {3, 0}).runCount())
        .isZero();
  }

  @Test
  void rowsAreABox() {
    assertThat(elements(Region.of(Shape.of(5, 2, 3)).rows(2, 4)))
        .isEqualTo(bruteForce(new long[] {5, 2, 3}, new long[] {2, 0, 0}, new long[] {2, 2, 3}));
  }

  @Test
  void hugeBoxesHaveExactRuns() {
    Region box =
        Region.of(Shape.of(1L << 30, 1L << 30))
            .box(new long[] {(1L << 30) - 2, 7}, new long[] {2, 3});
    assertThat(box.runStart(1)).isEqualTo(((1L << 30) - 1) * (1L << 30) + 7);
  }

  @Test
  void badRegionsAreNamed() {
    Region whole = Region.of(Shape.of(4, 3));
    assertThatThrownBy(() -> whole.slice(3, 2))
        .hasMessage("slice: need 0 <= from <= to <= elements, got from=3, to=2, shape=[4, 3]");
    assertThatThrownBy(() -> whole.slice(-1, 2)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> whole.slice(0, 13)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> whole.rows(0, 5))
        .hasMessage("rows: need 0 <= from <= to <= shape[0], got from=0, to=5, shape=[4, 3]");
    assertThatThrownBy(() -> Region.of(Shape.of()).rows(0, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> whole.box(new long[] {0, 1}, new long[] {4, 3}))
        .hasMessage(
            "box: need 0 <= start and start + extent <= shape on every axis, got start=[0, 1],"
                + " extent=[4, 3], shape=[4, 3]");
    for (long[][] bad :
        new long[][][] {
          {{0}, {1}},
          {{0, 0}, {1}},
          {{-1, 0}, {1, 1}},
          {{0, 0}, {-1, 1}},
          {{Long.MAX_VALUE, 0}, {Long.MAX_VALUE, 1}},
          {{5, 0}, {0, 0}}
        }) {
      assertThatThrownBy(() -> whole.box(bad[0], bad[1]))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void textNamesThePart() {
    assertThat(Region.of(Shape.of(784, 128)).box(new long[] {0, 16}, new long[] {64, 32}))
        .hasToString("[64, 32] of [784, 128] at [0, 16]");
    assertThat(Region.of(Shape.of(784, 128))).hasToString("[784, 128]");
    assertThat(Region.of(Shape.of(784, 128)).slice(5, 9)).hasToString("[4] of [784, 128] at [5]");
  }

  private static List<Long> elements(Region region) {
    List<Long> elements = new ArrayList<>();
    for (long run = 0; run < region.runCount(); run++) {
      for (long i = 0; i < region.runLength(); i++) {
        elements.add(region.runStart(run) + i);
      }
    }
    return elements;
  }

  /** The box's elements by walking over every element of the tensor. */
  private static List<Long> bruteForce(long[] dims, long[] start, long[] extent) {
    long count = 1;
    for (long dim : dims) {
      count *= dim;
    }
    List<Long> elements = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      boolean inside = true;
      long rest = i;
      for (int a = dims.length - 1; a >= 0; a--) {
        long at = rest % dims[a];
        inside &= at >= start[a] && at < start[a] + extent[a];
        rest /= dims[a];
      }
      if (inside) {
        elements.add(i);
      }
    }
    return elements;
  }
}
