package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import dev.weft.testkit.contract.FillContract;
import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What fills of words from cuRAND give: the bytes of every other backend. */
abstract class CurandContract extends FillContract {
  /** Runs {@code open} with the property that chooses cuRAND. */
  static Backend withCurand(Supplier<Backend> open) {
    return with(Generator.PROPERTY, "curand", open);
  }

  /** Runs {@code open} with a property. */
  static <T> T with(String property, String value, Supplier<T> open) {
    String before = System.setProperty(property, value);
    try {
      return open.get();
    } finally {
      if (before == null) {
        System.clearProperty(property);
      } else {
        System.setProperty(property, before);
      }
    }
  }

  /** Words of the device themselves, where its offset carries and beyond 2³² and 2⁶² blocks. */
  @ParameterizedTest
  @ValueSource(longs = {0, 4, 262_144 - 64, 1L << 32, (1L << 34) - 64, 1L << 48, 1L << 62})
  void wordsAreTheStreams(long first) {
    for (long seed : new long[] {0, 1, -1, 0x0123456789ABCDEFL, Long.MIN_VALUE}) {
      Region region = Region.of(Shape.of(Long.MAX_VALUE)).slice(first, first + 4_096);
      assertSame(Fill.bits(), RandomKey.of(seed), DType.F32, region);
    }
  }

  /** More than what is made at a time where words and elements differ in size. */
  @ParameterizedTest
  @EnumSource
  void manyElementsTakeSeveralTurns(DType dtype) {
    long count = (4L << 20) + 1_001;
    Region region = Region.of(Shape.of(1L << 40)).slice(3, 3 + count);
    assertSame(Fill.normal(0, 1), RandomKey.of(11), dtype, region);
  }

  private void assertSame(Fill fill, RandomKey key, DType dtype, Region region) {
    byte[] actual = filled(open(BackendOptions.DEFAULT), fill, key, dtype, region);
    byte[] expected = filled(Weft.open("scalar"), fill, key, dtype, region);
    assertThat(MemorySegment.ofArray(actual).mismatch(MemorySegment.ofArray(expected)))
        .as("%s %s %s %s", fill, key, dtype, region)
        .isEqualTo(-1);
  }

  private static byte[] filled(
      Backend opened, Fill fill, RandomKey key, DType dtype, Region region) {
    byte[] out = new byte[(int) dtype.byteSize(region.shape().elements())];
    try (Backend backend = opened;
        Tensor tensor = backend.tensor(dtype, region.shape())) {
      tensor.fill(fill, key, region);
      tensor.copyTo(MemorySegment.ofArray(out));
    }
    return out;
  }
}
