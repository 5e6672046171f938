package dev.weft.bench;

import dev.weft.nn.Activation;
import java.util.ArrayList;
import java.util.List;

/** Loss and gradients of a perceptron for classes, by {@link Naive}. */
final class NaiveMlp {
  private final Activation hidden;
  private final List<double[]> kernels;
  private final List<double[]> biases;
  private final double[][] dw;
  private final double[][] db;
  private final double[] undecided;

  /** The perceptron of these weights; its last layer gives logits. */
  NaiveMlp(Activation hidden, List<double[]> kernels, List<double[]> biases) {
    this.hidden = hidden;
    this.kernels = kernels;
    this.biases = biases;
    dw = new double[kernels.size()][];
    db = new double[kernels.size()][];
    undecided = new double[kernels.size()];
  }

  /**
   * The mean softmax cross-entropy, and its gradients by the weights.
   *
   * @param kink how near to 0 an input of a hidden activation is undecided
   */
  double step(double[] x, int[] classes, double kink) {
    int batch = classes.length;
    int last = kernels.size() - 1;
    List<double[]> in = new ArrayList<>(List.of(x));
    List<double[]> zs = new ArrayList<>();
    for (int i = 0; i <= last; i++) {
      double[] z = Naive.product(in.get(i), kernels.get(i), batch, inputs(i), outputs(i));
      Naive.addRow(z, biases.get(i));
      zs.add(z);
      in.add(Naive.activate(i == last ? Activation.LINEAR : hidden, z, outputs(i)));
    }
    double[] dy = new double[zs.get(last).length];
    double loss = Naive.crossEntropy(zs.get(last), classes, dy);
    double doubt = 0;
    for (int i = last; i >= 0; i--) {
      double[] z = zs.get(i);
      double[] dz = i == last ? dy : Naive.gradient(hidden, z, dy, outputs(i));
      if (i < last) {
        doubt += doubt(z, dy, dz, kink);
      }
      undecided[i] = doubt;
      dw[i] =
          Naive.product(
              Naive.transposed(in.get(i), batch, inputs(i)), dz, inputs(i), batch, outputs(i));
      db[i] = Naive.columnSums(dz, outputs(i));
      dy =
          Naive.product(
              dz,
              Naive.transposed(kernels.get(i), inputs(i), outputs(i)),
              batch,
              outputs(i),
              inputs(i));
    }
    return loss;
  }

  /** How much of dz's norm hangs on the sides of kinks; 4 times that, for what sums cancel. */
  private double doubt(double[] z, double[] dy, double[] dz, double kink) {
    double undecidedSquares = 0;
    double squares = 0;
    for (int i = 0; i < z.length; i++) {
      double jump = Naive.derivative(hidden, z[i] + kink) - Naive.derivative(hidden, z[i] - kink);
      undecidedSquares += jump * jump * dy[i] * dy[i];
      squares += dz[i] * dz[i];
    }
    return 4 * Math.sqrt(undecidedSquares / squares);
  }

  private int outputs(int layer) {
    return biases.get(layer).length;
  }

  private int inputs(int layer) {
    return kernels.get(layer).length / outputs(layer);
  }

  /** How much a gradient of layer {@code layer} may be off, as a share of its norm, for kinks. */
  double undecided(int layer) {
    return undecided[layer];
  }

  /** Gradient by the kernel. */
  double[] dw(int layer) {
    return dw[layer];
  }

  /** Gradient by the bias. */
  double[] db(int layer) {
    return db[layer];
  }
}
