package dev.weft.cpu.dense;

import dev.weft.cpu.scalar.DenseF32Scalar;
import dev.weft.cpu.scalar.DenseF64Scalar;
import dev.weft.cpu.vector.VectorDenseKernels;
import java.util.List;

/** The dense kernels in every technique: the scalar ones first, then every vector width. */
final class EveryDense {
  static final List<DenseKernels<float[]>> F32 =
      List.of(
          new DenseF32Scalar(),
          VectorDenseKernels.f32(128),
          VectorDenseKernels.f32(256),
          VectorDenseKernels.f32(512));

  static final List<DenseKernels<double[]>> F64 =
      List.of(
          new DenseF64Scalar(),
          VectorDenseKernels.f64(128),
          VectorDenseKernels.f64(256),
          VectorDenseKernels.f64(512));

  private EveryDense() {}

  static List<DenseKernels<?>> both() {
    return List.of(
        F32.get(0),
        F32.get(1),
        F32.get(2),
        F32.get(3),
        F64.get(0),
        F64.get(1),
        F64.get(2),
        F64.get(3));
  }
}
