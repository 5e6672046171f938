package dev.weft.testkit;

import dev.weft.nn.Activation;
import dev.weft.nn.Loss;
import dev.weft.nn.Optimizer;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;

/**
 * Layers, losses and optimizers in f64, naive; losses of extreme numbers in decimal arithmetic.
 * Shares no code with a backend.
 */
public final class NnReference {
  private NnReference() {}

  /** f of a row, by its formula and StrictMath. */
  public static double[] activate(Activation f, double[] z) {
    double[] y = new double[z.length];
    double max = Double.NEGATIVE_INFINITY;
    for (double value : z) {
      max = Math.max(max, value);
    }
    double sum = 0;
    for (double value : z) {
      sum += StrictMath.exp(value - max);
    }
    for (int i = 0; i < z.length; i++) {
      y[i] =
          switch (f.kind()) {
            case SOFTMAX -> StrictMath.exp(z[i] - max) / sum;
            case LOG_SOFTMAX -> z[i] - max - StrictMath.log(sum);
            default -> ActivationReference.value(f, z[i]);
          };
    }
    return y;
  }

  private static double softplus(double z) {
    return ActivationReference.value(Activation.SOFTPLUS, z);
  }

  /** x·w + b of one row; b may be null. */
  public static double[] affine(double[] x, double[][] w, double[] b) {
    double[] z = new double[w[0].length];
    for (int j = 0; j < z.length; j++) {
      double sum = 0;
      for (int i = 0; i < x.length; i++) {
        sum += x[i] * w[i][j];
      }
      z[j] = sum + (b == null ? 0 : b[j]);
    }
    return z;
  }

  /** The loss of a batch; a target is a row of probabilities, numbers or, for labels, one-hot. */
  public static double loss(Loss loss, double[][] x, double[][] target) {
    double sum = 0;
    long elements = 0;
    for (int r = 0; r < x.length; r++) {
      int n = x[r].length;
      elements += n;
      if (loss instanceof Loss.SoftmaxCrossEntropy entropy) {
        double[] log = activate(Activation.LOG_SOFTMAX, x[r]);
        double s = entropy.smoothing();
        for (int j = 0; j < n; j++) {
          sum -= ((1 - s) * target[r][j] + s / n) * log[j];
        }
      }
      for (int j = 0; j < n; j++) {
        double d = x[r][j] - target[r][j];
        sum +=
            switch (loss) {
              case Loss.SoftmaxCrossEntropy l -> 0;
              case Loss.SigmoidCrossEntropy l -> softplus(x[r][j]) - target[r][j] * x[r][j];
              case Loss.MeanSquaredError l -> d * d;
              case Loss.MeanAbsoluteError l -> Math.abs(d);
              case Loss.Huber l ->
                  Math.abs(d) <= l.delta() ? d * d / 2 : l.delta() * (Math.abs(d) - l.delta() / 2);
            };
      }
    }
    return sum / (loss instanceof Loss.SoftmaxCrossEntropy ? x.length : elements);
  }

  /**
   * The loss of one row of any numbers: differences and products are exact, 0·∞ is 0, and a row
   * with NaN, or of logits that have no softmax, gives NaN.
   */
  public static double limit(Loss loss, double[] x, double[] target) {
    if (hasNaN(x) || hasNaN(target)) {
      return Double.NaN;
    }
    if (loss instanceof Loss.SoftmaxCrossEntropy entropy) {
      return crossEntropy(entropy.smoothing(), x, target);
    }
    double infinite = 0;
    BigDecimal sum = BigDecimal.ZERO;
    for (int j = 0; j < x.length; j++) {
      double t = target[j];
      if (Double.isInfinite(x[j])) {
        double weight = x[j] > 0 ? 1 - t : t;
        infinite +=
            !(loss instanceof Loss.SigmoidCrossEntropy)
                ? Double.POSITIVE_INFINITY
                : weight == 0 ? 0 : weight * Double.POSITIVE_INFINITY;
        continue;
      }
      BigDecimal d = new BigDecimal(x[j]).subtract(new BigDecimal(t));
      sum =
          sum.add(
              switch (loss) {
                case Loss.SigmoidCrossEntropy l ->
                    new BigDecimal(softplus(x[j]))
                        .subtract(new BigDecimal(t).multiply(new BigDecimal(x[j])));
                case Loss.MeanSquaredError l -> d.multiply(d);
                case Loss.MeanAbsoluteError l -> d.abs();
                case Loss.Huber l -> huber(d.abs(), new BigDecimal(l.delta()));
                case Loss.SoftmaxCrossEntropy l -> throw new AssertionError("a loss of rows");
              });
    }
    return infinite
        + sum.divide(BigDecimal.valueOf(x.length), MathContext.DECIMAL128).doubleValue();
  }

  private static BigDecimal huber(BigDecimal size, BigDecimal delta) {
    BigDecimal half = new BigDecimal("0.5");
    return size.compareTo(delta) <= 0
        ? size.multiply(size).multiply(half)
        : delta.multiply(size.subtract(delta.multiply(half)));
  }

  private static double crossEntropy(double smoothing, double[] x, double[] target) {
    double[] p = softmax(x);
    if (hasNaN(p)) {
      return Double.NaN;
    }
    BigDecimal max = new BigDecimal(max(x));
    BigDecimal sum = BigDecimal.ZERO;
    BigDecimal mass = BigDecimal.ZERO;
    double exponentials = 0;
    double infinite = 0;
    for (int j = 0; j < x.length; j++) {
      double weight = (1 - smoothing) * target[j] + smoothing / x.length;
      mass = mass.add(new BigDecimal(weight));
      if (Double.isInfinite(x[j])) {
        infinite += weight == 0 ? 0 : weight * Double.POSITIVE_INFINITY;
        continue;
      }
      BigDecimal below = max.subtract(new BigDecimal(x[j]));
      exponentials += StrictMath.exp(-below.doubleValue());
      sum = sum.add(new BigDecimal(weight).multiply(below));
    }
    BigDecimal log = new BigDecimal(StrictMath.log(exponentials));
    return infinite + sum.add(mass.multiply(log)).doubleValue();
  }

  /** Softmax of a row of any numbers; NaN for one with +∞ or NaN, or of −∞ alone. */
  public static double[] softmax(double[] x) {
    double[] p = new double[x.length];
    double max = max(x);
    if (hasNaN(x) || Double.isInfinite(max)) {
      Arrays.fill(p, Double.NaN);
      return p;
    }
    double sum = 0;
    for (int j = 0; j < x.length; j++) {
      p[j] = StrictMath.exp(x[j] - max);
      sum += p[j];
    }
    for (int j = 0; j < x.length; j++) {
      p[j] /= sum;
    }
    return p;
  }

  private static double max(double[] x) {
    return Arrays.stream(x).max().orElseThrow();
  }

  private static boolean hasNaN(double[] x) {
    return Arrays.stream(x).anyMatch(Double::isNaN);
  }

  /**
   * Step t of an optimizer on one parameter.
   *
   * @param slots what it remembers, overwritten
   * @return the parameter's new value
   */
  public static double update(Optimizer optimizer, long t, double w, double g, double[] slots) {
    return switch (optimizer) {
      case Optimizer.Sgd o -> w - o.rate() * g;
      case Optimizer.Momentum o -> {
        slots[0] = o.momentum() * slots[0] + g;
        yield w - o.rate() * slots[0];
      }
      case Optimizer.Nesterov o -> {
        slots[0] = o.momentum() * slots[0] + g;
        yield w - o.rate() * (g + o.momentum() * slots[0]);
      }
      case Optimizer.Adam o -> adam(o, t, w, g, slots);
      case Optimizer.AdamW o ->
          adam(
              new Optimizer.Adam(o.rate(), o.beta1(), o.beta2(), o.epsilon()),
              t,
              w - o.rate() * o.decay() * w,
              g,
              slots);
      case Optimizer.RmsProp o -> {
        slots[0] = o.rho() * slots[0] + (1 - o.rho()) * g * g;
        yield w - o.rate() * g / (Math.sqrt(slots[0]) + o.epsilon());
      }
    };
  }

  private static double adam(Optimizer.Adam o, long t, double w, double g, double[] slots) {
    slots[0] = o.beta1() * slots[0] + (1 - o.beta1()) * g;
    slots[1] = o.beta2() * slots[1] + (1 - o.beta2()) * g * g;
    double mean = slots[0] / (1 - StrictMath.pow(o.beta1(), t));
    double square = slots[1] / (1 - StrictMath.pow(o.beta2(), t));
    return w - o.rate() * mean / (Math.sqrt(square) + o.epsilon());
  }
}
