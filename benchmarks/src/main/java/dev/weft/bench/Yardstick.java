package dev.weft.bench;

import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The hand-written AVX-512 of {@code philox_avx512.c}, called in this process on the memory that
 * the backend fills. Compiled by gcc on first use, or taken from the library that the system
 * property {@value #PROPERTY} names.
 */
final class Yardstick {
  /** Path of a compiled {@code philox_avx512.c}. */
  static final String PROPERTY = "weft.bench.yardstick";

  /** Floating-point operations of one step of {@link #fma}. */
  static final double FLOP_PER_STEP = 384;

  private static final String SOURCE = "philox_avx512.c";
  private static final List<String> FLAGS =
      List.of("-O3", "-mavx512f", "-mavx512dq", "-mavx512vl", "-shared", "-fPIC");

  private final MethodHandle uniform;
  private final MethodHandle store;
  private final MethodHandle fma;

  private Yardstick(SymbolLookup library) {
    uniform =
        find(
            library,
            "philox_uniform_f32",
            null,
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG);
    store =
        find(
            library,
            "store_f32",
            null,
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_FLOAT);
    fma = find(library, "fma_f32", ValueLayout.JAVA_FLOAT, ValueLayout.JAVA_LONG);
  }

  /**
   * The compiled yardstick.
   *
   * @throws UnavailableException if this machine cannot build or run it, with the reason
   */
  @SuppressWarnings("restricted") // calling C is what this class is for
  static Yardstick load() throws UnavailableException {
    requireAvx512();
    String path = System.getProperty(PROPERTY);
    Path library = path == null ? compile() : Path.of(path);
    try {
      return new Yardstick(SymbolLookup.libraryLookup(library, Arena.global()));
    } catch (IllegalArgumentException e) {
      throw new UnavailableException("the library cannot be loaded: " + e.getMessage());
    }
  }

  /** Writes f32 uniforms of [0, 1), in cuRAND order, over the whole of {@code out}. */
  void uniform(MemorySegment out, long seed) {
    long elements = elements(out);
    try {
      uniform.invokeExact(out, elements, seed);
    } catch (Throwable e) {
      throw new AssertionError("a C function threw", e);
    }
  }

  /** Writes one value over the whole of {@code out} by plain stores. */
  void store(MemorySegment out, float value) {
    long elements = elements(out);
    try {
      store.invokeExact(out, elements, value);
    } catch (Throwable e) {
      throw new AssertionError("a C function threw", e);
    }
  }

  /** Does {@code steps} steps of {@link #FLOP_PER_STEP} flop each in registers. */
  float fma(long steps) {
    try {
      return (float) fma.invokeExact(steps);
    } catch (Throwable e) {
      throw new AssertionError("a C function threw", e);
    }
  }

  /**
   * Fills {@code tensor} with U[0, 1) by this and by its backend.
   *
   * @throws IllegalStateException if a bit differs
   */
  void requireSameBits(Tensor tensor, RandomKey key) {
    Agreement.check(tensor, Fill.uniform(0, 1), key);
    MemorySegment memory = tensor.segment();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment copy = arena.allocate(memory.byteSize(), 64).copyFrom(memory);
      memory.fill((byte) 0xFF);
      uniform(memory, key.seed());
      long at = memory.mismatch(copy);
      if (at >= 0) {
        throw new IllegalStateException(
            "yardstick: need the backend's bits, got a difference at byte=" + at);
      }
    }
  }

  private static long elements(MemorySegment out) {
    long count = out.byteSize() / Float.BYTES;
    if (!out.isNative() || count % 64 != 0) {
      throw new IllegalArgumentException(
          "yardstick: need native memory of a multiple of 64 elements, got bytes="
              + out.byteSize());
    }
    return count;
  }

  @SuppressWarnings("restricted")
  private static MethodHandle find(
      SymbolLookup library, String name, MemoryLayout result, MemoryLayout... arguments) {
    MemorySegment address =
        library
            .find(name)
            .orElseThrow(() -> new IllegalArgumentException("need the function " + name));
    FunctionDescriptor type =
        result == null
            ? FunctionDescriptor.ofVoid(arguments)
            : FunctionDescriptor.of(result, arguments);
    return Linker.nativeLinker().downcallHandle(address, type);
  }

  private static void requireAvx512() throws UnavailableException {
    Path cpuinfo = Path.of("/proc/cpuinfo");
    if (!Files.isReadable(cpuinfo)) {
      throw new UnavailableException("it needs Linux's /proc/cpuinfo to know of AVX-512");
    }
    try (var lines = Files.lines(cpuinfo)) {
      List<String> flags =
          lines
              .filter(line -> line.startsWith("flags"))
              .findFirst()
              .map(line -> List.of(line.split("\\s+")))
              .orElse(List.of());
      if (!flags.containsAll(List.of("avx512f", "avx512dq", "avx512vl"))) {
        throw new UnavailableException("the processor has no AVX-512 F, DQ and VL");
      }
    } catch (IOException e) {
      throw new UnavailableException("/proc/cpuinfo cannot be read: " + e.getMessage());
    }
  }

  private static Path compile() throws UnavailableException {
    try {
      Path directory = Files.createTempDirectory("weft-yardstick");
      directory.toFile().deleteOnExit();
      Path source = directory.resolve(SOURCE);
      Path library = directory.resolve("philox_avx512.so");
      source.toFile().deleteOnExit();
      library.toFile().deleteOnExit();
      try (InputStream text = Yardstick.class.getResourceAsStream("/" + SOURCE)) {
        Files.copy(text, source, StandardCopyOption.REPLACE_EXISTING);
      }
      List<String> command = new ArrayList<>(List.of("gcc"));
      command.addAll(FLAGS);
      command.addAll(List.of(source.toString(), "-o", library.toString()));
      Process gcc = new ProcessBuilder(command).redirectErrorStream(true).start();
      String output = new String(gcc.getInputStream().readAllBytes());
      if (!gcc.waitFor(60, TimeUnit.SECONDS) || gcc.exitValue() != 0) {
        throw new UnavailableException("gcc failed: " + output.strip());
      }
      return library;
    } catch (IOException e) {
      throw new UnavailableException("it needs gcc: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new UnavailableException("interrupted while gcc ran");
    }
  }

  /** Why there is no yardstick here. */
  static final class UnavailableException extends Exception {
    private static final long serialVersionUID = 1;

    UnavailableException(String reason) {
      super(reason);
    }
  }
}
