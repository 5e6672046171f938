package dev.weft.compare;

import dev.weft.Accuracy;
import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Matrix;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.init.Initializers;
import dev.weft.nn.Activation;
import dev.weft.nn.Dense;
import dev.weft.nn.Labels;
import dev.weft.nn.Loss;
import dev.weft.nn.Mlp;
import dev.weft.nn.Optimizer;
import dev.weft.nn.Write;
import dev.weft.random.RandomKey;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.function.Supplier;

/**
 * Compares matrix products, layers, losses and training of several techniques; the first is the
 * reference.
 *
 * <p>On the host every bit of every result has to be the reference's. On a device products may be
 * summed in another order: they, and what is a product, have to be within twice {@link
 * Accuracy#gemm} of the reference, once for each of the two. All else is computed from operands
 * that are the same there, and has to have the same bits: activations of given z, their
 * derivatives, the gradients of biases, losses; and a layer's output has to be the activation of
 * the z that the device itself gives. A training is compared in norm: what three steps change in
 * each parameter may be off by 1024 roundings.
 */
public final class LayerAgreement {
  private static final RandomKey KEY = RandomKey.of(5);
  private static final DType[] TYPES = {DType.F32, DType.F64};
  private static final double TRAINING_ROUNDINGS = 1024;

  private LayerAgreement() {}

  /** Runs an operation on a backend. */
  @FunctionalInterface
  interface Operation {
    void run(Backend backend, Sink sink);
  }

  /** What an operation gave. */
  static final class Sink {
    private final Map<String, Result> results = new LinkedHashMap<>();

    /** A result that has to have the reference's bits everywhere. */
    void bits(String name, Tensor tensor) {
      results.put(name, new Result(values(tensor), null, false));
    }

    /** The same for numbers that are no tensor. */
    void bits(String name, double... values) {
      results.put(name, new Result(values, null, false));
    }

    /** A result that may differ on a device, each element by its bound. */
    void bounded(String name, Tensor tensor, Supplier<double[]> bound) {
      results.put(name, new Result(values(tensor), bound, false));
    }

    /** A result that may differ on a device, in norm. */
    void inNorm(String name, double[] values, double share) {
      results.put(name, new Result(values, () -> new double[] {share}, true));
    }
  }

  /**
   * One result.
   *
   * @param bound for each element, or one for their norm, as a share of it; null for none
   */
  record Result(double[] values, Supplier<double[]> bound, boolean norm) {}

  /** What is compared: the names, in order, each followed by its type. */
  public static List<String> operations() {
    return List.copyOf(all().keySet());
  }

  private static Map<String, Operation> all() {
    Map<String, Operation> all = new LinkedHashMap<>();
    for (DType dtype : TYPES) {
      String of = " " + dtype.id();
      all.put("gemm" + of, (backend, sink) -> gemm(backend, dtype, sink));
      for (Activation.Kind kind : Activation.Kind.values()) {
        Activation f = Activation.parse(kind.id());
        all.put("dense " + f + of, (backend, sink) -> dense(backend, dtype, f, sink));
      }
      for (Loss loss : List.of(Loss.softmaxCrossEntropy(0.1), Loss.sigmoidCrossEntropy())) {
        String name = loss instanceof Loss.SoftmaxCrossEntropy ? "softmax" : "sigmoid";
        all.put("loss " + name + of, (backend, sink) -> loss(backend, dtype, loss, sink));
      }
      all.put("training" + of, (backend, sink) -> training(backend, dtype, sink));
    }
    return all;
  }

  /**
   * Runs every operation on every technique.
   *
   * @param progress is told how many operations are done
   * @return for each operation, type and technique but the first
   */
  public static List<Agreement> of(List<Technique> techniques, IntConsumer progress) {
    return of(techniques, operations(), progress);
  }

  /** The same for some of the {@link #operations}. */
  static List<Agreement> of(
      List<Technique> techniques, List<String> operations, IntConsumer progress) {
    Map<String, Operation> some = all();
    some.keySet().retainAll(operations);
    List<Agreement> agreements = new ArrayList<>();
    int done = 0;
    for (Map.Entry<String, Operation> operation : some.entrySet()) {
      Map<String, Result> expected = run(operation.getValue(), techniques.getFirst());
      for (Technique technique : techniques.subList(1, techniques.size())) {
        Map<String, Result> actual = run(operation.getValue(), technique);
        agreements.add(compare(operation.getKey(), technique, expected, actual));
      }
      progress.accept(++done);
    }
    return agreements;
  }

  private static Map<String, Result> run(Operation operation, Technique technique) {
    Sink sink = new Sink();
    operation.run(technique.backend(), sink);
    return sink.results;
  }

  private static Agreement compare(
      String operation,
      Technique technique,
      Map<String, Result> expected,
      Map<String, Result> actual) {
    return compare(operation, technique.name(), technique.onDevice(), expected, actual);
  }

  /** Compares the results of one operation. */
  static Agreement compare(
      String operation,
      String technique,
      boolean onDevice,
      Map<String, Result> expected,
      Map<String, Result> actual) {
    boolean equal = true;
    double worst = 0;
    String detail = "";
    for (Map.Entry<String, Result> result : expected.entrySet()) {
      double[] should = result.getValue().values;
      double[] is = actual.get(result.getKey()).values;
      int at = Arrays.mismatch(bits(should), bits(is));
      if (at < 0) {
        continue;
      }
      equal = false;
      Supplier<double[]> bound = result.getValue().bound;
      double share = Double.POSITIVE_INFINITY;
      if (onDevice && bound != null && should.length == is.length) {
        double[] bounds = bound.get();
        if (result.getValue().norm) {
          share = distance(should, is) / bounds[0];
        } else {
          at = furthest(should, is, bounds);
          share = share(should[at], is[at], bounds[at]);
        }
      }
      if (share > worst) {
        worst = share;
        detail =
            share > 1
                ? result.getKey() + "[" + at + "]: expected " + should[at] + ", got " + is[at]
                : "";
      }
    }
    int space = operation.lastIndexOf(' ');
    return new Agreement(
        operation.substring(0, space),
        operation.substring(space + 1),
        technique,
        expected.size(),
        equal,
        worst,
        detail);
  }

  private static long[] bits(double[] values) {
    return Arrays.stream(values).mapToLong(Double::doubleToRawLongBits).toArray();
  }

  /** The element whose error is the largest share of its bound. */
  private static int furthest(double[] should, double[] is, double[] bounds) {
    int furthest = 0;
    for (int i = 0; i < should.length; i++) {
      if (share(should[i], is[i], bounds[i])
          > share(should[furthest], is[furthest], bounds[furthest])) {
        furthest = i;
      }
    }
    return furthest;
  }

  /** An error over its bound; infinite where a value is not a number, or ought to be exact. */
  private static double share(double should, double is, double bound) {
    double error = Math.abs(should - is);
    if (error <= 0 || Double.compare(should, is) == 0) {
      return 0;
    }
    double share = error / bound;
    return share >= 0 ? share : Double.POSITIVE_INFINITY;
  }

  private static double distance(double[] should, double[] is) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < should.length; i++) {
      difference += (should[i] - is[i]) * (should[i] - is[i]);
      size += should[i] * should[i];
    }
    double distance = Math.sqrt(difference / size);
    return distance >= 0 ? distance : Double.POSITIVE_INFINITY;
  }

  private static double[] values(Tensor tensor) {
    int count = Math.toIntExact(tensor.shape().elements());
    double[] values = new double[count];
    if (tensor.dtype() == DType.F64) {
      tensor.copyTo(MemorySegment.ofArray(values));
      return values;
    }
    float[] narrow = new float[count];
    tensor.copyTo(MemorySegment.ofArray(narrow));
    for (int i = 0; i < count; i++) {
      values[i] = narrow[i];
    }
    return values;
  }

  /**
   * Twice the bound of each element of alpha·A·B + beta·C, where A is [m, k], B [k, n], C [m, n].
   *
   * @param c null for none
   */
  private static double[] bounds(
      DType dtype,
      int m,
      int k,
      int n,
      double alpha,
      double[] a,
      double[] b,
      double beta,
      double[] c) {
    double[] bounds = new double[m * n];
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        double magnitude = c == null ? 0 : Math.abs(beta * c[i * n + j]);
        for (int l = 0; l < k; l++) {
          magnitude += Math.abs(alpha * a[i * k + l] * b[l * n + j]);
        }
        bounds[i * n + j] = 2 * Accuracy.gemm(dtype, k, magnitude);
      }
    }
    return bounds;
  }

  private static double[] transposed(double[] a, int rows, int columns) {
    double[] t = new double[a.length];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        t[j * rows + i] = a[i * columns + j];
      }
    }
    return t;
  }

  private static void gemm(Backend backend, DType dtype, Sink sink) {
    int m = 75;
    int k = 300;
    int n = 90;
    try (Tensor a = normal(backend, dtype, "a", m, k);
        Tensor b = normal(backend, dtype, "b", k, n);
        Tensor c = normal(backend, dtype, "c", m, n)) {
      double[] left = values(a);
      double[] right = values(b);
      double[] before = values(c);
      backend.gemm(0.7, Matrix.of(a), Matrix.of(b), 0.3, Matrix.of(c));
      sink.bounded("c", c, () -> bounds(dtype, m, k, n, 0.7, left, right, 0.3, before));
    }
  }

  private static void dense(Backend backend, DType dtype, Activation f, Sink sink) {
    int batch = 33;
    int inputs = 70;
    int outputs = 45;
    try (Dense layer = layer(backend, dtype, f, inputs, outputs);
        Dense linear = layer(backend, dtype, Activation.LINEAR, inputs, outputs);
        Tensor x = normal(backend, dtype, "x", batch, inputs);
        Tensor z = normal(backend, dtype, "y", batch, outputs);
        Tensor y = normal(backend, dtype, "y", batch, outputs);
        Tensor dy = normal(backend, dtype, "dy", batch, outputs);
        Tensor dz = normal(backend, dtype, "dz", batch, outputs);
        Tensor dx = normal(backend, dtype, "dx", batch, inputs);
        Dense.Gradients gradients = layer.gradients()) {
      double[] input = values(x);
      double[] kernel = values(layer.kernel());
      double[] rows = new double[batch * outputs];
      double[] bias = values(layer.bias().orElseThrow());
      Arrays.setAll(rows, i -> bias[i % outputs]);

      linear.forward(x, z);
      sink.bounded("z", z, () -> bounds(dtype, batch, inputs, outputs, 1, input, kernel, 1, rows));
      layer.forward(x, y);
      double[] fused = values(y);
      f.forward(z, y);
      sink.bits("elements of y that are not f(z)", different(fused, values(y)));

      z.fill(Fill.normal(0, 1), KEY.child("z"));
      f.forward(z, y);
      sink.bits("f(z)", y);
      Tensor saved = f.kind().derivativeOfInput() ? z : y;
      f.backward(saved, dy, dz);
      sink.bits("dz", dz);
      double[] masked = values(dz);
      if (f.kind().derivativeOfInput()) {
        recomputed(layer, x, z, y, dx, gradients, sink);
        z.fill(Fill.normal(0, 1), KEY.child("z"));
        layer.backwardKept(x, z, dy, dx, gradients, Write.OVERWRITE);
      } else {
        layer.backward(x, y, dy, dx, gradients, Write.OVERWRITE);
      }
      sink.bounded(
          "dx",
          dx,
          () ->
              bounds(
                  dtype,
                  batch,
                  outputs,
                  inputs,
                  1,
                  masked,
                  transposed(kernel, inputs, outputs),
                  0,
                  null));
      sink.bounded(
          "dw",
          gradients.kernel(),
          () ->
              bounds(
                  dtype,
                  inputs,
                  batch,
                  outputs,
                  1,
                  transposed(input, batch, inputs),
                  masked,
                  0,
                  null));
      sink.bits("db", gradients.bias());
    }
  }

  /** A layer that computes its z anew has the gradients of one that kept it. */
  private static void recomputed(
      Dense layer, Tensor x, Tensor z, Tensor y, Tensor dx, Dense.Gradients gradients, Sink sink) {
    Backend backend = x.backend();
    layer.forwardKeeping(x, z, y);
    double[][] kept = new double[2][];
    for (int i = 0; i < 2; i++) {
      try (Tensor dy = normal(backend, x.dtype(), "dy", y.shape().dim(0), y.shape().dim(1))) {
        if (i == 0) {
          layer.backwardKept(x, z, dy, dx, gradients, Write.OVERWRITE);
        } else {
          layer.backward(x, y, dy, dx, gradients, Write.OVERWRITE);
        }
        kept[i] = values(dx);
      }
    }
    sink.bits("elements of dx that are others if z is kept", different(kept[0], kept[1]));
  }

  private static Dense layer(Backend backend, DType dtype, Activation f, int inputs, int outputs) {
    return Dense.of(inputs, outputs)
        .activation(f)
        .bias(Initializers.normal(0, 0.1))
        .dtype(dtype)
        .build(backend, KEY);
  }

  private static double different(double[] a, double[] b) {
    double count = 0;
    for (int i = 0; i < a.length; i++) {
      count += Double.compare(a[i], b[i]) == 0 ? 0 : 1;
    }
    return count;
  }

  private static void loss(Backend backend, DType dtype, Loss loss, Sink sink) {
    try (Tensor x = normal(backend, dtype, "x", 77, 100);
        Tensor target = normal(backend, dtype, "target", 77, 100);
        Tensor gradient = normal(backend, dtype, "gradient", 77, 100);
        Tensor value = backend.tensor(DType.F64, Shape.of(1))) {
      target.fill(Fill.uniform(0, 1), KEY.child("target"));
      loss.gradient(x, target, gradient, value);
      sink.bits("value", value);
      sink.bits("gradient", gradient);
    }
  }

  private static void training(Backend backend, DType dtype, Sink sink) {
    try (Mlp mlp =
            Mlp.of(50)
                .dense(70, Activation.GELU)
                .dense(10, Activation.SOFTMAX)
                .optimizer(Optimizer.adam(0.01))
                .clipNorm(1)
                .dtype(dtype)
                .build(backend, KEY);
        Tensor x = normal(backend, dtype, "x", 40, 50)) {
      Map<String, double[]> before = new LinkedHashMap<>();
      mlp.parameters().forEach((name, tensor) -> before.put(name, values(tensor)));
      int[] classes = new int[40];
      for (int i = 0; i < classes.length; i++) {
        classes[i] = i % 10;
      }
      for (int step = 0; step < 3; step++) {
        mlp.trainStep(x, Labels.of(classes));
      }
      double share = TRAINING_ROUNDINGS * (dtype == DType.F64 ? 0x1p-53 : 0x1p-24);
      mlp.parameters()
          .forEach(
              (name, tensor) -> {
                double[] change = values(tensor);
                double[] start = before.get(name);
                Arrays.setAll(change, i -> change[i] - start[i]);
                sink.inNorm("change of " + name, change, share);
              });
    }
  }

  private static Tensor normal(Backend backend, DType dtype, String name, long rows, long columns) {
    Tensor tensor = backend.tensor(dtype, Shape.of(rows, columns));
    tensor.fill(Fill.normal(0, 1), KEY.child(name));
    return tensor;
  }
}
