package dev.weft.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Law 5: sizes are {@code long}. Tensors of more than 2³¹ elements, 4 GiB and a little; the
 * elements beyond equal a slice that is filled alone.
 */
@Tag("big")
@Timeout(900)
public abstract class SizeContract extends BackendContract {
  private static final Shape SHAPE = Shape.of((1L << 31) + 1_000_003);

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void elementsBeyondTwoToTheThirtyFirstAreTheSlices(DType dtype) {
    List<Fill> fills =
        dtype == DType.F16
            ? List.of(Fill.uniform(-1, 1), Fill.constant(-2.5))
            : List.of(Fill.normal(0, 1), Fill.truncatedNormalSigma(0, 1, -2, 2));
    try (Tensor tensor = backend().tensor(dtype, SHAPE)) {
      for (Fill fill : fills) {
        poison(tensor, (1L << 31) - 2000);
        tensor.fill(fill, KEY);
        check(tensor, fill);
      }
    }
  }

  /** Sets every bit from an element on. */
  private static void poison(Tensor tensor, long from) {
    int elements = 1 << 20;
    MemorySegment ones = MemorySegment.ofArray(new byte[(int) tensor.dtype().byteSize(elements)]);
    ones.fill((byte) 0xFF);
    for (long at = from; at < SHAPE.elements(); at += elements) {
      long count = Math.min(elements, SHAPE.elements() - at);
      tensor.copyFrom(at, ones.asSlice(0, tensor.dtype().byteSize(count)));
    }
  }

  private void check(Tensor tensor, Fill fill) {
    DType dtype = tensor.dtype();
    long end = SHAPE.elements();
    long[] starts = {
      0, (1L << 30) - 500, (1L << 31) - 500, (1L << 31) + 7, end - 999_999, end - 77
    };
    for (long start : starts) {
      long stop = Math.min(end, start + 100_001);
      MemorySegment expected =
          filled(backend(), fill, KEY, dtype, Region.of(SHAPE).slice(start, stop));
      MemorySegment actual = MemorySegment.ofArray(new byte[(int) expected.byteSize()]);
      tensor.copyTo(start, actual);
      assertSame(actual, expected, dtype, fill + " from " + start);
    }
    assertThat(tensor.get(end - 1)).isNotNaN();
  }
}
