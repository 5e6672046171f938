package dev.weft.cpu.vector;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.weft.cpu.nn.ActivationKernel;
import dev.weft.cpu.nn.RowKernel;
import dev.weft.cpu.scalar.ActivationF32;
import dev.weft.cpu.scalar.ActivationF64;
import dev.weft.cpu.scalar.RowF32;
import dev.weft.cpu.scalar.RowF64;
import dev.weft.nn.Activation;
import dev.weft.nn.Activation.Kind;
import dev.weft.testkit.Patience;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Activations and rows in vectors: the bits of the scalar ones, in place, without allocation. */
class ActivationVectorTest {
  private static final int COUNT = 1 << 12;
  private static final int LANES = RowKernel.LANES;

  /** Elements of a call while the compiler is awaited: until then each is slow. */
  private static final int FEW = 64;

  /** Arrays of a type, from and to f64: widening keeps all bits but those of NaN. */
  private record Type<A>(Function<double[], A> of, Function<A, double[]> values) {
    A copy(A x) {
      return of.apply(values.apply(x));
    }
  }

  private static final Type<float[]> F32 =
      new Type<>(ActivationVectorTest::floats, ActivationVectorTest::doubles);
  private static final Type<double[]> F64 = new Type<>(double[]::clone, double[]::clone);

  private static float[] floats(double[] x) {
    float[] y = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      y[i] = (float) x[i];
    }
    return y;
  }

  private static double[] doubles(float[] x) {
    double[] y = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      y[i] = x[i];
    }
    return y;
  }

  /** Special values, every exponent of f32 and f64, and the range where the functions bend. */
  private static double[] inputs(int seed) {
    double[] special = {
      0,
      -0.0,
      1,
      -1,
      3,
      -3,
      0.5,
      -0.5,
      Float.MIN_VALUE,
      -Float.MIN_VALUE,
      Double.MIN_VALUE,
      -Double.MIN_VALUE,
      Float.MIN_NORMAL,
      Double.MIN_NORMAL,
      Float.MAX_VALUE,
      -Float.MAX_VALUE,
      Double.MAX_VALUE,
      -Double.MAX_VALUE,
      Double.POSITIVE_INFINITY,
      Double.NEGATIVE_INFINITY,
      Double.NaN,
      -87.33654f,
      -87.33655f,
      -0x1.6232bdd7abcd2p9,
      -0x1.6232bdd7abcd3p9,
      -18,
      -38,
      128,
      -128,
      1024,
      -1024
    };
    SplittableRandom random = new SplittableRandom(seed);
    double[] x = new double[COUNT];
    for (int i = 0; i < COUNT; i++) {
      x[i] =
          i < special.length
              ? special[i]
              : switch (i % 5) {
                case 0 -> Float.intBitsToFloat(random.nextInt());
                case 1 -> Double.longBitsToDouble(random.nextLong());
                case 2 -> random.nextDouble(-100, 100);
                case 3 -> random.nextDouble(-3, 3);
                default -> random.nextDouble(-40, 1);
              };
    }
    return x;
  }

  static Stream<Arguments> kinds() {
    return Stream.of(Kind.values())
        .filter(kind -> !kind.ofRow())
        .flatMap(kind -> Stream.of(128, 256, 512).map(bits -> Arguments.of(kind, bits)));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void activationsOfF32(Kind kind, int bits) {
    requireWidth(bits);
    activations(kind, F32, new ActivationF32(kind), VectorActivations.f32(bits, kind));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void activationsOfF64(Kind kind, int bits) {
    requireWidth(bits);
    activations(kind, F64, new ActivationF64(kind), VectorActivations.f64(bits, kind));
  }

  /** In wider vectors than the machine has everything is boxed, and nobody computes so. */
  private static void requireWidth(int bits) {
    int widest = VectorFillKernels.preferredBits();
    Assumptions.assumeTrue(bits <= widest, () -> "this machine has vectors of " + widest + " bits");
  }

  private static <A> void activations(
      Kind kind, Type<A> type, ActivationKernel<A> scalar, ActivationKernel<A> vector) {
    double alpha = Activation.parse(kind.id()).alpha();
    A some = type.of.apply(new double[FEW]);
    assertAllocatesNothing(n -> vector.forward(some, 0, n, alpha));
    assertAllocatesNothing(n -> vector.backward(some, some, n, alpha));
    A x = type.of.apply(inputs(1));
    for (int at : new int[] {0, 1, 37}) {
      for (int count : new int[] {0, 1, 15, 16, 17, COUNT - 64}) {
        A expected = type.copy(x);
        A actual = type.copy(x);
        scalar.forward(expected, at, count, alpha);
        vector.forward(actual, at, count, alpha);
        assertSame(type, actual, expected, at, count);
      }
    }
    A d = type.of.apply(inputs(2));
    A saved = type.copy(x);
    for (int count : new int[] {0, 1, 15, 16, 17, COUNT}) {
      A expected = type.copy(d);
      A actual = type.copy(d);
      scalar.backward(saved, expected, count, alpha);
      vector.backward(saved, actual, count, alpha);
      assertSame(type, actual, expected, 0, count);
      assertThat(type.values.apply(saved)).containsExactly(type.values.apply(x));
    }
  }

  /** Everywhere but in the room after the last element. */
  private static <A> void assertSame(Type<A> type, A a, A e, int at, int count) {
    double[] actual = type.values.apply(a);
    double[] expected = type.values.apply(e);
    int end = at + Math.ceilDiv(count, ActivationKernel.ROOM) * ActivationKernel.ROOM;
    Arrays.fill(actual, at + count, end, 0);
    Arrays.fill(expected, at + count, end, 0);
    assertSame(actual, expected);
  }

  private static void assertSame(double[] actual, double[] expected) {
    for (int i = 0; i < actual.length; i++) {
      if (Double.doubleToLongBits(actual[i]) != Double.doubleToLongBits(expected[i])) {
        assertThat(actual[i]).as("[%d]", i).isEqualTo(expected[i]);
        throw new AssertionError("zeros of two signs at " + i);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {128, 256, 512})
  void rowsOfF32(int bits) {
    requireWidth(bits);
    rows(F32, new RowF32(), VectorRows.f32(bits));
  }

  @ParameterizedTest
  @ValueSource(ints = {128, 256, 512})
  void rowsOfF64(int bits) {
    requireWidth(bits);
    rows(F64, new RowF64(), VectorRows.f64(bits));
  }

  private static <A> void rows(Type<A> type, RowKernel<A> scalar, RowKernel<A> vector) {
    A some = type.of.apply(new double[FEW]);
    A few = type.of.apply(new double[LANES]);
    assertAllocatesNothing(n -> vector.max(some, 0, n, few));
    assertAllocatesNothing(n -> vector.expSum(some, 0, n, 1, few));
    assertAllocatesNothing(n -> vector.scale(some, 0, n, 1));
    assertAllocatesNothing(n -> vector.dot(some, some, n, few));
    A x = type.of.apply(inputs(3));
    A y = type.of.apply(inputs(4));
    double[] start = new double[LANES];
    Arrays.fill(start, -7);
    for (int at : new int[] {0, 1, 37}) {
      for (int count : new int[] {0, 1, 15, 16, 17, 31, 1000, COUNT - 37}) {
        A expected = type.copy(x);
        A actual = type.copy(x);
        A expectedLanes = type.of.apply(start);
        A lanes = type.of.apply(start);
        scalar.max(expected, at, count, expectedLanes);
        vector.max(actual, at, count, lanes);
        assertSame(type.values.apply(lanes), type.values.apply(expectedLanes));
        scalar.scale(expected, at, count, 0.3);
        vector.scale(actual, at, count, 0.3);
        assertSame(type.values.apply(actual), type.values.apply(expected));
        scalar.expSum(expected, at, count, 2.1, expectedLanes);
        vector.expSum(actual, at, count, 2.1, lanes);
        assertSame(type.values.apply(actual), type.values.apply(expected));
        assertSame(type.values.apply(lanes), type.values.apply(expectedLanes));
        expectedLanes = type.of.apply(start);
        lanes = type.of.apply(start);
        scalar.dot(expected, y, count, expectedLanes);
        vector.dot(actual, y, count, lanes);
        assertSame(type.values.apply(lanes), type.values.apply(expectedLanes));
      }
    }
  }

  /**
   * The least of many measurements, for as long as the compiler may take.
   *
   * @param call for a number of elements; most calls have none, which the compiler counts as well
   */
  private static void assertAllocatesNothing(IntConsumer call) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long least = Long.MAX_VALUE;
    Patience patience = Patience.ofSeconds(20);
    while (least > 0 && patience.lasts()) {
      for (int i = 0; i < 2000; i++) {
        call.accept(i % 50 == 0 ? FEW : 0);
      }
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 10; i++) {
        call.accept(FEW);
      }
      least = Math.min(least, (threads.getCurrentThreadAllocatedBytes() - before) / 10);
    }
    assertThat(least).as("bytes per call").isZero();
  }
}
