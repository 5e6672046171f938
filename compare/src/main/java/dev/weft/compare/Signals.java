package dev.weft.compare;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.init.Initializer;
import dev.weft.init.Initializers;
import dev.weft.nn.Activation;
import dev.weft.nn.Dense;
import dev.weft.nn.Write;
import dev.weft.random.RandomKey;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Sends signals forward and gradients backward through stacks of equal layers. */
public final class Signals {
  private static final RandomKey KEY = RandomKey.of(1);

  private Signals() {}

  /**
   * For some pairs of initializer and activation, good and bad: inputs from N(0, 0.01), gradients
   * from N(0, 1) at the last output.
   *
   * @param layers how many
   * @param width inputs and outputs of each
   * @param batch examples
   */
  public static List<Signal> of(Backend backend, int layers, int width, int batch) {
    List<Signal> signals = new ArrayList<>();
    Stack stack = new Stack(backend, layers, Shape.of(batch, width));
    signals.add(stack.signal("He normal", Initializers.heNormal(), Activation.RELU));
    signals.add(stack.signal("Glorot uniform", Initializers.glorotUniform(), Activation.TANH));
    signals.add(stack.signal("LeCun normal", Initializers.lecunNormal(), Activation.SELU));
    signals.add(stack.signal("orthogonal", Initializers.orthogonal(), Activation.TANH));
    signals.add(stack.signal("Glorot uniform", Initializers.glorotUniform(), Activation.RELU));
    signals.add(stack.signal("N(0, 0.1²)", Initializers.normal(0, 0.1), Activation.RELU));
    return signals;
  }

  /**
   * Layers one after another.
   *
   * @param shape of every activation
   */
  private record Stack(Backend backend, int count, Shape shape) {
    Signal signal(String name, Initializer kernel, Activation f) {
      List<AutoCloseable> opened = new ArrayList<>();
      double[] forward = new double[count + 1];
      double[] backward = new double[count + 1];
      Tensor[] y = new Tensor[count + 1];
      Dense[] layers = new Dense[count];
      try {
        y[0] = drawn("x", 0.1, opened);
        forward[0] = variance(y[0]);
        for (int i = 0; i < count; i++) {
          layers[i] =
              Dense.of(shape.dim(1), shape.dim(1))
                  .activation(f)
                  .kernel(kernel)
                  .name("dense" + i)
                  .build(backend, KEY);
          opened.add(layers[i]);
          y[i + 1] = backend.tensor(DType.F32, shape);
          opened.add(y[i + 1]);
          layers[i].forward(y[i], y[i + 1]);
          forward[i + 1] = variance(y[i + 1]);
        }
        Tensor dy = drawn("dy", 1, opened);
        Tensor dx = drawn("dx", 1, opened);
        backward[count] = variance(dy);
        for (int i = count - 1; i >= 0; i--) {
          try (Dense.Gradients gradients = layers[i].gradients()) {
            layers[i].backward(y[i], y[i + 1], dy, dx, gradients, Write.OVERWRITE);
          }
          backward[i] = variance(dx);
          Tensor spent = dy;
          dy = dx;
          dx = spent;
        }
        return new Signal(name, f.toString(), forward, backward);
      } finally {
        close(opened);
      }
    }

    private Tensor drawn(String name, double stddev, List<AutoCloseable> opened) {
      Tensor tensor = backend.tensor(DType.F32, shape);
      opened.add(tensor);
      tensor.fill(Fill.normal(0, stddev), KEY.child(name));
      return tensor;
    }
  }

  private static void close(List<AutoCloseable> opened) {
    for (AutoCloseable each : opened) {
      try {
        each.close();
      } catch (Exception e) {
        throw new IllegalStateException(e); // neither tensors nor layers have a checked one
      }
    }
  }

  private static double variance(Tensor tensor) {
    float[] values = new float[Math.toIntExact(tensor.shape().elements())];
    tensor.copyTo(MemorySegment.ofArray(values));
    double[] wide = new double[values.length];
    Arrays.setAll(wide, i -> values[i]);
    Moments moments = new Moments();
    moments.add(wide, wide.length);
    return moments.variance();
  }
}
