package dev.weft.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

import dev.weft.Accuracy;
import dev.weft.Backend;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.Matrix;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Initializers;
import dev.weft.nn.Activation;
import dev.weft.nn.Activation.Kind;
import dev.weft.nn.Dense;
import dev.weft.nn.Write;
import dev.weft.testkit.Allocations;
import dev.weft.testkit.NnReference;
import dev.weft.testkit.Tensors;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Dense layers forward and backward: against the reference, and law 2. */
public abstract class DenseContract extends BackendContract {
  private static final DType[] TYPES = {DType.F32, DType.F64};

  /** No activation is steeper: of SELU, 1.0507·1.6733. */
  private static final double STEEPEST = 1.7581;

  /** A layer with random weights and tensors for one batch. */
  private static final class Case implements AutoCloseable {
    final Dense layer;
    final Tensor x;
    final Tensor y;
    final Tensor z;
    final Tensor dy;
    final Tensor dx;
    final Dense.Gradients gradients;

    Case(Backend backend, DType dtype, long b, long i, long o, Activation f, boolean biased) {
      Dense.Builder builder =
          Dense.of(i, o).activation(f).dtype(dtype).bias(Initializers.uniform(-1, 1));
      layer = (biased ? builder : builder.withoutBias()).build(backend, KEY);
      SplittableRandom random = new SplittableRandom(b * 31 + i * 7 + o);
      x = Tensors.random(backend.tensor(dtype, Shape.of(b, i)), random, 2);
      y = Tensors.poison(backend.tensor(dtype, Shape.of(b, o)));
      z = Tensors.poison(backend.tensor(dtype, Shape.of(b, o)));
      dy = Tensors.random(backend.tensor(dtype, Shape.of(b, o)), random, 1);
      dx = Tensors.poison(backend.tensor(dtype, Shape.of(b, i)));
      gradients = layer.gradients();
      Tensors.poison(gradients.kernel());
      if (biased) {
        Tensors.poison(gradients.bias());
      }
    }

    double[] bias() {
      return layer.bias().map(Tensors::values).orElse(null);
    }

    @Override
    public void close() {
      layer.close();
      x.close();
      y.close();
      z.close();
      dy.close();
      dx.close();
      gradients.close();
    }
  }

  /** Error bound of x·w + b for one element. */
  private static double bound(DType dtype, double[] x, double[][] w, double[] b, int j) {
    double magnitude = b == null ? 0 : Math.abs(b[j]);
    for (int i = 0; i < x.length; i++) {
      magnitude += Math.abs(x[i] * w[i][j]);
    }
    return Accuracy.gemm(dtype, x.length, magnitude);
  }

  private static double roundings(DType dtype, double value) {
    return (dtype == DType.F32 ? 0x1p-20 : 0x1p-49) * Math.max(Math.abs(value), 0.05);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "2, 3, 5",
    "1, 300, 40",
    "4, 257, 33",
    "5, 64, 10",
    "6, 1, 70",
    "33, 520, 65"
  })
  void forwardIsNearTheReference(int b, int i, int o) {
    for (Activation f : ActivationContract.all()) {
      for (DType dtype : TYPES) {
        try (Case c = new Case(backend(), dtype, b, i, o, f, b != 2)) {
          c.layer.forward(c.x, c.y);
          double[][] w = Tensors.rows(c.layer.kernel());
          double[][] xs = Tensors.rows(c.x);
          for (int r = 0; r < b; r++) {
            double[] z = NnReference.affine(xs[r], w, c.bias());
            double[] y = NnReference.activate(f, z);
            double worst = 0;
            for (int j = 0; j < o; j++) {
              worst = Math.max(worst, bound(dtype, xs[r], w, c.bias(), j));
            }
            for (int j = 0; j < o; j++) {
              double own = f.kind().ofRow() ? worst : bound(dtype, xs[r], w, c.bias(), j);
              double allowed = STEEPEST * own + roundings(dtype, y[j]);
              double error = Math.abs(c.y.get(r * o + j) - y[j]);
              if (!(error <= allowed)) {
                assertThat(error).as("%s %s (%d, %d)", f, dtype, r, j).isLessThan(allowed);
              }
            }
          }
        }
      }
    }
  }

  /** The fused way is the way step by step, bit for bit; z is what comes before f. */
  @Test
  void fusingChangesNoBit() {
    for (Activation f : ActivationContract.all()) {
      for (DType dtype : TYPES) {
        for (int b : new int[] {3, 50}) {
          try (Case c = new Case(backend(), dtype, b, 300, 70, f, true);
              Tensor z = backend().tensor(dtype, Shape.of(b, 70));
              Tensor y = backend().tensor(dtype, Shape.of(b, 70));
              Dense linear =
                  Dense.of(c.layer.kernel(), c.layer.bias().orElseThrow(), Activation.LINEAR);
              Dense bare = Dense.of(c.layer.kernel(), null, Activation.LINEAR)) {
            bare.forward(c.x, y);
            Tensor product = Tensors.poison(c.dy);
            backend().gemm(1, Matrix.of(c.x), Matrix.of(c.layer.kernel()), 0, Matrix.of(product));
            assertThat(Tensors.values(y)).isEqualTo(Tensors.values(product));
            linear.forward(c.x, z);
            for (int e = 0; e < 70 * b; e++) {
              double sum = dtype.nearest(product.get(e) + c.bias()[e % 70]);
              assertThat(z.get(e)).isEqualTo(sum);
            }
            f.forward(z, y);
            c.layer.forward(c.x, c.y);
            assertThat(Tensors.values(c.y)).as("%s", f).isEqualTo(Tensors.values(y));
            Tensors.poison(c.y);
            c.layer.forwardKeeping(c.x, c.z, c.y);
            assertThat(Tensors.values(c.y)).as("%s", f).isEqualTo(Tensors.values(y));
            assertThat(Tensors.values(c.z)).as("z of %s", f).isEqualTo(Tensors.values(z));
            if (!f.kind().ofRow()) {
              Tensors.random(c.z, new SplittableRandom(2), 3);
              c.layer.forwardAdding(c.x, c.z, c.y);
              for (int e = 0; e < 70 * b; e++) {
                double sum = dtype.nearest(y.get(e) + c.z.get(e));
                assertThat(c.y.get(e)).isEqualTo(sum);
              }
            }
          }
        }
      }
    }
  }

  /** dw, db and dx against sums over the reference's dz; every kind by differences. */
  @ParameterizedTest
  @EnumSource(Kind.class)
  void backwardAgreesWithCentralDifferences(Kind kind) {
    Activation f = Activation.parse(kind.id());
    int b = 4;
    int i = 5;
    int o = 6;
    try (Case c = new Case(backend(), DType.F64, b, i, o, f, true)) {
      double[] dy = Tensors.values(c.dy);
      c.layer.forward(c.x, c.y);
      c.layer.backward(c.x, c.y, c.dy, c.dx, c.gradients, Write.OVERWRITE);
      double[][] w = Tensors.rows(c.layer.kernel());
      double[][] x = Tensors.rows(c.x);
      double[] bias = c.bias();
      double h = 1e-5;
      for (int p = 0; p < i; p++) {
        for (int j = 0; j < o; j++) {
          double old = w[p][j];
          w[p][j] = old + h;
          double high = scalarLoss(f, x, w, bias, dy);
          w[p][j] = old - h;
          double low = scalarLoss(f, x, w, bias, dy);
          w[p][j] = old;
          requireClose(f + " dw", c.gradients.kernel().get(p * o + j), (high - low) / (2 * h));
        }
        for (int r = 0; r < b; r++) {
          double old = x[r][p];
          x[r][p] = old + h;
          double high = scalarLoss(f, x, w, bias, dy);
          x[r][p] = old - h;
          double low = scalarLoss(f, x, w, bias, dy);
          x[r][p] = old;
          requireClose(f + " dx", c.dx.get(r * i + p), (high - low) / (2 * h));
        }
      }
      for (int j = 0; j < o; j++) {
        double old = bias[j];
        bias[j] = old + h;
        double high = scalarLoss(f, x, w, bias, dy);
        bias[j] = old - h;
        double low = scalarLoss(f, x, w, bias, dy);
        bias[j] = old;
        requireClose(f + " db", c.gradients.bias().get(j), (high - low) / (2 * h));
      }
    }
  }

  private static void requireClose(String what, double actual, double expected) {
    if (!(Math.abs(actual - expected) <= 1e-8 * (1 + Math.abs(expected)))) {
      assertThat(actual).as(what).isEqualTo(expected);
    }
  }

  /** Σ dy·f(x·w + b). */
  private static double scalarLoss(
      Activation f, double[][] x, double[][] w, double[] bias, double[] dy) {
    double sum = 0;
    for (int r = 0; r < x.length; r++) {
      double[] y = NnReference.activate(f, NnReference.affine(x[r], w, bias));
      for (int j = 0; j < y.length; j++) {
        sum += dy[r * y.length + j] * y[j];
      }
    }
    return sum;
  }

  /** ⟨x·w, dy⟩ = ⟨w, dw⟩ = ⟨x, dx⟩, exact in small integers, at sizes beyond every block. */
  @ParameterizedTest
  @CsvSource({"300, 270, 70", "7, 600, 530", "1, 33, 1"})
  void theAdjointIdentityHoldsExactly(int b, int i, int o) {
    for (DType dtype : TYPES) {
      try (Case c = new Case(backend(), dtype, b, i, o, Activation.LINEAR, true)) {
        SplittableRandom random = new SplittableRandom(9);
        Tensors.integers(c.x, random, 4);
        Tensors.integers(c.layer.kernel(), random, 4);
        Tensors.integers(c.layer.bias().orElseThrow(), random, 4);
        Tensors.integers(c.dy, random, 4);
        c.layer.forward(c.x, c.y);
        c.layer.backward(c.x, c.y, c.dy, c.dx, c.gradients, Write.OVERWRITE);
        double[] db = Tensors.values(c.gradients.bias());
        double forward = dot(c.y, c.dy) - dot(db, c.bias());
        assertThat(dot(c.layer.kernel(), c.gradients.kernel())).isEqualTo(forward);
        assertThat(dot(c.x, c.dx)).isEqualTo(forward);
        double[][] dz = Tensors.rows(c.dy);
        for (int j = 0; j < o; j++) {
          double sum = 0;
          for (double[] row : dz) {
            sum += row[j];
          }
          assertThat(db[j]).isEqualTo(sum);
        }
      }
    }
  }

  private static double dot(Tensor x, Tensor y) {
    return dot(Tensors.values(x), Tensors.values(y));
  }

  private static double dot(double[] x, double[] y) {
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      sum += x[i] * y[i];
    }
    return sum;
  }

  /** Accumulating is fused with the first block's sum; two of one batch are twice one. */
  @Test
  void accumulatingAdds() {
    for (Activation f : new Activation[] {Activation.RELU, Activation.GELU}) {
      for (DType dtype : TYPES) {
        try (Case c = new Case(backend(), dtype, 90, 40, 50, f, true)) {
          c.layer.forwardKeeping(c.x, c.z, c.y);
          backward(c, Write.OVERWRITE);
          double[] dw = Tensors.values(c.gradients.kernel());
          double[] db = Tensors.values(c.gradients.bias());
          Tensors.random(c.dy, new SplittableRandom(90 * 31 + 40 * 7 + 50), 1);
          backward(c, Write.OVERWRITE);
          double[] dw2 = Tensors.values(c.gradients.kernel());
          double[] db2 = Tensors.values(c.gradients.bias());
          assertThat(dw2).isNotEqualTo(dw);
          Tensors.random(c.dy, new SplittableRandom(90 * 31 + 40 * 7 + 50), 1);
          backward(c, Write.ACCUMULATE);
          for (int e = 0; e < dw.length; e++) {
            assertThat(c.gradients.kernel().get(e)).isEqualTo(2 * dw2[e]);
          }
          for (int e = 0; e < db.length; e++) {
            assertThat(c.gradients.bias().get(e)).isEqualTo(2 * db2[e]);
          }
        }
      }
    }
  }

  private static void backward(Case c, Write write) {
    if (c.layer.activation().kind().derivativeOfInput()) {
      c.layer.backwardKept(c.x, c.z, c.dy, c.dx, c.gradients, write);
    } else {
      c.layer.backward(c.x, c.y, c.dy, c.dx, c.gradients, write);
    }
  }

  /** z computed anew gives what z kept gives. */
  @Test
  void recomputingChangesNoBit() {
    for (DType dtype : TYPES) {
      try (Case kept = new Case(backend(), dtype, 20, 300, 17, Activation.SILU, true);
          Case anew = new Case(backend(), dtype, 20, 300, 17, Activation.SILU, true)) {
        kept.layer.forwardKeeping(kept.x, kept.z, kept.y);
        kept.layer.backwardKept(kept.x, kept.z, kept.dy, kept.dx, kept.gradients, Write.OVERWRITE);
        anew.layer.forward(anew.x, anew.y);
        anew.layer.backward(anew.x, anew.y, anew.dy, anew.dx, anew.gradients, Write.OVERWRITE);
        assertSameGradients(anew, kept);
      }
    }
  }

  private static void assertSameGradients(Case actual, Case expected) {
    assertThat(Tensors.values(actual.dy)).isEqualTo(Tensors.values(expected.dy));
    assertThat(Tensors.values(actual.dx)).isEqualTo(Tensors.values(expected.dx));
    assertThat(Tensors.values(actual.gradients.kernel()))
        .isEqualTo(Tensors.values(expected.gradients.kernel()));
    assertThat(Tensors.values(actual.gradients.bias()))
        .isEqualTo(Tensors.values(expected.gradients.bias()));
  }

  /** Law 2. */
  @Test
  void threadsAndTechniqueChangeNoBit() {
    assumeProductsAreTheCpus();
    for (Activation f :
        new Activation[] {Activation.RELU, Activation.GELU, Activation.TANH, Activation.SOFTMAX}) {
      for (DType dtype : TYPES) {
        try (Case expected = new Case(scalar(), dtype, 300, 290, 530, f, true)) {
          run(expected);
          for (int threads : new int[] {1, 2, 3}) {
            try (Backend backend = open(threads);
                Case actual = new Case(backend, dtype, 300, 290, 530, f, true)) {
              run(actual);
              assertThat(Tensors.values(actual.y)).isEqualTo(Tensors.values(expected.y));
              assertSameGradients(actual, expected);
            }
          }
        }
      }
    }
  }

  private static void run(Case c) {
    c.layer.forwardKeeping(c.x, c.z, c.y);
    backward(c, Write.OVERWRITE);
  }

  /** Law 2: a row of a batch of 1, 7, 64, 1000 is the same, forward and backward. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F64"})
  void aRowDoesNotDependOnTheOthers(DType dtype) {
    assumeProductsAreTheCpus();
    int i = 300;
    int o = 40;
    for (Activation f : new Activation[] {Activation.GELU_TANH, Activation.SOFTMAX}) {
      try (Case whole = new Case(backend(), dtype, 1000, i, o, f, true)) {
        double[][] xs = Tensors.rows(whole.x);
        double[][] dys = Tensors.rows(whole.dy);
        run(whole);
        for (int rows : new int[] {1, 7, 64}) {
          int from = 500 - rows / 2;
          try (Case part = new Case(backend(), dtype, rows, i, o, f, true)) {
            for (int r = 0; r < rows; r++) {
              for (int p = 0; p < i; p++) {
                Tensors.set(part.x, (long) r * i + p, xs[from + r][p]);
              }
              for (int j = 0; j < o; j++) {
                Tensors.set(part.dy, (long) r * o + j, dys[from + r][j]);
              }
            }
            run(part);
            int r = 500 - from;
            assertThat(Tensors.rows(part.y)[r]).isEqualTo(Tensors.rows(whole.y)[500]);
            assertThat(Tensors.rows(part.dx)[r]).isEqualTo(Tensors.rows(whole.dx)[500]);
          }
        }
      }
    }
  }

  /** A caller may close its memory under a pass, which then fails; the next product is right. */
  @Test
  void aPassThatFailsLeavesNothingBehind() throws InterruptedException {
    try (Backend one = open(1);
        Case c = new Case(one, DType.F32, 600, 600, 600, Activation.RELU, true);
        Tensor twos = one.tensor(DType.F32, Shape.of(8, 8));
        Tensor product = one.tensor(DType.F32, Shape.of(8, 8))) {
      for (long e = 0; e < 64; e++) {
        Tensors.set(twos, e, 2);
      }
      for (int round = 0; round < 3; round++) {
        Arena arena = Arena.ofShared();
        Tensor x = one.wrap(arena.allocate(4 * 360_000), DType.F32, Shape.of(600, 600));
        Thread closer = new Thread(() -> closeSoon(arena));
        closer.start();
        assertThatThrownBy(
                () -> {
                  while (true) {
                    c.layer.forward(x, c.y);
                  }
                })
            .isInstanceOf(IllegalStateException.class);
        Thread.interrupted(); // which closing may do to a thread that uses the memory
        closer.join();
        one.gemm(3, Matrix.of(twos), Matrix.of(twos), 0, Matrix.of(product));
        assertThat(Tensors.values(product)).containsOnly(96);
      }
    }
  }

  static void closeSoon(Arena arena) {
    long end = System.nanoTime() + 20_000_000;
    while (System.nanoTime() < end) {
      Thread.onSpinWait();
    }
    arena.close();
  }

  /** A kernel of 16 bits gives what it gives as F32, forward and backward. */
  @Test
  void aNarrowKernelIsWidened() {
    for (DType narrow : new DType[] {DType.F16, DType.BF16}) {
      for (int b : new int[] {3, 40}) {
        try (Case c = new Case(backend(), DType.F32, b, 300, 70, Activation.SILU, true);
            Tensor kernel = backend().tensor(narrow, Shape.of(300, 70));
            Tensor wide = backend().tensor(DType.F32, Shape.of(300, 70));
            Tensor dx = backend().tensor(DType.F32, Shape.of(b, 300))) {
          kernel.fill(Initializers.heNormal(), KEY);
          Tensors.put(wide, Tensors.values(kernel));
          Tensor bias = c.layer.bias().orElseThrow();
          Dense expected = Dense.of(wide, bias, Activation.SILU);
          Dense actual = Dense.of(kernel, bias, Activation.SILU);
          double[] dy = Tensors.values(c.dy);
          expected.forward(c.x, c.y);
          actual.forward(c.x, c.z);
          assertThat(Tensors.values(c.z)).isEqualTo(Tensors.values(c.y));
          expected.backward(c.x, c.y, c.dy, c.dx, c.gradients, Write.OVERWRITE);
          double[] dw = Tensors.values(c.gradients.kernel());
          Tensors.put(c.dy, dy);
          try (Dense.Gradients gradients = actual.gradients()) {
            actual.backward(c.x, c.z, c.dy, dx, gradients, Write.OVERWRITE);
            assertThat(Tensors.values(gradients.kernel())).isEqualTo(dw);
          }
          assertThat(Tensors.values(dx)).isEqualTo(Tensors.values(c.dx));
        }
      }
    }
  }

  /** A batch of any rank is its rows. */
  @Test
  void manyDimensionsAreABatch() {
    try (Case flat = new Case(backend(), DType.F32, 24, 10, 9, Activation.TANH, true);
        Tensor x = backend().tensor(DType.F32, Shape.of(2, 3, 4, 10));
        Tensor y = backend().tensor(DType.F32, Shape.of(2, 3, 4, 9));
        Tensor one = backend().tensor(DType.F32, Shape.of(10));
        Tensor out = backend().tensor(DType.F32, Shape.of(9));
        Tensor none = backend().tensor(DType.F32, Shape.of(0, 10));
        Tensor empty = backend().tensor(DType.F32, Shape.of(0, 9))) {
      Tensors.put(x, Tensors.values(flat.x));
      flat.layer.forward(flat.x, flat.y);
      flat.layer.forward(x, y);
      assertThat(Tensors.values(y)).isEqualTo(Tensors.values(flat.y));
      Tensors.put(one, Arrays.copyOf(Tensors.values(flat.x), 10));
      flat.layer.forward(one, out);
      double[] first = Arrays.copyOf(Tensors.values(flat.y), 9);
      if (productsAreTheCpus()) {
        assertThat(Tensors.values(out)).isEqualTo(first);
      } else { // tanh, whose slope is at most 1, of sums of 10 terms below 4
        assertThat(Tensors.values(out)).containsExactly(first, offset(40 * 14 * 0x1p-23));
      }
      flat.layer.forward(none, empty);
      flat.layer.backward(none, empty, empty, none, flat.gradients, Write.OVERWRITE);
      assertThat(Tensors.values(flat.gradients.kernel())).containsOnly(0);
      assertThat(Tensors.values(flat.gradients.bias())).containsOnly(0);
    }
  }

  @Test
  void badArgumentsAreNamed() {
    try (Case c = new Case(backend(), DType.F32, 8, 3, 2, Activation.RELU, true);
        Case bare = new Case(backend(), DType.F32, 8, 3, 2, Activation.RELU, false);
        Case gelu = new Case(backend(), DType.F32, 8, 3, 2, Activation.GELU, true);
        Case square = new Case(backend(), DType.F32, 8, 3, 3, Activation.RELU, true);
        Tensor wide = backend().tensor(DType.F32, Shape.of(8, 4));
        Tensor f64 = backend().tensor(DType.F64, Shape.of(8, 3))) {
      Dense layer = c.layer;
      assertThatThrownBy(() -> layer.forward(wide, c.y))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "dense.forward: need x [B, I] and y [B, O] for w [I, O], got x=[8, 4], y=[8, 2],"
                  + " w=[3, 2]");
      assertThatThrownBy(() -> layer.forward(f64, c.y))
          .hasMessage("dense.forward: need x of f32, got x=f64");
      assertThatThrownBy(() -> layer.forwardKeeping(c.x, c.y, c.y))
          .hasMessageStartingWith("dense.forward: need z apart from y in memory");
      assertThatThrownBy(
              () -> layer.backward(c.x, c.y, c.dy, c.dx, bare.gradients, Write.OVERWRITE))
          .hasMessage("dense.backward: need a gradient of the bias if there is one, got db=null");
      assertThatThrownBy(
              () -> layer.backwardKept(c.x, c.z, c.dy, c.dx, c.gradients, Write.OVERWRITE))
          .hasMessageContaining("need an activation whose derivative is of z, got");
      assertThatThrownBy(() -> gelu.layer.backward(c.x, c.y, c.dy, c.dx, c.gradients, null))
          .isInstanceOf(NullPointerException.class);
      assertThatThrownBy(
              () ->
                  square.layer.backward(
                      square.x, square.y, square.dy, square.dy, square.gradients, Write.OVERWRITE))
          .hasMessageStartingWith("dense.backward: need dx apart from dy in memory");
      assertThatThrownBy(() -> Dense.of(0, 5)).hasMessageContaining("inputs=0");
      assertThatThrownBy(() -> Dense.of(c.x, c.x, Activation.RELU))
          .hasMessageStartingWith("dense: need kernel [I, O] and bias [O], got kernel=[8, 3]");
      assertThatThrownBy(() -> Dense.of(3, 5).dtype(DType.BF16))
          .hasMessage("dense: need f32 or f64, got dtype=bf16");
      Tensor closed = backend().tensor(DType.F32, Shape.of(8, 2));
      closed.close();
      assertThatThrownBy(() -> layer.forward(c.x, closed)).isInstanceOf(ClosedException.class);
    }
  }

  /** Once compiled, a repeated pass allocates nothing. */
  @Test
  void repeatedPassesAllocateNothing() {
    for (Activation f : new Activation[] {Activation.RELU, Activation.GELU, Activation.SOFTMAX}) {
      for (DType dtype : TYPES) {
        try (Case c = new Case(backend(), dtype, 130, 300, 200, f, true)) {
          Allocations.assertNone(f + " " + dtype + " pass", 4, () -> run(c));
        }
      }
    }
  }
}
