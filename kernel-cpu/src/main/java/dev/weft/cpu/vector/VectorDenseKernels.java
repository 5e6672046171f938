package dev.weft.cpu.vector;

import dev.weft.cpu.dense.DenseKernels;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** The dense kernels in vectors of a chosen width. */
public final class VectorDenseKernels {
  private static final ConcurrentMap<Integer, DenseKernels<?>> F32 = new ConcurrentHashMap<>();
  private static final ConcurrentMap<Integer, DenseKernels<?>> F64 = new ConcurrentHashMap<>();

  private VectorDenseKernels() {}

  /** Those of F32, for vectors of {@code bits} bits: 128, 256 or 512. */
  @SuppressWarnings("unchecked")
  public static DenseKernels<float[]> f32(int bits) {
    return (DenseKernels<float[]>)
        F32.computeIfAbsent(
            bits, b -> VectorWidth.load(DenseKernels.class, DenseF32Vector.class, b));
  }

  /** Those of F64, for vectors of {@code bits} bits: 128, 256 or 512. */
  @SuppressWarnings("unchecked")
  public static DenseKernels<double[]> f64(int bits) {
    return (DenseKernels<double[]>)
        F64.computeIfAbsent(
            bits, b -> VectorWidth.load(DenseKernels.class, DenseF64Vector.class, b));
  }
}
