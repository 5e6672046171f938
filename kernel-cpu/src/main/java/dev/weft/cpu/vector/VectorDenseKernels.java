package dev.weft.cpu.vector;

import dev.weft.cpu.dense.DenseKernels;

/** The dense kernels in vectors of a chosen width. */
public final class VectorDenseKernels {
  private VectorDenseKernels() {}

  /** Those of F32, for vectors of {@code bits} bits: 128, 256 or 512. */
  @SuppressWarnings("unchecked")
  public static DenseKernels<float[]> f32(int bits) {
    return VectorWidth.load(DenseKernels.class, DenseF32Vector.class, bits);
  }

  /** Those of F64, for vectors of {@code bits} bits: 128, 256 or 512. */
  @SuppressWarnings("unchecked")
  public static DenseKernels<double[]> f64(int bits) {
    return VectorWidth.load(DenseKernels.class, DenseF64Vector.class, bits);
  }
}
