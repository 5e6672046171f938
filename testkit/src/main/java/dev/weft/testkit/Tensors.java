package dev.weft.testkit;

import dev.weft.DType;
import dev.weft.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/** Puts values into F32 and F64 tensors and takes them out. */
public final class Tensors {
  private Tensors() {}

  /** Sets element {@code index} to {@code value}, rounded. */
  public static void set(Tensor tensor, long index, double value) {
    if (tensor.dtype() == DType.F32) {
      tensor.segment().set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * index, (float) value);
    } else {
      tensor.segment().set(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8 * index, value);
    }
  }

  /** Sets all elements to NaN. */
  public static Tensor poison(Tensor tensor) {
    for (long i = 0; i < tensor.shape().elements(); i++) {
      set(tensor, i, Double.NaN);
    }
    return tensor;
  }

  /** Sets all elements to uniform numbers in [−range, range), rounded. */
  public static Tensor random(Tensor tensor, SplittableRandom random, double range) {
    for (long i = 0; i < tensor.shape().elements(); i++) {
      set(tensor, i, random.nextDouble(-range, range));
    }
    return tensor;
  }

  /** Sets all elements to integers in [−range, range]. */
  public static Tensor integers(Tensor tensor, SplittableRandom random, int range) {
    for (long i = 0; i < tensor.shape().elements(); i++) {
      set(tensor, i, random.nextInt(-range, range + 1));
    }
    return tensor;
  }

  /** Sets the first elements to values. */
  public static Tensor put(Tensor tensor, double... values) {
    for (int i = 0; i < values.length; i++) {
      set(tensor, i, values[i]);
    }
    return tensor;
  }

  /** All elements in row-major order. */
  public static double[] values(Tensor tensor) {
    double[] values = new double[Math.toIntExact(tensor.shape().elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = tensor.get(i);
    }
    return values;
  }

  /** All elements as rows of the last dimension. */
  public static double[][] rows(Tensor tensor) {
    int width = Math.toIntExact(tensor.shape().dim(-1));
    int height = width == 0 ? 0 : Math.toIntExact(tensor.shape().elements() / width);
    double[][] rows = new double[height][width];
    for (int i = 0; i < height; i++) {
      for (int j = 0; j < width; j++) {
        rows[i][j] = tensor.get((long) i * width + j);
      }
    }
    return rows;
  }
}
