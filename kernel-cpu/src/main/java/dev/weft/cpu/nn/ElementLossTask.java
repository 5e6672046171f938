package dev.weft.cpu.nn;

import dev.weft.cpu.parallel.Spares;
import dev.weft.nn.Loss;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** The losses of single elements, in f64 whatever the type; the gradient is rounded once. */
final class ElementLossTask<A> extends SumTask {
  private final ArrayType<A> type;
  private final Spares<A> tiles;
  private final Spares<double[]> doubles;
  private final ActivationKernel<double[]> softplus;
  private final ActivationKernel<double[]> sigmoid;
  private Loss loss;
  private MemorySegment x;
  private MemorySegment target;
  private MemorySegment gradient;
  private double scale;

  ElementLossTask(
      ArrayType<A> type,
      Spares<A> tiles,
      Spares<double[]> doubles,
      ActivationKernel<double[]> softplus,
      ActivationKernel<double[]> sigmoid) {
    this.type = type;
    this.tiles = tiles;
    this.doubles = doubles;
    this.softplus = softplus;
    this.sigmoid = sigmoid;
  }

  long prepare(
      Loss loss, MemorySegment x, MemorySegment target, MemorySegment gradient, long count) {
    this.loss = loss;
    this.x = x;
    this.target = target;
    this.gradient = gradient;
    scale = 1.0 / count;
    return cut(count, MIN_CHUNK);
  }

  @Override
  double sum(long from, long end) {
    A tile = tiles.take();
    double[] values = doubles.take();
    double[] targets = doubles.take();
    double[] losses = doubles.take();
    double[] lanes = doubles.take();
    try {
      Arrays.fill(lanes, 0, LANES, 0);
      for (long at = from; at < end; at += TILE) {
        int n = (int) Math.min(TILE, end - at);
        type.load(x, at, tile, 0, n);
        type.widen(tile, values, n);
        type.load(target, at, tile, 0, n);
        type.widen(tile, targets, n);
        each(values, targets, losses, n);
        add(losses, n, lanes);
        if (gradient != null) {
          type.narrow(values, tile, n);
          type.store(tile, 0, gradient, at, n);
        }
      }
      return total(lanes);
    } finally {
      tiles.give(tile);
      doubles.give(values);
      doubles.give(targets);
      doubles.give(losses);
      doubles.give(lanes);
    }
  }

  /** The losses of a tile; the gradients in the values' place. */
  private void each(double[] x, double[] t, double[] losses, int n) {
    switch (loss) {
      case Loss.SigmoidCrossEntropy l -> {
        System.arraycopy(x, 0, losses, 0, n);
        softplus.forward(losses, 0, n, 0);
        for (int i = 0; i < n; i++) {
          losses[i] = Math.fma(-t[i], x[i], losses[i]);
        }
        for (int i = 0; i < n; i++) {
          if (Double.isInfinite(x[i])) {
            losses[i] = atInfinity(x[i], t[i]);
          }
        }
        sigmoid.forward(x, 0, n, 0);
        for (int i = 0; i < n; i++) {
          x[i] = (x[i] - t[i]) * scale;
        }
      }
      case Loss.MeanSquaredError l -> {
        for (int i = 0; i < n; i++) {
          double d = x[i] - t[i];
          losses[i] = d * d;
          x[i] = d * (2 * scale); // 2·d could overflow
        }
      }
      case Loss.MeanAbsoluteError l -> {
        for (int i = 0; i < n; i++) {
          double d = x[i] - t[i];
          losses[i] = Math.abs(d);
          x[i] = Math.signum(d) * scale;
        }
      }
      case Loss.Huber l -> huber(l.delta(), x, t, losses, n);
      case Loss.SoftmaxCrossEntropy l -> throw new AssertionError("a loss of rows");
    }
  }

  /** The sigmoid cross-entropy of x = ±∞: (1 − t)·∞ or t·∞, with 0·∞ = 0. */
  private static double atInfinity(double x, double t) {
    double weight = x > 0 ? 1 - t : -t;
    return weight == 0 ? 0 : weight * x;
  }

  private void huber(double delta, double[] x, double[] t, double[] losses, int n) {
    for (int i = 0; i < n; i++) {
      double d = x[i] - t[i];
      double size = Math.abs(d);
      boolean near = size <= delta;
      losses[i] = near ? 0.5 * d * d : delta * (size - 0.5 * delta);
      x[i] = (near ? d : delta * Math.signum(d)) * scale;
    }
  }

  @Override
  public void clear() {
    x = null;
    target = null;
    gradient = null;
  }
}
