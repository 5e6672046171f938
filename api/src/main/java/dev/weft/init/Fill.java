package dev.weft.init;

import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.internal.Checks;

/**
 * What a tensor is filled with. A fill, a key, a logical shape and an element index determine the
 * element's bits: every backend, vector width, thread count and slice writes the same.
 *
 * <p>The hierarchy is sealed: a new fill does not compile until every backend handles it.
 *
 * @since 0.1
 */
public sealed interface Fill {

  /** The largest |z| that a normal fill can draw in f32, f16 and bf16 (32-bit Box–Muller). */
  double MAX_NORMAL_F32 = 6.77;

  /** The largest |z| that a normal fill can draw in f64 (64-bit Box–Muller). */
  double MAX_NORMAL_F64 = 9.5;

  /**
   * Throws unless this fill can be written into a tensor of this logical shape and type.
   *
   * @throws IllegalArgumentException with the rule and the values
   */
  void check(Shape logical, DType dtype);

  /**
   * The raw words of the stream: element i is word i (f32), words 2i and 2i + 1 with the low word
   * first (f64), or the upper 16 bits of word i (f16, bf16).
   */
  static Fill bits() {
    return new Bits();
  }

  /** Every element is {@code value}, rounded once to the tensor's type; NaN and ±∞ are allowed. */
  static Fill constant(double value) {
    return new Constant(value);
  }

  /**
   * U[lo, hi): fma(k·2⁻²⁴, hi − lo, lo) with k uniform in [0, 2²⁴) (f64: 2⁻⁵³), kept within [lo,
   * hi) in the tensor's type; lo can occur where the type holds it, hi never does. A negative value
   * that becomes zero, by rounding or because the type has no other value in the interval below it,
   * is −0.0: only where {@code lo < 0 < hi}, and seldom unless the interval is a few subnormals
   * wide. A fill with {@code lo >= 0} never holds −0.0, also if lo is −0.0.
   *
   * @throws IllegalArgumentException {@code uniform: need finite lo < hi, got …}
   */
  static Fill uniform(double lo, double hi) {
    return new Uniform(lo, hi);
  }

  /**
   * N(mean, stddev²) by Box–Muller on word pairs. |z| stays below {@link #MAX_NORMAL_F32} or, for
   * f64, {@link #MAX_NORMAL_F64}.
   *
   * @throws IllegalArgumentException {@code normal: need …} unless mean is finite and stddev
   *     finite, {@code >= 0}
   */
  static Fill normal(double mean, double stddev) {
    return new Normal(mean, stddev);
  }

  /**
   * N(mean, stddev²) conditioned on [mean + lower·stddev, mean + upper·stddev]: the bounds are in
   * units of {@code stddev}, which is that of the normal before the cut. By inversion, one word an
   * element; no mass is clamped to the bounds. Either bound may be infinite.
   *
   * @throws IllegalArgumentException {@code truncated_normal: need …} unless {@code lower < upper}
   *     and stddev {@code > 0}
   */
  static Fill truncatedNormalSigma(double mean, double stddev, double lower, double upper) {
    return new TruncatedNormal(mean, stddev, lower, upper, Bounds.SIGMA);
  }

  /**
   * N(mean, stddev²) conditioned on [min, max]: the bounds are absolute; otherwise as {@link
   * #truncatedNormalSigma}.
   */
  static Fill truncatedNormalBetween(double mean, double stddev, double min, double max) {
    return new TruncatedNormal(mean, stddev, min, max, Bounds.ABSOLUTE);
  }

  /** {@code gain} where row equals column, else 0; rank 2, any lengths. */
  static Fill identity(double gain) {
    return new Identity(gain);
  }

  /**
   * Convolution weights that pass their input on: 1 at the centre tap k div 2 of every spatial axis
   * where the input channel equals the output channel within its group, else 0; rank 3 to 5.
   *
   * @param groups divides the number of output channels
   * @param layout where the channel axes are
   */
  static Fill dirac(int groups, Layout layout) {
    return new Dirac(groups, layout);
  }

  /**
   * A matrix with orthonormal rows or columns, whichever are fewer, times {@code gain}, uniform
   * over such matrices: Q of the Householder QR of a normal matrix of shape (max(r, c), min(r, c)),
   * its columns multiplied by the sign of R's diagonal (never 0), transposed if {@code r < c}. In
   * KERAS layout r = ∏s[:-1], c = s[-1]; in TORCH layout r = s[0], c = ∏s[1:].
   *
   * <p>The bits are those of every backend, but for large matrices that a GPU makes: they are
   * within {@link dev.weft.Accuracy#orthogonal}, and the same from run to run.
   */
  static Fill orthogonal(double gain, Layout layout) {
    return new Orthogonal(gain, layout);
  }

  /**
   * Convolution weights that are zero but at the centre tap (k − 1) div 2 of every spatial axis,
   * where they are an orthogonal (in, out) matrix times {@code gain}; rank 3 to 5, out {@code >=}
   * in.
   */
  static Fill deltaOrthogonal(double gain, Layout layout) {
    return new DeltaOrthogonal(gain, layout);
  }

  /**
   * N(0, stddev²) with ⌈sparsity·rows⌉ entries of every column set to zero, chosen by a permutation
   * of the rows that is keyed by the column; rank 2.
   */
  static Fill sparse(double sparsity, double stddev) {
    return new Sparse(sparsity, stddev);
  }

  /** Each element is {@code function(index, word)}, for anything else. */
  static Fill custom(ElementFunction function) {
    return new Custom(function);
  }

  /** Units of the bounds of a {@link TruncatedNormal}. */
  enum Bounds {
    /** Multiples of stddev from the mean, as in JAX. */
    SIGMA,
    /** Values, as in PyTorch. */
    ABSOLUTE
  }

  /** {@link Fill#bits}. */
  record Bits() implements Fill {
    @Override
    public void check(Shape logical, DType dtype) {}
  }

  /** {@link Fill#constant}. */
  record Constant(double value) implements Fill {
    /** Throws if {@code value} is finite and its rounding is not. */
    @Override
    public void check(Shape logical, DType dtype) {
      checkRounding("constant", "value", value, dtype);
    }
  }

  /** {@link Fill#uniform}. */
  record Uniform(double lo, double hi) implements Fill {
    /** Checks the interval. */
    public Uniform {
      if (!(Double.isFinite(lo) && Double.isFinite(hi) && lo < hi && Double.isFinite(hi - lo))) {
        throw Checks.bad("uniform", "need finite lo < hi and hi - lo", "lo", lo, "hi", hi);
      }
    }

    @Override
    public void check(Shape logical, DType dtype) {
      double max = dtype.maxValue();
      if (!(-max <= lo && hi <= max && (dtype == DType.F64 || hi - lo <= Float.MAX_VALUE))) {
        throw Checks.bad(
            "uniform",
            "need lo, hi and hi - lo within ±" + max,
            "lo",
            lo,
            "hi",
            hi,
            "dtype",
            dtype.id());
      }
      if (!(dtype.ceil(lo) < hi)) {
        throw Checks.bad(
            "uniform", "need a " + dtype.id() + " value in [lo, hi)", "lo", lo, "hi", hi);
      }
    }
  }

  /** {@link Fill#normal}. */
  record Normal(double mean, double stddev) implements Fill {
    /** Checks the parameters. */
    public Normal {
      Checks.finite("normal", "mean", mean);
      Checks.nonNegative("normal", "stddev", stddev);
    }

    @Override
    public void check(Shape logical, DType dtype) {
      requireFinite("normal", mean, stddev, dtype);
    }
  }

  /**
   * {@link Fill#truncatedNormalSigma} and {@link Fill#truncatedNormalBetween}.
   *
   * @param lower the lower bound, in the units of {@code bounds}
   * @param upper the upper bound, in the units of {@code bounds}
   */
  record TruncatedNormal(double mean, double stddev, double lower, double upper, Bounds bounds)
      implements Fill {
    /** Bounds further out than this many σ hold no mass that a 64-bit word could reach. */
    public static final double MAX_SIGMA = 37;

    /** Checks the parameters. */
    public TruncatedNormal {
      Checks.finite("truncated_normal", "mean", mean);
      if (!(stddev > 0 && stddev <= Double.MAX_VALUE)) {
        throw Checks.bad("truncated_normal", "need finite stddev > 0", "stddev", stddev);
      }
      if (!(lower < upper)) {
        throw Checks.bad("truncated_normal", "need lower < upper", "lower", lower, "upper", upper);
      }
      double a = bounds == Bounds.SIGMA ? lower : (lower - mean) / stddev;
      double b = bounds == Bounds.SIGMA ? upper : (upper - mean) / stddev;
      if (!(a < b && a <= MAX_SIGMA && b >= -MAX_SIGMA)) {
        throw Checks.bad(
            "truncated_normal",
            "need bounds that differ and begin within ±37 stddev of the mean",
            "mean",
            mean,
            "stddev",
            stddev,
            "lower",
            lower,
            "upper",
            upper);
      }
    }

    /** The lower bound in units of stddev from the mean; may be −∞. */
    public double lowerSigma() {
      return bounds == Bounds.SIGMA ? lower : (lower - mean) / stddev;
    }

    /** The upper bound in units of stddev from the mean; may be +∞. */
    public double upperSigma() {
      return bounds == Bounds.SIGMA ? upper : (upper - mean) / stddev;
    }

    /** The least value: no element lies below it. */
    public double min() {
      return bounds == Bounds.ABSOLUTE ? lower : mean + lower * stddev;
    }

    /** The greatest value: no element lies above it. */
    public double max() {
      return bounds == Bounds.ABSOLUTE ? upper : mean + upper * stddev;
    }

    @Override
    public void check(Shape logical, DType dtype) {
      DType computed = dtype == DType.F64 ? DType.F64 : DType.F32;
      Checks.positiveIn("truncated_normal", "stddev", stddev, computed);
      double maxZ = dtype == DType.F64 ? MAX_NORMAL_F64 : MAX_NORMAL_F32;
      // without a bound on a side, the values end where a word's least probability puts them
      double low = Math.max(min(), mean - Math.max(maxZ, 1 - upperSigma() + maxZ) * stddev);
      double high = Math.min(max(), mean + Math.max(maxZ, 1 + lowerSigma() + maxZ) * stddev);
      if (!(low >= -dtype.maxValue() && high <= dtype.maxValue())) {
        throw Checks.bad(
            "truncated_normal",
            "need values within ±" + dtype.maxValue(),
            "mean",
            mean,
            "stddev",
            stddev,
            "min",
            min(),
            "max",
            max(),
            "dtype",
            dtype.id());
      }
      if (!(dtype.ceil(min()) <= max())) {
        throw Checks.bad(
            "truncated_normal",
            "need a " + dtype.id() + " value in [min, max]",
            "min",
            min(),
            "max",
            max());
      }
    }
  }

  /** {@link Fill#identity}. */
  record Identity(double gain) implements Fill {
    /** Checks the gain. */
    public Identity {
      Checks.finite("identity", "gain", gain);
    }

    @Override
    public void check(Shape logical, DType dtype) {
      if (logical.rank() != 2) {
        throw Checks.bad("identity", "need rank 2", "shape", logical);
      }
      checkRounding("identity", "gain", gain, dtype);
    }
  }

  /** {@link Fill#dirac}. */
  record Dirac(int groups, Layout layout) implements Fill {
    /** Checks the number of groups. */
    public Dirac {
      if (groups < 1) {
        throw Checks.bad("dirac", "need groups >= 1", "groups", groups);
      }
    }

    @Override
    public void check(Shape logical, DType dtype) {
      requireConvolution("dirac", logical);
      long out = layout == Layout.TORCH ? logical.dim(0) : logical.dim(-1);
      if (out % groups != 0) {
        throw Checks.bad(
            "dirac",
            "need groups to divide the output channels",
            "groups",
            groups,
            "shape",
            logical,
            "layout",
            layout.id());
      }
    }
  }

  /** {@link Fill#orthogonal}. */
  record Orthogonal(double gain, Layout layout) implements Fill {
    /** Most rows and most columns. */
    public static final long MAX_LENGTH = 1L << 28;

    /** Checks the gain. */
    public Orthogonal {
      Checks.finite("orthogonal", "gain", gain);
    }

    /** Rows of the matrix that a tensor of this shape is. */
    public long rows(Shape logical) {
      long columns = columns(logical);
      if (columns != 0) {
        return logical.elements() / columns;
      }
      return layout == Layout.TORCH ? logical.dim(0) : 0;
    }

    /** Columns of the matrix that a tensor of this shape is. */
    public long columns(Shape logical) {
      if (layout == Layout.KERAS) {
        return logical.dim(-1);
      }
      return logical.dim(0) == 0 ? 0 : logical.elements() / logical.dim(0);
    }

    @Override
    public void check(Shape logical, DType dtype) {
      if (logical.rank() < 2) {
        throw Checks.bad("orthogonal", "need rank >= 2", "shape", logical);
      }
      checkLength("orthogonal", rows(logical), columns(logical), logical);
      if (!(Math.abs(gain) <= dtype.maxValue())) {
        throw Checks.bad(
            "orthogonal", "need |gain| <= " + dtype.maxValue(), "gain", gain, "dtype", dtype.id());
      }
    }
  }

  /** {@link Fill#deltaOrthogonal}. */
  record DeltaOrthogonal(double gain, Layout layout) implements Fill {
    /** Checks the gain. */
    public DeltaOrthogonal {
      Checks.finite("delta_orthogonal", "gain", gain);
    }

    @Override
    public void check(Shape logical, DType dtype) {
      requireConvolution("delta_orthogonal", logical);
      long in = layout == Layout.TORCH ? logical.dim(1) : logical.dim(-2);
      long out = layout == Layout.TORCH ? logical.dim(0) : logical.dim(-1);
      checkLength("delta_orthogonal", in, out, logical);
      if (in > out) {
        throw Checks.bad(
            "delta_orthogonal",
            "need out >= in",
            "in",
            in,
            "out",
            out,
            "shape",
            logical,
            "layout",
            layout.id());
      }
      if (!(Math.abs(gain) <= dtype.maxValue())) {
        throw Checks.bad(
            "delta_orthogonal",
            "need |gain| <= " + dtype.maxValue(),
            "gain",
            gain,
            "dtype",
            dtype.id());
      }
    }
  }

  /** {@link Fill#sparse}. */
  record Sparse(double sparsity, double stddev) implements Fill {
    /** Checks the parameters. */
    public Sparse {
      if (!(sparsity >= 0 && sparsity <= 1)) {
        throw Checks.bad("sparse", "need 0 <= sparsity <= 1", "sparsity", sparsity);
      }
      Checks.nonNegative("sparse", "stddev", stddev);
    }

    /** Zeros in every column of a matrix with {@code rows} rows: ⌈sparsity·rows⌉. */
    public long zeros(long rows) {
      return Math.min(rows, (long) Math.ceil(sparsity * rows));
    }

    @Override
    public void check(Shape logical, DType dtype) {
      if (logical.rank() != 2) {
        throw Checks.bad("sparse", "need rank 2", "shape", logical);
      }
      requireFinite("sparse", 0, stddev, dtype);
    }
  }

  /** {@link Fill#custom}. */
  record Custom(ElementFunction function) implements Fill {
    /** Checks that the function is there. */
    public Custom {
      java.util.Objects.requireNonNull(function, "function");
    }

    @Override
    public void check(Shape logical, DType dtype) {}
  }

  private static void requireFinite(String op, double mean, double stddev, DType dtype) {
    double maxZ = dtype == DType.F64 ? MAX_NORMAL_F64 : MAX_NORMAL_F32;
    if (!(Math.abs(mean) + maxZ * stddev <= dtype.maxValue())) {
      throw Checks.bad(
          op,
          "need |mean| + " + maxZ + "·stddev <= " + dtype.maxValue(),
          "mean",
          mean,
          "stddev",
          stddev,
          "dtype",
          dtype.id());
    }
  }

  private static void checkRounding(String op, String name, double value, DType dtype) {
    if (Math.abs(value) <= Double.MAX_VALUE && Math.abs(dtype.nearest(value)) > dtype.maxValue()) {
      String rule = "need |" + name + "| <= " + dtype.maxValue();
      throw Checks.bad(op, rule, name, value, "dtype", dtype.id());
    }
  }

  private static void checkLength(String op, long rows, long columns, Shape shape) {
    if (Math.max(rows, columns) > Orthogonal.MAX_LENGTH && shape.elements() > 0) {
      throw Checks.bad(
          op, "need rows, columns <= " + Orthogonal.MAX_LENGTH, "rows", rows, "columns", columns);
    }
  }

  private static void requireConvolution(String op, Shape shape) {
    if (shape.rank() < 3 || shape.rank() > 5) {
      throw Checks.bad(op, "need rank 3, 4 or 5", "shape", shape);
    }
  }
}
