package dev.weft.bench;

import dev.weft.DType;
import dev.weft.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.stream.LongStream;

/**
 * Rows of a tensor, its last dimension by all others, as f64, wherever its memory is. Read in
 * order, they come from a device some MiB at a time.
 */
final class Rows {
  /** How many rows of a result too large to be checked as a whole are. */
  static final int CHECKED = 8;

  private static final long CHUNK_BYTES = 4 << 20;

  private final Tensor tensor;
  private final int columns;
  private final long count;
  private final MemorySegment chunk;
  private final double[] row;
  private long first; // row in the chunk
  private long held; // rows there

  Rows(Tensor tensor) {
    this.tensor = tensor;
    columns = Math.toIntExact(tensor.shape().dim(-1));
    count = tensor.shape().elements() / columns;
    long most = Math.max(1, CHUNK_BYTES / tensor.dtype().byteSize(columns));
    long bytes = tensor.dtype().byteSize(columns * Math.min(most, count));
    chunk = MemorySegment.ofArray(new byte[Math.toIntExact(bytes)]);
    row = new double[columns];
  }

  /** How many there are. */
  long count() {
    return count;
  }

  /** Elements of one. */
  int columns() {
    return columns;
  }

  /** Row {@code index}; overwritten by the next call. */
  double[] get(long index) {
    if (index < first || index >= first + held) {
      long width = tensor.dtype().byteSize(columns);
      first = index;
      held = Math.min(chunk.byteSize() / width, count - index);
      tensor.copyTo(first * columns, chunk.asSlice(0, held * width));
    }
    long at = (index - first) * columns;
    for (int j = 0; j < columns; j++) {
      row[j] = element(tensor.dtype(), at + j);
    }
    return row;
  }

  private double element(DType dtype, long at) {
    return switch (dtype) {
      case F32 -> chunk.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * at);
      case F64 -> chunk.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8 * at);
      case F16 -> Float.float16ToFloat(chunk.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * at));
      case BF16 -> Float.intBitsToFloat(chunk.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * at) << 16);
    };
  }

  /**
   * Some of {@code count} rows in order, the first and the last among them; all if they are few.
   */
  static long[] some(long count, int most) {
    long[] rows = new long[(int) Math.min(count, most)];
    SplittableRandom random = new SplittableRandom(count);
    for (int s = 0; s < rows.length; s++) {
      long from = count * s / rows.length;
      long to = count * (s + 1) / rows.length;
      rows[s] = s == 0 ? 0 : s == rows.length - 1 ? count - 1 : random.nextLong(from, to);
    }
    return rows;
  }

  /** All rows of a tensor. */
  static long[] all(Tensor tensor) {
    return LongStream.range(0, new Rows(tensor).count).toArray();
  }

  /** These rows of a tensor. */
  static double[][] of(Tensor tensor, long[] rows) {
    double[][] read = new double[rows.length][];
    Rows all = new Rows(tensor);
    for (int s = 0; s < rows.length; s++) {
      read[s] = all.get(rows[s]).clone();
    }
    return read;
  }

  /** These columns of a tensor. */
  static double[][] ofColumns(Tensor tensor, long[] columns) {
    Rows all = new Rows(tensor);
    double[][] read = new double[columns.length][Math.toIntExact(all.count)];
    for (int i = 0; i < all.count; i++) {
      double[] row = all.get(i);
      for (int s = 0; s < columns.length; s++) {
        read[s][i] = row[(int) columns[s]];
      }
    }
    return read;
  }

  /** Rows one after another, as {@link Naive} takes them. */
  static double[] joined(double[][] rows) {
    double[] all = new double[rows.length * rows[0].length];
    for (int s = 0; s < rows.length; s++) {
      System.arraycopy(rows[s], 0, all, s * rows[s].length, rows[s].length);
    }
    return all;
  }
}
