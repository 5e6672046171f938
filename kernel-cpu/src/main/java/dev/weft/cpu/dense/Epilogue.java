package dev.weft.cpu.dense;

import dev.weft.cpu.nn.ActivationKernel;
import dev.weft.cpu.nn.ArrayType;
import java.lang.foreign.MemorySegment;

/**
 * What is done to a tile of C = A·B on its way to memory: {@code z = C + bias; C = f(z) +
 * residual}. Reused from call to call; threads share it and bring their own scratch.
 */
public final class Epilogue<A> {
  private final ArrayType<A> type;
  private MemorySegment bias;
  private ActivationKernel<A> f;
  private double alpha;
  private MemorySegment z;
  private MemorySegment residual;
  private long ld;

  /** An epilogue that does nothing yet. */
  public Epilogue(ArrayType<A> type) {
    this.type = type;
  }

  /**
   * Sets what is done.
   *
   * @param bias one element for each column of C, or null
   * @param f what follows, or null
   * @param alpha f's parameter
   * @param z gets what f is given, or null; a matrix without gaps, as is the next
   * @param residual added to what f gives, or null
   * @param ld columns of C
   */
  public void set(
      MemorySegment bias,
      ActivationKernel<A> f,
      double alpha,
      MemorySegment z,
      MemorySegment residual,
      long ld) {
    this.bias = bias;
    this.f = f;
    this.alpha = alpha;
    this.z = z;
    this.residual = residual;
    this.ld = ld;
  }

  /** Forgets the caller's objects. */
  public void clear() {
    set(null, null, 0, null, null, 0);
  }

  /** Working memory of one thread. */
  A scratch() {
    return type.array(Gemm.NC + Gemm.STRIP);
  }

  /** Loads the bias of columns of C into the beginning of {@code scratch}; whether there is one. */
  boolean loadBias(long column, int columns, A scratch) {
    if (bias != null) {
      type.load(bias, column, scratch, 0, columns);
    }
    return bias != null;
  }

  /**
   * Does what comes after the bias to a tile in place.
   *
   * @param tile rows of {@code width} elements, of which the first {@code columns} count
   * @param row of C, of the tile's first row
   * @param column of C, of its first column
   */
  void apply(A tile, int rows, int columns, int width, long row, long column, A scratch) {
    if (z != null) {
      for (int i = 0; i < rows; i++) {
        type.store(tile, i * width, z, (row + i) * ld + column, columns);
      }
    }
    if (f != null) {
      f.forward(tile, 0, (rows - 1) * width + columns, alpha);
    }
    if (residual != null) {
      for (int i = 0; i < rows; i++) {
        type.load(residual, (row + i) * ld + column, scratch, Gemm.NC, columns);
        type.add(tile, i * width, scratch, Gemm.NC, columns);
      }
    }
  }

  /** Does all of it to a part of a row of C in memory. */
  void applyRow(MemorySegment c, long at, int columns, long row, long column, A scratch, A tmp) {
    type.load(c, at, tmp, 0, columns);
    if (loadBias(column, columns, scratch)) {
      type.add(tmp, 0, scratch, 0, columns);
    }
    apply(tmp, 1, columns, columns, row, column, scratch);
    type.store(tmp, 0, c, at, columns);
  }
}
