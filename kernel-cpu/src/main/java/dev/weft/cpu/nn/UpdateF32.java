package dev.weft.cpu.nn;

import dev.weft.nn.Optimizer;
import dev.weft.spi.OptimizerRates;

/** {@link UpdateKernel} of F32. */
public final class UpdateF32 implements UpdateKernel<float[]> {
  @Override
  public void update(
      OptimizerRates rates,
      Clip clip,
      float[] w,
      float[] g,
      float[] slot1,
      float[] slot2,
      int count) {
    float step = (float) -rates.step();
    float keep = (float) rates.keep();
    clip.scale(g, count);
    switch (rates.rule()) {
      case Optimizer.Sgd o -> sgd(step, w, g, count);
      case Optimizer.Momentum o -> momentum(step, keep, w, g, slot1, count);
      case Optimizer.Nesterov o -> nesterov(step, keep, w, g, slot1, count);
      case Optimizer.Adam o -> adam(rates, w, g, slot1, slot2, count);
      case Optimizer.AdamW o -> {
        shrink((float) -rates.decay(), w, count);
        adam(rates, w, g, slot1, slot2, count);
      }
      case Optimizer.RmsProp o ->
          rmsProp(
              step, keep, (float) (1 - rates.keep()), (float) rates.epsilon(), w, g, slot1, count);
    }
  }

  private static void shrink(float minusDecay, float[] w, int count) {
    for (int i = 0; i < count; i++) {
      w[i] = Math.fma(minusDecay, w[i], w[i]);
    }
  }

  private static void sgd(float step, float[] w, float[] g, int count) {
    for (int i = 0; i < count; i++) {
      w[i] = Math.fma(step, g[i], w[i]);
    }
  }

  private static void momentum(float step, float keep, float[] w, float[] g, float[] v, int count) {
    for (int i = 0; i < count; i++) {
      float next = Math.fma(keep, v[i], g[i]);
      v[i] = next;
      w[i] = Math.fma(step, next, w[i]);
    }
  }

  private static void nesterov(float step, float keep, float[] w, float[] g, float[] v, int count) {
    for (int i = 0; i < count; i++) {
      float next = Math.fma(keep, v[i], g[i]);
      v[i] = next;
      w[i] = Math.fma(step, Math.fma(keep, next, g[i]), w[i]);
    }
  }

  private static void adam(
      OptimizerRates rates, float[] w, float[] g, float[] m, float[] v, int count) {
    float step = (float) -rates.step();
    float keep1 = (float) rates.keep();
    float new1 = (float) (1 - rates.keep());
    float keep2 = (float) rates.keep2();
    float new2 = (float) (1 - rates.keep2());
    float unbias = (float) rates.unbias();
    float epsilon = (float) rates.epsilon();
    for (int i = 0; i < count; i++) {
      float mean = Math.fma(new1, g[i], keep1 * m[i]);
      float square = Math.fma(new2 * g[i], g[i], keep2 * v[i]);
      m[i] = mean;
      v[i] = square;
      float root = (float) Math.sqrt(square);
      w[i] = Math.fma(step, mean / Math.fma(root, unbias, epsilon), w[i]);
    }
  }

  private static void rmsProp(
      float step,
      float keep,
      float fresh,
      float epsilon,
      float[] w,
      float[] g,
      float[] v,
      int count) {
    for (int i = 0; i < count; i++) {
      float square = Math.fma(fresh * g[i], g[i], keep * v[i]);
      v[i] = square;
      w[i] = Math.fma(step, g[i] / ((float) Math.sqrt(square) + epsilon), w[i]);
    }
  }
}
