package dev.weft.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.javacpp.Loader;

/**
 * Matrix products of a native library, called on native memory without a copy. Each library is
 * called by its own interface where it has one, in a process with no other BLAS ({@link
 * NativeOrigin}); bytedeco's jars only bring OpenBLAS and MKL.
 */
final class Blas {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;
  private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE;
  private static final MemoryLayout POINTER = ValueLayout.ADDRESS;

  private static final int ROW_MAJOR = 101; // of CBLAS
  private static final int CBLAS_NO_TRANSPOSE = 111;
  private static final int CBLAS_TRANSPOSE = 112;
  private static final int BLIS_TRANSPOSE = 1 << 3; // of trans_t

  /** Values of {@code dnnl_cpu_isa_t} in oneDNN 2.6. */
  private static final Map<Integer, String> ONEDNN_ISA =
      new TreeMap<>(
          Map.of(
              0x1, "sse41",
              0x3, "avx",
              0x7, "avx2",
              0x407, "avx2_vnni",
              0x27, "avx512_core",
              0x67, "avx512_core_vnni",
              0xe7, "avx512_core_bf16",
              0x3e7, "avx512_core_amx"));

  private final String version;
  private final String ran;
  private final Gemm f32;
  private final Gemm f64;

  private Blas(String version, String ran, Gemm f32, Gemm f64) {
    this.version = version;
    this.ran = ran;
    this.f32 = f32;
    this.f64 = f64;
  }

  /** c [m, n] = op(a)·op(b) of row-major matrices, with their rows' distances in elements. */
  @FunctionalInterface
  private interface Gemm {
    void call(
        boolean transposeA,
        boolean transposeB,
        int m,
        int n,
        int k,
        MemorySegment a,
        int lda,
        MemorySegment b,
        int ldb,
        MemorySegment c)
        throws Throwable;
  }

  /**
   * OpenBLAS, MKL, BLIS or oneDNN with this number of threads. The last two are the system's {@code
   * libblis.so.4} and {@code libdnnl.so.2} (Debian: libblis4-openmp, libdnnl2).
   *
   * @throws IllegalStateException with the reason, if it cannot be loaded, or if another library
   *     would answer for it
   */
  static Blas load(String library, int threads) {
    try {
      return switch (library) {
        case "openblas" -> openblas(threads);
        case "mkl" -> mkl(threads);
        case "blis" -> blis(threads);
        case "onednn" -> onednn(threads);
        default -> throw PeerBenchmark.unknown(library);
      };
    } catch (IllegalStateException | IllegalArgumentException e) {
      throw e.getMessage().startsWith("peer: ") ? e : PeerBenchmark.unavailable(library, e);
    } catch (Throwable e) {
      throw PeerBenchmark.unavailable(library, e);
    }
  }

  private static Blas openblas(int threads) throws Throwable {
    Functions its =
        new Functions(
            "openblas", "libopenblas", path(org.bytedeco.openblas.global.openblas_nolapack.class));
    its.find("openblas_set_num_threads", null, INT).invokeExact(threads);
    return new Blas(
        its.text("openblas_get_config").replaceFirst("(OpenBLAS \\S+).*", "$1"),
        its.text("openblas_get_corename"),
        cblas(its, "cblas_sgemm", FLOAT),
        cblas(its, "cblas_dgemm", DOUBLE));
  }

  /** What the OpenBLAS says that another library, loaded before, multiplies with. */
  @SuppressWarnings("restricted")
  static String openblasUnder(String library) {
    Path file = Path.of(path(org.bytedeco.openblas.global.openblas_nolapack.class));
    SymbolLookup symbols = SymbolLookup.libraryLookup(file, Arena.global());
    FunctionDescriptor type = FunctionDescriptor.of(POINTER);
    try {
      MemorySegment name =
          (MemorySegment) handle(symbols.findOrThrow("openblas_get_corename"), type).invokeExact();
      return "OpenBLAS " + text(name);
    } catch (Throwable e) {
      throw PeerBenchmark.unavailable(library, e);
    }
  }

  /** What MKL ran it says itself when {@code MKL_VERBOSE} is set: see {@link PeerVersions}. */
  private static Blas mkl(int threads) throws Throwable {
    Functions its = new Functions("mkl", "libmkl_", path(org.bytedeco.mkl.global.mkl_rt.class));
    its.find("MKL_Set_Num_Threads", null, INT).invokeExact(threads);
    String version;
    try (Arena arena = Arena.ofConfined()) {
      int size = 256;
      MemorySegment text = arena.allocate(size);
      its.find("MKL_Get_Version_String", null, POINTER, INT).invokeExact(text, size);
      version = text.getString(0).strip();
    }
    return new Blas(
        version.replaceFirst(".*Library Version ([0-9.]+).*", "MKL $1"),
        "",
        cblas(its, "cblas_sgemm", FLOAT),
        cblas(its, "cblas_dgemm", DOUBLE));
  }

  private static Blas blis(int threads) throws Throwable {
    Functions its = new Functions("blis", "libblis", "libblis.so.4");
    its.find("bli_thread_set_num_threads", null, LONG).invokeExact((long) threads);
    int arch = (int) its.find("bli_arch_query_id", INT).invokeExact();
    MemorySegment name =
        (MemorySegment) its.find("bli_arch_string", POINTER, INT).invokeExact(arch);
    return new Blas(
        "BLIS " + its.text("bli_info_get_version_str"),
        text(name),
        bli(its, "bli_sgemm", its.constants(FLOAT, 1, 0)),
        bli(its, "bli_dgemm", its.constants(DOUBLE, 1, 0)));
  }

  @SuppressWarnings("restricted")
  private static Blas onednn(int threads) throws Throwable {
    Functions its = new Functions("onednn", "libdnnl", "libdnnl.so.2");
    // of the runtime that is loaded already; it counts for calls of this thread
    SymbolLookup.libraryLookup("libgomp.so.1", Arena.global())
        .find("omp_set_num_threads")
        .map(it -> handle(it, FunctionDescriptor.ofVoid(INT)))
        .orElseThrow()
        .invokeExact(threads);
    MemorySegment version = (MemorySegment) its.find("dnnl_version", POINTER).invokeExact();
    MemorySegment numbers = version.reinterpret(3L * Integer.BYTES);
    int isa = (int) its.find("dnnl_get_effective_cpu_isa", INT).invokeExact();
    return new Blas(
        "oneDNN "
            + numbers.getAtIndex(INT, 0)
            + "."
            + numbers.getAtIndex(INT, 1)
            + "."
            + numbers.getAtIndex(INT, 2),
        ONEDNN_ISA.getOrDefault(isa, "isa " + Integer.toHexString(isa)),
        dnnl(its),
        (ta, tb, m, n, k, a, lda, b, ldb, c) -> {
          throw PeerBenchmark.refused("onednn", "dtype=f64", "it has products of f32 alone");
        });
  }

  private static Gemm cblas(Functions its, String name, ValueLayout type) {
    MethodHandle gemm =
        its.find(
            name, null, INT, INT, INT, INT, INT, INT, type, POINTER, INT, POINTER, INT, type,
            POINTER, INT);
    if (type == FLOAT) {
      return (ta, tb, m, n, k, a, lda, b, ldb, c) -> {
        gemm.invokeExact(ROW_MAJOR, cblas(ta), cblas(tb), m, n, k, 1f, a, lda, b, ldb, 0f, c, n);
      };
    }
    return (ta, tb, m, n, k, a, lda, b, ldb, c) -> {
      gemm.invokeExact(ROW_MAJOR, cblas(ta), cblas(tb), m, n, k, 1.0, a, lda, b, ldb, 0.0, c, n);
    };
  }

  private static int cblas(boolean transpose) {
    return transpose ? CBLAS_TRANSPOSE : CBLAS_NO_TRANSPOSE;
  }

  /** BLIS's typed interface: distances of rows and of columns, alpha and beta by address. */
  private static Gemm bli(Functions its, String name, MemorySegment oneAndZero) {
    MethodHandle gemm =
        its.find(
            name, null, INT, INT, LONG, LONG, LONG, POINTER, POINTER, LONG, LONG, POINTER, LONG,
            LONG, POINTER, POINTER, LONG, LONG);
    MemorySegment one = oneAndZero;
    MemorySegment zero = oneAndZero.asSlice(oneAndZero.byteSize() / 2);
    return (ta, tb, m, n, k, a, lda, b, ldb, c) -> {
      gemm.invokeExact(
          ta ? BLIS_TRANSPOSE : 0,
          tb ? BLIS_TRANSPOSE : 0,
          (long) m,
          (long) n,
          (long) k,
          one,
          a,
          (long) lda,
          1L,
          b,
          (long) ldb,
          1L,
          zero,
          c,
          (long) n,
          1L);
    };
  }

  private static Gemm dnnl(Functions its) {
    MethodHandle gemm =
        its.find(
            "dnnl_sgemm",
            INT,
            ValueLayout.JAVA_BYTE,
            ValueLayout.JAVA_BYTE,
            LONG,
            LONG,
            LONG,
            FLOAT,
            POINTER,
            LONG,
            POINTER,
            LONG,
            FLOAT,
            POINTER,
            LONG);
    return (ta, tb, m, n, k, a, lda, b, ldb, c) -> {
      int status =
          (int)
              gemm.invokeExact(
                  (byte) (ta ? 'T' : 'N'),
                  (byte) (tb ? 'T' : 'N'),
                  (long) m,
                  (long) n,
                  (long) k,
                  1f,
                  a,
                  (long) lda,
                  b,
                  (long) ldb,
                  0f,
                  c,
                  (long) n);
      if (status != 0) {
        throw new IllegalStateException("peer: need dnnl_sgemm to succeed, got status=" + status);
      }
    };
  }

  private static String path(Class<?> binding) {
    return Path.of(Loader.load(binding)).toString();
  }

  @SuppressWarnings("restricted") // to call native code is what this class is for
  private static MethodHandle handle(MemorySegment address, FunctionDescriptor type) {
    return Linker.nativeLinker().downcallHandle(address, type);
  }

  @SuppressWarnings("restricted")
  private static String text(MemorySegment address) {
    return address.reinterpret(4096).getString(0).strip();
  }

  /** The functions of one library, each of which has to lie in its own file. */
  private static final class Functions {
    private final String library;
    private final String file;
    private final SymbolLookup symbols;

    @SuppressWarnings("restricted")
    Functions(String library, String file, String path) {
      this.library = library;
      this.file = file;
      symbols =
          path.startsWith("/")
              ? SymbolLookup.libraryLookup(Path.of(path), Arena.global())
              : SymbolLookup.libraryLookup(path, Arena.global());
    }

    MethodHandle find(String name, MemoryLayout result, MemoryLayout... arguments) {
      MemorySegment address = symbols.findOrThrow(name);
      NativeOrigin.here().requireOwn(library, name, address.address(), file);
      return handle(
          address,
          result == null
              ? FunctionDescriptor.ofVoid(arguments)
              : FunctionDescriptor.of(result, arguments));
    }

    String text(String function) throws Throwable {
      return Blas.text((MemorySegment) find(function, POINTER).invokeExact());
    }

    /** Two numbers of {@code type} in memory that stays. */
    MemorySegment constants(ValueLayout type, double first, double second) {
      MemorySegment both = Arena.global().allocate(2 * type.byteSize(), type.byteSize());
      if (type == FLOAT) {
        both.setAtIndex(FLOAT, 0, (float) first);
        both.setAtIndex(FLOAT, 1, (float) second);
      } else {
        both.setAtIndex(DOUBLE, 0, first);
        both.setAtIndex(DOUBLE, 1, second);
      }
      return both;
    }
  }

  /** c [m, n] = a·b of a [m, k] and b [k, n], rows one after another as they lie in memory. */
  void product(MemorySegment a, MemorySegment b, MemorySegment c, int m, int n, int k) {
    call(f32, false, false, m, n, k, a, k, b, n, c);
  }

  /** {@link #product} of f64. */
  void product64(MemorySegment a, MemorySegment b, MemorySegment c, int m, int n, int k) {
    call(f64, false, false, m, n, k, a, k, b, n, c);
  }

  /** c [m, n] = aᵀ·b of a [k, m] and b [k, n]. */
  void leftTransposed(MemorySegment a, MemorySegment b, MemorySegment c, int m, int n, int k) {
    call(f32, true, false, m, n, k, a, m, b, n, c);
  }

  /** c [m, n] = a·bᵀ of a [m, k] and b [n, k]. */
  void rightTransposed(MemorySegment a, MemorySegment b, MemorySegment c, int m, int n, int k) {
    call(f32, false, true, m, n, k, a, k, b, k, c);
  }

  private static void call(
      Gemm gemm,
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      MemorySegment a,
      int lda,
      MemorySegment b,
      int ldb,
      MemorySegment c) {
    try {
      gemm.call(transposeA, transposeB, m, n, k, a, lda, b, ldb, c);
    } catch (RuntimeException e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError("a C function threw", e);
    }
  }

  /** The library's own word for its kernels and instruction set; empty where it has no function. */
  String ran() {
    return ran;
  }

  @Override
  public String toString() {
    return version + (ran.isEmpty() ? "" : ": " + ran);
  }
}
