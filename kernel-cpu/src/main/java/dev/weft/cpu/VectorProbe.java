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
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Files;
import java.nio.file.Path;

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
  private final String reason;
  private final String remedy;

  private VectorProbe(int bits, String reason, String remedy) {
    this.bits = bits;
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

  private static VectorProbe probe() {
    try {
      Class.forName("jdk.incubator.vector.IntVector", false, VectorProbe.class.getClassLoader());
    } catch (ClassNotFoundException | LinkageError e) {
      return new VectorProbe(
          0,
          "module jdk.incubator.vector is not resolved",
          "run java with --add-modules jdk.incubator.vector");
    }
    String mode = System.getProperty("java.vm.info", "");
    if (!mode.contains("mixed mode") && !mode.contains("compiled mode")
        || mode.contains("emulated-client")) {
      return new VectorProbe(
          0,
          "the JVM runs without its optimizing compiler (" + mode + ")",
          "run java without -Xint and TieredStopAtLevel");
    }
    if (!hasFma()) {
      return new VectorProbe(
          0,
          "the processor has no fused multiply-add, which is emulated and very slow",
          "use a newer processor");
    }
    try {
      int preferred = (int) call(KERNELS, "preferredBits", new Class<?>[0]);
      if (preferred >= 128) {
        return new VectorProbe(Math.min(preferred, 512), "", "");
      }
      return new VectorProbe(
          0,
          "the JVM's vectors have " + preferred + " bits",
          "use a processor with 128-bit vectors");
    } catch (LinkageError e) {
      return new VectorProbe(0, "jdk.incubator.vector does not load: " + e, "use JDK 25");
    }
  }

  /**
   * False only where Linux says that an x86 processor lacks it; elsewhere 128-bit vectors imply it.
   */
  private static boolean hasFma() {
    if (!System.getProperty("os.arch").equals("amd64")) {
      return true;
    }
    try (var lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines
          .filter(line -> line.startsWith("flags"))
          .findFirst()
          .map(line -> line.contains(" fma "))
          .orElse(true);
    } catch (IOException e) {
      return true;
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
