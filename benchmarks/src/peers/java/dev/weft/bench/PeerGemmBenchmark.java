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
import org.openjdk.jmh.annotations.Param;

/** One product C = A·B, 2·M·N·K flop. PyTorch allocates C, the others write where it is. */
public class PeerGemmBenchmark extends PeerProductBenchmark {
  private static final RandomKey KEY = RandomKey.of(42);

  /** M, N, K, as in {@link GemmBenchmark}. */
  @Param({"64x64x64", "32x128x784", "512x512x512", "1024x1024x1024"})
  public String mnk;

  /** {@code f32} or {@code f64}; PyTorch's in f32 alone. */
  @Param("f32")
  public String dtype = "f32";

  /** Whose product. */
  @Param({"weft", "openblas", "mkl", "blis", "pytorch"})
  public String library;

  @Override
  void library(String name) {
    library = name;
  }

  @Override
  Contestant contestant() {
    return switch (library) {
      case "weft" -> new ByWeft(this);
      case "pytorch" -> {
        if (!dtype.equals("f32")) {
          throw new IllegalStateException("PyTorch is compared in f32 alone");
        }
        yield new ByTorch(sizes(), threads);
      }
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

    ByTorch(Shape sizes, int threads) {
      torch = new Torch(threads);
      operands = new Operands(sizes, DType.F32);
      a = torch.array(Naive.read(operands.a), operands.m, operands.k);
      b = torch.array(Naive.read(operands.b), operands.k, operands.n);
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
}
