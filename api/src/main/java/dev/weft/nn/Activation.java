package dev.weft.nn;

import dev.weft.DType;
import dev.weft.Tensor;
import dev.weft.internal.Checks;
import java.util.Locale;
import java.util.Objects;

/**
 * A function that a layer applies to each of its outputs, z → f(z), or to each row of them.
 *
 * <p>Each has polynomials of weft's own, the same operations in the same order on every backend;
 * their errors are in {@code docs/accuracy.md}. NaN gives NaN.
 *
 * @param kind the formula
 * @param alpha its parameter, for {@link Kind#LEAKY_RELU} and {@link Kind#ELU}, finite and at least
 *     0, also when it is rounded to the type of the elements; 0 for others
 * @since 0.1
 */
public record Activation(Kind kind, double alpha) {
  /** The formulas. σ(z) = 1/(1 + e⁻ᶻ); Φ is the normal distribution function. */
  public enum Kind {
    /** z. */
    LINEAR(false, false),
    /** max(z, 0). */
    RELU(false, false),
    /** z for z {@code >} 0, else alpha·z. */
    LEAKY_RELU(false, false),
    /** z for z {@code >} 0, else alpha·(eᶻ − 1). */
    ELU(false, false),
    /** 1.0507…·ELU with alpha = 1.6732… (Klambauer et al. 2017). */
    SELU(false, false),
    /** z·Φ(z). */
    GELU(true, false),
    /** z·σ(2·√(2/π)·(z + 0.044715·z³)), which is ½·z·(1 + tanh …). */
    GELU_TANH(true, false),
    /** z·σ(z), also called swish. */
    SILU(true, false),
    /** z·tanh(ln(1 + eᶻ)). */
    MISH(true, false),
    /** ln(1 + eᶻ). */
    SOFTPLUS(false, false),
    /** σ(z). */
    SIGMOID(false, false),
    /** z/6 + ½ within [0, 1]. */
    HARD_SIGMOID(false, false),
    /** z·(z/6 + ½ within [0, 1]). */
    HARD_SWISH(true, false),
    /** tanh z. */
    TANH(false, false),
    /** eᶻ over the sum of the row's. */
    SOFTMAX(false, true),
    /** z less the logarithm of the sum of the row's eᶻ. */
    LOG_SOFTMAX(false, true);

    private final boolean ofInput;
    private final boolean ofRow;

    Kind(boolean ofInput, boolean ofRow) {
      this.ofInput = ofInput;
      this.ofRow = ofRow;
    }

    /** Whether the derivative is computed from the input z; from the output f(z) if not. */
    public boolean derivativeOfInput() {
      return ofInput;
    }

    /** Whether an output depends on the whole row. */
    public boolean ofRow() {
      return ofRow;
    }

    /** Name on the command line and in files, for example {@code gelu_tanh}. */
    public String id() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** z. */
  public static final Activation LINEAR = new Activation(Kind.LINEAR, 0);

  /** max(z, 0). */
  public static final Activation RELU = new Activation(Kind.RELU, 0);

  /** {@link Kind#LEAKY_RELU} with alpha = 0.01. */
  public static final Activation LEAKY_RELU = new Activation(Kind.LEAKY_RELU, 0.01);

  /** {@link Kind#ELU} with alpha = 1. */
  public static final Activation ELU = new Activation(Kind.ELU, 1);

  /** {@link Kind#SELU}. */
  public static final Activation SELU = new Activation(Kind.SELU, 0);

  /** {@link Kind#GELU}. */
  public static final Activation GELU = new Activation(Kind.GELU, 0);

  /** {@link Kind#GELU_TANH}. */
  public static final Activation GELU_TANH = new Activation(Kind.GELU_TANH, 0);

  /** {@link Kind#SILU}. */
  public static final Activation SILU = new Activation(Kind.SILU, 0);

  /** {@link Kind#MISH}. */
  public static final Activation MISH = new Activation(Kind.MISH, 0);

  /** {@link Kind#SOFTPLUS}. */
  public static final Activation SOFTPLUS = new Activation(Kind.SOFTPLUS, 0);

  /** {@link Kind#SIGMOID}. */
  public static final Activation SIGMOID = new Activation(Kind.SIGMOID, 0);

  /** {@link Kind#HARD_SIGMOID}. */
  public static final Activation HARD_SIGMOID = new Activation(Kind.HARD_SIGMOID, 0);

  /** {@link Kind#HARD_SWISH}. */
  public static final Activation HARD_SWISH = new Activation(Kind.HARD_SWISH, 0);

  /** {@link Kind#TANH}. */
  public static final Activation TANH = new Activation(Kind.TANH, 0);

  /** {@link Kind#SOFTMAX}. */
  public static final Activation SOFTMAX = new Activation(Kind.SOFTMAX, 0);

  /** {@link Kind#LOG_SOFTMAX}. */
  public static final Activation LOG_SOFTMAX = new Activation(Kind.LOG_SOFTMAX, 0);

  /**
   * Checks the parameter.
   *
   * @throws IllegalArgumentException {@code activation: need finite alpha >= 0, got alpha=…}, or if
   *     the kind has none and it is not 0
   */
  public Activation {
    Objects.requireNonNull(kind, "kind");
    if (kind == Kind.LEAKY_RELU || kind == Kind.ELU) {
      Checks.nonNegative("activation", "alpha", alpha);
    } else if (!(alpha == 0)) {
      throw Checks.bad("activation", "need alpha 0 for " + kind.id(), "alpha", alpha);
    }
  }

  /** {@link Kind#LEAKY_RELU} with the slope {@code alpha >= 0} for negative z. */
  public static Activation leakyRelu(double alpha) {
    return new Activation(Kind.LEAKY_RELU, alpha);
  }

  /** {@link Kind#ELU} with {@code alpha >= 0}. */
  public static Activation elu(double alpha) {
    return new Activation(Kind.ELU, alpha);
  }

  /**
   * The activation whose {@link Kind#id} is {@code id}, with its default parameter.
   *
   * @throws IllegalArgumentException {@code activation: need one of linear, relu, …, got …}
   */
  public static Activation parse(String id) {
    StringBuilder all = new StringBuilder();
    for (Kind kind : Kind.values()) {
      if (kind.id().equals(id)) {
        return new Activation(kind, kind == Kind.LEAKY_RELU ? 0.01 : kind == Kind.ELU ? 1 : 0);
      }
      all.append(all.isEmpty() ? "" : ", ").append(kind.id());
    }
    throw Checks.bad("activation", "need one of " + all, "activation", id);
  }

  /**
   * {@code y = f(x)}.
   *
   * <table>
   * <caption>Operands, all F32 or all F64</caption>
   * <tr><th>tensor</th><th>shape</th><th>use</th></tr>
   * <tr><td>x</td><td>any; a row is the last dimension</td><td>read</td></tr>
   * <tr><td>y</td><td>that of x</td><td>overwritten; may be x</td></tr>
   * </table>
   *
   * @throws IllegalArgumentException {@code activation: need x and y of one shape, got …}, {@code
   *     activation: need finite alpha >= 0 in f32, got alpha=…}, or for a type or memory that does
   *     not suit
   * @throws dev.weft.ClosedException if a tensor or its backend is closed
   */
  public void forward(Tensor x, Tensor y) {
    Operands.requireFloat("activation", "x", x);
    requireIn(x.dtype());
    Operands.requireLike("activation", "y", y, x);
    Operands.requireSameShape("activation", "x", x, "y", y);
    Operands.requireApartOrSame("activation", "x", x, "y", y);
    Operands.enter("activation", x, y, null, null);
    try {
      Operands.engine(x).activate(x.dtype(), this, Operands.rows(x), Operands.rows(y));
    } catch (IllegalStateException e) {
      throw Operands.cause("activation", e, x, y);
    } finally {
      Operands.leave(x, y, null, null);
    }
  }

  /**
   * {@code dz = dy·f'(z)}, for a function of rows dzᵢ = Σⱼ dyⱼ·∂fⱼ/∂zᵢ.
   *
   * <table>
   * <caption>Operands, all F32 or all F64, of one shape</caption>
   * <tr><th>tensor</th><th>content</th><th>use</th></tr>
   * <tr><td>saved</td><td>z if {@link Kind#derivativeOfInput}, else f(z)</td><td>read</td></tr>
   * <tr><td>dy</td><td>gradient by f(z)</td><td>read</td></tr>
   * <tr><td>dz</td><td>gradient by z</td><td>overwritten; may be dy</td></tr>
   * </table>
   *
   * @throws IllegalArgumentException {@code activation: need saved and dy of one shape, got …}, or
   *     for a type or memory that does not suit
   * @throws dev.weft.ClosedException if a tensor or its backend is closed
   */
  public void backward(Tensor saved, Tensor dy, Tensor dz) {
    backward("activation", saved, dy, dz, null, Write.OVERWRITE);
  }

  /** The same, and the sums of dz's columns in db. */
  void backward(String op, Tensor saved, Tensor dy, Tensor dz, Tensor db, Write write) {
    Operands.requireFloat(op, "saved", saved);
    requireIn(saved.dtype());
    Operands.requireLike(op, "dy", dy, saved);
    Operands.requireLike(op, "dz", dz, saved);
    Operands.requireSameShape(op, "saved", saved, "dy", dy);
    Operands.requireSameShape(op, "dy", dy, "dz", dz);
    Operands.requireApartOrSame(op, "dz", dz, "dy", dy);
    Operands.requireApart(op, "dz", dz, "saved", saved);
    Operands.enter(op, saved, dy, dz, db);
    try {
      Operands.engine(saved)
          .activationGradient(
              saved.dtype(),
              this,
              Operands.rows(saved),
              Operands.rows(dy),
              Operands.rows(dz),
              Operands.buffer(db),
              write);
    } catch (IllegalStateException e) {
      throw Operands.cause(op, e, saved, dy, dz, db);
    } finally {
      Operands.leave(saved, dy, dz, db);
    }
  }

  /** Throws unless alpha is in its range when it is rounded to a type. */
  void requireIn(DType dtype) {
    Checks.nonNegativeIn("activation", "alpha", alpha, dtype);
  }

  @Override
  public String toString() {
    return kind == Kind.LEAKY_RELU || kind == Kind.ELU ? kind.id() + "(" + alpha + ")" : kind.id();
  }
}
