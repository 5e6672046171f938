package dev.weft.nn;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Initializer;
import dev.weft.init.Initializers;
import dev.weft.internal.Access;
import dev.weft.internal.Checks;
import dev.weft.internal.Events;
import dev.weft.internal.Failures;
import dev.weft.internal.OperationEvent;
import dev.weft.random.RandomKey;
import dev.weft.spi.Engine;
import dev.weft.spi.StridedMatrix;
import java.util.Objects;
import java.util.Optional;

/**
 * A dense layer, {@code y = f(x·w + b)}.
 *
 * <table>
 * <caption>Shapes; B is any number of dimensions, also none</caption>
 * <tr><th>tensor</th><th>shape</th><th>content</th></tr>
 * <tr><td>x, dx</td><td>[B, I]</td><td>input, gradient by it</td></tr>
 * <tr><td>kernel</td><td>[I, O]</td><td>w</td></tr>
 * <tr><td>bias</td><td>[O]</td><td>b, or none</td></tr>
 * <tr><td>z</td><td>[B, O]</td><td>x·w + b</td></tr>
 * <tr><td>y, dy</td><td>[B, O]</td><td>output, gradient by it</td></tr>
 * </table>
 *
 * <p>All tensors are F32 or all F64, of one backend; beside F32 tensors the kernel may be F16 or
 * BF16, whose elements are widened exactly. On the CPU every result has the same bits for any
 * number of threads and vector width, and a row of y and dx depends on its own row of x and dy
 * alone, not on B. Errors: {@link dev.weft.Accuracy#gemm} and that of the activation.
 *
 * @since 0.1
 */
public final class Dense implements AutoCloseable {
  private final Tensor kernel;
  private final Tensor bias;
  private final Activation activation;
  private final boolean owned;
  private final DType dtype; // of all but the kernel, which may be narrower

  private Dense(Tensor kernel, Tensor bias, Activation activation, boolean owned) {
    this.kernel = kernel;
    this.bias = bias;
    this.activation = Objects.requireNonNull(activation);
    this.owned = owned;
    this.dtype = kernel.dtype() == DType.F64 ? DType.F64 : DType.F32;
    activation.requireIn(dtype);
  }

  /**
   * A layer with weights of its own, to be built.
   *
   * @throws IllegalArgumentException {@code dense: need inputs, outputs >= 1, got …}
   */
  public static Builder of(long inputs, long outputs) {
    if (inputs < 1 || outputs < 1) {
      throw Checks.bad("dense", "need inputs, outputs >= 1", "inputs", inputs, "outputs", outputs);
    }
    return new Builder(inputs, outputs);
  }

  /**
   * A layer over the caller's weights, which it does not close.
   *
   * @param kernel [I, O], of any type
   * @param bias [O], or null for none
   * @throws IllegalArgumentException {@code dense: need kernel [I, O] and bias [O], got …}, or
   *     {@code activation: need finite alpha >= 0 in f32, got alpha=…}
   */
  public static Dense of(Tensor kernel, Tensor bias, Activation activation) {
    Shape shape = kernel.shape();
    if (shape.rank() != 2 || shape.elements() == 0 || bias != null && !isRow(bias, shape.dim(1))) {
      throw Checks.bad(
          "dense",
          "need kernel [I, O] and bias [O]",
          "kernel",
          shape,
          "bias",
          bias == null ? null : bias.shape());
    }
    Dense layer = new Dense(kernel, bias, activation, false);
    if (bias != null) {
      layer.requireOfLayer("dense", "bias", bias);
    }
    return layer;
  }

  private static boolean isRow(Tensor tensor, long length) {
    return tensor.shape().rank() == 1 && tensor.shape().dim(0) == length;
  }

  /** I. */
  public long inputs() {
    return kernel.shape().dim(0);
  }

  /** O. */
  public long outputs() {
    return kernel.shape().dim(1);
  }

  /** w [I, O]. */
  public Tensor kernel() {
    return kernel;
  }

  /** b [O], or empty if there is none. */
  public Optional<Tensor> bias() {
    return Optional.ofNullable(bias);
  }

  /** f. */
  public Activation activation() {
    return activation;
  }

  /**
   * {@code y = f(x·w + b)}; bias and activation are applied to each piece of the product before it
   * is written.
   *
   * @param x read
   * @param y overwritten; apart from x in memory
   * @throws IllegalArgumentException {@code dense.forward: need x [B, I] and y [B, O] for …, got
   *     …}, or for a type or memory that does not suit
   * @throws dev.weft.ClosedException if a tensor or its backend is closed
   */
  public void forward(Tensor x, Tensor y) {
    forward(activation, x, null, null, y);
  }

  /**
   * The same, and {@code z = x·w + b}, for {@link #backwardKept} of an activation with {@link
   * Activation.Kind#derivativeOfInput}.
   *
   * @param z overwritten; apart from x and y
   * @throws IllegalArgumentException as {@link #forward(Tensor, Tensor)}
   * @throws dev.weft.ClosedException if a tensor or its backend is closed
   */
  public void forwardKeeping(Tensor x, Tensor z, Tensor y) {
    requireForward(x, "z", z);
    requireForward(x, "y", y);
    Operands.requireApart("dense.forward", "z", z, "y", y);
    if (activation.kind().ofRow()) {
      forward(Activation.LINEAR, x, null, null, z);
      activation.forward(z, y);
    } else {
      forward(activation, x, z, null, y);
    }
  }

  /**
   * {@code y = f(x·w + b) + residual}, for an activation of elements.
   *
   * @param residual [B, O], read; apart from y, which holds partial sums until the end
   * @throws IllegalArgumentException as {@link #forward(Tensor, Tensor)}, or for an activation of
   *     rows
   * @throws dev.weft.ClosedException if a tensor or its backend is closed
   */
  public void forwardAdding(Tensor x, Tensor residual, Tensor y) {
    Objects.requireNonNull(residual, "residual");
    requireOfLayer("dense.forward", "residual", residual);
    Operands.requireSameShape("dense.forward", "residual", residual, "y", y);
    Operands.requireApart("dense.forward", "y", y, "residual", residual);
    if (activation.kind().ofRow()) {
      throw Checks.bad(
          "dense.forward",
          "need an activation of elements to add a residual",
          "activation",
          activation);
    }
    forward(activation, x, null, residual, y);
  }

  /** {@code x·w + b} with another function in the activation's place. */
  void forward(Activation f, Tensor x, Tensor z, Tensor residual, Tensor y) {
    requireForward(x, "y", y);
    Operands.enter("dense.forward", x, y, kernel, bias);
    try {
      Operands.enter("dense.forward", z, residual, null, null);
      try {
        OperationEvent event = Events.denseForward();
        Operands.engine(kernel)
            .dense(
                dtype,
                Operands.rows(x),
                Operands.rows(kernel),
                Operands.buffer(bias),
                f,
                Operands.rows(z),
                Operands.rows(residual),
                Operands.rows(y));
        if (event != null) {
          long bytes = Operands.byteSize(x, kernel, bias, z, residual, y);
          end(event, f, x, bytes, productFlops(x));
        }
      } finally {
        Operands.leave(z, residual, null, null);
      }
    } catch (IllegalStateException e) {
      throw Operands.cause("dense.forward", e, x, y, kernel, bias, z, residual);
    } finally {
      Operands.leave(x, y, kernel, bias);
    }
  }

  /** Throws unless x and y have the types and shapes of this layer. */
  void requireForward(Tensor x, Tensor y) {
    requireShapes("dense.forward", "x", x, "y", y);
  }

  /** Throws unless {@code y}, which is written, suits x and the layer. */
  private void requireForward(Tensor x, String yName, Tensor y) {
    requireShapes("dense.forward", "x", x, yName, y);
    Operands.requireApart("dense.forward", yName, y, "x", x);
    requireApartFromWeights("dense.forward", yName, y);
  }

  /**
   * The gradients of {@link #forward} by kernel, bias and input, from that by y: {@code dz =
   * dy·f'(z)}, {@code dw = xᵀ·dz}, {@code db = Σ dz}, {@code dx = dz·wᵀ}.
   *
   * @param x what went forward; read
   * @param y what came out; read. Where {@link Activation.Kind#derivativeOfInput} holds, z is
   *     computed anew into it
   * @param dy read, then overwritten by dz
   * @param dx overwritten, when x has been read: may be x; null if it is not needed
   * @param gradients dw and db, overwritten or added to; apart from all others in memory
   * @throws IllegalArgumentException {@code dense.backward: need …, got …} for a shape, type or
   *     memory that does not suit
   * @throws dev.weft.ClosedException if a tensor or its backend is closed
   */
  public void backward(Tensor x, Tensor y, Tensor dy, Tensor dx, Gradients gradients, Write write) {
    checkBackward(x, y, dy, dx, gradients, write);
    if (activation.kind().derivativeOfInput()) {
      forward(Activation.LINEAR, x, null, null, y);
    }
    backward(activation, x, y, dy, dx, gradients, write);
  }

  /**
   * The same from the z that {@link #forwardKeeping} kept; y is not needed.
   *
   * @param z read
   * @throws IllegalArgumentException {@code dense.backward: need an activation whose derivative is
   *     of z, got …}, or as {@link #backward}
   * @throws dev.weft.ClosedException if a tensor or its backend is closed
   */
  public void backwardKept(
      Tensor x, Tensor z, Tensor dy, Tensor dx, Gradients gradients, Write write) {
    if (!activation.kind().derivativeOfInput()) {
      throw Checks.bad(
          "dense.backward",
          "need an activation whose derivative is of z",
          "activation",
          activation);
    }
    checkBackward(x, z, dy, dx, gradients, write);
    backward(activation, x, z, dy, dx, gradients, write);
  }

  /** The same for another function in the activation's place, without checks of x and dx. */
  void backward(
      Activation f,
      Tensor x,
      Tensor saved,
      Tensor dy,
      Tensor dx,
      Gradients gradients,
      Write write) {
    OperationEvent event = Events.denseBackward();
    f.backward("dense.backward", saved, dy, dy, gradients.bias, write);
    Engine engine = Operands.engine(kernel);
    Access access = Access.get();
    StridedMatrix dz = access.rows(dy);
    Operands.enter("dense.backward", x, dy, kernel, gradients.kernel);
    try {
      engine.gemm(
          dtype,
          1,
          access.columns(x),
          dz,
          write == Write.ACCUMULATE ? 1 : 0,
          access.rows(gradients.kernel));
      if (dx != null) {
        Operands.enter("dense.backward", dx, null, null, null);
        try {
          engine.gemm(dtype, 1, dz, access.columns(kernel), 0, access.rows(dx));
        } finally {
          Operands.leave(dx, null, null, null);
        }
      }
    } catch (IllegalStateException e) {
      throw Operands.cause("dense.backward", e, x, dy, kernel, gradients.kernel, dx);
    } finally {
      Operands.leave(x, dy, kernel, gradients.kernel);
    }
    if (event != null) {
      Tensor read = dx == null ? null : kernel;
      long bytes = Operands.byteSize(x, saved, dy, dx, read, gradients.kernel, gradients.bias);
      end(event, f, x, bytes, (dx == null ? 1 : 2) * productFlops(x));
    }
  }

  /** Of x·w, or of a product of backward. */
  private long productFlops(Tensor x) {
    return (long) (2.0 * x.shape().elements() * outputs()); // 2^63 - 1 at most
  }

  private void end(OperationEvent event, Activation f, Tensor x, long bytes, long flops) {
    event.end(
        kernel.backend().info(), dtype, f, () -> x.shape() + "·" + kernel.shape(), bytes, flops);
  }

  private void checkBackward(
      Tensor x, Tensor saved, Tensor dy, Tensor dx, Gradients gradients, Write write) {
    String op = "dense.backward";
    Objects.requireNonNull(write, "write");
    requireShapes(op, "x", x, "y", saved);
    requireShapes(op, "x", x, "dy", dy);
    Operands.requireApart(op, "dy", dy, "x", x);
    Operands.requireApart(op, "dy", dy, "y", saved);
    requireApartFromWeights(op, "dy", dy);
    Operands.requireApart(op, "y", saved, "x", x);
    if (dx != null) {
      requireShapes(op, "dx", dx, "dy", dy);
      Operands.requireApart(op, "dx", dx, "dy", dy);
      Operands.requireApart(op, "dx", dx, "y", saved);
      requireApartFromWeights(op, "dx", dx);
    }
    requireOfLayer(op, "dw", gradients.kernel);
    Operands.requireSameShape(op, "dw", gradients.kernel, "kernel", kernel);
    requireGradientApart("dw", gradients.kernel, x, saved, dy, dx);
    if ((gradients.bias == null) != (bias == null)) {
      throw Checks.bad(op, "need a gradient of the bias if there is one", "db", gradients.bias);
    }
    if (bias != null) {
      requireOfLayer(op, "db", gradients.bias);
      Operands.requireSameShape(op, "db", gradients.bias, "bias", bias);
      requireGradientApart("db", gradients.bias, x, saved, dy, dx);
      Operands.requireApart(op, "db", gradients.bias, "dw", gradients.kernel);
    }
  }

  /** Throws if the gradient of a weight shares memory with what backward reads or writes. */
  private void requireGradientApart(
      String name, Tensor gradient, Tensor x, Tensor saved, Tensor dy, Tensor dx) {
    String op = "dense.backward";
    Operands.requireApart(op, name, gradient, "x", x);
    Operands.requireApart(op, name, gradient, "y", saved);
    Operands.requireApart(op, name, gradient, "dy", dy);
    Operands.requireApart(op, name, gradient, "dx", dx);
    requireApartFromWeights(op, name, gradient);
  }

  private void requireApartFromWeights(String op, String name, Tensor tensor) {
    Operands.requireApart(op, name, tensor, "kernel", kernel);
    Operands.requireApart(op, name, tensor, "bias", bias);
  }

  /** Throws unless {@code tensor} is of this layer's backend and type. */
  private void requireOfLayer(String op, String name, Tensor tensor) {
    Operands.requireOf(op, name, tensor, kernel.backend(), dtype);
  }

  /** Throws unless x is [B, I] and y [B, O], of this layer's backend and type. */
  private void requireShapes(String op, String xName, Tensor x, String yName, Tensor y) {
    requireOfLayer(op, xName, x);
    requireOfLayer(op, yName, y);
    Shape xs = x.shape();
    Shape ys = y.shape();
    boolean good =
        xs.rank() == ys.rank()
            && xs.rank() > 0
            && xs.dim(-1) == inputs()
            && ys.dim(-1) == outputs();
    for (int d = 0; good && d < xs.rank() - 1; d++) {
      good = xs.dim(d) == ys.dim(d);
    }
    if (!good) {
      throw Checks.bad(
          op,
          "need " + xName + " [B, I] and " + yName + " [B, O] for w [I, O]",
          xName,
          xs,
          yName,
          ys,
          "w",
          kernel.shape());
    }
  }

  /**
   * Tensors for the gradients of this layer's weights, of undefined content.
   *
   * @throws dev.weft.MemoryLimitException if they do not fit
   */
  public Gradients gradients() {
    Backend backend = kernel.backend();
    Tensor dw = backend.tensor(dtype, kernel.shape());
    try {
      Tensor db = bias == null ? null : backend.tensor(bias.dtype(), bias.shape());
      return new Gradients(dw, db);
    } catch (Throwable e) {
      dw.close();
      throw e;
    }
  }

  /** Frees the weights, if they are its own. */
  @Override
  public void close() {
    if (owned) {
      closeAll(kernel, bias);
    }
  }

  /** Closes both, whichever fails; nulls are left out. */
  static void closeAll(Tensor one, Tensor other) {
    Failures failures = new Failures();
    if (one != null) {
      failures.attempt(one::close);
    }
    if (other != null) {
      failures.attempt(other::close);
    }
    failures.raise();
  }

  @Override
  public String toString() {
    return "Dense " + kernel.shape() + " " + activation + (bias == null ? " without bias" : "");
  }

  /**
   * Gradients of a layer's weights.
   *
   * @param kernel dw [I, O]
   * @param bias db [O], or null where the layer has none
   */
  public record Gradients(Tensor kernel, Tensor bias) implements AutoCloseable {
    /** Frees both. */
    @Override
    public void close() {
      closeAll(kernel, bias);
    }
  }

  /** What a layer is built from. */
  public static final class Builder {
    private final long inputs;
    private final long outputs;
    private Activation activation = Activation.LINEAR;
    private Initializer kernel = Initializers.glorotUniform();
    private Initializer bias = Initializers.zeros();
    private DType dtype = DType.F32;
    private String name = "dense";

    private Builder(long inputs, long outputs) {
      this.inputs = inputs;
      this.outputs = outputs;
    }

    /** f; {@link Activation#LINEAR} if not set. */
    public Builder activation(Activation activation) {
      this.activation = Objects.requireNonNull(activation);
      return this;
    }

    /** How the kernel begins; Glorot uniform if not set. */
    public Builder kernel(Initializer kernel) {
      this.kernel = Objects.requireNonNull(kernel);
      return this;
    }

    /** How the bias begins; 0 if not set. */
    public Builder bias(Initializer bias) {
      this.bias = Objects.requireNonNull(bias);
      return this;
    }

    /** No bias. */
    public Builder withoutBias() {
      this.bias = null;
      return this;
    }

    /**
     * The type of the weights; F32 if not set.
     *
     * @throws IllegalArgumentException {@code dense: need f32 or f64, got dtype=…}
     */
    public Builder dtype(DType dtype) {
      if (dtype != DType.F32 && dtype != DType.F64) {
        throw Checks.bad("dense", "need f32 or f64", "dtype", dtype.id());
      }
      this.dtype = dtype;
      return this;
    }

    /** The first part of the names of its weights' keys; {@code dense} if not set. */
    public Builder name(String name) {
      this.name = Objects.requireNonNull(name);
      return this;
    }

    /**
     * The layer, its kernel filled with {@code key.child(name + "/kernel")} and its bias with
     * {@code key.child(name + "/bias")}.
     *
     * @throws IllegalArgumentException {@code activation: need finite alpha >= 0 in f32, got
     *     alpha=…}, or for a fill that does not suit
     * @throws dev.weft.MemoryLimitException if the weights do not fit
     */
    public Dense build(Backend backend, RandomKey key) {
      activation.requireIn(dtype);
      Tensor w = backend.tensor(dtype, Shape.of(inputs, outputs));
      Tensor b = null;
      try {
        w.fill(kernel, key.child(name + "/kernel"));
        if (bias != null) {
          b = backend.tensor(dtype, Shape.of(outputs));
          b.fill(bias, key.child(name + "/bias"));
        }
        return new Dense(w, b, activation, true);
      } catch (Throwable e) {
        w.close();
        if (b != null) {
          b.close();
        }
        throw e;
      }
    }
  }
}
