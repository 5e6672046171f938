package dev.weft.bench;

import dev.weft.DType;
import dev.weft.Tensor;
import dev.weft.nn.Activation;
import dev.weft.nn.Optimizer;
import java.lang.foreign.MemorySegment;

/**
 * What dense layers compute, by plain loops in f64 on arrays of rows one after another. It shares
 * no code with a backend.
 */
final class Naive {
  private static final double SELU_SCALE = 1.0507009873554805;
  private static final double SELU_ALPHA = 1.6732632423543772;

  private Naive() {}

  /** The elements of {@code tensor}, F32 or F64, wherever its memory is. */
  static double[] read(Tensor tensor) {
    int count = Math.toIntExact(tensor.shape().elements());
    if (tensor.dtype() == DType.F64) {
      double[] values = new double[count];
      tensor.copyTo(MemorySegment.ofArray(values));
      return values;
    }
    float[] values = new float[count];
    tensor.copyTo(MemorySegment.ofArray(values));
    return widened(values);
  }

  static double[] widened(float[] values) {
    double[] wide = new double[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  /** a·b of a [m, k] and b [k, n]. */
  static double[] product(double[] a, double[] b, int m, int k, int n) {
    double[] c = new double[m * n];
    for (int i = 0; i < m; i++) {
      for (int p = 0; p < k; p++) {
        double x = a[i * k + p];
        for (int j = 0; j < n; j++) {
          c[i * n + j] += x * b[p * n + j];
        }
      }
    }
    return c;
  }

  /** The transpose of a [rows, columns]. */
  static double[] transposed(double[] a, int rows, int columns) {
    double[] t = new double[a.length];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        t[j * rows + i] = a[i * columns + j];
      }
    }
    return t;
  }

  static double[] absolute(double[] a) {
    double[] magnitudes = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      magnitudes[i] = Math.abs(a[i]);
    }
    return magnitudes;
  }

  /** Adds {@code row} to each row of {@code a}. */
  static void addRow(double[] a, double[] row) {
    for (int i = 0; i < a.length; i++) {
      a[i] += row[i % row.length];
    }
  }

  /** Sums of the columns of {@code a}. */
  static double[] columnSums(double[] a, int columns) {
    double[] sums = new double[columns];
    for (int i = 0; i < a.length; i++) {
      sums[i % columns] += a[i];
    }
    return sums;
  }

  /** f(z), row by row. */
  static double[] activate(Activation f, double[] z, int columns) {
    double[] y = new double[z.length];
    for (int from = 0; from < z.length; from += f.kind().ofRow() ? columns : 1) {
      if (f.kind().ofRow()) {
        double logSum = logSumExp(z, from, columns);
        for (int i = from; i < from + columns; i++) {
          double log = z[i] - logSum;
          y[i] = f.kind() == Activation.Kind.SOFTMAX ? Math.exp(log) : log;
        }
      } else {
        y[from] = value(f, z[from]);
      }
    }
    return y;
  }

  /** dz of dy by f at z, row by row. */
  static double[] gradient(Activation f, double[] z, double[] dy, int columns) {
    double[] dz = new double[z.length];
    if (!f.kind().ofRow()) {
      for (int i = 0; i < z.length; i++) {
        dz[i] = dy[i] * derivative(f, z[i]);
      }
      return dz;
    }
    boolean logarithm = f.kind() == Activation.Kind.LOG_SOFTMAX;
    for (int from = 0; from < z.length; from += columns) {
      double logSum = logSumExp(z, from, columns);
      double sum = 0;
      for (int i = from; i < from + columns; i++) {
        sum += logarithm ? dy[i] : dy[i] * Math.exp(z[i] - logSum);
      }
      for (int i = from; i < from + columns; i++) {
        double p = Math.exp(z[i] - logSum);
        dz[i] = logarithm ? dy[i] - p * sum : p * (dy[i] - sum);
      }
    }
    return dz;
  }

  private static double logSumExp(double[] z, int from, int count) {
    double most = Double.NEGATIVE_INFINITY;
    for (int i = from; i < from + count; i++) {
      most = Math.max(most, z[i]);
    }
    double sum = 0;
    for (int i = from; i < from + count; i++) {
      sum += Math.exp(z[i] - most);
    }
    return most + Math.log(sum);
  }

  static double value(Activation f, double z) {
    return switch (f.kind()) {
      case LINEAR -> z;
      case RELU -> Math.max(z, 0);
      case LEAKY_RELU -> z > 0 ? z : f.alpha() * z;
      case ELU -> z > 0 ? z : f.alpha() * Math.expm1(z);
      case SELU -> SELU_SCALE * (z > 0 ? z : SELU_ALPHA * Math.expm1(z));
      case GELU -> z * normalBelow(z);
      case GELU_TANH -> z * sigmoid(2 * geluInner(z));
      case SILU -> z * sigmoid(z);
      case MISH -> z * Math.tanh(softplus(z));
      case SOFTPLUS -> softplus(z);
      case SIGMOID -> sigmoid(z);
      case HARD_SIGMOID -> Math.clamp(z / 6 + 0.5, 0.0, 1.0);
      case HARD_SWISH -> z * Math.clamp(z / 6 + 0.5, 0.0, 1.0);
      case TANH -> Math.tanh(z);
      case SOFTMAX, LOG_SOFTMAX -> throw new IllegalArgumentException(f + " is of rows");
    };
  }

  static double derivative(Activation f, double z) {
    return switch (f.kind()) {
      case LINEAR -> 1;
      case RELU -> z > 0 ? 1 : 0;
      case LEAKY_RELU -> z > 0 ? 1 : f.alpha();
      case ELU -> z > 0 ? 1 : f.alpha() * Math.exp(z);
      case SELU -> SELU_SCALE * (z > 0 ? 1 : SELU_ALPHA * Math.exp(z));
      case GELU -> normalBelow(z) + z * Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
      case GELU_TANH -> {
        double s = sigmoid(2 * geluInner(z));
        double inner = Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * z * z);
        yield s + z * s * (1 - s) * 2 * inner;
      }
      case SILU -> sigmoid(z) * (1 + z * (1 - sigmoid(z)));
      case MISH -> {
        double t = Math.tanh(softplus(z));
        yield t + z * (1 - t * t) * sigmoid(z);
      }
      case SOFTPLUS -> sigmoid(z);
      case SIGMOID -> sigmoid(z) * sigmoid(-z);
      case HARD_SIGMOID -> z > -3 && z < 3 ? 1.0 / 6 : 0;
      case HARD_SWISH -> z <= -3 ? 0 : z >= 3 ? 1 : z / 3 + 0.5;
      case TANH -> 1 - Math.tanh(z) * Math.tanh(z);
      case SOFTMAX, LOG_SOFTMAX -> throw new IllegalArgumentException(f + " is of rows");
    };
  }

  private static double sigmoid(double z) {
    return 1 / (1 + Math.exp(-z));
  }

  private static double softplus(double z) {
    return Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
  }

  private static double geluInner(double z) {
    return Math.sqrt(2 / Math.PI) * (z + 0.044715 * z * z * z);
  }

  /** Φ(z) = ½ + φ(z)·Σ z²ⁿ⁺¹/(1·3·…·(2n + 1)), to about 1e-15 absolute. */
  private static double normalBelow(double z) {
    if (Math.abs(z) > 9) {
      return z > 0 ? 1 : 0;
    }
    double term = z;
    double sum = z;
    for (int n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
      term *= z * z / (2 * n + 1);
      sum += term;
    }
    return 0.5 + sum * Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
  }

  /**
   * The softmax cross-entropy of logits [B, C] with labels, the mean over rows.
   *
   * @param gradient its gradient, overwritten
   */
  static double crossEntropy(double[] logits, int[] labels, double[] gradient) {
    int columns = logits.length / labels.length;
    double total = 0;
    for (int b = 0; b < labels.length; b++) {
      int from = b * columns;
      double logSum = logSumExp(logits, from, columns);
      total += logSum - logits[from + labels[b]];
      for (int j = 0; j < columns; j++) {
        double q = j == labels[b] ? 1 : 0;
        gradient[from + j] = (Math.exp(logits[from + j] - logSum) - q) / labels.length;
      }
    }
    return total / labels.length;
  }

  /**
   * Step {@code t}, from 1 on, of {@code rule} on w by g.
   *
   * @param slots what the rule remembers, two arrays of zeros before the first step
   */
  static void update(Optimizer rule, int t, double[] w, double[] g, double[][] slots) {
    for (int i = 0; i < w.length; i++) {
      switch (rule) {
        case Optimizer.Sgd sgd -> w[i] -= sgd.rate() * g[i];
        case Optimizer.Momentum m -> {
          slots[0][i] = m.momentum() * slots[0][i] + g[i];
          w[i] -= m.rate() * slots[0][i];
        }
        case Optimizer.Nesterov n -> {
          slots[0][i] = n.momentum() * slots[0][i] + g[i];
          w[i] -= n.rate() * (g[i] + n.momentum() * slots[0][i]);
        }
        case Optimizer.Adam a ->
            w[i] -= adam(a.rate(), a.beta1(), a.beta2(), a.epsilon(), t, g[i], i, slots);
        case Optimizer.AdamW a -> {
          w[i] -= a.rate() * a.decay() * w[i];
          w[i] -= adam(a.rate(), a.beta1(), a.beta2(), a.epsilon(), t, g[i], i, slots);
        }
        case Optimizer.RmsProp r -> {
          slots[0][i] = r.rho() * slots[0][i] + (1 - r.rho()) * g[i] * g[i];
          w[i] -= r.rate() * g[i] / (Math.sqrt(slots[0][i]) + r.epsilon());
        }
      }
    }
  }

  private static double adam(
      double rate,
      double beta1,
      double beta2,
      double epsilon,
      int t,
      double g,
      int i,
      double[][] slots) {
    slots[0][i] = beta1 * slots[0][i] + (1 - beta1) * g;
    slots[1][i] = beta2 * slots[1][i] + (1 - beta2) * g * g;
    double m = slots[0][i] / (1 - Math.pow(beta1, t));
    double v = slots[1][i] / (1 - Math.pow(beta2, t));
    return rate * m / (Math.sqrt(v) + epsilon);
  }
}
