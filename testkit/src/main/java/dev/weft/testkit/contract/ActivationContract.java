package dev.weft.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.nn.Activation;
import dev.weft.nn.Activation.Kind;
import dev.weft.testkit.NnReference;
import dev.weft.testkit.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Activations of tensors: near the reference, the same bits for every number of threads, technique
 * and position, and no other byte written. The errors of single values are measured elsewhere.
 */
public abstract class ActivationContract extends BackendContract {
  private static final DType[] TYPES = {DType.F32, DType.F64};
  private static final long[] SIZES = {0, 1, 3, 15, 16, 17, 33, 1023, 1024, 1025, 16385, 40001};
  private static final int EDGE = 37;

  static List<Activation> all() {
    List<Activation> all = new ArrayList<>();
    for (Kind kind : Kind.values()) {
      all.add(Activation.parse(kind.id()));
    }
    all.add(Activation.leakyRelu(0.3));
    all.add(Activation.elu(0.7));
    return all;
  }

  /** A relative and absolute tolerance that only a wrong formula exceeds. */
  private static double tolerance(DType dtype, double expected) {
    return (dtype == DType.F32 ? 2e-6 : 1e-13) * Math.max(Math.abs(expected), 0.1);
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void isNearTheReferenceAndWritesNothingElse(Kind kind) {
    Activation f = Activation.parse(kind.id());
    for (DType dtype : TYPES) {
      for (long size : SIZES) {
        long width = kind.ofRow() ? Math.max(1, Math.min(size, 7 + size / 5)) : size;
        Shape shape = kind.ofRow() ? Shape.of(size / width, width) : Shape.of(size);
        check(f, dtype, shape);
      }
    }
  }

  private void check(Activation f, DType dtype, Shape shape) {
    long n = shape.elements();
    int bytes = dtype.byteSize();
    byte[] memory = new byte[(int) (n * bytes) + 2 * EDGE];
    Arrays.fill(memory, (byte) 0xFF);
    var middle = java.lang.foreign.MemorySegment.ofArray(memory).asSlice(EDGE, n * bytes);
    try (Tensor x = backend().tensor(dtype, shape);
        Tensor y = backend().wrap(middle, dtype, shape)) {
      Tensors.random(x, new SplittableRandom(n), 8);
      f.forward(x, y);
      double[][] rows = shape.rank() > 1 ? Tensors.rows(x) : new double[][] {Tensors.values(x)};
      long at = 0;
      for (double[] row : rows) {
        for (double expected : NnReference.activate(f, row)) {
          double error = Math.abs(y.get(at++) - expected);
          if (!(error <= tolerance(dtype, expected))) {
            assertThat(y.get(at - 1)).as("%s %s element %d", f, shape, at - 1).isEqualTo(expected);
          }
        }
      }
    }
    for (int i = 0; i < EDGE; i++) {
      assertThat(memory[i] & memory[memory.length - 1 - i]).as("guard").isEqualTo(-1);
    }
  }

  /** Σ dy·f(z) by central differences in f64, for every element of z. */
  @ParameterizedTest
  @EnumSource(Kind.class)
  void derivativesAgreeWithCentralDifferences(Kind kind) {
    Activation f = Activation.parse(kind.id());
    int width = 24;
    SplittableRandom random = new SplittableRandom(7);
    for (DType dtype : TYPES) {
      try (Tensor z = backend().tensor(dtype, Shape.of(5, width));
          Tensor y = backend().tensor(dtype, Shape.of(5, width));
          Tensor dy = backend().tensor(dtype, Shape.of(5, width));
          Tensor dz = backend().tensor(dtype, Shape.of(5, width))) {
        Tensors.random(z, random, 4);
        Tensors.random(dy, random, 2);
        Tensors.poison(dz);
        f.forward(z, y);
        f.backward(kind.derivativeOfInput() ? z : y, dy, dz);
        double[][] rows = Tensors.rows(z);
        double[][] weights = Tensors.rows(dy);
        for (int r = 0; r < 5; r++) {
          for (int i = 0; i < width; i++) {
            double expected = difference(f, rows[r], weights[r], i);
            assertThat(dz.get(r * width + i))
                .as("%s %s at z=%s", f, dtype, rows[r][i])
                .isCloseTo(
                    expected,
                    org.assertj.core.data.Offset.offset(
                        dtype == DType.F32 ? 4e-6 * (1 + Math.abs(expected)) : 3e-9));
          }
        }
      }
    }
  }

  private static double difference(Activation f, double[] z, double[] dy, int i) {
    double h = 1e-5;
    double[] up = z.clone();
    double[] down = z.clone();
    up[i] += h;
    down[i] -= h;
    double[] high = NnReference.activate(f, up);
    double[] low = NnReference.activate(f, down);
    double sum = 0;
    for (int j = 0; j < z.length; j++) {
      sum += dy[j] * (high[j] - low[j]);
    }
    return sum / (2 * h);
  }

  /** Law 2; and in place as well as not. */
  @Test
  void threadsAndTechniqueChangeNoBit() {
    for (Activation f : all()) {
      for (DType dtype : TYPES) {
        double[][] expected = both(scalar(), f, dtype, false);
        for (int threads : new int[] {1, 2, 3}) {
          try (Backend backend = open(threads)) {
            double[][] actual = both(backend, f, dtype, threads == 2);
            assertThat(actual[0]).as("%s %s forward", f, dtype).isEqualTo(expected[0]);
            assertThat(actual[1]).as("%s %s backward", f, dtype).isEqualTo(expected[1]);
          }
        }
      }
    }
  }

  private static double[][] both(Backend backend, Activation f, DType dtype, boolean inPlace) {
    SplittableRandom random = new SplittableRandom(5);
    Shape shape = Shape.of(19, 1133);
    try (Tensor z = Tensors.random(backend.tensor(dtype, shape), random, 20);
        Tensor dy = Tensors.random(backend.tensor(dtype, shape), random, 2);
        Tensor y = backend.tensor(dtype, shape);
        Tensor dz = backend.tensor(dtype, shape)) {
      f.forward(z, y);
      f.backward(f.kind().derivativeOfInput() ? z : y, dy, inPlace ? dy : dz);
      double[] gradient = Tensors.values(inPlace ? dy : dz);
      if (inPlace) {
        f.forward(z, z);
      }
      return new double[][] {Tensors.values(inPlace ? z : y), gradient};
    }
  }

  /** A row of a softmax is a distribution, however far its logits lie apart. */
  @Test
  void softmaxOfExtremes() {
    double inf = Double.POSITIVE_INFINITY;
    for (DType dtype : TYPES) {
      try (Tensor x = backend().tensor(dtype, Shape.of(4, 3));
          Tensor y = backend().tensor(dtype, Shape.of(4, 3))) {
        Tensors.put(x, 1000, 0, -1000, -inf, 2, 2, -1e30, -1e30, -1e30, 0, Double.NaN, 0);
        Activation.SOFTMAX.forward(x, y);
        double third = dtype.nearest(1.0 / 3);
        double[] p = Tensors.values(y);
        assertThat(Arrays.copyOf(p, 6)).containsExactly(1, 0, 0, 0, 0.5, 0.5);
        assertThat(Arrays.copyOfRange(p, 6, 9)).containsExactly(third, third, third);
        assertThat(Arrays.copyOfRange(p, 9, 12)).containsOnly(Double.NaN);
        Activation.LOG_SOFTMAX.forward(x, y);
        p = Tensors.values(y);
        assertThat(Arrays.copyOf(p, 4)).containsExactly(0, -1000, -2000, -inf);
      }
    }
  }

  @Test
  void badArgumentsAreNamed() {
    try (Backend other = open(1);
        Tensor x = backend().tensor(DType.F32, Shape.of(4, 2));
        Tensor y = backend().tensor(DType.F32, Shape.of(2, 4));
        Tensor f64 = backend().tensor(DType.F64, Shape.of(4, 2));
        Tensor half = backend().tensor(DType.F16, Shape.of(4, 2));
        Tensor foreign = other.tensor(DType.F32, Shape.of(4, 2))) {
      Activation f = Activation.RELU;
      assertThatThrownBy(() -> f.forward(x, y))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("activation: need x and y of one shape, got x=[4, 2], y=[2, 4]");
      assertThatThrownBy(() -> f.forward(x, f64))
          .hasMessage("activation: need y of f32, got y=f64");
      assertThatThrownBy(() -> f.forward(half, half))
          .hasMessage("activation: need f32 or f64, got x=f16");
      assertThatThrownBy(() -> f.forward(x, foreign))
          .hasMessageStartingWith("activation: need tensors of one backend, got y=");
      float[] memory = new float[9];
      Tensor one = backend().wrap(memory, Shape.of(4, 2));
      Tensor same = backend().wrap(memory, Shape.of(4, 2));
      assertThatThrownBy(() -> f.forward(one, same))
          .hasMessageStartingWith("activation: need x apart from y in memory");
      assertThatThrownBy(() -> f.backward(one, x, same))
          .hasMessageStartingWith("activation: need dz apart from saved in memory");
      Tensor closed = backend().tensor(DType.F32, Shape.of(4, 2));
      closed.close();
      assertThatThrownBy(() -> f.forward(x, closed)).isInstanceOf(ClosedException.class);
      f.forward(x, x); // nothing is held open by what was refused
    }
    assertThatThrownBy(() -> Activation.leakyRelu(Double.NaN))
        .hasMessage("activation: need finite alpha >= 0, got alpha=NaN");
    assertThatThrownBy(() -> new Activation(Kind.RELU, 1))
        .hasMessage("activation: need alpha 0 for relu, got alpha=1.0");
    assertThatThrownBy(() -> Activation.parse("swish"))
        .hasMessageStartingWith("activation: need one of linear, relu, ");
  }
}
