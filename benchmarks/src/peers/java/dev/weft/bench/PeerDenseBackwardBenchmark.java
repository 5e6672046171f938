package dev.weft.bench;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.nn.Activation;
import org.openjdk.jmh.annotations.Param;

/**
 * The gradients of {@code max(x·w + b, 0)} by w, b and x, 4·B·I·O flop. PyTorch: autograd back
 * through {@code relu} and {@code linear}, over a graph that is kept; it adds to the gradients that
 * it has, weft overwrites. A BLAS does the two products alone, without the masks of dy and db.
 */
public class PeerDenseBackwardBenchmark extends PeerProductBenchmark {
  /** B, I, O, as in {@link DenseBackwardBenchmark}. */
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
    return 4.0 * sizes().elements();
  }

  private static final class ByWeft implements Contestant {
    private final DenseBackwardBenchmark own = new DenseBackwardBenchmark();
    private final Flops flops = new Flops();

    ByWeft(PeerDenseBackwardBenchmark asked) {
      own.bio = asked.bio;
      own.activation = "relu";
      own.dtype = "f32";
      own.backend = "cpu";
      own.threads = asked.threads;
      own.open(); // which checks, as close does
    }

    @Override
    public void run() {
      own.backward(flops);
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
    private final Tensor dw;
    private final Tensor dx;

    ByBlas(Shape sizes, Blas blas) {
      this.blas = blas;
      operands = new DenseOperands(sizes, Activation.LINEAR);
      dw = operands.tensor(operands.inputs, operands.outputs);
      dx = operands.tensor(operands.batch, operands.inputs);
    }

    @Override
    public void run() {
      int batch = operands.batch;
      int inputs = operands.inputs;
      int outputs = operands.outputs;
      blas.leftTransposed(
          operands.x.segment(), operands.dy.segment(), dw.segment(), inputs, outputs, batch);
      blas.rightTransposed(
          operands.dy.segment(),
          operands.layer.kernel().segment(),
          dx.segment(),
          batch,
          inputs,
          outputs);
    }

    @Override
    public void check() {
      dw.segment().fill((byte) 0xFF);
      dx.segment().fill((byte) 0xFF);
      run();
      double[] dy = Naive.read(operands.dy);
      double[] db = Naive.columnSums(dy, operands.outputs); // not computed, so not checked
      operands.checkOfProducts().backward(dy, Naive.read(dw), db, Naive.read(dx));
    }

    @Override
    public void close() {
      dw.close();
      dx.close();
      operands.close();
    }

    @Override
    public String toString() {
      return blas + ", products alone";
    }
  }

  private static final class ByTorch implements Contestant {
    private final DenseOperands operands;
    private final Torch torch;
    private final PtNDArray x;
    private final PtNDArray w;
    private final PtNDArray b;
    private final PtNDArray dy;
    private final PtNDArray y;

    ByTorch(Shape sizes, int threads) {
      torch = new Torch(threads);
      operands = new DenseOperands(sizes, Activation.RELU);
      int inputs = operands.inputs;
      int outputs = operands.outputs;
      x = torch.array(Naive.read(operands.x), operands.batch, inputs);
      w = torch.array(Naive.transposed(operands.kernel(), inputs, outputs), outputs, inputs);
      b = torch.array(operands.bias(), outputs);
      dy = torch.array(Naive.read(operands.dy), operands.batch, outputs);
      x.setRequiresGradient(true);
      w.setRequiresGradient(true);
      b.setRequiresGradient(true);
      JniUtils.setGradMode(true); // DJL begins without
      y = JniUtils.relu(JniUtils.linear(x, w, b));
    }

    @Override
    public void run() {
      JniUtils.backward(y, dy, true, false);
    }

    @Override
    public void check() {
      JniUtils.zeroGrad(x);
      JniUtils.zeroGrad(w);
      JniUtils.zeroGrad(b);
      run();
      try (PtNDArray dx = x.getGradient();
          PtNDArray dw = w.getGradient();
          PtNDArray db = b.getGradient()) {
        operands
            .check()
            .backward(
                Naive.read(operands.dy),
                Naive.transposed(Torch.read(dw), operands.outputs, operands.inputs),
                Torch.read(db),
                Torch.read(dx));
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
