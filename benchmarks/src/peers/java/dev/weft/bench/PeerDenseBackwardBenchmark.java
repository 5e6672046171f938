package dev.weft.bench;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.nn.Activation;
import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;
import org.openjdk.jmh.annotations.Param;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * The gradients of {@code max(x·w + b, 0)} by w, b and x, 4·B·I·O flop. PyTorch: autograd back
 * through {@code relu} and {@code linear}, over a graph that is kept; it adds to the gradients that
 * it has, weft overwrites. ND4J: {@code relu_bp}, two {@code mmul} and a {@code sum} into arrays
 * that are there. TensorFlow: {@code ReluGrad}, two {@code MatMul} and {@code BiasAddGrad} in a
 * graph, into memory that it allocates. A BLAS, and {@link Netlib}, does the two products alone,
 * without the masks of dy and db.
 */
public class PeerDenseBackwardBenchmark extends PeerProductBenchmark {
  /** B, I, O, as in {@link DenseBackwardBenchmark}. */
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

  private static final class ByNetlib implements Contestant {
    private final DenseOperands operands;
    private final Netlib netlib;
    private final float[] x;
    private final float[] w;
    private final float[] dy;
    private final float[] dw;
    private final float[] dx;

    ByNetlib(Shape sizes, Netlib netlib) {
      this.netlib = netlib;
      operands = new DenseOperands(sizes, Activation.LINEAR);
      x = Netlib.narrowed(Naive.read(operands.x));
      w = Netlib.narrowed(operands.kernel());
      dy = Netlib.narrowed(Naive.read(operands.dy));
      dw = new float[w.length];
      dx = new float[x.length];
    }

    @Override
    public void run() {
      int batch = operands.batch;
      int inputs = operands.inputs;
      int outputs = operands.outputs;
      netlib.leftTransposed(x, dy, dw, inputs, outputs, batch);
      netlib.rightTransposed(dy, w, dx, batch, inputs, outputs);
    }

    @Override
    public void check() {
      Arrays.fill(dw, Float.NaN);
      Arrays.fill(dx, Float.NaN);
      run();
      double[] of = Naive.widened(dy);
      double[] db = Naive.columnSums(of, operands.outputs); // not computed, so not checked
      operands.checkOfProducts().backward(of, Naive.widened(dw), db, Naive.widened(dx));
    }

    @Override
    public void close() {
      operands.close();
    }

    @Override
    public String toString() {
      return netlib + ", products alone";
    }
  }

  private static final class ByNd4j implements Contestant {
    private final DenseOperands operands;
    private final Nd4jCpu nd4j;
    private final INDArray x;
    private final INDArray w;
    private final INDArray y;
    private final INDArray dy;
    private final INDArray dz;
    private final INDArray dw;
    private final INDArray db;
    private final INDArray dx;

    ByNd4j(Shape sizes, int threads) {
      nd4j = new Nd4jCpu(threads);
      operands = new DenseOperands(sizes, Activation.RELU);
      int batch = operands.batch;
      int inputs = operands.inputs;
      int outputs = operands.outputs;
      DataType f32 = DataType.FLOAT;
      x = nd4j.array(Naive.read(operands.x), f32, batch, inputs);
      w = nd4j.array(operands.kernel(), f32, inputs, outputs);
      dy = nd4j.array(Naive.read(operands.dy), f32, batch, outputs);
      y = nd4j.array(f32, batch, outputs);
      x.mmul(w, y);
      try (INDArray b = nd4j.array(operands.bias(), f32, outputs)) {
        y.addiRowVector(b);
      }
      Transforms.relu(y, false);
      dz = nd4j.array(f32, batch, outputs);
      dw = nd4j.array(f32, inputs, outputs);
      db = nd4j.array(f32, outputs);
      dx = nd4j.array(f32, batch, inputs);
    }

    @Override
    public void run() {
      Nd4jCpu.relu(y, dy, dz);
      Nd4jCpu.dense(x, dz, dw, db);
      dz.mmul(w, dx, Nd4jCpu.TRANSPOSE_B);
    }

    @Override
    public void check() {
      dw.assign(Float.NaN);
      db.assign(Float.NaN);
      dx.assign(Float.NaN);
      run();
      operands
          .check()
          .backward(Naive.read(operands.dy), Nd4jCpu.read(dw), Nd4jCpu.read(db), Nd4jCpu.read(dx));
    }

    @Override
    public void close() {
      for (INDArray array : List.of(x, w, y, dy, dz, dw, db, dx)) {
        array.close();
      }
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
    private final List<Operand<TFloat32>> gradients;

    ByTensorFlow(Shape sizes, int threads) {
      library = new TensorFlowCpu(threads);
      operands = new DenseOperands(sizes, Activation.RELU);
      int inputs = operands.inputs;
      int outputs = operands.outputs;
      double[] inX = Naive.read(operands.x);
      double[] z = Naive.product(inX, operands.kernel(), operands.batch, inputs, outputs);
      Naive.addRow(z, operands.bias());
      Ops tf = library.tf();
      Operand<TFloat32> x = library.read(library.variable(inX, operands.batch, inputs));
      Operand<TFloat32> w = library.read(library.variable(operands.kernel(), inputs, outputs));
      Operand<TFloat32> dy =
          library.read(library.variable(Naive.read(operands.dy), operands.batch, outputs));
      Operand<TFloat32> y =
          library.read(
              library.variable(
                  Naive.activate(Activation.RELU, z, outputs), operands.batch, outputs));
      gradients = library.dense(x, w, tf.nn.reluGrad(dy, y));
      library.start();
    }

    private Result backward() {
      Session.Runner runner = library.runner();
      gradients.forEach(runner::fetch);
      return runner.run();
    }

    @Override
    public void run() {
      backward().close();
    }

    @Override
    public void check() {
      try (Result result = backward()) {
        operands
            .check()
            .backward(
                Naive.read(operands.dy),
                TensorFlowCpu.read(result.get(0)),
                TensorFlowCpu.read(result.get(1)),
                TensorFlowCpu.read(result.get(2)));
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
