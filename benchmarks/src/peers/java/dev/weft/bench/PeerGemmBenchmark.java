package dev.weft.bench;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import dev.weft.Accuracy;
import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.Supplier;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.openjdk.jmh.annotations.Param;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;

/**
 * One product C = A·B, 2·M·N·K flop. PyTorch ({@code matmul}) and TensorFlow ({@code MatMul} of
 * variables, run by a session) allocate C, the others write where it is: a BLAS, {@link Netlib} to
 * arrays, ND4J by {@code a.mmul(b, c)}.
 */
public class PeerGemmBenchmark extends PeerProductBenchmark {
  private static final RandomKey KEY = RandomKey.of(42);

  /** M, N, K, as in {@link GemmBenchmark}. */
  @Param({"64x64x64", "32x128x784", "512x512x512", "1024x1024x1024"})
  public String mnk;

  /** {@code f32} or {@code f64}. */
  @Param("f32")
  public String dtype = "f32";

  /** Whose product. */
  @Param({"weft", "openblas", "mkl", "blis", "onednn", "netlib", "pytorch", "nd4j", "tensorflow"})
  public String library;

  @Override
  void library(String name) {
    library = name;
  }

  @Override
  Contestant contestant() {
    return switch (library) {
      case "weft" -> new ByWeft(this);
      case "pytorch" -> new ByTorch(sizes(), DType.parse(dtype), threads);
      case "netlib" -> new ByNetlib(sizes(), DType.parse(dtype), Netlib.load(threads));
      case "nd4j" -> new ByNd4j(sizes(), DType.parse(dtype), threads);
      case "tensorflow" -> new ByTensorFlow(sizes(), DType.parse(dtype), threads);
      default -> new ByBlas(sizes(), DType.parse(dtype), Blas.load(library, threads));
    };
  }

  private Shape sizes() {
    return Shape.parse(mnk.replace('x', ','));
  }

  @Override
  double work() {
    return 2.0 * sizes().elements();
  }

  private static final class ByWeft implements Contestant {
    private final GemmBenchmark own = new GemmBenchmark();
    private final Flops flops = new Flops();

    ByWeft(PeerGemmBenchmark asked) {
      own.mnk = asked.mnk;
      own.transposes = "NN";
      own.dtype = asked.dtype;
      own.backend = "cpu";
      own.threads = asked.threads;
      own.open(); // which checks
    }

    @Override
    public void run() {
      own.gemm(flops);
    }

    @Override
    public void check() {
      run();
    }

    @Override
    public void close() {
      own.close();
    }

    @Override
    public String toString() {
      return "weft";
    }
  }

  /** A and B in native memory, and the check of their product. */
  private static final class Operands implements AutoCloseable {
    final int m;
    final int n;
    final int k;
    final Tensor a;
    final Tensor b;
    final Tensor c;
    private final Backend backend;

    Operands(Shape sizes, DType dtype) {
      m = Math.toIntExact(sizes.dim(0));
      n = Math.toIntExact(sizes.dim(1));
      k = Math.toIntExact(sizes.dim(2));
      backend = Backends.open("cpu", 1);
      a = backend.tensor(dtype, Shape.of(m, k));
      b = backend.tensor(dtype, Shape.of(k, n));
      c = backend.tensor(dtype, Shape.of(m, n));
      a.fill(Fill.uniform(-1, 1), KEY.child("a"));
      b.fill(Fill.uniform(-1, 1), KEY.child("b"));
    }

    void check(double[] actual) {
      double[] left = Naive.read(a);
      double[] right = Naive.read(b);
      double[] bounds = Naive.product(Naive.absolute(left), Naive.absolute(right), m, k, n);
      for (int i = 0; i < bounds.length; i++) {
        bounds[i] = 2 * Accuracy.gemm(c.dtype(), k, bounds[i]);
      }
      DenseCheck.requireClose("c", actual, Naive.product(left, right, m, k, n), bounds);
    }

    @Override
    public void close() {
      a.close();
      b.close();
      c.close();
      backend.close();
    }
  }

  private static final class ByBlas implements Contestant {
    private final Operands operands;
    private final Blas blas;

    ByBlas(Shape sizes, DType dtype, Blas blas) {
      operands = new Operands(sizes, dtype);
      this.blas = blas;
    }

    @Override
    public void run() {
      MemorySegment a = operands.a.segment();
      MemorySegment b = operands.b.segment();
      MemorySegment c = operands.c.segment();
      if (operands.c.dtype() == DType.F64) {
        blas.product64(a, b, c, operands.m, operands.n, operands.k);
      } else {
        blas.product(a, b, c, operands.m, operands.n, operands.k);
      }
    }

    @Override
    public void check() {
      operands.c.segment().fill((byte) 0xFF);
      run();
      operands.check(Naive.read(operands.c));
    }

    @Override
    public void close() {
      operands.close();
    }

    @Override
    public String toString() {
      return blas.toString();
    }
  }

  private static final class ByTorch implements Contestant {
    private final Operands operands;
    private final Torch torch;
    private final PtNDArray a;
    private final PtNDArray b;

    ByTorch(Shape sizes, DType dtype, int threads) {
      torch = new Torch(threads);
      operands = new Operands(sizes, dtype);
      double[] inA = Naive.read(operands.a);
      double[] inB = Naive.read(operands.b);
      boolean f64 = dtype == DType.F64;
      a =
          f64
              ? torch.array64(inA, operands.m, operands.k)
              : torch.array(inA, operands.m, operands.k);
      b =
          f64
              ? torch.array64(inB, operands.k, operands.n)
              : torch.array(inB, operands.k, operands.n);
    }

    @Override
    public void run() {
      JniUtils.matmul(a, b).close();
    }

    @Override
    public void check() {
      try (PtNDArray c = JniUtils.matmul(a, b)) {
        operands.check(Torch.read(c));
      }
    }

    @Override
    public void close() {
      torch.close();
      operands.close();
    }

    @Override
    public String toString() {
      return torch.toString();
    }
  }

  private static final class ByNetlib implements Contestant {
    private final Operands operands;
    private final Netlib netlib;
    private final Runnable product;
    private final Supplier<double[]> result;

    ByNetlib(Shape sizes, DType dtype, Netlib netlib) {
      this.netlib = netlib;
      operands = new Operands(sizes, dtype);
      int m = operands.m;
      int n = operands.n;
      int k = operands.k;
      if (dtype == DType.F64) {
        double[] a = Naive.read(operands.a);
        double[] b = Naive.read(operands.b);
        double[] c = new double[m * n];
        product = () -> netlib.product(a, b, c, m, n, k);
        result =
            () -> {
              Arrays.fill(c, Double.NaN);
              run();
              return c;
            };
      } else {
        float[] a = Netlib.narrowed(Naive.read(operands.a));
        float[] b = Netlib.narrowed(Naive.read(operands.b));
        float[] c = new float[m * n];
        product = () -> netlib.product(a, b, c, m, n, k);
        result =
            () -> {
              Arrays.fill(c, Float.NaN);
              run();
              return Naive.widened(c);
            };
      }
    }

    @Override
    public void run() {
      product.run();
    }

    @Override
    public void check() {
      operands.check(result.get());
    }

    @Override
    public void close() {
      operands.close();
    }

    @Override
    public String toString() {
      return netlib.toString();
    }
  }

  private static final class ByNd4j implements Contestant {
    private final Operands operands;
    private final Nd4jCpu nd4j;
    private final INDArray a;
    private final INDArray b;
    private final INDArray c;

    ByNd4j(Shape sizes, DType dtype, int threads) {
      nd4j = new Nd4jCpu(threads);
      operands = new Operands(sizes, dtype);
      DataType type = dtype == DType.F64 ? DataType.DOUBLE : DataType.FLOAT;
      a = nd4j.array(Naive.read(operands.a), type, operands.m, operands.k);
      b = nd4j.array(Naive.read(operands.b), type, operands.k, operands.n);
      c = nd4j.array(type, operands.m, operands.n);
    }

    @Override
    public void run() {
      a.mmul(b, c);
    }

    @Override
    public void check() {
      c.assign(Double.NaN);
      run();
      operands.check(Nd4jCpu.read(c));
    }

    @Override
    public void close() {
      a.close();
      b.close();
      c.close();
      operands.close();
    }

    @Override
    public String toString() {
      return nd4j.toString();
    }
  }

  private static final class ByTensorFlow implements Contestant {
    private final Operands operands;
    private final TensorFlowCpu library;
    private final Operand<?> c;

    ByTensorFlow(Shape sizes, DType dtype, int threads) {
      library = new TensorFlowCpu(threads);
      operands = new Operands(sizes, dtype);
      double[] a = Naive.read(operands.a);
      double[] b = Naive.read(operands.b);
      Ops tf = library.tf();
      if (dtype == DType.F64) {
        c =
            tf.linalg.matMul(
                tf.readVariableOp(library.variable64(a, operands.m, operands.k), TFloat64.class),
                tf.readVariableOp(library.variable64(b, operands.k, operands.n), TFloat64.class));
      } else {
        c =
            tf.linalg.matMul(
                library.read(library.variable(a, operands.m, operands.k)),
                library.read(library.variable(b, operands.k, operands.n)));
      }
      library.start();
    }

    @Override
    public void run() {
      library.runner().fetch(c).run().close();
    }

    @Override
    public void check() {
      try (Result result = library.runner().fetch(c).run()) {
        operands.check(TensorFlowCpu.read(result.get(0)));
      }
    }

    @Override
    public void close() {
      library.close();
      operands.close();
    }

    @Override
    public String toString() {
      return library.toString();
    }
  }
}
