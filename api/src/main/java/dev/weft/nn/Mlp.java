package dev.weft.nn;

import dev.weft.Backend;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Initializer;
import dev.weft.init.Initializers;
import dev.weft.internal.Checks;
import dev.weft.internal.Events;
import dev.weft.internal.Failures;
import dev.weft.internal.OperationEvent;
import dev.weft.random.RandomKey;
import dev.weft.spi.Buffer;
import dev.weft.spi.NnEngine;
import dev.weft.spi.StepRecorder;
import dev.weft.spi.StridedMatrix;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A multilayer perceptron: a stack of {@link Dense} layers with a loss and an optimizer.
 *
 * <pre>{@code
 * try (Mlp mlp = Mlp.of(784).dense(128, Activation.RELU).dense(10, Activation.SOFTMAX).build(backend, key)) {
 *   mlp.trainStep(x, labels);       // x [B, 784]
 *   double loss = mlp.loss();
 *   mlp.forward(x, probabilities);  // [B, 10]
 * }
 * }</pre>
 *
 * <p>Where the last activation is {@link Activation#SOFTMAX} and the loss {@link
 * Loss.SoftmaxCrossEntropy}, or sigmoid and {@link Loss.SigmoidCrossEntropy}, training goes from
 * the logits straight to the loss, as those losses expect. Otherwise the loss takes what the last
 * layer gives.
 *
 * <p>The first step of a batch size makes tensors for it, which are kept for the last four sizes;
 * later ones allocate nothing. A backend may record a step that comes again with the same tensors,
 * and replay it as a whole. On the CPU, training gives the same bits for any number of threads and
 * vector width. One thread at a time may use it.
 *
 * @since 0.1
 */
public final class Mlp implements AutoCloseable {
  /**
   * Batch sizes whose tensors are kept: of training, of its last batch, of a test, and one more.
   */
  private static final int MOST_PASSES = 4;

  private final Backend backend;
  private final DType dtype;
  private final List<Dense> layers;
  private final Loss loss;
  private final double clipNorm;
  private final boolean lossOfLogits;
  private final List<Dense.Gradients> gradients = new ArrayList<>();
  private final List<OptimizerState> states = new ArrayList<>();
  private final List<Tensor> stateGradients = new ArrayList<>();
  private final List<Pass> passes = new ArrayList<>(); // the last used one last
  private final Tensor value;
  private final Tensor squares;
  private Pass lastPass;
  private boolean closed;

  private Mlp(Builder builder, Backend backend, RandomKey key) {
    this.backend = backend;
    this.dtype = builder.dtype;
    this.loss = builder.loss;
    this.clipNorm = builder.clipNorm;
    List<Dense> made = new ArrayList<>();
    Tensor madeValue = null;
    Tensor madeSquares = null;
    try {
      for (Dense.Builder layer : builder.layers()) {
        made.add(layer.build(backend, key));
      }
      for (Dense layer : made) {
        Dense.Gradients own = layer.gradients();
        gradients.add(own);
        addState(builder.optimizer, layer.kernel(), own.kernel());
        if (own.bias() != null) {
          addState(builder.optimizer, layer.bias().orElseThrow(), own.bias());
        }
      }
      madeValue = backend.tensor(DType.F64, Shape.of(1));
      madeSquares = backend.tensor(DType.F64, Shape.of(NnEngine.SQUARES));
      madeValue.copyFrom(MemorySegment.ofArray(new double[] {Double.NaN}));
    } catch (Throwable e) {
      close(made, madeValue, madeSquares);
      throw e;
    }
    this.layers = Collections.unmodifiableList(made);
    this.value = madeValue;
    this.squares = madeSquares;
    Activation.Kind last = made.getLast().activation().kind();
    this.lossOfLogits =
        loss instanceof Loss.SoftmaxCrossEntropy && last == Activation.Kind.SOFTMAX
            || loss instanceof Loss.SigmoidCrossEntropy && last == Activation.Kind.SIGMOID;
  }

  private void addState(Optimizer optimizer, Tensor parameter, Tensor gradient) {
    states.add(optimizer.state(parameter));
    stateGradients.add(gradient);
  }

  /**
   * A perceptron of {@code inputs} inputs, to be built.
   *
   * @throws IllegalArgumentException {@code mlp: need inputs >= 1, got inputs=…}
   */
  public static Builder of(long inputs) {
    return new Builder(inputs);
  }

  /** The layers, the first one first. */
  public List<Dense> layers() {
    return layers;
  }

  /** The loss that training makes small. */
  public Loss lossFunction() {
    return loss;
  }

  /**
   * The weights by name: {@code dense0/kernel} [I, O], {@code dense0/bias} [O], {@code
   * dense1/kernel}, … They are what a file of the model holds, and reading into them loads it.
   */
  public Map<String, Tensor> parameters() {
    Map<String, Tensor> named = new LinkedHashMap<>();
    for (int i = 0; i < layers.size(); i++) {
      String name = Builder.name(i);
      named.put(name + "/kernel", layers.get(i).kernel());
      layers.get(i).bias().ifPresent(bias -> named.put(name + "/bias", bias));
    }
    return named;
  }

  /**
   * {@code y} = what the last layer gives for x.
   *
   * @param x [B, I], read
   * @param y [B, O], overwritten; apart from x in memory
   * @throws IllegalArgumentException {@code mlp: need …, got …}, or as {@link Dense#forward}
   * @throws ClosedException if this perceptron, a tensor or the backend is closed
   */
  public void forward(Tensor x, Tensor y) {
    Pass pass = pass(x);
    Operands.requireApart("mlp", "y", y, "x", x);
    Tensor in = x;
    for (int i = 0; i < layers.size() - 1; i++) {
      layers.get(i).forward(in, pass.y[i]);
      in = pass.y[i];
    }
    layers.getLast().forward(in, y);
  }

  /**
   * One step: forward, {@link #loss}, backward, and the optimizer's update of all weights.
   *
   * @param x [B, I], B at least 1; read
   * @param labels B classes
   * @throws IllegalArgumentException as {@link Dense#forward} and {@link Loss#gradient(Tensor,
   *     Labels, Tensor)}; the weights are then as they were
   * @throws ClosedException if this perceptron, a tensor or the backend is closed
   */
  public void trainStep(Tensor x, Labels labels) {
    step(x, labels, null);
  }

  /**
   * One step towards targets instead of labels; otherwise as {@link #trainStep(Tensor, Labels)}.
   *
   * @param target [B, O], read
   */
  public void trainStep(Tensor x, Tensor target) {
    step(x, null, target);
  }

  private void step(Tensor x, Labels labels, Tensor target) {
    Pass pass = training(x);
    OperationEvent event = Events.trainStep();
    if (pass.recorder == null || !isInStep()) {
      operations(pass, x, labels, target);
    } else {
      layers.getFirst().requireForward(x, pass.y[0]);
      Operands.enter("mlp", x, target, value, squares);
      try {
        recorded(pass, x, labels, target);
      } catch (IllegalStateException e) {
        throw Operands.cause("mlp", e, x, target);
      } finally {
        Operands.leave(x, target, value, squares);
      }
    }
    if (event != null) {
      end(event, x);
    }
  }

  /** Ends the event of a step. The first layer has two products, others one more, for dx. */
  private void end(OperationEvent event, Tensor x) {
    long bytes = x.byteSize();
    double products = 0;
    for (Dense layer : layers) {
      bytes += Operands.byteSize(layer.kernel(), layer.bias().orElse(null));
      products += (layer == layers.getFirst() ? 2.0 : 3.0) * layer.inputs() * layer.outputs();
    }
    long flops = (long) (2.0 * x.shape().dim(0) * products); // 2^63 - 1 at most
    event.end(backend.info(), dtype, loss, () -> x.shape() + widths(), bytes, flops);
  }

  /** For example {@code → 128 → 10}. */
  private String widths() {
    StringBuilder text = new StringBuilder();
    layers.forEach(layer -> text.append(" → ").append(layer.outputs()));
    return text.toString();
  }

  /** One step by the recorder of a pass. */
  private void recorded(Pass pass, Tensor x, Labels labels, Tensor target) {
    Optimizer rule = states.getFirst().optimizer();
    long step = states.getFirst().steps() + 1;
    StridedMatrix in = Operands.rows(x);
    Buffer wanted = Operands.buffer(target);
    if (!pass.recorder.hasRecorded(in, wanted)) {
      pass.recorder.run(in, wanted, labels, rule, step, () -> operations(pass, x, labels, target));
      return;
    }
    if (labels != null) {
      Losses.check(loss, pass.prediction(), labels, pass.lastGradient(), value);
    } else {
      Losses.check(loss, pass.prediction(), target, pass.lastGradient(), value);
    }
    requireOpen();
    pass.recorder.replay(in, labels, rule, step);
    states.forEach(OptimizerState::replayed);
  }

  /** Whether all parameters have made the same number of steps: not after one that failed. */
  private boolean isInStep() {
    for (int i = 1; i < states.size(); i++) {
      if (states.get(i).steps() != states.getFirst().steps()) {
        return false;
      }
    }
    return true;
  }

  /** One step, operation by operation. */
  private void operations(Pass pass, Tensor x, Labels labels, Tensor target) {
    forwardKeeping(pass, x);
    if (labels != null) {
      loss.gradient(pass.prediction(), labels, pass.lastGradient(), value);
    } else {
      loss.gradient(pass.prediction(), target, pass.lastGradient(), value);
    }
    backward(pass, x);
    update();
  }

  /** Throws if a tensor that others can close is closed. */
  private void requireOpen() {
    for (int i = 0; i < states.size(); i++) {
      Tensor parameter = states.get(i).parameter();
      Operands.enter("mlp", parameter, stateGradients.get(i), null, null);
      Operands.leave(parameter, stateGradients.get(i), null, null);
    }
  }

  /**
   * The loss and its gradients by the weights, in {@link #gradients}, without an update.
   *
   * @return the loss
   */
  public double backward(Tensor x, Labels labels) {
    Pass pass = training(x);
    forwardKeeping(pass, x);
    loss.gradient(pass.prediction(), labels, pass.lastGradient(), value);
    backward(pass, x);
    return loss();
  }

  /**
   * The same for targets.
   *
   * @return the loss
   */
  public double backward(Tensor x, Tensor target) {
    Pass pass = training(x);
    forwardKeeping(pass, x);
    loss.gradient(pass.prediction(), target, pass.lastGradient(), value);
    backward(pass, x);
    return loss();
  }

  /** The mean loss of the last step's batch, before its update; NaN before the first step. */
  public double loss() {
    return value.get(0);
  }

  /** The gradients of the last backward pass, a layer's at its place. */
  public List<Dense.Gradients> gradients() {
    return Collections.unmodifiableList(gradients);
  }

  /**
   * The rule of the next steps, which keeps what the last one remembered: for a schedule of the
   * learning rate.
   *
   * @throws IllegalArgumentException if it is another kind of rule, or as {@link Optimizer#state};
   *     the old rule then stays
   */
  public void optimizer(Optimizer next) {
    for (OptimizerState state : states) {
      state.optimizer(next);
    }
  }

  /** The pass of a training step of x. */
  private Pass training(Tensor x) {
    if (x.shape().elements() == 0) {
      throw Checks.bad("mlp", "need at least one example", "x", x.shape());
    }
    Pass pass = pass(x);
    pass.makeGradients();
    return pass;
  }

  private void forwardKeeping(Pass pass, Tensor x) {
    Tensor in = x;
    int last = layers.size() - 1;
    for (int i = 0; i <= last; i++) {
      Dense layer = layers.get(i);
      if (i == last && lossOfLogits) {
        layer.forward(Activation.LINEAR, in, null, null, pass.y[i]);
      } else if (pass.z[i] != null) {
        layer.forwardKeeping(in, pass.z[i], pass.y[i]);
      } else {
        layer.forward(in, pass.y[i]);
      }
      in = pass.y[i];
    }
  }

  private void backward(Pass pass, Tensor x) {
    int last = layers.size() - 1;
    for (int i = last; i >= 0; i--) {
      Dense layer = layers.get(i);
      Activation f = i == last && lossOfLogits ? Activation.LINEAR : layer.activation();
      Tensor in = i == 0 ? x : pass.y[i - 1];
      Tensor saved = pass.z[i] != null ? pass.z[i] : pass.y[i];
      Tensor dx = i == 0 ? null : pass.dy[i - 1];
      layer.backward(f, in, saved, pass.dy[i], dx, gradients.get(i), Write.OVERWRITE);
    }
  }

  private void update() {
    if (clipNorm > 0) {
      for (int i = 0; i < stateGradients.size(); i++) {
        Tensor g = stateGradients.get(i);
        Write write = i == 0 ? Write.OVERWRITE : Write.ACCUMULATE;
        Operands.enter("update", g, squares, null, null);
        try {
          Operands.engine(g)
              .sumOfSquares(
                  dtype, g.shape().elements(), Operands.buffer(g), write, Operands.buffer(squares));
        } finally {
          Operands.leave(g, squares, null, null);
        }
      }
    }
    for (int i = 0; i < states.size(); i++) {
      states.get(i).update(stateGradients.get(i), clipNorm > 0 ? squares : null, clipNorm);
    }
  }

  private Pass pass(Tensor x) {
    if (closed) {
      throw new ClosedException(Checks.message("mlp", "need an open perceptron", "mlp", this));
    }
    Shape shape = x.shape();
    long inputs = layers.getFirst().inputs();
    if (shape.rank() != 2 || shape.dim(1) != inputs) {
      throw Checks.bad("mlp", "need x [B, " + inputs + "]", "x", shape);
    }
    long batch = shape.dim(0);
    if (lastPass == null || lastPass.batch != batch) {
      lastPass = passOf(batch);
    }
    return lastPass;
  }

  private Pass passOf(long batch) {
    for (int i = 0; i < passes.size(); i++) {
      if (passes.get(i).batch == batch) {
        Pass found = passes.remove(i);
        passes.add(found);
        return found;
      }
    }
    if (passes.size() == MOST_PASSES) {
      lastPass = null; // it may be the one
      passes.getFirst().close();
      passes.removeFirst();
    }
    Pass made = new Pass(batch);
    try {
      passes.add(made);
    } catch (Throwable e) {
      made.close();
      throw e;
    }
    return made;
  }

  /** Frees the weights and all that was made for training. */
  @Override
  public void close() {
    closed = true;
    close(layers, value, squares);
    passes.clear();
    lastPass = null;
  }

  /** Closes everything that can be; after a failure it may be called again. */
  private void close(List<Dense> layers, Tensor value, Tensor squares) {
    Failures failures = new Failures();
    passes.forEach(pass -> failures.attempt(pass::close));
    states.forEach(state -> failures.attempt(state::close));
    gradients.forEach(each -> failures.attempt(each::close));
    layers.forEach(layer -> failures.attempt(layer::close));
    failures.attempt(() -> Dense.closeAll(value, squares));
    failures.raise();
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("Mlp ").append(layers.getFirst().inputs());
    for (Dense layer : layers) {
      text.append(" → ").append(layer.outputs()).append(' ').append(layer.activation());
    }
    return text.toString();
  }

  /** The tensors between the layers for one batch size. */
  private final class Pass implements AutoCloseable {
    final long batch;
    final Tensor[] y = new Tensor[layers.size()];
    final Tensor[] z = new Tensor[layers.size()];
    final Tensor[] dy = new Tensor[layers.size()];
    final StepRecorder recorder; // null: operations are called one by one

    Pass(long batch) {
      this.batch = batch;
      this.recorder = Operands.engine(value).stepRecorder();
      try {
        for (int i = 0; i < y.length - 1; i++) {
          y[i] = tensor(i);
        }
      } catch (Throwable e) {
        close();
        throw e;
      }
    }

    private Tensor tensor(int layer) {
      return backend.tensor(dtype, Shape.of(batch, layers.get(layer).outputs()));
    }

    /** Makes what training needs and inference does not, unless it is there. */
    void makeGradients() {
      for (int i = 0; i < y.length; i++) {
        if (z[i] == null && layers.get(i).activation().kind().derivativeOfInput()) {
          z[i] = tensor(i);
        }
        if (dy[i] == null) {
          dy[i] = tensor(i);
        }
        if (y[i] == null) {
          y[i] = tensor(i);
        }
      }
    }

    /** What the loss is of. */
    Tensor prediction() {
      return y[y.length - 1];
    }

    /** The loss's gradient by it. */
    Tensor lastGradient() {
      return dy[dy.length - 1];
    }

    @Override
    public void close() {
      Failures failures = new Failures();
      if (recorder != null) {
        failures.attempt(recorder::close);
      }
      for (Tensor[] some : List.of(y, z, dy)) {
        for (Tensor tensor : some) {
          if (tensor != null) {
            failures.attempt(tensor::close);
          }
        }
      }
      failures.raise();
    }
  }

  /** What a perceptron is built from. */
  public static final class Builder {
    private final long inputs;
    private final List<Long> outputs = new ArrayList<>();
    private final List<Activation> activations = new ArrayList<>();
    private Initializer kernel = Initializers.glorotUniform();
    private Initializer bias = Initializers.zeros();
    private Loss loss = Loss.softmaxCrossEntropy();
    private Optimizer optimizer = Optimizer.adam(1e-3);
    private DType dtype = DType.F32;
    private double clipNorm;

    private Builder(long inputs) {
      if (inputs < 1) {
        throw Checks.bad("mlp", "need inputs >= 1", "inputs", inputs);
      }
      this.inputs = inputs;
    }

    private static String name(int layer) {
      return "dense" + layer;
    }

    /**
     * One layer more.
     *
     * @throws IllegalArgumentException {@code mlp: need outputs >= 1, got outputs=…}
     */
    public Builder dense(long outputs, Activation activation) {
      if (outputs < 1) {
        throw Checks.bad("mlp", "need outputs >= 1", "outputs", outputs);
      }
      this.outputs.add(outputs);
      activations.add(Objects.requireNonNull(activation));
      return this;
    }

    /** How all kernels begin; Glorot uniform if not set. */
    public Builder kernel(Initializer kernel) {
      this.kernel = Objects.requireNonNull(kernel);
      return this;
    }

    /** How all biases begin; 0 if not set. */
    public Builder bias(Initializer bias) {
      this.bias = Objects.requireNonNull(bias);
      return this;
    }

    /** What training makes small; softmax cross-entropy if not set. */
    public Builder loss(Loss loss) {
      this.loss = Objects.requireNonNull(loss);
      return this;
    }

    /** How weights move; Adam at 0.001 if not set. */
    public Builder optimizer(Optimizer optimizer) {
      this.optimizer = Objects.requireNonNull(optimizer);
      return this;
    }

    /**
     * The type of weights and data; F32 if not set, or F64.
     *
     * @throws IllegalArgumentException {@code mlp: need f32 or f64, got dtype=…}
     */
    public Builder dtype(DType dtype) {
      if (dtype != DType.F32 && dtype != DType.F64) {
        throw Checks.bad("mlp", "need f32 or f64", "dtype", dtype.id());
      }
      this.dtype = dtype;
      return this;
    }

    /**
     * Scales the gradients of a step by {@code min(1, norm/|g|)}, where |g| is the Euclidean norm
     * of all of them. The norm neither overflows nor underflows.
     *
     * @param norm finite and positive, also when it is rounded to the type of the weights
     * @throws IllegalArgumentException {@code mlp: need finite clipNorm > 0, got clipNorm=…}
     */
    public Builder clipNorm(double norm) {
      if (!(norm > 0 && norm <= Double.MAX_VALUE)) {
        throw Checks.bad("mlp", "need finite clipNorm > 0", "clipNorm", norm);
      }
      clipNorm = norm;
      return this;
    }

    private List<Dense.Builder> layers() {
      List<Dense.Builder> made = new ArrayList<>();
      for (int i = 0; i < outputs.size(); i++) {
        made.add(
            Dense.of(i == 0 ? inputs : outputs.get(i - 1), outputs.get(i))
                .name(name(i))
                .activation(activations.get(i))
                .kernel(kernel)
                .bias(bias)
                .dtype(dtype));
      }
      return made;
    }

    /**
     * The perceptron, its weights filled with {@code key.child("dense0/kernel")}, {@code
     * key.child("dense0/bias")}, …
     *
     * @throws IllegalArgumentException {@code mlp: need at least one layer, got layers=0}, or
     *     {@code optimizer: need finite rate >= 0 in f32, got rate=…} and the like for a number of
     *     the optimizer, the loss, an activation or clipping that is out of its range when it is
     *     rounded to the type of the weights
     * @throws dev.weft.MemoryLimitException if it does not fit
     */
    public Mlp build(Backend backend, RandomKey key) {
      if (outputs.isEmpty()) {
        throw Checks.bad("mlp", "need at least one layer", "layers", 0);
      }
      Optimizers.requireIn(optimizer, dtype);
      Losses.requireIn(loss, dtype);
      if (clipNorm > 0) {
        Checks.positiveIn("mlp", "clipNorm", clipNorm, dtype);
      }
      return new Mlp(this, backend, key);
    }
  }
}
