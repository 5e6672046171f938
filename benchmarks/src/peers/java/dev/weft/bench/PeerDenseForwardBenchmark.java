package dev.weft.bench;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.nn.Activation;
import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;
import org.openjdk.jmh.annotations.Param;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * y = max(x·w + b, 0), 2·B·I·O flop. PyTorch: {@code linear} of weights [O, I] and {@code relu},
 * each into memory that it allocates. ND4J: {@code mmul}, {@code addiRowVector} and {@code relu} in
 * one array that is there. TensorFlow: {@code MatMul}, {@code BiasAdd} and {@code Relu} in a graph,
 * which its runtime fuses. A BLAS, and so {@link Netlib}, has no such operation: what is timed is
 * the product alone, without b and max, a limit for what can be built from it.
 */
public class PeerDenseForwardBenchmark extends PeerProductBenchmark {
  /** B, I, O, as in {@link DenseForwardBenchmark}. */
  @Param({"32x784x128", "128x784x512", "512x1024x1024"})
  public String bio;

  /** Whose layer. */
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
      case "pytorch" -> new ByTorch(sizes(), threads);
      case "netlib" -> new ByNetlib(sizes(), Netlib.load(threads));
      case "nd4j" -> new ByNd4j(sizes(), threads);
      case "tensorflow" -> new ByTensorFlow(sizes(), threads);
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

  private static final class ByNetlib implements Contestant {
    private final DenseOperands operands;
    private final Netlib netlib;
    private final float[] x;
    private final float[] w;
    private final float[] y;

    ByNetlib(Shape sizes, Netlib netlib) {
      this.netlib = netlib;
      operands = new DenseOperands(sizes, Activation.LINEAR);
      x = Netlib.narrowed(Naive.read(operands.x));
      w = Netlib.narrowed(operands.kernel());
      y = new float[operands.batch * operands.outputs];
    }

    @Override
    public void run() {
      netlib.product(x, w, y, operands.batch, operands.outputs, operands.inputs);
    }

    @Override
    public void check() {
      Arrays.fill(y, Float.NaN);
      run();
      operands.checkOfProducts().forward(Naive.widened(y));
    }

    @Override
    public void close() {
      operands.close();
    }

    @Override
    public String toString() {
      return netlib + ", product alone";
    }
  }

  private static final class ByNd4j implements Contestant {
    private final DenseOperands operands;
    private final Nd4jCpu nd4j;
    private final INDArray x;
    private final INDArray w;
    private final INDArray b;
    private final INDArray y;

    ByNd4j(Shape sizes, int threads) {
      nd4j = new Nd4jCpu(threads);
      operands = new DenseOperands(sizes, Activation.RELU);
      DataType f32 = DataType.FLOAT;
      x = nd4j.array(Naive.read(operands.x), f32, operands.batch, operands.inputs);
      w = nd4j.array(operands.kernel(), f32, operands.inputs, operands.outputs);
      b = nd4j.array(operands.bias(), f32, operands.outputs);
      y = nd4j.array(f32, operands.batch, operands.outputs);
    }

    @Override
    public void run() {
      x.mmul(w, y);
      y.addiRowVector(b);
      Transforms.relu(y, false);
    }

    @Override
    public void check() {
      y.assign(Float.NaN);
      run();
      operands.check().forward(Nd4jCpu.read(y));
    }

    @Override
    public void close() {
      x.close();
      w.close();
      b.close();
      y.close();
      operands.close();
    }

    @Override
    public String toString() {
      return nd4j.toString();
    }
  }

  private static final class ByTensorFlow implements Contestant {
    private final DenseOperands operands;
    private final TensorFlowCpu library;
    private final Operand<TFloat32> y;

    ByTensorFlow(Shape sizes, int threads) {
      library = new TensorFlowCpu(threads);
      operands = new DenseOperands(sizes, Activation.RELU);
      int inputs = operands.inputs;
      int outputs = operands.outputs;
      Operand<TFloat32> x =
          library.read(library.variable(Naive.read(operands.x), operands.batch, inputs));
      Operand<TFloat32> w = library.read(library.variable(operands.kernel(), inputs, outputs));
      Operand<TFloat32> b = library.read(library.variable(operands.bias(), outputs));
      Ops tf = library.tf();
      y = tf.nn.relu(tf.nn.biasAdd(tf.linalg.matMul(x, w), b));
      library.start();
    }

    @Override
    public void run() {
      library.runner().fetch(y).run().close();
    }

    @Override
    public void check() {
      try (Result result = library.runner().fetch(y).run()) {
        operands.check().forward(TensorFlowCpu.read(result.get(0)));
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
