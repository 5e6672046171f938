package dev.weft.bench;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.nn.Activation;
import org.openjdk.jmh.annotations.Param;

/**
 * y = max(x·w + b, 0), 2·B·I·O flop. PyTorch: {@code linear} of weights [O, I] and {@code relu},
 * each into memory that it allocates. A BLAS has no such operation: what is timed is the product
 * alone, without b and max, a limit for what can be built from it.
 */
public class PeerDenseForwardBenchmark extends PeerProductBenchmark {
  /** B, I, O, as in {@link DenseForwardBenchmark}. */
  @Param({"32x784x128", "128x784x512", "512x1024x1024"})
  public String bio;

  /** Whose layer. */
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
      case "pytorch" -> new ByTorch(sizes(), threads);
      default -> new ByBlas(sizes(), Blas.load(library, threads));
    };
  }

  private Shape sizes() {
    return Shape.parse(bio.replace('x', ','));
  }

  @Override
  double work() {
    return 2.0 * sizes().elements();
  }

  private static final class ByWeft implements Contestant {
    private final DenseForwardBenchmark own = new DenseForwardBenchmark();
    private final Flops flops = new Flops();

    ByWeft(PeerDenseForwardBenchmark asked) {
      own.bio = asked.bio;
      own.activation = "relu";
      own.dtype = "f32";
      own.backend = "cpu";
      own.threads = asked.threads;
      own.open(); // which checks, as close does
    }

    @Override
    public void run() {
      own.forward(flops);
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

  private static final class ByBlas implements Contestant {
    private final DenseOperands operands;
    private final Blas blas;
    private final Tensor y;

    ByBlas(Shape sizes, Blas blas) {
      this.blas = blas;
      operands = new DenseOperands(sizes, Activation.LINEAR);
      y = operands.tensor(operands.batch, operands.outputs);
    }

    @Override
    public void run() {
      blas.product(
          operands.x.segment(),
          operands.layer.kernel().segment(),
          y.segment(),
          operands.batch,
          operands.outputs,
          operands.inputs);
    }

    @Override
    public void check() {
      y.segment().fill((byte) 0xFF);
      run();
      operands.checkOfProducts().forward(Naive.read(y));
    }

    @Override
    public void close() {
      y.close();
      operands.close();
    }

    @Override
    public String toString() {
      return blas + ", product alone";
    }
  }

  private static final class ByTorch implements Contestant {
    private final DenseOperands operands;
    private final Torch torch;
    private final PtNDArray x;
    private final PtNDArray w;
    private final PtNDArray b;

    ByTorch(Shape sizes, int threads) {
      torch = new Torch(threads);
      operands = new DenseOperands(sizes, Activation.RELU);
      int inputs = operands.inputs;
      int outputs = operands.outputs;
      x = torch.array(Naive.read(operands.x), operands.batch, inputs);
      w = torch.array(Naive.transposed(operands.kernel(), inputs, outputs), outputs, inputs);
      b = torch.array(operands.bias(), outputs);
    }

    @Override
    public void run() {
      try (PtNDArray z = JniUtils.linear(x, w, b)) {
        JniUtils.relu(z).close();
      }
    }

    @Override
    public void check() {
      try (PtNDArray z = JniUtils.linear(x, w, b);
          PtNDArray y = JniUtils.relu(z)) {
        operands.check().forward(Torch.read(y));
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
