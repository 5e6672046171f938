package dev.weft.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.Loader;

/**
 * The C interface of a BLAS with 32-bit sizes, called on native memory without a copy; bytedeco's
 * jars only bring the library.
 */
final class Blas {
  private static final List<String> NAMES = List.of("openblas", "mkl", "blis");
  private static final int ROW_MAJOR = 101;
  private static final int NO_TRANSPOSE = 111;
  private static final int TRANSPOSE = 112;

  private final String description;
  private final MethodHandle sgemm;
  private final MethodHandle dgemm;

  private Blas(String description, MethodHandle sgemm, MethodHandle dgemm) {
    this.description = description;
    this.sgemm = sgemm;
    this.dgemm = dgemm;
  }

  /**
   * OpenBLAS, MKL or BLIS with this number of threads; the last one is the system's {@code
   * libblis.so.4} (Debian: libblis4-openmp).
   *
   * @throws IllegalStateException with the reason, if it cannot be loaded
   */
  @SuppressWarnings("restricted") // to call native code is what this class is for
  static Blas load(String library, int threads) {
    if (!NAMES.contains(library)) {
      throw PeerBenchmark.unknown(library);
    }
    try {
      return switch (library) {
        case "openblas" -> {
          SymbolLookup symbols = library(org.bytedeco.openblas.global.openblas_nolapack.class);
          setThreads(symbols, "openblas_set_num_threads", threads);
          yield of(text(symbols, "openblas_get_config"), symbols);
        }
        case "mkl" -> {
          SymbolLookup symbols = library(org.bytedeco.mkl.global.mkl_rt.class);
          setThreads(symbols, "MKL_Set_Num_Threads", threads);
          yield of(mklVersion(symbols), symbols);
        }
        default -> {
          SymbolLookup symbols = SymbolLookup.libraryLookup("libblis.so.4", Arena.global());
          function(
                  symbols,
                  "bli_thread_set_num_threads",
                  FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG))
              .invokeExact((long) threads);
          yield of("BLIS " + text(symbols, "bli_info_get_version_str"), symbols);
        }
      };
    } catch (Throwable e) {
      throw PeerBenchmark.unavailable(library, e);
    }
  }

  @SuppressWarnings("restricted")
  private static SymbolLookup library(Class<?> binding) {
    return SymbolLookup.libraryLookup(Path.of(Loader.load(binding)), Arena.global());
  }

  private static Blas of(String description, SymbolLookup symbols) {
    return new Blas(
        description,
        function(symbols, "cblas_sgemm", gemm(ValueLayout.JAVA_FLOAT)),
        function(symbols, "cblas_dgemm", gemm(ValueLayout.JAVA_DOUBLE)));
  }

  private static FunctionDescriptor gemm(ValueLayout scalar) {
    return FunctionDescriptor.ofVoid(
        ValueLayout.JAVA_INT,
        ValueLayout.JAVA_INT,
        ValueLayout.JAVA_INT,
        ValueLayout.JAVA_INT,
        ValueLayout.JAVA_INT,
        ValueLayout.JAVA_INT,
        scalar,
        ValueLayout.ADDRESS,
        ValueLayout.JAVA_INT,
        ValueLayout.ADDRESS,
        ValueLayout.JAVA_INT,
        scalar,
        ValueLayout.ADDRESS,
        ValueLayout.JAVA_INT);
  }

  @SuppressWarnings("restricted")
  private static MethodHandle function(SymbolLookup symbols, String name, FunctionDescriptor type) {
    return Linker.nativeLinker().downcallHandle(symbols.findOrThrow(name), type);
  }

  private static void setThreads(SymbolLookup symbols, String name, int threads) throws Throwable {
    function(symbols, name, FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT)).invokeExact(threads);
  }

  @SuppressWarnings("restricted")
  private static String text(SymbolLookup symbols, String name) throws Throwable {
    MethodHandle get = function(symbols, name, FunctionDescriptor.of(ValueLayout.ADDRESS));
    return ((MemorySegment) get.invokeExact()).reinterpret(4096).getString(0);
  }

  private static String mklVersion(SymbolLookup symbols) throws Throwable {
    int size = 256;
    MethodHandle get =
        function(
            symbols,
            "MKL_Get_Version_String",
            FunctionDescriptor.ofVoid(ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(size);
      get.invokeExact(text, size);
      return text.getString(0).strip();
    }
  }

  /** c [m, n] = a·b of a [m, k] and b [k, n], rows one after another as they lie in memory. */
  void product(MemorySegment a, MemorySegment b, MemorySegment c, int m, int n, int k) {
    call(NO_TRANSPOSE, a, k, NO_TRANSPOSE, b, n, c, m, n, k);
  }

  /** {@link #product} of f64. */
  void product64(MemorySegment a, MemorySegment b, MemorySegment c, int m, int n, int k) {
    try {
      dgemm.invokeExact(ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE, m, n, k, 1.0, a, k, b, n, 0.0, c, n);
    } catch (Throwable e) {
      throw new AssertionError("a C function threw", e);
    }
  }

  /** c [m, n] = aᵀ·b of a [k, m] and b [k, n]. */
  void leftTransposed(MemorySegment a, MemorySegment b, MemorySegment c, int m, int n, int k) {
    call(TRANSPOSE, a, m, NO_TRANSPOSE, b, n, c, m, n, k);
  }

  /** c [m, n] = a·bᵀ of a [m, k] and b [n, k]. */
  void rightTransposed(MemorySegment a, MemorySegment b, MemorySegment c, int m, int n, int k) {
    call(NO_TRANSPOSE, a, k, TRANSPOSE, b, k, c, m, n, k);
  }

  private void call(
      int transposeA,
      MemorySegment a,
      int lda,
      int transposeB,
      MemorySegment b,
      int ldb,
      MemorySegment c,
      int m,
      int n,
      int k) {
    try {
      sgemm.invokeExact(ROW_MAJOR, transposeA, transposeB, m, n, k, 1f, a, lda, b, ldb, 0f, c, n);
    } catch (Throwable e) {
      throw new AssertionError("a C function threw", e);
    }
  }

  @Override
  public String toString() {
    return description;
  }
}
