package dev.weft.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.nn.Labels;
import dev.weft.nn.Loss;
import dev.weft.testkit.Allocations;
import dev.weft.testkit.NnReference;
import dev.weft.testkit.Tensors;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Losses and their gradients: against the reference, central differences, and law 2. */
public abstract class LossContract extends BackendContract {
  private static final DType[] TYPES = {DType.F32, DType.F64};

  static List<Loss> all() {
    return List.of(
        Loss.softmaxCrossEntropy(),
        Loss.softmaxCrossEntropy(0.1),
        Loss.sigmoidCrossEntropy(),
        Loss.meanSquaredError(),
        Loss.meanAbsoluteError(),
        Loss.huber(0.7));
  }

  private static Tensor targets(Tensor target, Loss loss, SplittableRandom random) {
    int columns = (int) target.shape().dim(1);
    MemorySegment memory = Tensors.memory(target);
    for (long r = 0; r < target.shape().dim(0); r++) {
      double rest = 1;
      for (int j = 0; j < columns; j++) {
        double value =
            loss instanceof Loss.SoftmaxCrossEntropy
                ? j == columns - 1 ? rest : rest * random.nextDouble()
                : loss instanceof Loss.SigmoidCrossEntropy
                    ? random.nextDouble()
                    : random.nextDouble(-2, 2);
        rest -= value;
        Tensors.set(memory, target.dtype(), r * columns + j, value);
      }
    }
    Tensors.write(target, memory);
    return target;
  }

  @ParameterizedTest
  @MethodSource("all")
  void valueAndGradientAgreeWithTheReference(Loss loss) {
    for (DType dtype : TYPES) {
      for (int[] shape : new int[][] {{1, 1}, {3, 2}, {5, 10}, {2, 33}, {70, 17}}) {
        Shape of = Shape.of(shape[0], shape[1]);
        SplittableRandom random = new SplittableRandom(shape[1]);
        try (Tensor x = Tensors.random(backend().tensor(dtype, of), random, 4);
            Tensor target = targets(backend().tensor(dtype, of), loss, random);
            Tensor gradient = Tensors.poison(backend().tensor(dtype, of))) {
          double value = loss.gradient(x, target, gradient);
          double[][] xs = Tensors.rows(x);
          double[][] ts = Tensors.rows(target);
          double expected = NnReference.loss(loss, xs, ts);
          double tolerance = dtype == DType.F32 ? 1e-6 : 1e-13;
          assertThat(value)
              .as("%s %s %s", loss, dtype, of)
              .isCloseTo(expected, Offset.offset(tolerance * (1 + Math.abs(expected))));
          assertThat(loss.gradient(x, target, null)).isEqualTo(value);
          for (int r = 0; r < shape[0]; r++) {
            for (int j = 0; j < shape[1]; j++) {
              double old = xs[r][j];
              double h = 1e-5;
              xs[r][j] = old + h;
              double high = NnReference.loss(loss, xs, ts);
              xs[r][j] = old - h;
              double low = NnReference.loss(loss, xs, ts);
              xs[r][j] = old;
              double slope = (high - low) / (2 * h);
              double actual = gradient.get((long) r * shape[1] + j);
              double allowed = (dtype == DType.F32 ? 3e-7 : 0) / shape[0] + 2e-9;
              if (!(Math.abs(actual - slope) <= allowed)) {
                assertThat(actual).as("%s %s (%d, %d)", loss, dtype, r, j).isEqualTo(slope);
              }
            }
          }
          loss.gradient(x, target, x);
          assertThat(Tensors.values(x)).as("in place").isEqualTo(Tensors.values(gradient));
        }
      }
    }
  }

  /** A label is the row with 1 at its place. */
  @ParameterizedTest
  @CsvSource({"1, 1", "7, 10", "3, 1024", "2, 3001"})
  void labelsAreOneHotTargets(int rows, int columns) {
    for (Loss loss : List.of(Loss.softmaxCrossEntropy(), Loss.softmaxCrossEntropy(0.2))) {
      for (DType dtype : TYPES) {
        Shape of = Shape.of(rows, columns);
        SplittableRandom random = new SplittableRandom(4);
        try (Tensor x = Tensors.random(backend().tensor(dtype, of), random, 6);
            Tensor target = backend().tensor(dtype, of);
            Tensor dense = Tensors.poison(backend().tensor(dtype, of));
            Tensor sparse = Tensors.poison(backend().tensor(dtype, of))) {
          int[] labels = new int[rows];
          for (int r = 0; r < rows; r++) {
            labels[r] = random.nextInt(columns);
            for (int j = 0; j < columns; j++) {
              Tensors.set(target, (long) r * columns + j, j == labels[r] ? 1 : 0);
            }
          }
          double ofTarget = loss.gradient(x, target, dense);
          double ofLabels = loss.gradient(x, Labels.of(labels), sparse);
          double tolerance = dtype == DType.F32 ? 1e-6 : 1e-14;
          assertThat(ofLabels).isCloseTo(ofTarget, Offset.offset(tolerance * (1 + ofTarget)));
          for (long e = 0; e < of.elements(); e++) {
            assertThat(sparse.get(e)).isCloseTo(dense.get(e), Offset.offset(tolerance / rows));
          }
        }
      }
    }
  }

  /** However sure and wrong a prediction is, its loss is finite and its gradient right. */
  @Test
  void extremeLogitsStayFinite() {
    for (DType dtype : TYPES) {
      try (Tensor x = backend().tensor(dtype, Shape.of(2, 2));
          Tensor t = backend().tensor(dtype, Shape.of(2, 2));
          Tensor g = backend().tensor(dtype, Shape.of(2, 2))) {
        Tensors.put(x, 10000, -10000, -10000, 10000);
        assertThat(Loss.softmaxCrossEntropy().gradient(x, Labels.of(1, 1), g)).isEqualTo(10000);
        assertThat(Tensors.values(g)).containsExactly(0.5, -0.5, 0, 0);
        Tensors.put(t, 0, 0, 1, 1);
        assertThat(Loss.sigmoidCrossEntropy().gradient(x, t, g)).isEqualTo(5000);
        assertThat(Tensors.values(g)).containsExactly(0.25, 0, -0.25, 0);
      }
    }
  }

  /** Infinite logits, finite ones as far apart as the type goes, and targets that are 0. */
  @ParameterizedTest
  @MethodSource("all")
  void limitsAgreeWithTheReference(Loss loss) {
    for (DType dtype : TYPES) {
      double most = dtype.maxValue();
      double[] special = {0, 3, most, -most, Double.NEGATIVE_INFINITY, -2, most / 2, -1e-30};
      double[] more = {Double.POSITIVE_INFINITY, Double.NaN, -most, 1, 0, 2};
      double[] probabilities = {0, 1, 0, 0.25, 0.5};
      SplittableRandom random = new SplittableRandom(31);
      for (int trial = 0; trial < 200; trial++) {
        int columns = trial % 3 == 0 ? 1 + random.nextInt(40) : 1 + random.nextInt(4);
        double[] x = new double[columns];
        double[] t = new double[columns];
        for (int j = 0; j < columns; j++) {
          double[] from = trial % 5 == 4 && random.nextInt(columns) == 0 ? more : special;
          x[j] = dtype.nearest(from[random.nextInt(from.length)]);
          t[j] = probabilities[random.nextInt(probabilities.length)];
        }
        limit(loss, dtype, x, t);
      }
    }
  }

  private void limit(Loss loss, DType dtype, double[] x, double[] t) {
    Shape of = Shape.of(1, x.length);
    try (Tensor prediction = Tensors.put(backend().tensor(dtype, of), x);
        Tensor target = Tensors.put(backend().tensor(dtype, of), t);
        Tensor gradient = Tensors.poison(backend().tensor(dtype, of))) {
      double value = loss.gradient(prediction, target, gradient);
      String what = loss + " " + dtype + " " + Arrays.toString(x) + " " + Arrays.toString(t);
      double expected = NnReference.limit(loss, x, t);
      double tolerance = (dtype == DType.F32 ? 1e-5 : 1e-13) * (1 + Math.abs(expected));
      boolean sumIsTooLarge = expected > Double.MAX_VALUE / 100 && value > Double.MAX_VALUE;
      boolean same = Double.compare(value, expected) == 0 || sumIsTooLarge;
      if (!same && !(Math.abs(value - expected) <= tolerance)) {
        assertThat(value).as(what).isEqualTo(expected);
      }
      if (loss instanceof Loss.SoftmaxCrossEntropy entropy) {
        double[] p = NnReference.softmax(x);
        double mass = Arrays.stream(t).sum();
        for (int j = 0; j < x.length; j++) {
          double s = entropy.smoothing();
          double q = (1 - s) * t[j] + s / x.length;
          double slope = p[j] * ((1 - s) * mass + s) - q;
          double actual = gradient.get(j);
          double allowed = (dtype == DType.F32 ? 1e-6 : 1e-14) * (1 + mass);
          boolean near = Math.abs(actual - slope) <= allowed;
          assertThat(near || Double.isNaN(actual) && Double.isNaN(slope))
              .as("%s: gradient %s for %s", what, actual, slope)
              .isTrue();
        }
      }
    }
  }

  /** 0·∞ is 0 whether a class comes as a label or as a target. */
  @Test
  void whatATargetDoesNotHoldCostsNothing() {
    double infinite = Double.POSITIVE_INFINITY;
    for (DType dtype : TYPES) {
      Shape of = Shape.of(1, 2);
      try (Tensor x = Tensors.put(backend().tensor(dtype, of), 0, -infinite);
          Tensor t = Tensors.put(backend().tensor(dtype, of), 1, 0);
          Tensor g = backend().tensor(dtype, of)) {
        Loss softmax = Loss.softmaxCrossEntropy();
        assertThat(softmax.gradient(x, Labels.of(0), g)).isZero();
        assertThat(softmax.gradient(x, t, g)).isZero();
        assertThat(Tensors.values(g)).containsExactly(0, 0);
        assertThat(softmax.gradient(x, Labels.of(1), g)).isEqualTo(infinite);
        Tensors.put(t, 0, 1);
        assertThat(softmax.gradient(x, t, g)).isEqualTo(infinite);
        assertThat(Tensors.values(g)).containsExactly(1, -1);
        Tensors.put(x, infinite, -infinite);
        Tensors.put(t, 1, 0);
        assertThat(Loss.sigmoidCrossEntropy().gradient(x, t, g)).isZero();
        assertThat(Tensors.values(g)).containsExactly(0, 0);
        Tensors.put(t, 1, 0.5);
        assertThat(Loss.sigmoidCrossEntropy().gradient(x, t, g)).isEqualTo(infinite);
      }
    }
  }

  /** Law 2, in many chunks. */
  @ParameterizedTest
  @MethodSource("all")
  void threadsAndTechniqueChangeNoBit(Loss loss) {
    for (DType dtype : TYPES) {
      for (Shape of : List.of(Shape.of(1301, 37), Shape.of(9, 3011))) { // more than a tile, too
        Object[] expected = run(scalar(), loss, dtype, of);
        for (int threads : new int[] {1, 2, 3}) {
          try (Backend backend = open(threads)) {
            Object[] actual = run(backend, loss, dtype, of);
            assertThat(actual[0]).as("%s %s", loss, dtype).isEqualTo(expected[0]);
            assertThat(actual[1]).as("%s %s", loss, dtype).isEqualTo(expected[1]);
          }
        }
      }
    }
  }

  private static Object[] run(Backend backend, Loss loss, DType dtype, Shape of) {
    SplittableRandom random = new SplittableRandom(2);
    try (Tensor x = Tensors.random(backend.tensor(dtype, of), random, 9);
        Tensor target = targets(backend.tensor(dtype, of), loss, random);
        Tensor gradient = backend.tensor(dtype, of)) {
      double value = loss.gradient(x, target, gradient);
      return new Object[] {value, Tensors.values(gradient)};
    }
  }

  @Test
  void badArgumentsAreNamed() {
    Loss loss = Loss.softmaxCrossEntropy();
    try (Tensor x = backend().tensor(DType.F32, Shape.of(2, 3));
        Tensor wide = backend().tensor(DType.F32, Shape.of(2, 4));
        Tensor f64 = backend().tensor(DType.F64, Shape.of(2, 3));
        Tensor scalar = backend().tensor(DType.F32, Shape.of())) {
      assertThatThrownBy(() -> loss.gradient(x, wide, null))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "loss: need prediction and target of one shape, got prediction=[2, 3],"
                  + " target=[2, 4]");
      assertThatThrownBy(() -> loss.gradient(x, f64, null))
          .hasMessage("loss: need target of f32, got target=f64");
      assertThatThrownBy(() -> loss.gradient(x, Labels.of(0, 3), null))
          .hasMessage("loss: need labels in [0, C), got label[1]=3, C=3");
      assertThatThrownBy(() -> loss.gradient(x, Labels.of(-1, 0), null))
          .hasMessage("loss: need labels in [0, C), got label[0]=-1, C=3");
      assertThatThrownBy(() -> loss.gradient(x, Labels.of(0), null))
          .hasMessage("loss: need a label for each row, got labels=1, prediction=[2, 3]");
      assertThatThrownBy(() -> Loss.huber(1).gradient(x, Labels.of(0, 1), null))
          .hasMessageStartingWith("loss: need a softmax cross-entropy for labels, got loss=");
      assertThatThrownBy(() -> loss.gradient(scalar, scalar, null))
          .hasMessageStartingWith("loss: need at least one dimension");
      assertThatThrownBy(() -> Loss.huber(1e-46).gradient(x, x, null))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("loss: need finite delta > 0 in f32, got delta=1.0E-46");
      assertThatThrownBy(() -> Loss.huber(1e39).gradient(x, x, null))
          .hasMessage("loss: need finite delta > 0 in f32, got delta=1.0E39");
      assertThatThrownBy(() -> Loss.softmaxCrossEntropy(1 - 0x1p-30).gradient(x, x, null))
          .hasMessage("loss: need 0 <= smoothing < 1 in f32, got smoothing=" + (1 - 0x1p-30));
      Loss.huber(1e-46).gradient(f64, f64, null); // f64 holds it
      assertThatThrownBy(() -> loss.gradient(x, x, x))
          .hasMessageStartingWith("loss: need gradient apart from target in memory");
    }
    assertThatThrownBy(() -> Loss.huber(Double.NaN))
        .hasMessage("loss: need finite delta > 0, got delta=NaN");
    assertThatThrownBy(() -> Loss.softmaxCrossEntropy(1))
        .hasMessage("loss: need 0 <= smoothing < 1, got smoothing=1.0");
    assertThatThrownBy(() -> Labels.of(MemorySegment.ofArray(new byte[5])))
        .hasMessage("labels: need whole 32-bit integers, got byteSize=5");
  }

  @Test
  void aRepeatedLossAllocatesNothing() {
    for (Loss loss : all()) {
      Shape of = Shape.of(300, 70);
      try (Tensor x = Tensors.random(backend().tensor(DType.F32, of), new SplittableRandom(1), 4);
          Tensor target = targets(backend().tensor(DType.F32, of), loss, new SplittableRandom(2));
          Tensor gradient = backend().tensor(DType.F32, of);
          Tensor value = backend().tensor(DType.F64, Shape.of(1))) {
        Allocations.assertNone(loss.toString(), 4, () -> loss.gradient(x, target, gradient, value));
      }
    }
  }
}
