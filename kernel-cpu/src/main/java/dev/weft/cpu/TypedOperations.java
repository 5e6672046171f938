package dev.weft.cpu;

import dev.weft.cpu.dense.DenseKernels;
import dev.weft.cpu.dense.Epilogue;
import dev.weft.cpu.memory.HostMemory;
import dev.weft.cpu.nn.ActivationKernel;
import dev.weft.cpu.nn.ArrayType;
import dev.weft.cpu.nn.GradualActivation;
import dev.weft.cpu.nn.Operations;
import dev.weft.cpu.nn.RowKernel;
import dev.weft.cpu.nn.UpdateF32;
import dev.weft.cpu.nn.UpdateF64;
import dev.weft.cpu.nn.UpdateKernel;
import dev.weft.cpu.parallel.Spares;
import dev.weft.cpu.parallel.Workers;
import dev.weft.nn.Activation;
import dev.weft.spi.Buffer;
import dev.weft.spi.StridedMatrix;
import java.lang.foreign.MemorySegment;

/** Matrix products and the operations of layers on one element type, with kernels of one width. */
final class TypedOperations<A> {
  private static final int TASKS = 4; // kept, for as many callers at once

  private final Operations<A> operations;
  private final Spares<GemmTask<A>> products;

  private TypedOperations(DenseKernels<A> dense, Operations<A> operations, int threads) {
    this.operations = operations;
    this.products = new Spares<>(TASKS, () -> new GemmTask<>(dense, threads));
  }

  /**
   * Those of F32.
   *
   * @param bits of the vectors, or 0
   * @param gradual whether scalar code does the work until the compiler has the vectors
   */
  static TypedOperations<float[]> f32(int bits, boolean gradual, int threads) {
    Operations.Kernels<float[]> kernels =
        new Kernels<>(bits, gradual) {
          @Override
          public ActivationKernel<float[]> activation(Activation.Kind kind) {
            VectorProbe probe = VectorProbe.get();
            return gradual
                ? new GradualActivation<>(
                    () -> probe.activationF32(bits, kind), probe.activationF32(0, kind))
                : probe.activationF32(bits, kind);
          }

          @Override
          public RowKernel<float[]> rows() {
            return VectorProbe.get().rowsF32(bits);
          }

          @Override
          public UpdateKernel<float[]> update() {
            return new UpdateF32();
          }
        };
    return new TypedOperations<>(
        VectorProbe.get().denseF32(bits),
        new Operations<>(ArrayType.F32, kernels, threads),
        threads);
  }

  /** Those of F64. */
  static TypedOperations<double[]> f64(int bits, boolean gradual, int threads) {
    Operations.Kernels<double[]> kernels =
        new Kernels<>(bits, gradual) {
          @Override
          public ActivationKernel<double[]> activation(Activation.Kind kind) {
            return activationF64(kind);
          }

          @Override
          public RowKernel<double[]> rows() {
            return VectorProbe.get().rowsF64(bits);
          }

          @Override
          public UpdateKernel<double[]> update() {
            return new UpdateF64();
          }
        };
    return new TypedOperations<>(
        VectorProbe.get().denseF64(bits),
        new Operations<>(ArrayType.F64, kernels, threads),
        threads);
  }

  private abstract static class Kernels<A> implements Operations.Kernels<A> {
    private final int bits;
    private final boolean gradual;

    Kernels(int bits, boolean gradual) {
      this.bits = bits;
      this.gradual = gradual;
    }

    @Override
    public ActivationKernel<double[]> activationF64(Activation.Kind kind) {
      VectorProbe probe = VectorProbe.get();
      return gradual
          ? new GradualActivation<>(
              () -> probe.activationF64(bits, kind), probe.activationF64(0, kind))
          : probe.activationF64(bits, kind);
    }
  }

  /** The operations other than products. */
  Operations<A> elements() {
    return operations;
  }

  /** C = alpha·A·B + beta·C. */
  void gemm(
      Workers team,
      double alpha,
      StridedMatrix a,
      StridedMatrix b,
      double beta,
      StridedMatrix c,
      Epilogue<A> epilogue) {
    GemmTask<A> task = products.take();
    try {
      task.then(epilogue);
      team.run(task.prepare(alpha, a, b, beta, c, team.threads()), task);
    } finally {
      task.clear();
      products.give(task);
    }
  }

  /** The same with what {@link #pack} made of B. */
  void gemm(Workers team, double alpha, StridedMatrix a, Buffer b, double beta, StridedMatrix c) {
    GemmTask<A> task = products.take();
    try {
      team.run(task.prepare(alpha, a, b, beta, c, team.threads()), task);
    } finally {
      task.clear();
      products.give(task);
    }
  }

  /** The right operand b, [1, K, N], in the form that products read fastest. */
  Buffer pack(StridedMatrix b, HostMemory memory) {
    GemmTask<A> task = products.take();
    try {
      return task.pack(b, memory);
    } finally {
      products.give(task);
    }
  }

  /** y = f(x·w + bias) + residual, and z before f. */
  void dense(
      Workers team,
      StridedMatrix x,
      StridedMatrix w,
      MemorySegment bias,
      Activation f,
      MemorySegment z,
      MemorySegment residual,
      StridedMatrix y) {
    Epilogue<A> epilogue = operations.epilogue(bias, f, z, residual, y.columns());
    try {
      gemm(team, 1, x, w, 0, y, epilogue);
    } finally {
      operations.give(epilogue);
    }
    if (f.kind().ofRow()) {
      operations.activate(team, f, y, y);
    }
  }
}
