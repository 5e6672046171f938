package dev.weft.testkit;

import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.init.Fill;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.random.StreamOrder;
import java.math.BigDecimal;
import java.math.BigInteger;

/**
 * The oracle: every fill one element at a time, in f64 or more, as slow as it is plain. Written
 * from the definition of the stream and from the papers; shares no code with any backend, nor with
 * {@link dev.weft.random.Philox4x32}.
 *
 * <table>
 * <caption>What a backend owes</caption>
 * <tr><th>grade</th><th>fills</th><th>method</th></tr>
 * <tr><td>bits</td><td>bits, constant, uniform, identity, dirac, custom</td><td>{@link #pattern}</td></tr>
 * <tr><td>ulp or absolute, by {@link dev.weft.Accuracy}</td><td>normal, truncated normal</td><td>{@link #value}</td></tr>
 * <tr><td>bounded</td><td>orthogonal</td><td>{@link #orthogonal}</td></tr>
 * </table>
 */
public final class Reference {
  private static final BigInteger LOW32 = BigInteger.valueOf(0xFFFFFFFFL);

  private Reference() {}

  /** Whether {@link #pattern} gives the exact bits of this fill. */
  public static boolean isExact(Fill fill) {
    return switch (fill) {
      case Fill.Bits f -> true;
      case Fill.Constant f -> true;
      case Fill.Uniform f -> true;
      case Fill.Identity f -> true;
      case Fill.Dirac f -> true;
      case Fill.Custom f -> true;
      case Fill.Normal f -> false;
      case Fill.TruncatedNormal f -> false;
      case Fill.Orthogonal f -> false;
      case Fill.DeltaOrthogonal f -> false;
      case Fill.Sparse f -> false;
    };
  }

  /** Philox4x32-10 of Salmon et al. 2011: R rounds of the bijection in the paper's section 2.2. */
  public static int[] philox(int[] counter, int[] key) {
    long r0 = counter[0] & 0xFFFFFFFFL;
    long r1 = counter[1] & 0xFFFFFFFFL;
    long r2 = counter[2] & 0xFFFFFFFFL;
    long r3 = counter[3] & 0xFFFFFFFFL;
    for (int round = 0; round < 10; round++) {
      long k0 = key[0] + round * 0x9E3779B9L & 0xFFFFFFFFL;
      long k1 = key[1] + round * 0xBB67AE85L & 0xFFFFFFFFL;
      long high0 = Math.unsignedMultiplyHigh(r0 << 32, 0xD2511F53L);
      long low0 = r0 * 0xD2511F53L & 0xFFFFFFFFL;
      long high2 = Math.unsignedMultiplyHigh(r2 << 32, 0xCD9E8D57L);
      long low2 = r2 * 0xCD9E8D57L & 0xFFFFFFFFL;
      r0 = high2 ^ r1 ^ k0;
      r1 = low2;
      r2 = high0 ^ r3 ^ k1;
      r3 = low0;
    }
    return new int[] {(int) r0, (int) r1, (int) r2, (int) r3};
  }

  /** Word {@code index} of a stream. */
  public static int word(RandomKey key, BigInteger index) {
    BigInteger block = index.shiftRight(2);
    BigInteger subsequences = BigInteger.valueOf(key.order() == StreamOrder.CURAND ? 65_536 : 1);
    BigInteger[] counter = block.divideAndRemainder(subsequences);
    int[] words =
        philox(
            new int[] {
              counter[0].and(LOW32).intValue(),
              counter[0].shiftRight(32).intValue(),
              counter[1].intValue(),
              0
            },
            new int[] {(int) key.seed(), (int) (key.seed() >>> 32)});
    return words[index.intValue() & 3];
  }

  /** Word {@code index} of a stream. */
  public static int word(RandomKey key, long index) {
    return word(key, BigInteger.valueOf(index));
  }

  /** The 64-bit word of f64 element {@code index}: two words, the low one first. */
  public static long word64(RandomKey key, long index) {
    BigInteger first = BigInteger.valueOf(index).shiftLeft(1);
    return word(key, first) & 0xFFFFFFFFL | (long) word(key, first.add(BigInteger.ONE)) << 32;
  }

  /**
   * The bit pattern of element {@code index} of a fill of grade bits, in the low bytes.
   *
   * @throws IllegalArgumentException if the fill is not {@link #isExact}
   */
  public static long pattern(Fill fill, RandomKey key, DType dtype, Shape logical, long index) {
    return switch (fill) {
      case Fill.Bits f ->
          switch (dtype) {
            case F64 -> word64(key, index);
            case F32 -> word(key, index) & 0xFFFFFFFFL;
            case F16, BF16 -> word(key, index) >>> 16;
          };
      case Fill.Constant f -> Patterns.of(dtype, f.value());
      case Fill.Uniform f -> uniform(f, key, dtype, index);
      case Fill.Identity f -> {
        long columns = logical.dim(1);
        yield Patterns.of(dtype, index / columns == index % columns ? f.gain() : 0);
      }
      case Fill.Dirac f -> Patterns.of(dtype, dirac(f, logical, index));
      case Fill.Custom f -> Patterns.of(dtype, f.function().apply(index, word(key, index)));
      default -> throw new IllegalArgumentException("pattern: need a fill of exact bits: " + fill);
    };
  }

  /**
   * The ideal value of element {@code index} of a normal or truncated normal fill: mean + stddev·z
   * as defined, without its rounding to the type. F64 carries more than 30 digits and rounds once.
   */
  public static double value(Fill fill, RandomKey key, DType dtype, long index) {
    return switch (fill) {
      case Fill.Normal f -> affine(dtype, f.mean(), f.stddev(), key, index, null);
      case Fill.TruncatedNormal f ->
          Math.clamp(
              affine(dtype, f.mean(), f.stddev(), key, index, f),
              Math.max(f.min(), -dtype.maxValue()),
              Math.min(f.max(), dtype.maxValue()));
      default -> throw new IllegalArgumentException("value: need a normal fill: " + fill);
    };
  }

  private static double affine(
      DType dtype, double mean, double stddev, RandomKey key, long index, Fill.TruncatedNormal f) {
    if (dtype == DType.F64) {
      BigDecimal z = f == null ? normal64(key, index) : truncated64(f, key, index);
      return z.multiply(new BigDecimal(stddev)).add(new BigDecimal(mean)).doubleValue();
    }
    double z = f == null ? normal32(key, index) : truncated32(f, word(key, index));
    return (float) stddev * z + (float) mean;
  }

  /** z of an f32 normal: u in f32 as cuRAND computes it, the rest in f64 from the whole angle. */
  public static double normal32(RandomKey key, long index) {
    long pair = index & ~1L;
    float x = word(key, pair) & 0xFFFFFFFFL; // rounded to nearest
    float u = (float) (x * 0x1p-32 + 0x1p-33); // exact in f64, rounded once
    double turn = ((word(key, pair + 1) & 0xFFFFFFFFL) + 0.5) * 0x1p-32; // exact
    double radius = StrictMath.sqrt(Math.max(0, -2 * StrictMath.log(u)));
    return radius * sinOfTurn(index == pair ? turn : turn + 0.25);
  }

  /** z of an f64 normal: u is the f64 nearest to (X + ½)·2⁻⁶⁴. */
  public static BigDecimal normal64(RandomKey key, long index) {
    long pair = index & ~1L;
    BigDecimal u = new BigDecimal(middle64(word64(key, pair)).doubleValue());
    BigDecimal turn = middle64(word64(key, pair + 1));
    BigDecimal radius =
        Decimal.ln(u).multiply(BigDecimal.valueOf(-2)).max(BigDecimal.ZERO).sqrt(Decimal.DIGITS);
    return radius.multiply(
        Decimal.sinOfTurn(index == pair ? turn : turn.add(BigDecimal.valueOf(0.25))),
        Decimal.DIGITS);
  }

  /** sin 2πt for t in [0, 1.25], reduced exactly before π enters. */
  static double sinOfTurn(double t) {
    double eighths = Math.rint(t * 4); // nearest quarter turn
    double rest = 2 * Math.PI * (t - eighths / 4);
    return switch ((int) eighths & 3) {
      case 0 -> StrictMath.sin(rest);
      case 1 -> StrictMath.cos(rest);
      case 2 -> -StrictMath.sin(rest);
      default -> -StrictMath.cos(rest);
    };
  }

  /** z of an f32 truncated normal: Φ⁻¹(Φ(a) + (x + ½)·2⁻³²·(Φ(b) − Φ(a))). */
  public static double truncated32(Fill.TruncatedNormal fill, int word) {
    double a = fill.lowerSigma();
    double b = fill.upperSigma();
    double u = ((word & 0xFFFFFFFFL) + 0.5) * 0x1p-32;
    if (a > 0) { // count from above, where the probabilities are small
      return NormalTail.quantile(NormalTail.upper(b) + (1 - u) * mass(a, b));
    }
    if (b < 0) {
      return -NormalTail.quantile(NormalTail.upper(-a) + u * mass(-b, -a));
    }
    double below = NormalTail.upper(-a) + u * mass(a, b);
    double above = NormalTail.upper(b) + (1 - u) * mass(a, b);
    return above <= below ? NormalTail.quantile(above) : -NormalTail.quantile(below);
  }

  private static double mass(double a, double b) {
    return a > 0
        ? NormalTail.upper(a) - NormalTail.upper(b)
        : 1 - NormalTail.upper(-a) - NormalTail.upper(b);
  }

  private static BigDecimal truncated64(Fill.TruncatedNormal fill, RandomKey key, long index) {
    BigDecimal u = middle64(word64(key, index));
    BigDecimal a = Decimal.upperTail(fill.lowerSigma());
    BigDecimal b = Decimal.upperTail(fill.upperSigma());
    BigDecimal q = a.subtract(u.multiply(a.subtract(b)), Decimal.WIDE); // of the upper tail
    return Decimal.upperQuantile(q);
  }

  private static BigDecimal middle64(long x) {
    BigInteger twice = new BigInteger(Long.toUnsignedString(x)).shiftLeft(1).add(BigInteger.ONE);
    return new BigDecimal(twice).divide(new BigDecimal(BigInteger.ONE.shiftLeft(65)));
  }

  private static long uniform(Fill.Uniform fill, RandomKey key, DType dtype, long index) {
    double least = Patterns.ceil(dtype, fill.lo());
    double most = Patterns.below(dtype, fill.hi());
    if (dtype == DType.F64) {
      BigDecimal k = new BigDecimal(word64(key, index) >>> 11).multiply(new BigDecimal(0x1p-53));
      BigDecimal scale = new BigDecimal(fill.hi() - fill.lo());
      double value = k.multiply(scale).add(new BigDecimal(fill.lo())).doubleValue();
      return Patterns.of(dtype, Math.clamp(value, least, most));
    }
    double k = (word(key, index) >>> 8) * 0x1p-24;
    BigDecimal exact =
        new BigDecimal(k * (float) (fill.hi() - fill.lo())) // 24 by 24 bits: exact in f64
            .add(new BigDecimal((float) fill.lo()));
    return Patterns.of(dtype, Math.clamp(exact.floatValue(), least, most));
  }

  private static double dirac(Fill.Dirac fill, Shape logical, long index) {
    int rank = logical.rank();
    long[] at = new long[rank];
    long rest = index;
    for (int axis = rank - 1; axis >= 0; axis--) {
      at[axis] = rest % logical.dim(axis);
      rest /= logical.dim(axis);
    }
    boolean torch = fill.layout() == Layout.TORCH;
    int outAxis = torch ? 0 : rank - 1;
    int inAxis = torch ? 1 : rank - 2;
    for (int axis = 0; axis < rank; axis++) {
      if (axis != outAxis && axis != inAxis && at[axis] != logical.dim(axis) / 2) {
        return 0;
      }
    }
    return at[outAxis] % (logical.dim(outAxis) / fill.groups()) == at[inAxis] ? 1 : 0;
  }

  /**
   * The Q of A = QR with a positive diagonal of R, by modified Gram–Schmidt, twice.
   *
   * @param a rows × columns, rows {@code >=} columns, of full rank; left alone
   * @return rows × columns
   */
  public static double[][] orthogonal(double[][] a) {
    int rows = a.length;
    int columns = rows == 0 ? 0 : a[0].length;
    double[][] q = new double[rows][];
    for (int i = 0; i < rows; i++) {
      q[i] = a[i].clone();
    }
    for (int pass = 0; pass < 2; pass++) {
      for (int j = 0; j < columns; j++) {
        for (int k = 0; k < j; k++) {
          double dot = 0;
          for (int i = 0; i < rows; i++) {
            dot += q[i][k] * q[i][j];
          }
          for (int i = 0; i < rows; i++) {
            q[i][j] -= dot * q[i][k];
          }
        }
        double squares = 0;
        for (int i = 0; i < rows; i++) {
          squares += q[i][j] * q[i][j];
        }
        for (int i = 0; i < rows; i++) {
          q[i][j] /= Math.sqrt(squares);
        }
      }
    }
    return q;
  }

  /**
   * The condition of A [m, n], m {@code >=} n: the largest singular value over the least, by power
   * iterations with R and its inverse, where A = Q·R. From below, and within some percent.
   */
  public static double condition(double[][] a) {
    int n = a.length == 0 ? 0 : a[0].length;
    double[][] q = orthogonal(a);
    double[][] r = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = i; j < n; j++) {
        for (int k = 0; k < a.length; k++) {
          r[i][j] += q[k][i] * a[k][j];
        }
      }
    }
    double[] large = new double[n];
    double[] small = new double[n];
    for (int i = 0; i < n; i++) {
      large[i] = small[i] = 1 + 0.5 * Math.sin(i); // no singular vector, as good as surely
    }
    double most = 0;
    double least = 0;
    for (int step = 0; step < 100; step++) {
      most = Math.sqrt(normalize(large));
      double[] image = new double[n];
      for (int i = 0; i < n; i++) {
        for (int j = i; j < n; j++) {
          image[i] += r[i][j] * large[j];
        }
      }
      for (int j = 0; j < n; j++) {
        large[j] = 0;
        for (int i = 0; i <= j; i++) {
          large[j] += r[i][j] * image[i];
        }
      }
      least = Math.sqrt(normalize(small));
      for (int j = 0; j < n; j++) { // R⁻ᵀ
        for (int i = 0; i < j; i++) {
          small[j] -= r[i][j] * small[i];
        }
        small[j] /= r[j][j];
      }
      for (int i = n - 1; i >= 0; i--) { // R⁻¹
        for (int j = i + 1; j < n; j++) {
          small[i] -= r[i][j] * small[j];
        }
        small[i] /= r[i][i];
      }
    }
    return most * least;
  }

  /** Makes a vector's length 1; what it was. */
  private static double normalize(double[] x) {
    double squares = 0;
    for (double each : x) {
      squares += each * each;
    }
    double length = Math.sqrt(squares);
    for (int i = 0; i < x.length; i++) {
      x[i] /= length;
    }
    return length;
  }

  /** max |QᵀQ − I|. */
  public static double orthogonalityError(double[][] q) {
    double worst = 0;
    int columns = q.length == 0 ? 0 : q[0].length;
    for (int j = 0; j < columns; j++) {
      for (int k = 0; k <= j; k++) {
        double dot = j == k ? -1 : 0;
        for (double[] row : q) {
          dot += row[j] * row[k];
        }
        worst = Math.max(worst, Math.abs(dot));
      }
    }
    return worst;
  }

  /**
   * Element (i, j) of alpha·A·B + beta·C, as if in twice the precision of f64 and rounded once:
   * algorithm Dot2 of Ogita, Rump and Oishi 2005, "Accurate sum and dot product".
   */
  public static double gemm(
      double alpha, double[][] a, double[][] b, double beta, double c, int i, int j) {
    double sum = 0;
    double rest = 0;
    for (int l = 0; l < b.length && alpha != 0; l++) {
      double product = a[i][l] * b[l][j];
      double next = sum + product;
      double back = next - sum;
      rest += sum - (next - back) + (product - back) + Math.fma(a[i][l], b[l][j], -product);
      sum = next;
    }
    double scaled = alpha * sum;
    double left = Math.fma(alpha, sum, -scaled) + alpha * rest;
    double old = beta == 0 ? 0 : beta * c;
    double oldLeft = beta == 0 ? 0 : Math.fma(beta, c, -old);
    double total = scaled + old;
    double back = total - scaled;
    double lost = scaled - (total - back) + (old - back);
    return total + (lost + (left + oldLeft));
  }

  /** The sum of the magnitudes of the terms of {@link #gemm}. */
  public static double gemmMagnitude(
      double alpha, double[][] a, double[][] b, double beta, double c, int i, int j) {
    double sum = beta == 0 ? 0 : Math.abs(beta * c);
    for (int l = 0; l < b.length && alpha != 0; l++) {
      sum += Math.abs(alpha * a[i][l] * b[l][j]);
    }
    return sum;
  }
}
