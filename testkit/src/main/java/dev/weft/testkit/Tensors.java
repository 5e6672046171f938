package dev.weft.testkit;

import dev.weft.DType;
import dev.weft.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;

/** Puts values into tensors and takes them out, many at a time. */
public final class Tensors {
  private Tensors() {}

  /** Sets element {@code index} to {@code value}, rounded. */
  public static void set(Tensor tensor, long index, double value) {
    MemorySegment memory = memory(tensor);
    set(memory, tensor.dtype(), index, value);
    write(tensor, memory);
  }

  /** The tensor's bytes: its own memory, or a copy of what a device holds. */
  public static MemorySegment memory(Tensor tensor) {
    if (tensor.isHost()) {
      return tensor.segment();
    }
    MemorySegment copy = Arena.ofAuto().allocate(Math.max(1, tensor.byteSize()), 64);
    copy = copy.asSlice(0, tensor.byteSize());
    tensor.copyTo(copy);
    return copy;
  }

  /** Gives the tensor the bytes of {@link #memory} as they have become. */
  public static void write(Tensor tensor, MemorySegment memory) {
    if (!tensor.isHost()) {
      tensor.copyFrom(memory);
    }
  }

  /** Sets element {@code index} of elements of {@code dtype} to {@code value}, rounded. */
  public static void set(MemorySegment memory, DType dtype, long index, double value) {
    switch (dtype) {
      case F32 -> memory.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * index, (float) value);
      case F64 -> memory.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8 * index, value);
      case F16 -> {
        short bits = Float.floatToFloat16((float) value);
        memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * index, bits);
      }
      case BF16 -> {
        int bits = Float.floatToRawIntBits((float) dtype.nearest(value));
        memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * index, (short) (bits >>> 16));
      }
    }
  }

  /** Element {@code index} of elements of {@code dtype}. */
  public static double get(MemorySegment memory, DType dtype, long index) {
    return switch (dtype) {
      case F32 -> memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * index);
      case F64 -> memory.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8 * index);
      case F16 -> Float.float16ToFloat(memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * index));
      case BF16 ->
          Float.intBitsToFloat(memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * index) << 16);
    };
  }

  private static Tensor fill(Tensor tensor, DoubleSupplier values) {
    MemorySegment memory = memory(tensor);
    for (long i = 0; i < tensor.shape().elements(); i++) {
      set(memory, tensor.dtype(), i, values.getAsDouble());
    }
    write(tensor, memory);
    return tensor;
  }

  /** Sets all elements to NaN. */
  public static Tensor poison(Tensor tensor) {
    return fill(tensor, () -> Double.NaN);
  }

  /** Sets all elements to uniform numbers in [−range, range), rounded. */
  public static Tensor random(Tensor tensor, SplittableRandom random, double range) {
    return fill(tensor, () -> random.nextDouble(-range, range));
  }

  /** Sets all elements to integers in [−range, range]. */
  public static Tensor integers(Tensor tensor, SplittableRandom random, int range) {
    return fill(tensor, () -> random.nextInt(-range, range + 1));
  }

  /** Sets the first elements to values. */
  public static Tensor put(Tensor tensor, double... values) {
    MemorySegment memory = memory(tensor);
    for (int i = 0; i < values.length; i++) {
      set(memory, tensor.dtype(), i, values[i]);
    }
    write(tensor, memory);
    return tensor;
  }

  /** All elements in row-major order. */
  public static double[] values(Tensor tensor) {
    MemorySegment memory = memory(tensor);
    double[] values = new double[Math.toIntExact(tensor.shape().elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = get(memory, tensor.dtype(), i);
    }
    return values;
  }

  /** All elements as rows of the last dimension. */
  public static double[][] rows(Tensor tensor) {
    int width = Math.toIntExact(tensor.shape().dim(-1));
    int height = width == 0 ? 0 : Math.toIntExact(tensor.shape().elements() / width);
    MemorySegment memory = memory(tensor);
    double[][] rows = new double[height][width];
    for (int i = 0; i < height; i++) {
      for (int j = 0; j < width; j++) {
        rows[i][j] = get(memory, tensor.dtype(), (long) i * width + j);
      }
    }
    return rows;
  }
}
