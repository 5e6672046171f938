package dev.weft.bench;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.impl.updaters.AdamUpdater;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;
import org.openjdk.jmh.annotations.Param;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.VarHandleOp;
import org.tensorflow.op.linalg.MatMul;
import org.tensorflow.op.nn.SparseSoftmaxCrossEntropyWithLogits;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * One step of training a perceptron with relu for classes: forward, softmax cross-entropy,
 * backward, update. PyTorch: {@code linear}, {@code relu}, {@code log_softmax}, {@code gather} and
 * {@code mean}, autograd back through them, and the update that DJL has for it, which is not
 * PyTorch's own fused one.
 *
 * <p>ND4J: {@code mmul}, {@code addiRowVector}, {@code relu}, its sparse softmax cross-entropy and
 * that one's gradient, {@code relu_bp}, products and sums back, {@code adam_updater} and {@code
 * subi}, all in arrays that are there. TensorFlow: one graph of {@code MatMul}, {@code BiasAdd},
 * {@code Relu}, {@code SparseSoftmaxCrossEntropyWithLogits}, which gives the gradient with the
 * loss, {@code ReluGrad}, {@code BiasAddGrad} and {@code ResourceApplyAdam} or {@code
 * ResourceApplyGradientDescent}, run by a session; the loss is fetched.
 */
public class PeerTrainStepBenchmark extends PeerProductBenchmark {
  /** Inputs, outputs of each hidden layer, classes, as in {@link TrainStepBenchmark}. */
  @Param({"784-128-10", "784-512-512-10"})
  public String layers;

  /** Examples of a step. */
  @Param("128")
  public int batch;

  /** {@code adam} or {@code sgd}. */
  @Param({"adam", "sgd"})
  public String optimizer;

  /** Whose step. */
  @Param({"weft", "pytorch", "nd4j", "tensorflow"})
  public String library;

  private double flop;

  @Override
  void library(String name) {
    library = name;
  }

  @Override
  Contestant contestant() {
    long before = 0;
    flop = 0;
    for (String size : layers.split("-")) {
      long outputs = Long.parseLong(size);
      flop += (flop == 0 ? 4.0 : 6.0) * batch * before * outputs;
      before = outputs;
    }
    return switch (library) {
      case "weft" -> new ByWeft(this);
      case "pytorch" -> new ByTorch(this);
      case "nd4j" -> new ByNd4j(this);
      case "tensorflow" -> new ByTensorFlow(this);
      case "openblas", "mkl", "blis", "netlib" ->
          throw refused(library, "operation=step", "a BLAS multiplies and has no other part of it");
      default -> throw unknown(library);
    };
  }

  @Override
  double work() {
    return flop;
  }

  private static final class ByWeft implements Contestant {
    private final TrainStepBenchmark own = new TrainStepBenchmark();
    private final Flops flops = new Flops();

    ByWeft(PeerTrainStepBenchmark asked) {
      own.layers = asked.layers;
      own.batch = asked.batch;
      own.activation = "relu";
      own.optimizer = asked.optimizer;
      own.dtype = "f32";
      own.backend = "cpu";
      own.threads = asked.threads;
      own.open(); // which checks, as close does
    }

    @Override
    public void run() {
      own.step(flops);
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

  private static final class ByTorch implements Contestant {
    private static final float NONE = -1; // no clipping

    private final Torch torch;
    private final StepOperands operands;
    private final List<PtNDArray> w = new ArrayList<>();
    private final List<PtNDArray> b = new ArrayList<>();
    private final List<PtNDArray> parameters = new ArrayList<>();
    private final List<PtNDArray> means = new ArrayList<>();
    private final List<PtNDArray> squares = new ArrayList<>();
    private final List<PtNDArray> made = new ArrayList<>();
    private final PtNDArray x;
    private final PtNDArray labels;
    private final PtNDArray minusOne;
    private int steps;
    private PtNDArray loss;

    ByTorch(PeerTrainStepBenchmark asked) {
      torch = new Torch(asked.threads);
      operands = new StepOperands(asked);
      x = torch.array(operands.x, operands.batch, operands.inputs);
      for (int i = 0; i < operands.layers(); i++) {
        int inputs = operands.inputs(i);
        int outputs = operands.outputs(i);
        w.add(
            parameter(Naive.transposed(operands.kernels.get(i), inputs, outputs), outputs, inputs));
        b.add(parameter(operands.biases.get(i), outputs));
      }
      labels = torch.column(operands.classes);
      minusOne = torch.array(new double[] {-1});
    }

    private PtNDArray parameter(double[] values, long... shape) {
      PtNDArray parameter = torch.array(values, shape);
      parameter.setRequiresGradient(true);
      parameters.add(parameter);
      means.add(torch.array(new double[values.length], shape));
      squares.add(torch.array(new double[values.length], shape));
      return parameter;
    }

    @Override
    public void run() {
      backward();
      update();
    }

    private void backward() {
      for (PtNDArray array : made) {
        array.close();
      }
      made.clear();
      JniUtils.setGradMode(true); // DJL begins without
      PtNDArray y = x;
      for (int i = 0; i < w.size(); i++) {
        y = keep(JniUtils.linear(y, w.get(i), b.get(i)));
        if (i < w.size() - 1) {
          y = keep(JniUtils.relu(y));
        }
      }
      y = keep(JniUtils.logSoftmax(y, 1, Torch.F32));
      y = keep(JniUtils.gather(y, labels, 1));
      loss = keep(JniUtils.mean(y)); // of the logarithms, the negative of the loss
      JniUtils.backward(loss, minusOne, false, false);
    }

    private PtNDArray keep(PtNDArray array) {
      made.add(array);
      return array;
    }

    private void update() {
      steps++;
      float rate = (float) StepOperands.RATE;
      float corrected =
          (float)
              (StepOperands.RATE
                  * Math.sqrt(1 - Math.pow(0.999, steps))
                  / (1 - Math.pow(0.9, steps)));
      for (int i = 0; i < parameters.size(); i++) {
        PtNDArray parameter = parameters.get(i);
        try (PtNDArray gradient = parameter.getGradient()) {
          if (operands.adam) {
            JniUtils.adamUpdate(
                parameter,
                gradient,
                means.get(i),
                squares.get(i),
                rate,
                corrected,
                0,
                1,
                NONE,
                0.9f,
                0.999f,
                1e-8f,
                false);
          } else {
            JniUtils.sgdUpdate(parameter, gradient, null, rate, 0, 1, NONE, 0);
          }
        }
        JniUtils.zeroGrad(parameter);
      }
    }

    /** Compares loss and gradients, where no step was taken yet, and that weights move. */
    @Override
    public void check() {
      if (steps > 0) {
        StepOperands.requireFinite(loss.getFloat());
        return;
      }
      backward();
      List<double[]> dw = new ArrayList<>();
      List<double[]> db = new ArrayList<>();
      for (int i = 0; i < w.size(); i++) {
        try (PtNDArray ofW = w.get(i).getGradient();
            PtNDArray ofB = b.get(i).getGradient()) {
          dw.add(Naive.transposed(Torch.read(ofW), operands.outputs(i), operands.inputs(i)));
          db.add(Torch.read(ofB));
        }
      }
      operands.check(-loss.getFloat(), dw, db);
      double[] before = Torch.read(w.getFirst());
      update();
      StepOperands.requireMoved(before, Torch.read(w.getFirst()));
    }

    @Override
    public void close() {
      torch.close();
    }

    @Override
    public String toString() {
      return torch.toString();
    }
  }

  private static final class ByNd4j implements Contestant {
    private final StepOperands operands;
    private final Nd4jCpu nd4j;
    private final INDArray labels;
    private final INDArray losses;
    private final INDArray dz;
    private final List<INDArray> w = new ArrayList<>();
    private final List<INDArray> b = new ArrayList<>();
    private final List<INDArray> dw = new ArrayList<>();
    private final List<INDArray> db = new ArrayList<>();

    /** x, then the output of each layer. */
    private final List<INDArray> y = new ArrayList<>();

    /** The gradients of {@link #y}, and behind relu. */
    private final List<INDArray> dy = new ArrayList<>();

    private final List<INDArray> dzs = new ArrayList<>();
    private final List<INDArray> means = new ArrayList<>();
    private final List<INDArray> squares = new ArrayList<>();
    private int steps;

    ByNd4j(PeerTrainStepBenchmark asked) {
      nd4j = new Nd4jCpu(asked.threads);
      operands = new StepOperands(asked);
      DataType f32 = DataType.FLOAT;
      int batch = operands.batch;
      y.add(nd4j.array(operands.x, f32, batch, operands.inputs));
      dy.add(nd4j.array(f32, batch, operands.inputs));
      for (int i = 0; i < operands.layers(); i++) {
        int inputs = operands.inputs(i);
        int outputs = operands.outputs(i);
        w.add(nd4j.array(operands.kernels.get(i), f32, inputs, outputs));
        b.add(nd4j.array(operands.biases.get(i), f32, outputs));
        dw.add(nd4j.array(f32, inputs, outputs));
        db.add(nd4j.array(f32, outputs));
        y.add(nd4j.array(f32, batch, outputs));
        dy.add(nd4j.array(f32, batch, outputs));
        dzs.add(nd4j.array(f32, batch, outputs));
        for (List<INDArray> slot : List.of(means, squares)) {
          slot.add(Nd4j.zeros(f32, inputs, outputs));
          slot.add(Nd4j.zeros(f32, outputs));
        }
      }
      dz = dzs.getLast();
      losses = nd4j.array(f32, batch);
      labels = Nd4j.createFromArray(operands.classes);
    }

    @Override
    public void run() {
      backward();
      update();
    }

    private void backward() {
      int last = w.size() - 1;
      for (int i = 0; i <= last; i++) {
        INDArray out = y.get(i + 1);
        y.get(i).mmul(w.get(i), out);
        out.addiRowVector(b.get(i));
        if (i < last) {
          Transforms.relu(out, false);
        }
      }
      String loss = "sparse_softmax_cross_entropy_loss_with_logits";
      INDArray logits = y.getLast();
      Nd4j.exec(DynamicCustomOp.builder(loss).addInputs(labels, logits).addOutputs(losses).build());
      Nd4j.exec(
          DynamicCustomOp.builder(loss + "_grad").addInputs(labels, logits).addOutputs(dz).build());
      dz.divi(operands.batch);
      for (int i = last; i >= 0; i--) {
        if (i < last) {
          Nd4jCpu.relu(y.get(i + 1), dy.get(i + 1), dzs.get(i));
        }
        Nd4jCpu.dense(y.get(i), dzs.get(i), dw.get(i), db.get(i));
        if (i > 0) {
          dzs.get(i).mmul(w.get(i), dy.get(i), Nd4jCpu.TRANSPOSE_B);
        }
      }
    }

    private void update() {
      for (int i = 0; i < w.size(); i++) {
        update(2 * i, w.get(i), dw.get(i));
        update(2 * i + 1, b.get(i), db.get(i));
      }
      steps++;
    }

    private void update(int slot, INDArray parameter, INDArray gradient) {
      if (operands.adam) {
        Nd4j.exec(
            new AdamUpdater(
                gradient,
                squares.get(slot),
                means.get(slot),
                StepOperands.RATE,
                0.9,
                0.999,
                1e-8,
                steps));
      } else {
        gradient.muli(StepOperands.RATE);
      }
      parameter.subi(gradient);
    }

    /** The mean of the losses of the last step. */
    private double loss() {
      return losses.meanNumber().doubleValue();
    }

    /** Compares loss and gradients, where no step was taken yet, and that weights move. */
    @Override
    public void check() {
      if (steps > 0) {
        StepOperands.requireFinite(loss());
        return;
      }
      for (List<INDArray> written : List.of(dw, db, dzs, List.of(losses))) {
        written.forEach(array -> array.assign(Float.NaN));
      }
      backward();
      operands.check(
          loss(), dw.stream().map(Nd4jCpu::read).toList(), db.stream().map(Nd4jCpu::read).toList());
      double[] before = Nd4jCpu.read(w.getFirst());
      update();
      StepOperands.requireMoved(before, Nd4jCpu.read(w.getFirst()));
    }

    @Override
    public void close() {
      for (List<INDArray> arrays : List.of(w, b, dw, db, y, dy, dzs, means, squares)) {
        arrays.forEach(INDArray::close);
      }
      losses.close();
      labels.close();
    }

    @Override
    public String toString() {
      return nd4j.toString();
    }
  }

  private static final class ByTensorFlow implements Contestant {
    private static final long[] NO_DIMENSIONS = {};

    private final StepOperands operands;
    private final TensorFlowCpu library;
    private final Operand<TFloat32> loss;
    private final Operand<TFloat32> first;
    private final List<Operand<TFloat32>> dw = new ArrayList<>();
    private final List<Operand<TFloat32>> db = new ArrayList<>();
    private final List<Op> updates = new ArrayList<>();
    private int steps;
    private double lastLoss;

    ByTensorFlow(PeerTrainStepBenchmark asked) {
      library = new TensorFlowCpu(asked.threads);
      operands = new StepOperands(asked);
      Ops tf = library.tf();
      List<VarHandleOp> variables = new ArrayList<>();
      List<Operand<TFloat32>> w = new ArrayList<>();
      List<Operand<TFloat32>> y = new ArrayList<>();
      y.add(library.read(library.variable(operands.x, operands.batch, operands.inputs)));
      int last = operands.layers() - 1;
      for (int i = 0; i <= last; i++) {
        VarHandleOp kernel =
            library.variable(operands.kernels.get(i), operands.inputs(i), operands.outputs(i));
        VarHandleOp bias = library.variable(operands.biases.get(i), operands.outputs(i));
        variables.add(kernel);
        variables.add(bias);
        w.add(library.read(kernel));
        Operand<TFloat32> z =
            tf.nn.biasAdd(tf.linalg.matMul(y.get(i), w.get(i)), library.read(bias));
        y.add(i < last ? tf.nn.relu(z) : z);
      }
      first = library.read(variables.getFirst());
      SparseSoftmaxCrossEntropyWithLogits<TFloat32> entropy =
          SparseSoftmaxCrossEntropyWithLogits.create(
              tf.scope(),
              y.getLast(),
              tf.readVariableOp(library.variable(operands.classes), TInt32.class));
      loss = tf.math.mean(entropy.loss(), tf.constant(0));
      Operand<TFloat32> dz = tf.math.mul(entropy.backprop(), tf.constant(1f / operands.batch));
      List<Op> gradients = new ArrayList<>();
      for (int i = last; i >= 0; i--) {
        dw.addFirst(tf.linalg.matMul(y.get(i), dz, MatMul.transposeA(true)));
        db.addFirst(tf.nn.biasAddGrad(dz));
        gradients.add(dw.getFirst());
        gradients.add(db.getFirst());
        if (i > 0) {
          Operand<TFloat32> dy = tf.linalg.matMul(dz, w.get(i), MatMul.transposeB(true));
          dz = tf.nn.reluGrad(dy, y.get(i));
          gradients.add(dz);
        }
      }
      update(tf, variables, gradients);
      library.start();
    }

    /** Once no gradient reads the weights any more, or they would be copied. */
    private void update(Ops tf, List<VarHandleOp> variables, List<Op> gradients) {
      Ops after = tf.withControlDependencies(gradients);
      Operand<TFloat32> rate = tf.constant((float) StepOperands.RATE);
      Operand<TFloat32> beta1 = tf.constant(0.9f);
      Operand<TFloat32> beta2 = tf.constant(0.999f);
      VarHandleOp power1 = library.variable(new double[] {0.9}, NO_DIMENSIONS);
      VarHandleOp power2 = library.variable(new double[] {0.999}, NO_DIMENSIONS);
      Operand<TFloat32> now1 = library.read(power1);
      Operand<TFloat32> now2 = library.read(power2);
      for (int i = 0; i < variables.size(); i++) {
        VarHandleOp variable = variables.get(i);
        Operand<TFloat32> gradient = (i % 2 == 0 ? dw : db).get(i / 2);
        if (operands.adam) {
          int layer = i / 2;
          int outputs = operands.outputs(layer);
          long[] shape =
              i % 2 == 0 ? new long[] {operands.inputs(layer), outputs} : new long[] {outputs};
          double[] zeros =
              new double[(i % 2 == 0 ? operands.kernels : operands.biases).get(layer).length];
          updates.add(
              after.train.resourceApplyAdam(
                  variable,
                  library.variable(zeros, shape),
                  library.variable(zeros, shape),
                  now1,
                  now2,
                  rate,
                  beta1,
                  beta2,
                  tf.constant(1e-8f),
                  gradient));
        } else {
          updates.add(after.train.resourceApplyGradientDescent(variable, rate, gradient));
        }
      }
      if (operands.adam) {
        Ops done = tf.withControlDependencies(List.copyOf(updates));
        updates.add(done.assignVariableOp(power1, tf.math.mul(now1, beta1)));
        updates.add(done.assignVariableOp(power2, tf.math.mul(now2, beta2)));
      }
    }

    @Override
    public void run() {
      Session.Runner runner = library.runner().fetch(loss);
      updates.forEach(runner::addTarget);
      try (Result result = runner.run()) {
        lastLoss = TensorFlowCpu.floats(result.get(0))[0];
      }
      steps++;
    }

    /** Compares loss and gradients, where no step was taken yet, and that weights move. */
    @Override
    public void check() {
      if (steps > 0) {
        StepOperands.requireFinite(lastLoss);
        return;
      }
      Session.Runner runner = library.runner().fetch(loss).fetch(first);
      dw.forEach(runner::fetch);
      db.forEach(runner::fetch);
      double[] before;
      try (Result result = runner.run()) {
        List<double[]> read = new ArrayList<>();
        for (int i = 0; i < result.size(); i++) {
          read.add(TensorFlowCpu.read(result.get(i)));
        }
        before = read.get(1);
        int layers = dw.size();
        operands.check(
            read.get(0)[0], read.subList(2, 2 + layers), read.subList(2 + layers, read.size()));
      }
      run();
      try (Result result = library.runner().fetch(first).run()) {
        StepOperands.requireMoved(before, TensorFlowCpu.read(result.get(0)));
      }
    }

    @Override
    public void close() {
      library.close();
    }

    @Override
    public String toString() {
      return library.toString();
    }
  }
}
