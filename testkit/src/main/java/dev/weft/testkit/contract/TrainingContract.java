package dev.weft.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Initializers;
import dev.weft.nn.Activation;
import dev.weft.nn.Dense;
import dev.weft.nn.Labels;
import dev.weft.nn.Loss;
import dev.weft.nn.Mlp;
import dev.weft.nn.Optimizer;
import dev.weft.nn.OptimizerState;
import dev.weft.nn.Write;
import dev.weft.testkit.Allocations;
import dev.weft.testkit.NnReference;
import dev.weft.testkit.Tensors;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Optimizers and stacks of layers: against the reference, and law 2 through whole trainings. */
public abstract class TrainingContract extends BackendContract {
  private static final DType[] TYPES = {DType.F32, DType.F64};

  static List<Optimizer> optimizers() {
    return List.of(
        Optimizer.sgd(0.1),
        Optimizer.momentum(0.05, 0.9),
        Optimizer.nesterov(0.05, 0.9),
        Optimizer.adam(0.01),
        Optimizer.adamW(0.01, 0.1),
        Optimizer.rmsProp(0.01));
  }

  @ParameterizedTest
  @MethodSource("optimizers")
  void tenStepsAgreeWithTheReference(Optimizer optimizer) {
    for (DType dtype : TYPES) {
      for (int n : new int[] {0, 1, 15, 17, 1025, 40000}) {
        SplittableRandom random = new SplittableRandom(n);
        try (Tensor w = Tensors.random(backend().tensor(dtype, Shape.of(n)), random, 1);
            Tensor g = backend().tensor(dtype, Shape.of(n));
            OptimizerState state = optimizer.state(w)) {
          double[] expected = Tensors.values(w);
          double[][] slots = new double[n][2];
          for (int t = 1; t <= 10; t++) {
            Tensors.random(g, random, 1);
            double[] gradients = Tensors.values(g);
            state.update(g);
            for (int i = 0; i < n; i++) {
              expected[i] = NnReference.update(optimizer, t, expected[i], gradients[i], slots[i]);
            }
          }
          double tolerance = dtype == DType.F32 ? 2e-5 : 1e-13;
          for (int i = 0; i < n; i++) {
            if (!(Math.abs(w.get(i) - expected[i]) <= tolerance)) {
              assertThat(w.get(i)).as("%s %s %d", optimizer, dtype, i).isEqualTo(expected[i]);
            }
          }
          assertThat(state.steps()).isEqualTo(10);
        }
      }
    }
  }

  /** The gradients are scaled as one vector. */
  @Test
  void clippingScalesAllGradientsAlike() {
    double[][] free = oneStep(1e9);
    double[][] clipped = oneStep(0.01);
    double norm = 0;
    for (double[] gradient : free) {
      for (double value : gradient) {
        norm += value * value;
      }
    }
    norm = Math.sqrt(norm);
    assertThat(norm).isGreaterThan(0.01);
    for (int p = 0; p < free.length; p++) {
      for (int i = 0; i < free[p].length; i++) {
        double expected = free[p][i] * (0.01 / norm);
        assertThat(clipped[p][i]).isCloseTo(expected, Offset.offset(1e-15));
      }
    }
  }

  /** What one step of plain descent at rate 1 takes from each weight. */
  private double[][] oneStep(double clip) {
    try (Mlp mlp =
            Mlp.of(6)
                .dense(7, Activation.TANH)
                .dense(3, Activation.SOFTMAX)
                .dtype(DType.F64)
                .optimizer(Optimizer.sgd(1))
                .clipNorm(clip)
                .build(backend(), KEY);
        Tensor x = backend().tensor(DType.F64, Shape.of(4, 6))) {
      Tensors.random(x, new SplittableRandom(1), 1);
      List<double[]> before = mlp.parameters().values().stream().map(Tensors::values).toList();
      mlp.trainStep(x, Labels.of(0, 1, 2, 1));
      List<double[]> after = mlp.parameters().values().stream().map(Tensors::values).toList();
      double[][] step = new double[before.size()][];
      for (int p = 0; p < step.length; p++) {
        step[p] = new double[before.get(p).length];
        for (int i = 0; i < step[p].length; i++) {
          step[p][i] = before.get(p)[i] - after.get(p)[i];
        }
      }
      return step;
    }
  }

  /** Gradients whose squares f64 does not hold, and factors that f32 does not. */
  @Test
  void normsNeitherOverflowNorUnderflow() {
    assertClipped(DType.F64, 1e100, 1); // a gradient of (2e200, 2e100)
    assertClipped(DType.F64, 1e-100, 1e-250);
    assertClipped(DType.F64, 1e-70, 1e-200);
    assertClipped(DType.F64, 3e150, 1e-300);
    assertClipped(DType.F64, 1e-150, 1);
    assertClipped(DType.F64, 1e-150, 1e-200);
    assertClipped(DType.F32, 1e19, 1e-8);
    assertClipped(DType.F32, 1e-15, 1e-40);
    assertClipped(DType.F64, 3, 0.5);
  }

  /** One step of plain descent from w = 1 and no bias, for the loss x² of the target 0. */
  private void assertClipped(DType dtype, double x, double clip) {
    try (Mlp mlp =
            Mlp.of(1)
                .dense(1, Activation.LINEAR)
                .kernel(Initializers.zeros())
                .bias(Initializers.zeros())
                .dtype(dtype)
                .loss(Loss.meanSquaredError())
                .optimizer(Optimizer.sgd(1))
                .clipNorm(clip)
                .build(backend(), KEY);
        Tensor in = Tensors.put(backend().tensor(dtype, Shape.of(1, 1)), x);
        Tensor target = Tensors.put(backend().tensor(dtype, Shape.of(1, 1)), x)) {
      mlp.trainStep(in, target);
      BigDecimal rounded = new BigDecimal(dtype.nearest(x));
      BigDecimal slope = rounded.multiply(BigDecimal.valueOf(-2)); // by the bias: 2·(0 − x)
      BigDecimal steep = slope.multiply(rounded); // by the kernel
      MathContext digits = new MathContext(60);
      BigDecimal norm = steep.pow(2).add(slope.pow(2)).sqrt(digits);
      BigDecimal factor = new BigDecimal(clip).divide(norm, digits).min(BigDecimal.ONE);
      double least = dtype == DType.F32 ? 0x1p-149 : 0x1p-1074;
      double precision = dtype == DType.F32 ? 0x1p-21 : 0x1p-50;
      double[] expected = {
        steep.multiply(factor).negate().doubleValue(), slope.multiply(factor).negate().doubleValue()
      };
      double[] actual = {
        mlp.parameters().get("dense0/kernel").get(0), mlp.parameters().get("dense0/bias").get(0)
      };
      for (int i = 0; i < 2; i++) {
        double allowed = precision * Math.abs(expected[i]) + least;
        assertThat(actual[i])
            .as("%s x=%s clip=%s", dtype, x, clip)
            .isCloseTo(expected[i], Offset.offset(allowed));
      }
    }
  }

  /** What f64 holds and f32 does not is refused when the type is known, before anything changes. */
  @Test
  void numbersMustKeepToTheirRangesInTheirType() {
    Map<Optimizer, String> bad = new LinkedHashMap<>();
    bad.put(Optimizer.sgd(1e39), "finite rate >= 0 in f32, got rate=1.0E39");
    bad.put(Optimizer.momentum(1, 1 - 0x1p-30), "0 <= momentum < 1 in f32, got momentum=0.99");
    bad.put(Optimizer.nesterov(1, 1 - 0x1p-30), "0 <= momentum < 1 in f32, got momentum=0.99");
    bad.put(new Optimizer.RmsProp(1, 1 - 0x1p-30, 1), "0 <= rho < 1 in f32, got rho=0.99");
    bad.put(new Optimizer.RmsProp(1, 0, 1e-46), "finite epsilon > 0 in f32, got epsilon=1.0E-46");
    bad.put(new Optimizer.Adam(1, 1 - 0x1p-30, 0, 1), "0 <= beta1 < 1 in f32, got beta1=0.99");
    bad.put(new Optimizer.Adam(1, 0, 1 - 0x1p-30, 1), "0 <= beta2 < 1 in f32, got beta2=0.99");
    bad.put(new Optimizer.Adam(1, 0, 0, 1e39), "finite epsilon > 0 in f32, got epsilon=1.0E39");
    bad.put(
        new Optimizer.Adam(1e38, 0.9, 0, 1),
        "finite rate/(1 − beta1) in f32, got rate=1.0E38, beta1=0.9");
    bad.put(
        new Optimizer.AdamW(1, 0.9, 0.999, 1e-46, 0),
        "finite epsilon > 0 in f32, got epsilon=1.0E-46");
    bad.put(Optimizer.adamW(1, 1e39), "finite decay >= 0 in f32, got decay=1.0E39");
    bad.put(Optimizer.adamW(1e20, 1e20), "finite rate·decay in f32, got rate=1.0E20, decay=1.0E20");
    Mlp.Builder model = Mlp.of(1).dense(1, Activation.LINEAR);
    try (Tensor w = Tensors.put(backend().tensor(DType.F32, Shape.of(1)), 1);
        Tensor g = Tensors.put(backend().tensor(DType.F32, Shape.of(1)), 0);
        Tensor wide = Tensors.put(backend().tensor(DType.F64, Shape.of(1)), 1);
        Tensor zero = Tensors.put(backend().tensor(DType.F64, Shape.of(1)), 0)) {
      bad.forEach(
          (rule, message) -> {
            assertThatThrownBy(() -> rule.state(w))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("optimizer: need " + message);
            assertThatThrownBy(() -> model.optimizer(rule).build(backend(), KEY))
                .hasMessageStartingWith("optimizer: need " + message);
            try (OptimizerState state = rule.state(wide)) { // f64 holds it
              state.update(zero);
            }
          });
      assertThat(wide.get(0)).isFinite();
      try (OptimizerState state = Optimizer.adam(0.1).state(w)) {
        Optimizer next = new Optimizer.Adam(0.1, 0.9, 0.999, 1e-46);
        assertThatThrownBy(() -> state.optimizer(next))
            .hasMessage("optimizer: need finite epsilon > 0 in f32, got epsilon=1.0E-46");
        state.update(g);
        assertThat(w.get(0)).as("a gradient of 0").isEqualTo(1);
      }
      for (Optimizer least :
          List.of(
              new Optimizer.Adam(1, 0.9, 0.999, 0x1p-149),
              new Optimizer.RmsProp(1, 0.9, 0x1p-149))) {
        try (OptimizerState state = least.state(w)) {
          state.update(g);
          assertThat(w.get(0)).as("%s", least).isEqualTo(1);
        }
      }
      assertThatThrownBy(() -> Activation.leakyRelu(1e39).forward(w, g))
          .hasMessage("activation: need finite alpha >= 0 in f32, got alpha=1.0E39");
      assertThatThrownBy(() -> Activation.elu(1e39).backward(w, g, g))
          .hasMessage("activation: need finite alpha >= 0 in f32, got alpha=1.0E39");
      Activation.elu(1e39).forward(zero, zero);
    }
    model.optimizer(Optimizer.sgd(1));
    assertThatThrownBy(() -> model.clipNorm(1e-46).build(backend(), KEY))
        .hasMessage("mlp: need finite clipNorm > 0 in f32, got clipNorm=1.0E-46");
    model.clipNorm(1);
    assertThatThrownBy(() -> model.loss(Loss.huber(1e39)).build(backend(), KEY))
        .hasMessage("loss: need finite delta > 0 in f32, got delta=1.0E39");
    model.loss(Loss.meanSquaredError()).dense(1, Activation.elu(1e39));
    assertThatThrownBy(() -> model.build(backend(), KEY))
        .hasMessage("activation: need finite alpha >= 0 in f32, got alpha=1.0E39");
    model.dtype(DType.F64).build(backend(), KEY).close();
    assertThatThrownBy(() -> new Optimizer.Adam(1, 0, 0, 0))
        .hasMessage("optimizer: need finite epsilon > 0, got epsilon=0.0");
  }

  static List<Activation> hidden() {
    List<Activation> all = new ArrayList<>();
    for (Activation f : ActivationContract.all()) {
      if (!f.kind().ofRow()) {
        all.add(f);
      }
    }
    return all;
  }

  /** The loss by every weight of a stack, by central differences in f64. */
  @ParameterizedTest
  @MethodSource("hidden")
  void gradientsOfAStackAgreeWithCentralDifferences(Activation f) {
    try (Mlp mlp =
            Mlp.of(5)
                .dense(6, f)
                .dense(4, f)
                .dense(3, Activation.SOFTMAX)
                .bias(Initializers.uniform(-0.1, 0.1))
                .dtype(DType.F64)
                .build(backend(), KEY);
        Tensor x = backend().tensor(DType.F64, Shape.of(7, 5))) {
      Tensors.random(x, new SplittableRandom(3), 1);
      Labels labels = Labels.of(0, 1, 2, 2, 1, 0, 1);
      mlp.backward(x, labels);
      List<double[]> gradients = new ArrayList<>();
      for (Dense.Gradients g : mlp.gradients()) {
        gradients.add(Tensors.values(g.kernel()));
        gradients.add(Tensors.values(g.bias()));
      }
      int p = 0;
      for (Tensor w : mlp.parameters().values()) {
        for (int i = 0; i < w.shape().elements(); i++) {
          double old = w.get(i);
          double h = 1e-5;
          Tensors.set(w, i, old + h);
          double high = mlp.backward(x, labels);
          Tensors.set(w, i, old - h);
          double low = mlp.backward(x, labels);
          Tensors.set(w, i, old);
          double slope = (high - low) / (2 * h);
          assertThat(gradients.get(p)[i])
              .as("%s weight %d of %d", f, i, p)
              .isCloseTo(slope, Offset.offset(1e-8));
        }
        p++;
      }
    }
  }

  /** Law 2: training gives the same weights, bit for bit. */
  @Test
  void threadsAndTechniqueChangeNoBitOfATraining() {
    assumeProductsAreTheCpus();
    for (Optimizer optimizer : optimizers()) {
      for (DType dtype : TYPES) {
        List<double[]> expected = trained(scalar(), optimizer, dtype);
        for (int threads : new int[] {1, 2}) {
          try (Backend backend = open(threads)) {
            List<double[]> actual = trained(backend, optimizer, dtype);
            for (int p = 0; p < expected.size(); p++) {
              assertThat(actual.get(p)).as("%s %s", optimizer, dtype).isEqualTo(expected.get(p));
            }
          }
        }
      }
    }
  }

  private static List<double[]> trained(Backend backend, Optimizer optimizer, DType dtype) {
    SplittableRandom random = new SplittableRandom(8);
    try (Mlp mlp =
            Mlp.of(30)
                .dense(290, Activation.GELU)
                .dense(70, Activation.RELU)
                .dense(10, Activation.SOFTMAX)
                .kernel(Initializers.heNormal())
                .optimizer(optimizer)
                .clipNorm(1)
                .dtype(dtype)
                .build(backend, KEY);
        Tensor x = backend.tensor(dtype, Shape.of(70, 30))) {
      int[] labels = new int[70];
      for (int step = 0; step < 3; step++) {
        Tensors.random(x, random, 1);
        for (int i = 0; i < labels.length; i++) {
          labels[i] = random.nextInt(10);
        }
        mlp.trainStep(x, Labels.of(labels));
      }
      return mlp.parameters().values().stream().map(Tensors::values).toList();
    }
  }

  /** A stack learns what a line cannot tell apart; its output is what the loss is of. */
  @Test
  void aStackLearnsExclusiveOr() {
    try (Mlp mlp =
            Mlp.of(2)
                .dense(16, Activation.TANH)
                .dense(1, Activation.SIGMOID)
                .loss(Loss.sigmoidCrossEntropy())
                .optimizer(Optimizer.adam(0.05))
                .build(backend(), KEY);
        Tensor x = backend().tensor(DType.F32, Shape.of(4, 2));
        Tensor t = backend().tensor(DType.F32, Shape.of(4, 1));
        Tensor y = backend().tensor(DType.F32, Shape.of(4, 1))) {
      Tensors.put(x, 0, 0, 0, 1, 1, 0, 1, 1);
      Tensors.put(t, 0, 1, 1, 0);
      assertThat(mlp.loss()).isNaN();
      mlp.trainStep(x, t);
      assertThat(mlp.loss()).isBetween(0.3, 1.5);
      for (int step = 0; step < 300; step++) {
        mlp.trainStep(x, t);
      }
      assertThat(mlp.loss()).isLessThan(0.05);
      mlp.forward(x, y);
      for (int i = 0; i < 4; i++) {
        assertThat(y.get(i)).isCloseTo(t.get(i), Offset.offset(0.1));
      }
    }
  }

  /** Memory confined to a thread is that thread's alone, also where others could help. */
  @Test
  void memoryOfOneThreadGivesTheSameBits() {
    double[][] expected = new double[4][];
    for (int confined = -1; confined < 12; confined++) {
      try (Arena arena = Arena.ofConfined()) {
        double[][] actual = pass(arena, confined);
        for (int i = 0; i < actual.length; i++) {
          if (confined < 0) {
            expected[i] = actual[i];
          }
          assertThat(actual[i]).as("operand %d", confined).isEqualTo(expected[i]);
        }
      }
    }
  }

  /** A layer forward and backward, a loss and an update, one operand in memory of the arena. */
  private double[][] pass(Arena arena, int confined) {
    SplittableRandom random = new SplittableRandom(1);
    long[][] shapes = {
      {300, 270},
      {270, 130},
      {130},
      {300, 130},
      {300, 130},
      {300, 130},
      {300, 130},
      {300, 270},
      {270, 130},
      {130},
      {1}
    };
    List<Tensor> tensors = new ArrayList<>();
    for (int i = 0; i < shapes.length; i++) {
      DType dtype = i == 10 ? DType.F64 : DType.F32;
      Shape shape = Shape.of(shapes[i]);
      long byteSize = dtype.byteSize(shape.elements());
      Tensor tensor =
          i == confined
              ? backend().wrap(arena.allocate(byteSize), dtype, shape)
              : backend().tensor(dtype, shape);
      tensors.add(Tensors.random(tensor, random, 1));
    }
    Tensor x = tensors.get(0);
    Tensor w = tensors.get(1);
    Tensor z = tensors.get(3);
    Tensor y = tensors.get(4);
    Tensor dy = tensors.get(5);
    Tensor residual = tensors.get(6);
    MemorySegment ints =
        confined == 11 ? arena.allocate(1200) : MemorySegment.ofArray(new int[300]);
    Dense.Gradients gradients = new Dense.Gradients(tensors.get(8), tensors.get(9));
    try (Dense layer = Dense.of(w, tensors.get(2), Activation.GELU);
        OptimizerState state = Optimizer.adam(0.1).state(w)) {
      layer.forwardKeeping(x, z, y);
      layer.forwardAdding(x, residual, y);
      Loss.softmaxCrossEntropy().gradient(y, Labels.of(ints), dy, tensors.get(10));
      layer.backwardKept(x, z, dy, tensors.get(7), gradients, Write.OVERWRITE);
      state.update(tensors.get(8));
      double[] loss = {tensors.get(10).get(0)};
      return new double[][] {
        Tensors.values(w), Tensors.values(tensors.get(9)), Tensors.values(tensors.get(7)), loss
      };
    } finally {
      tensors.forEach(Tensor::close);
    }
  }

  /** Who serves batches of any size does not collect tensors for each. */
  @Test
  void tensorsOfFewBatchSizesAreKept() {
    try (Mlp mlp =
        Mlp.of(3).dense(400, Activation.RELU).dense(2, Activation.SOFTMAX).build(backend(), KEY)) {
      long most = 0;
      for (int batch = 1; batch <= 40; batch++) {
        try (Tensor x =
            Tensors.random(
                backend().tensor(DType.F32, Shape.of(batch, 3)), new SplittableRandom(1), 1)) {
          mlp.trainStep(x, Labels.of(new int[batch]));
          if (batch == 1) {
            most = backend().memory().allocatedBytes();
          }
        }
      }
      long grown = backend().memory().allocatedBytes() - most;
      assertThat(grown).isLessThan(5L * 40 * 2 * (400 + 2 + 16) * Float.BYTES);
    }
  }

  @Test
  void badArgumentsAreNamed() {
    try (Mlp mlp =
            Mlp.of(3).dense(4, Activation.RELU).dense(2, Activation.SOFTMAX).build(backend(), KEY);
        Tensor x = backend().tensor(DType.F32, Shape.of(5, 3));
        Tensor wide = backend().tensor(DType.F32, Shape.of(5, 4));
        Tensor empty = backend().tensor(DType.F32, Shape.of(0, 3));
        OptimizerState state = Optimizer.adam(1).state(x)) {
      List<double[]> before = mlp.parameters().values().stream().map(Tensors::values).toList();
      assertThatThrownBy(() -> mlp.trainStep(wide, Labels.of(0, 0, 0, 0, 0)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("mlp: need x [B, 3], got x=[5, 4]");
      assertThatThrownBy(() -> mlp.trainStep(empty, Labels.of()))
          .hasMessage("mlp: need at least one example, got x=[0, 3]");
      assertThatThrownBy(() -> mlp.trainStep(x, Labels.of(0, 0, 0, 0, 2)))
          .hasMessage("loss: need labels in [0, C), got label[4]=2, C=2");
      assertThatThrownBy(() -> mlp.optimizer(Optimizer.sgd(1)))
          .hasMessageStartingWith("optimizer: need the same kind of rule, got old=");
      List<double[]> after = mlp.parameters().values().stream().map(Tensors::values).toList();
      for (int p = 0; p < before.size(); p++) {
        assertThat(after.get(p)).isEqualTo(before.get(p));
      }
      assertThatThrownBy(() -> state.update(wide))
          .hasMessage(
              "update: need parameter and gradient of one shape, got parameter=[5, 3],"
                  + " gradient=[5, 4]");
      assertThatThrownBy(() -> state.update(x))
          .hasMessageStartingWith("update: need gradient apart from parameter in memory");
      Mlp closed = Mlp.of(3).dense(4, Activation.RELU).build(backend(), KEY);
      closed.close();
      closed.close();
      assertThatThrownBy(() -> closed.trainStep(x, Labels.of(0, 0, 0, 0, 1)))
          .isInstanceOf(ClosedException.class)
          .hasMessage("mlp: need an open perceptron, got mlp=Mlp 3 → 4 relu");
    }
    assertThatThrownBy(() -> Optimizer.adam(Double.NaN))
        .hasMessage("optimizer: need finite rate >= 0, got rate=NaN");
    assertThatThrownBy(() -> Optimizer.momentum(0.1, 1))
        .hasMessage("optimizer: need 0 <= momentum < 1, got momentum=1.0");
    assertThatThrownBy(() -> Mlp.of(3).build(backend(), KEY))
        .hasMessageStartingWith("mlp: need at least one layer");
    assertThatThrownBy(() -> Mlp.of(3).clipNorm(Double.NaN))
        .hasMessage("mlp: need finite clipNorm > 0, got clipNorm=NaN");
  }

  /** After the first ones, a step allocates nothing. */
  @Test
  void aRepeatedStepAllocatesNothing() {
    try (Mlp mlp =
            Mlp.of(64)
                .dense(128, Activation.GELU)
                .dense(10, Activation.SOFTMAX)
                .clipNorm(1)
                .build(backend(), KEY);
        Tensor x = backend().tensor(DType.F32, Shape.of(32, 64))) {
      Tensors.random(x, new SplittableRandom(1), 1);
      Labels labels = Labels.of(new int[32]);
      Allocations.assertNone("step", 4, () -> mlp.trainStep(x, labels));
    }
  }
}
