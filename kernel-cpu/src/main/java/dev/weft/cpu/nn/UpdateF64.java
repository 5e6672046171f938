package dev.weft.cpu.nn;

import dev.weft.nn.Optimizer;
import dev.weft.spi.OptimizerRates;

/** {@link UpdateKernel} of F64. */
public final class UpdateF64 implements UpdateKernel<double[]> {
  @Override
  public void update(
      OptimizerRates rates,
      Clip clip,
      double[] w,
      double[] g,
      double[] slot1,
      double[] slot2,
      int count) {
    double step = -rates.step();
    double keep = rates.keep();
    clip.scale(g, count);
    switch (rates.rule()) {
      case Optimizer.Sgd o -> sgd(step, w, g, count);
      case Optimizer.Momentum o -> momentum(step, keep, w, g, slot1, count);
      case Optimizer.Nesterov o -> nesterov(step, keep, w, g, slot1, count);
      case Optimizer.Adam o -> adam(rates, w, g, slot1, slot2, count);
      case Optimizer.AdamW o -> {
        shrink(-rates.decay(), w, count);
        adam(rates, w, g, slot1, slot2, count);
      }
      case Optimizer.RmsProp o ->
          rmsProp(step, keep, (1 - rates.keep()), rates.epsilon(), w, g, slot1, count);
    }
  }

  private static void shrink(double minusDecay, double[] w, int count) {
    for (int i = 0; i < count; i++) {
      w[i] = Math.fma(minusDecay, w[i], w[i]);
    }
  }

  private static void sgd(double step, double[] w, double[] g, int count) {
    for (int i = 0; i < count; i++) {
      w[i] = Math.fma(step, g[i], w[i]);
    }
  }

  private static void momentum(
      double step, double keep, double[] w, double[] g, double[] v, int count) {
    for (int i = 0; i < count; i++) {
      double next = Math.fma(keep, v[i], g[i]);
      v[i] = next;
      w[i] = Math.fma(step, next, w[i]);
    }
  }

  private static void nesterov(
      double step, double keep, double[] w, double[] g, double[] v, int count) {
    for (int i = 0; i < count; i++) {
      double next = Math.fma(keep, v[i], g[i]);
      v[i] = next;
      w[i] = Math.fma(step, Math.fma(keep, next, g[i]), w[i]);
    }
  }

  private static void adam(
      OptimizerRates rates, double[] w, double[] g, double[] m, double[] v, int count) {
    double step = -rates.step();
    double keep1 = rates.keep();
    double new1 = (1 - rates.keep());
    double keep2 = rates.keep2();
    double new2 = (1 - rates.keep2());
    double unbias = rates.unbias();
    double epsilon = rates.epsilon();
    for (int i = 0; i < count; i++) {
      double mean = Math.fma(new1, g[i], keep1 * m[i]);
      double square = Math.fma(new2 * g[i], g[i], keep2 * v[i]);
      m[i] = mean;
      v[i] = square;
      double root = Math.sqrt(square);
      w[i] = Math.fma(step, mean / Math.fma(root, unbias, epsilon), w[i]);
    }
  }

  private static void rmsProp(
      double step,
      double keep,
      double fresh,
      double epsilon,
      double[] w,
      double[] g,
      double[] v,
      int count) {
    for (int i = 0; i < count; i++) {
      double square = Math.fma(fresh * g[i], g[i], keep * v[i]);
      v[i] = square;
      w[i] = Math.fma(step, g[i] / (Math.sqrt(square) + epsilon), w[i]);
    }
  }
}
