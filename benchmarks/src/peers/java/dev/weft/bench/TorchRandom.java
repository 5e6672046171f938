package dev.weft.bench;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * What {@code torch.nn.init} is made of: PyTorch's operations that write into the tensor they are
 * given, {@code uniform_}, {@code normal_}, {@code erfinv_}, {@code mul_}, {@code add_}, {@code
 * clamp_}, {@code copy_}, and {@code linalg.qr}. DJL hands most of them not on, so they are called
 * where Python's calls end, at {@code at::_ops::…::call} of libtorch, with the tensors that DJL
 * made.
 *
 * <p>C++ on x86-64 passes what is not trivial by its address. {@code c10::Scalar} of a double is a
 * tag of 0 and, 16 bytes on, the double; an optional has its flag after it.
 */
@SuppressWarnings("restricted") // to call native code is what this class is for
final class TorchRandom {
  private static final ValueLayout TENSOR = ValueLayout.JAVA_LONG; // DJL's handle is its address
  private static final ValueLayout ADDRESS = ValueLayout.ADDRESS;
  private static final String OF_TENSOR = "callERNS_6Tensor";
  private static final String REDUCED = "reduced";

  /** An optional generator without one: PyTorch's own. */
  private static final MemorySegment OWN_GENERATOR = Arena.global().allocate(16, 8);

  private static final MemorySegment MODE = Arena.global().allocateFrom(REDUCED);

  private final PtNDManager manager;
  private final MethodHandle uniform;
  private final MethodHandle normal;
  private final MethodHandle erfinv;
  private final MethodHandle mul;
  private final MethodHandle add;
  private final MethodHandle clamp;
  private final MethodHandle copy;
  private final MethodHandle qr;
  private final MethodHandle malloc;

  /**
   * Those of the libtorch that {@code manager}'s engine has loaded.
   *
   * @throws IOException if it cannot be found
   */
  TorchRandom(PtNDManager manager) throws IOException {
    this.manager = manager;
    SymbolLookup torch = SymbolLookup.libraryLookup(loaded("libtorch_cpu.so"), Arena.global());
    FunctionDescriptor filling =
        FunctionDescriptor.of(
            ADDRESS, TENSOR, ValueLayout.JAVA_DOUBLE, ValueLayout.JAVA_DOUBLE, ADDRESS);
    FunctionDescriptor scalar = FunctionDescriptor.of(ADDRESS, TENSOR, ADDRESS);
    uniform = function(torch, "8uniform_4", "EddSt8optionalINS_9GeneratorEE", filling);
    normal = function(torch, "7normal_4", "EddSt8optionalINS_9GeneratorEE", filling);
    erfinv = function(torch, "7erfinv_4", "E", FunctionDescriptor.of(ADDRESS, TENSOR));
    mul = function(torch, "11mul__Scalar4", "ERKN3c106ScalarE", scalar);
    add =
        function(
            torch, "11add__Scalar4", "ERKN3c106ScalarES7_", scalar.appendArgumentLayouts(ADDRESS));
    clamp =
        function(
            torch,
            "6clamp_4",
            "ERKSt8optionalIN3c106ScalarEES9_",
            scalar.appendArgumentLayouts(ADDRESS));
    copy =
        function(
            torch,
            "5copy_4",
            "ERKS2_b",
            FunctionDescriptor.of(ADDRESS, TENSOR, TENSOR, ValueLayout.JAVA_BOOLEAN));
    Linker linker = Linker.nativeLinker();
    qr =
        linker.downcallHandle(
            torch.findOrThrow(
                "_ZN2at4_ops9linalg_qr4callERKNS_6TensorESt17basic_string_viewIcSt11char_traitsIcEE"),
            FunctionDescriptor.of(ADDRESS, ADDRESS, TENSOR, ValueLayout.JAVA_LONG, ADDRESS));
    malloc =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("malloc"),
            FunctionDescriptor.of(ADDRESS, ValueLayout.JAVA_LONG));
  }

  private static Path loaded(String name) throws IOException {
    try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
      return maps.filter(line -> line.endsWith("/" + name))
          .map(line -> Path.of(line.substring(line.indexOf('/'))))
          .findFirst()
          .orElseThrow(() -> new IOException(name + " is not loaded"));
    }
  }

  private static MethodHandle function(
      SymbolLookup torch, String name, String arguments, FunctionDescriptor type) {
    return Linker.nativeLinker()
        .downcallHandle(torch.findOrThrow("_ZN2at4_ops" + name + OF_TENSOR + arguments), type);
  }

  /** U[lo, hi). */
  void uniform(PtNDArray x, double lo, double hi) {
    try {
      discard((MemorySegment) uniform.invokeExact((long) x.getHandle(), lo, hi, OWN_GENERATOR));
    } catch (Throwable e) {
      throw threw(e);
    }
  }

  /** N(mean, stddev²). */
  void normal(PtNDArray x, double mean, double stddev) {
    try {
      discard(
          (MemorySegment) normal.invokeExact((long) x.getHandle(), mean, stddev, OWN_GENERATOR));
    } catch (Throwable e) {
      throw threw(e);
    }
  }

  /**
   * N(mean, stddev²) on [a, b], step by step as {@code torch.nn.init.trunc_normal_}: a uniform
   * between 2·Φ(a) − 1 and 2·Φ(b) − 1, erf⁻¹ of it, scaled by √2·stddev, shifted, clamped.
   */
  void truncatedNormal(PtNDArray x, double mean, double stddev, double a, double b) {
    double lo = DistributionCheck.cdf((a - mean) / stddev);
    double hi = DistributionCheck.cdf((b - mean) / stddev);
    uniform(x, 2 * lo - 1, 2 * hi - 1);
    try (Arena arena = Arena.ofConfined()) {
      discard((MemorySegment) erfinv.invokeExact((long) x.getHandle()));
      scale(x, stddev * Math.sqrt(2));
      discard(
          (MemorySegment)
              add.invokeExact((long) x.getHandle(), scalar(arena, mean), scalar(arena, 1)));
      discard(
          (MemorySegment)
              clamp.invokeExact((long) x.getHandle(), scalar(arena, a), scalar(arena, b)));
    } catch (Throwable e) {
      throw threw(e);
    }
  }

  /** x becomes x·by. */
  void scale(PtNDArray x, double by) {
    try (Arena arena = Arena.ofConfined()) {
      discard((MemorySegment) mul.invokeExact((long) x.getHandle(), scalar(arena, by)));
    } catch (Throwable e) {
      throw threw(e);
    }
  }

  /**
   * An orthogonal [n, n], step by step as {@code torch.nn.init.orthogonal_}: Q of a normal matrix,
   * times the signs of R's diagonal, copied.
   */
  void orthogonal(PtNDArray x) {
    Shape shape = x.getShape();
    try (Arena arena = Arena.ofConfined();
        PtNDArray a = manager.create(shape, DataType.FLOAT32)) {
      normal(a, 0, 1);
      MemorySegment pair = arena.allocate(16, 8); // std::tuple of two: the second comes first
      discard(
          (MemorySegment)
              qr.invokeExact(pair, (long) a.getHandle(), (long) REDUCED.length(), MODE));
      try (PtNDArray r = own(pair.get(ValueLayout.JAVA_LONG, 0));
          PtNDArray q = own(pair.get(ValueLayout.JAVA_LONG, 8));
          PtNDArray diagonal = JniUtils.diagonal(r, 0, 0, 1);
          PtNDArray signs = JniUtils.sign(diagonal)) {
        JniUtils.muli(q, signs);
        discard(
            (MemorySegment) copy.invokeExact((long) x.getHandle(), (long) q.getHandle(), false));
      }
    } catch (Throwable e) {
      throw threw(e);
    }
  }

  /** A tensor that was returned: DJL holds one by the address of a C++ object of its own. */
  private PtNDArray own(long implementation) throws Throwable {
    MemorySegment object = ((MemorySegment) malloc.invokeExact(8L)).reinterpret(8);
    object.set(ValueLayout.JAVA_LONG, 0, implementation);
    return new PtNDArray(manager, object.address());
  }

  /** A {@code c10::Scalar}, and an optional that holds it. */
  private static MemorySegment scalar(Arena arena, double value) {
    MemorySegment scalar = arena.allocate(48, 16);
    scalar.set(ValueLayout.JAVA_DOUBLE, 16, value);
    scalar.set(ValueLayout.JAVA_BYTE, 32, (byte) 1);
    return scalar;
  }

  /** The tensor that an operation returns is the one it was given. */
  private static void discard(MemorySegment returned) {
    assert returned.address() != 0;
  }

  private static AssertionError threw(Throwable e) {
    return new AssertionError("a C++ function threw", e);
  }
}
