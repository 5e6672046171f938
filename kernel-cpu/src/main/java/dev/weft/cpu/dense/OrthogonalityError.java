package dev.weft.cpu.dense;

import dev.weft.DType;
import dev.weft.cpu.parallel.Workers;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.DoubleAccumulator;

/**
 * max |QᵀQ − I| of a matrix Q [m, n], m {@code >=} n, in any type: its columns are widened to f64,
 * divided by the gain, and multiplied block by block by the f64 gemm. Costs m·n² flop and, for each
 * thread, five squares of {@link #BLOCK} doubles.
 */
public final class OrthogonalityError {
  private static final int BLOCK = 128;

  private final DenseKernels<double[]> kernels;
  private final DType dtype;
  private final Matrix q;
  private final double gain;

  private OrthogonalityError(DenseKernels<double[]> kernels, DType dtype, Matrix q, double gain) {
    this.kernels = kernels;
    this.dtype = dtype;
    this.q = q;
    this.gain = gain;
  }

  /**
   * max |QᵀQ − I| where Q·gain is {@code matrix}; 0 if it has no columns, NaN if it holds one.
   *
   * @param matrix [m, n], 1 {@code <=} n {@code <=} m, elements of type {@code dtype}
   */
  public static double of(
      DenseKernels<double[]> kernels, Workers workers, DType dtype, Matrix matrix, double gain) {
    OrthogonalityError error = new OrthogonalityError(kernels, dtype, matrix, gain);
    long blocks = (matrix.columns() + BLOCK - 1) / BLOCK;
    DoubleAccumulator max = new DoubleAccumulator(Math::max, 0);
    workers.run(
        blocks,
        i -> {
          Pair pair = error.new Pair();
          for (long j = i; j < blocks; j++) {
            max.accumulate(pair.error(i * BLOCK, j * BLOCK));
          }
        });
    return max.get();
  }

  /**
   * Widens a part of Q, transposed and by rows: {@code out[j·BLOCK + i] = q(row + i, column + j) /
   * gain}.
   */
  private void widen(long row, int height, long column, int width, double[] out) {
    MemorySegment x = q.segment();
    boolean byRows = q.columnStride() == 1;
    int lines = byRows ? height : width;
    int length = byRows ? width : height;
    int lineStep = byRows ? 1 : BLOCK;
    int step = byRows ? BLOCK : 1;
    for (int line = 0; line < lines; line++) {
      long from = byRows ? q.at(row + line, column) : q.at(row, column + line);
      int to = line * lineStep;
      switch (dtype) {
        case F32 -> {
          for (int i = 0; i < length; i++) {
            out[to + i * step] = x.get(ValueLayout.JAVA_FLOAT_UNALIGNED, (from + i) * 4) / gain;
          }
        }
        case F64 -> {
          for (int i = 0; i < length; i++) {
            out[to + i * step] = x.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, (from + i) * 8) / gain;
          }
        }
        case F16 -> {
          for (int i = 0; i < length; i++) {
            short bits = x.get(ValueLayout.JAVA_SHORT_UNALIGNED, (from + i) * 2);
            out[to + i * step] = Float.float16ToFloat(bits) / gain;
          }
        }
        case BF16 -> {
          for (int i = 0; i < length; i++) {
            short bits = x.get(ValueLayout.JAVA_SHORT_UNALIGNED, (from + i) * 2);
            out[to + i * step] = Float.intBitsToFloat(bits << 16) / gain;
          }
        }
      }
    }
  }

  /** The products of two blocks of columns. */
  private final class Pair {
    private final Gemm<double[]> gemm = new Gemm<>(kernels);
    private final double[] left = new double[BLOCK * BLOCK];
    private final double[] right = new double[BLOCK * BLOCK];
    private final double[] product = new double[BLOCK * BLOCK];

    double error(long i, long j) {
      int m = (int) Math.min(BLOCK, q.columns() - i);
      int n = (int) Math.min(BLOCK, q.columns() - j);
      Matrix c = Matrix.rowMajor(kernels.segment(product), 0, m, n, n);
      for (long row = 0; row < q.rows(); row += BLOCK) {
        int k = (int) Math.min(BLOCK, q.rows() - row);
        widen(row, k, i, m, left);
        widen(row, k, j, n, right);
        gemm.multiply(
            Matrix.rowMajor(kernels.segment(left), 0, m, k, BLOCK),
            Matrix.rowMajor(kernels.segment(right), 0, n, k, BLOCK),
            1,
            row == 0 ? Gemm.Update.OVERWRITE : Gemm.Update.ADD,
            c);
      }
      double max = 0;
      for (int r = 0; r < m; r++) {
        for (int s = 0; s < n; s++) {
          max = Math.max(max, Math.abs(product[r * n + s] - (i + r == j + s ? 1 : 0)));
        }
      }
      return max;
    }
  }
}
