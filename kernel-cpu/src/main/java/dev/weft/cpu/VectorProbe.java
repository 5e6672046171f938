package dev.weft.cpu;

import dev.weft.cpu.dense.DenseKernels;
import dev.weft.cpu.nn.ActivationKernel;
import dev.weft.cpu.nn.RowKernel;
import dev.weft.cpu.scalar.ActivationF32;
import dev.weft.cpu.scalar.ActivationF64;
import dev.weft.cpu.scalar.DenseF32Scalar;
import dev.weft.cpu.scalar.DenseF64Scalar;
import dev.weft.cpu.scalar.RowF32;
import dev.weft.cpu.scalar.RowF64;
import dev.weft.nn.Activation;
import java.lang.reflect.InvocationTargetException;
import java.util.Optional;

/**
 * Decides once per JVM whether and how wide the vectors are. It finds the vector kernels by name,
 * so that nothing breaks where the incubator module is missing.
 */
final class VectorProbe {
  private static final String KERNELS = "dev.weft.cpu.vector.VectorFillKernels";
  private static final String DENSE = "dev.weft.cpu.vector.VectorDenseKernels";
  private static final String ACTIVATIONS = "dev.weft.cpu.vector.VectorActivations";
  private static final String ROWS = "dev.weft.cpu.vector.VectorRows";
  private static final Class<?>[] KIND = {int.class, Activation.Kind.class};
  private static final VectorProbe PROBE = probe();

  private final int bits;
  private final Optional<Slowness> slowness;
  private final String reason;
  private final String remedy;

  private VectorProbe(int bits, Optional<Slowness> slowness, String reason, String remedy) {
    this.bits = bits;
    this.slowness = slowness;
    this.reason = reason;
    this.remedy = remedy;
  }

  static VectorProbe get() {
    return PROBE;
  }

  /** The widest vectors that pay here, 128, 256 or 512; 0 if none do. */
  int bits() {
    return bits;
  }

  /** Why there are none; empty if there are. */
  String reason() {
    return reason;
  }

  /** What to do about it; empty if nothing. */
  String remedy() {
    return remedy;
  }

  /**
   * Why all code of this JVM is slow, scalar code as well.
   *
   * @param reason what the JVM lacks
   * @param remedy what to do about it
   */
  record Slowness(String reason, String remedy) {}

  /** Why scalar code is slow, too; empty if it is not. */
  Optional<Slowness> slowness() {
    return slowness;
  }

  /** The kernels with vectors of {@code bits} bits, at most {@link #bits()}. */
  FillKernels kernels(int bits) {
    return (FillKernels) call(KERNELS, "of", new Class<?>[] {int.class}, bits);
  }

  /** The kernels with the widest vectors, and scalar ones for as long as those are faster. */
  FillKernels gradualKernels() {
    return (FillKernels) call(KERNELS, "gradual", new Class<?>[] {int.class}, bits);
  }

  /** The dense kernels of F32 with vectors of {@code bits} bits; scalar ones for 0. */
  @SuppressWarnings("unchecked")
  DenseKernels<float[]> denseF32(int bits) {
    if (bits == 0) {
      return new DenseF32Scalar();
    }
    return (DenseKernels<float[]>) call(DENSE, "f32", new Class<?>[] {int.class}, bits);
  }

  /** The dense kernels of F64 with vectors of {@code bits} bits; scalar ones for 0. */
  @SuppressWarnings("unchecked")
  DenseKernels<double[]> denseF64(int bits) {
    if (bits == 0) {
      return new DenseF64Scalar();
    }
    return (DenseKernels<double[]>) call(DENSE, "f64", new Class<?>[] {int.class}, bits);
  }

  /** An activation of F32 with vectors of {@code bits} bits; the scalar one for 0. */
  @SuppressWarnings("unchecked")
  ActivationKernel<float[]> activationF32(int bits, Activation.Kind kind) {
    if (bits == 0) {
      return new ActivationF32(kind);
    }
    return (ActivationKernel<float[]>) call(ACTIVATIONS, "f32", KIND, bits, kind);
  }

  /** An activation of F64 with vectors of {@code bits} bits; the scalar one for 0. */
  @SuppressWarnings("unchecked")
  ActivationKernel<double[]> activationF64(int bits, Activation.Kind kind) {
    if (bits == 0) {
      return new ActivationF64(kind);
    }
    return (ActivationKernel<double[]>) call(ACTIVATIONS, "f64", KIND, bits, kind);
  }

  /** The kernels of F32 rows with vectors of {@code bits} bits; scalar ones for 0. */
  @SuppressWarnings("unchecked")
  RowKernel<float[]> rowsF32(int bits) {
    if (bits == 0) {
      return new RowF32();
    }
    return (RowKernel<float[]>) call(ROWS, "f32", new Class<?>[] {int.class}, bits);
  }

  /** The kernels of F64 rows with vectors of {@code bits} bits; scalar ones for 0. */
  @SuppressWarnings("unchecked")
  RowKernel<double[]> rowsF64(int bits) {
    if (bits == 0) {
      return new RowF64();
    }
    return (RowKernel<double[]>) call(ROWS, "f64", new Class<?>[] {int.class}, bits);
  }

  private static Optional<Slowness> findSlowness() {
    if (!Jvm.optimizes()) {
      return Optional.of(
          new Slowness(
              "the JVM runs without its optimizing compiler ("
                  + System.getProperty("java.vm.info", "")
                  + Jvm.option("TieredStopAtLevel").map(it -> ", level " + it).orElse("")
                  + ")",
              "run java without -Xint and TieredStopAtLevel"));
    }
    if (!Jvm.fuses()) {
      return Optional.of(
          new Slowness(
              "the JVM emulates fused multiply-adds, which is very slow",
              "run java without -XX:-UseFMA and -XX:UseAVX=0, or use a processor with FMA"));
    }
    return Optional.empty();
  }

  private static VectorProbe probe() {
    Optional<Slowness> slowness = findSlowness();
    try {
      Class.forName("jdk.incubator.vector.IntVector", false, VectorProbe.class.getClassLoader());
    } catch (ClassNotFoundException | LinkageError e) {
      return new VectorProbe(
          0,
          slowness,
          "module jdk.incubator.vector is not resolved",
          "run java with --add-modules jdk.incubator.vector");
    }
    if (slowness.isPresent()) {
      return new VectorProbe(0, slowness, slowness.get().reason(), slowness.get().remedy());
    }
    if (!Jvm.isPlain() && !Jvm.is("EnableVectorSupport", true)) {
      return new VectorProbe(
          0, slowness, "the JVM emulates its vectors", "run java without -XX:-EnableVectorSupport");
    }
    try {
      int preferred = (int) call(KERNELS, "preferredBits", new Class<?>[0]);
      if (preferred >= 128) {
        return new VectorProbe(Math.min(preferred, 512), slowness, "", "");
      }
      return new VectorProbe(
          0,
          slowness,
          "the JVM's vectors have " + preferred + " bits",
          "run java without -XX:MaxVectorSize, or use a processor with 128-bit vectors");
    } catch (LinkageError e) {
      return new VectorProbe(0, slowness, "jdk.incubator.vector does not load: " + e, "use JDK 25");
    }
  }

  private static Object call(String type, String method, Class<?>[] types, Object... arguments) {
    try {
      return Class.forName(type).getMethod(method, types).invoke(null, arguments);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw new AssertionError(e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }
}
