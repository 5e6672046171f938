package dev.weft.gpu.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.nn.Activation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** layer.cu as C++ against the scalar backend, bit for bit. */
class LayerKernelTest {
  private static final int COUNT = 40_000;
  private static final int GUARD = 64;

  static Stream<Activation> activations() {
    return Arrays.stream(Activation.Kind.values())
        .filter(kind -> !kind.ofRow())
        .map(kind -> Activation.parse(kind.id()));
  }

  /** Values of every size, also the special ones, and gradients of both signs. */
  @ParameterizedTest
  @MethodSource("activations")
  void elementsHaveTheBitsOfTheScalarBackend(Activation f) {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      try (Arena arena = Arena.ofConfined();
          Backend scalar = Weft.open("scalar")) {
        MemorySegment z = values(arena, dtype, 1);
        MemorySegment dy = values(arena, dtype, 2);
        MemorySegment y = poison(arena, dtype);
        MemorySegment dz = poison(arena, dtype);
        MemorySegment expectedY = poison(arena, dtype);
        MemorySegment expectedDz = poison(arena, dtype);
        MemorySegment saved = f.kind().derivativeOfInput() ? z : expectedY;
        Shape shape = Shape.of(1, COUNT);
        try (Tensor zs = scalar.wrap(z, dtype, shape);
            Tensor ys = scalar.wrap(content(expectedY, dtype), dtype, shape);
            Tensor dys = scalar.wrap(dy, dtype, shape);
            Tensor dzs = scalar.wrap(content(expectedDz, dtype), dtype, shape)) {
          f.forward(zs, ys);
          f.backward(f.kind().derivativeOfInput() ? zs : ys, dys, dzs);
        }
        run(arena, dtype, LayerKernel.activate(dtype), f, y, z);
        assertSame(y, expectedY, dtype, f + " " + dtype);
        run(arena, dtype, LayerKernel.activateGradient(dtype), f, dz, dy, saved);
        assertSame(dz, expectedDz, dtype, "gradient of " + f + " " + dtype);

        Activation other = f.equals(Activation.MISH) ? Activation.SILU : Activation.MISH;
        run(arena, dtype, LayerKernel.activate(dtype), other, y, z);
        assertThat(firstDifference(y, expectedY, dtype)).as("another function").isNotNegative();
      }
    }
  }

  private static MemorySegment content(MemorySegment whole, DType dtype) {
    return whole.asSlice(0, dtype.byteSize(COUNT));
  }

  private static MemorySegment poison(Arena arena, DType dtype) {
    return arena.allocate(dtype.byteSize(COUNT) + GUARD, 8).fill((byte) 0xFF);
  }

  private static MemorySegment values(Arena arena, DType dtype, long seed) {
    double[] special = {
      0,
      -0.0,
      1,
      -1,
      3,
      -3,
      Double.NaN,
      1 / 0.0,
      -1 / 0.0,
      1e300,
      -1e300,
      1e30,
      -1e30,
      0x1p-149,
      -0x1p-1074,
      87.4,
      -87.4,
      708.5,
      -708.5,
      128,
      -128,
      1024,
      -1024,
      0.5,
      -0.5
    };
    SplittableRandom random = new SplittableRandom(seed);
    MemorySegment segment = arena.allocate(dtype.byteSize(COUNT), 8);
    for (int i = 0; i < COUNT; i++) {
      double scale = Math.scalb(1.0, random.nextInt(-30, 8));
      double value = i < special.length ? special[i] : random.nextDouble(-1, 1) * scale;
      if (dtype == DType.F32) {
        segment.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) value);
      } else {
        segment.setAtIndex(ValueLayout.JAVA_DOUBLE, i, value);
      }
    }
    return segment;
  }

  /** A launch whose threads take elements in turn; {@code operands} are the kernel's pointers. */
  private static void run(
      Arena arena, DType dtype, LayerKernel kernel, Activation f, MemorySegment... operands) {
    int pointers = operands.length;
    MemorySegment values = arena.allocate(8L * (pointers + 3), 8);
    MemorySegment arguments = arena.allocate(ValueLayout.ADDRESS, pointers + 3);
    for (int i = 0; i < pointers; i++) {
      values.setAtIndex(ValueLayout.JAVA_LONG, i, operands[i].address());
    }
    values.setAtIndex(ValueLayout.JAVA_LONG, pointers, COUNT);
    values.setAtIndex(ValueLayout.JAVA_LONG, pointers + 1, f.kind().ordinal());
    if (dtype == DType.F32) {
      values.set(ValueLayout.JAVA_FLOAT, 8L * (pointers + 2), (float) f.alpha());
    } else {
      values.set(ValueLayout.JAVA_DOUBLE, 8L * (pointers + 2), f.alpha());
    }
    for (int i = 0; i < pointers + 3; i++) {
      arguments.setAtIndex(ValueLayout.ADDRESS, i, values.asSlice(8L * i));
    }
    HostShim.shared().launch(kernel, 3, 32, arguments);
  }

  /** Bit for bit, but that a NaN is as good as another. */
  private static void assertSame(
      MemorySegment actual, MemorySegment expected, DType dtype, String what) {
    int i = firstDifference(actual, expected, dtype);
    if (i >= 0) {
      assertThat(get(actual, dtype, i))
          .as("%s, element %d", what, i)
          .isEqualTo(get(expected, dtype, i));
    }
    for (long at = dtype.byteSize(COUNT); at < actual.byteSize(); at++) {
      assertThat(actual.get(ValueLayout.JAVA_BYTE, at)).as("guard").isEqualTo((byte) 0xFF);
    }
  }

  private static int firstDifference(MemorySegment x, MemorySegment y, DType dtype) {
    for (int i = 0; i < COUNT; i++) {
      if (Double.compare(get(x, dtype, i), get(y, dtype, i)) != 0) {
        return i;
      }
    }
    return -1;
  }

  private static double get(MemorySegment segment, DType dtype, int i) {
    return dtype == DType.F32
        ? segment.getAtIndex(ValueLayout.JAVA_FLOAT, i)
        : segment.getAtIndex(ValueLayout.JAVA_DOUBLE, i);
  }
}
