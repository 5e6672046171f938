package dev.weft.cpu.vector;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.weft.cpu.nn.ActivationKernel;
import dev.weft.cpu.scalar.ActivationF32;
import dev.weft.nn.Activation;
import dev.weft.nn.Activation.Kind;
import java.lang.management.ManagementFactory;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The activations in vectors: the bits of the scalar ones, in place, without allocation. */
class ActivationVectorTest {
  private static final int COUNT = 1 << 13;
  private static final int ROOM = ActivationKernel.ROOM;

  static Stream<Arguments> kinds() {
    return Stream.of(Kind.values())
        .filter(kind -> !kind.ofRow())
        .flatMap(kind -> Stream.of(128, 256, 512).map(bits -> Arguments.of(kind, bits)));
  }

  /** Special values, every exponent, and the range where the functions bend. */
  static float[] inputs32() {
    float[] x = new float[COUNT];
    float[] special = {
      0,
      -0f,
      1,
      -1,
      3,
      -3,
      0.5f,
      -0.5f,
      Float.MIN_VALUE,
      -Float.MIN_VALUE,
      Float.MIN_NORMAL,
      -Float.MIN_NORMAL,
      Float.MAX_VALUE,
      -Float.MAX_VALUE,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      Float.NaN,
      -87.33654f,
      -87.33655f,
      -18,
      128,
      -128
    };
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < COUNT; i++) {
      x[i] =
          i < special.length
              ? special[i]
              : switch (i % 4) {
                case 0 -> Float.intBitsToFloat(random.nextInt());
                case 1 -> (float) random.nextDouble(-100, 100);
                case 2 -> (float) random.nextDouble(-3, 3);
                default -> (float) random.nextDouble(-15, 1);
              };
    }
    return x;
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void f32(Kind kind, int bits) {
    ActivationKernel<float[]> scalar = new ActivationF32(kind);
    ActivationKernel<float[]> vector = VectorActivations.f32(bits, kind);
    double alpha = Activation.parse(kind.id()).alpha();
    float[] some = new float[256];
    assertAllocatesNothing(() -> vector.forward(some, 0, some.length, alpha));
    assertAllocatesNothing(() -> vector.backward(some, some, some.length, alpha));
    float[] x = inputs32();
    for (int at : new int[] {0, 1, 16, 37}) {
      for (int count : new int[] {0, 1, 15, 16, 17, 1001, COUNT - 64}) {
        float[] expected = x.clone();
        float[] actual = x.clone();
        scalar.forward(expected, at, count, alpha);
        vector.forward(actual, at, count, alpha);
        assertSame(actual, expected, at, count);
      }
    }
    float[] d = inputs32();
    float[] saved = x.clone();
    for (int i = 0; i < COUNT; i++) {
      d[i] = x[COUNT - 1 - i];
    }
    for (int count : new int[] {0, 1, 15, 16, 17, 1001, COUNT}) {
      float[] expected = d.clone();
      float[] actual = d.clone();
      scalar.backward(saved, expected, count, alpha);
      vector.backward(saved, actual, count, alpha);
      assertSame(actual, expected, 0, count);
      assertThat(saved).containsExactly(x);
    }
  }

  private static void assertSame(float[] actual, float[] expected, int at, int count) {
    for (int i = 0; i < actual.length; i++) {
      boolean room = i >= at + count && i < at + (count + ROOM - 1) / ROOM * ROOM;
      if (!room && Float.floatToIntBits(actual[i]) != Float.floatToIntBits(expected[i])) {
        assertThat(actual[i]).as("[%d] of %d at %d", i, count, at).isEqualTo(expected[i]);
        throw new AssertionError("zeros of two signs at " + i);
      }
    }
  }

  /** The least of many measurements, for as long as the compiler may take. */
  static void assertAllocatesNothing(Runnable call) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long least = Long.MAX_VALUE;
    long end = System.nanoTime() + 10_000_000_000L;
    while (least > 0 && System.nanoTime() < end) {
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 100; i++) {
        call.run();
      }
      least = Math.min(least, (threads.getCurrentThreadAllocatedBytes() - before) / 100);
    }
    assertThat(least).as("bytes per call").isZero();
  }
}
