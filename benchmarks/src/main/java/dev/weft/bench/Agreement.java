package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.random.Philox4x32;
import dev.weft.random.RandomKey;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;

/** Checks that what is about to be timed writes the right bits. */
final class Agreement {
  private static final long SAMPLE = 1024;
  private static final int SAMPLES = 16;
  private static final long POISONED = 1 << 20; // elements at a time, of a device
  private static final byte POISON = (byte) 0xFF;

  private Agreement() {}

  /**
   * Fills {@code tensor} and compares its ends and {@value #SAMPLES} places between them with what
   * the scalar backend writes there; an f32 uniform fill also with its definition, word by word.
   *
   * @throws IllegalStateException if a bit differs
   */
  static void check(Tensor tensor, Fill fill, RandomKey key) {
    poison(tensor);
    tensor.fill(fill, key);
    compare(tensor, fill, key);
  }

  /** Makes every byte of {@code tensor} 0xFF, wherever it is: a NaN, whatever its type. */
  static void poison(Tensor tensor) {
    if (tensor.isHost()) {
      tensor.segment().fill(POISON);
      return;
    }
    long elements = tensor.shape().elements();
    long most = Math.min(POISONED, elements);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment part = arena.allocate(tensor.dtype().byteSize(most)).fill(POISON);
      for (long at = 0; at < elements; at += most) {
        long count = Math.min(most, elements - at);
        tensor.copyFrom(at, part.asSlice(0, tensor.dtype().byteSize(count)));
      }
    }
  }

  /**
   * The comparison of {@link #check} with what is in {@code tensor} already.
   *
   * @throws IllegalStateException if a bit differs
   */
  static void compare(Tensor tensor, Fill fill, RandomKey key) {
    long elements = tensor.shape().elements();
    long sample = Math.min(SAMPLE, elements);
    int width = tensor.dtype().byteSize();
    SplittableRandom places = new SplittableRandom(key.seed());
    try (Backend scalar = Backends.open("scalar", 1);
        Arena arena = Arena.ofConfined()) {
      MemorySegment expected = arena.allocate(sample * width, 64);
      MemorySegment part = arena.allocate(sample * width, 64);
      Tensor oracle = scalar.wrap(expected, tensor.dtype(), Shape.of(sample));
      for (int s = 0; s < SAMPLES + 2; s++) {
        long from =
            switch (s) {
              case 0 -> 0;
              case 1 -> elements - sample;
              default -> places.nextLong(elements - sample + 1);
            };
        oracle.fill(fill, key, Region.of(tensor.shape()).slice(from, from + sample));
        tensor.copyTo(from, part);
        long at = part.mismatch(expected);
        if (at >= 0) {
          throw differs(tensor, fill, from + at / width);
        }
        if (fill instanceof Fill.Uniform uniform && tensor.dtype() == DType.F32) {
          checkUniform(tensor, uniform, key, from, sample);
        }
      }
    }
  }

  private static void checkUniform(
      Tensor tensor, Fill.Uniform fill, RandomKey key, long from, long count) {
    float lo = (float) fill.lo();
    float range = (float) (fill.hi() - fill.lo());
    float most = (float) DType.F32.below(fill.hi());
    float least = (float) DType.F32.ceil(fill.lo());
    for (long i = from; i < from + count; i++) {
      float k = (Philox4x32.word(key, i) >>> 8) * 0x1p-24f;
      float value = Math.clamp(Math.fma(k, range, lo), least, most);
      if (tensor.get(i) != value) {
        throw differs(tensor, fill, i);
      }
    }
  }

  private static IllegalStateException differs(Tensor tensor, Fill fill, long index) {
    return new IllegalStateException(
        "benchmark: need the bits of the scalar backend, got element="
            + index
            + ", tensor="
            + tensor
            + ", fill="
            + fill);
  }
}
