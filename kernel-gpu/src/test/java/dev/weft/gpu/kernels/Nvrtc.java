package dev.weft.gpu.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * NVIDIA's run-time compiler and linker from the class path (profile {@code nvrtc}). Neither needs
 * a GPU.
 */
@SuppressWarnings("restricted") // calls native libraries, as it must
final class Nvrtc implements AutoCloseable {
  private static final String LIBRARIES = "/org/bytedeco/cuda/linux-x86_64/";

  /** {@code nvJitLinkInputType}: PTX. */
  private static final int INPUT_PTX = 2;

  private final Arena arena = Arena.ofShared();
  private final SymbolLookup nvrtc;
  private final SymbolLookup linker;

  /**
   * What a compilation gives.
   *
   * @param code PTX text or a cubin
   * @param log the compiler's remarks, with those of its assembler
   */
  record Compiled(byte[] code, String log) {
    String ptx() {
      return new String(code, 0, code.length - 1, StandardCharsets.US_ASCII);
    }
  }

  /** Loads the libraries, by way of files in {@code folder}. */
  Nvrtc(Path folder) throws IOException {
    // by its name, as NVRTC will look for it
    System.load(extract(folder, "libnvrtc-builtins.so.12.9").toString());
    nvrtc = SymbolLookup.libraryLookup(extract(folder, "libnvrtc.so.12"), arena);
    linker = SymbolLookup.libraryLookup(extract(folder, "libnvJitLink.so.12"), arena);
  }

  private static Path extract(Path folder, String name) throws IOException {
    try (InputStream in = Nvrtc.class.getResourceAsStream(LIBRARIES + name)) {
      if (in == null) {
        throw new AssertionError(name + " is not on the class path: use the profile nvrtc");
      }
      Path file = folder.resolve(name);
      Files.copy(in, file);
      return file;
    }
  }

  /** For example 12.9. */
  String version() {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment major = call.allocate(JAVA_INT);
      MemorySegment minor = call.allocate(JAVA_INT);
      call(nvrtc, "nvrtcVersion", major, minor);
      return major.get(JAVA_INT, 0) + "." + minor.get(JAVA_INT, 0);
    }
  }

  /**
   * Compiles a file; includes are found beside it.
   *
   * @param architecture {@code compute_80} gives PTX, {@code sm_90} a cubin
   */
  Compiled compile(Path source, String architecture) throws IOException {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment handle = call.allocate(ADDRESS);
      MemorySegment none = MemorySegment.NULL;
      MemorySegment text = call.allocateFrom(Files.readString(source));
      MemorySegment name = call.allocateFrom(source.getFileName().toString());
      call(nvrtc, "nvrtcCreateProgram", handle, text, name, 0, none, none);
      MemorySegment program = handle.get(ADDRESS, 0);
      List<String> options =
          List.of(
              "--gpu-architecture=" + architecture,
              "--fmad=false",
              "--std=c++17",
              "--ptxas-options=-v",
              "--include-path=" + source.getParent());
      int status =
          status(nvrtc, "nvrtcCompileProgram", program, options.size(), strings(call, options));
      String log = new String(bytes(call, "nvrtcGetProgramLog", program), StandardCharsets.UTF_8);
      if (status != 0) {
        throw new AssertionError("nvrtcCompileProgram: status " + status + "\n" + log);
      }
      boolean ptx = architecture.startsWith("compute");
      byte[] code = bytes(call, ptx ? "nvrtcGetPTX" : "nvrtcGetCUBIN", program);
      call(nvrtc, "nvrtcDestroyProgram", handle);
      return new Compiled(code, log);
    }
  }

  /** Assembles PTX for a GPU, as a driver does when it loads it. */
  byte[] assemble(String ptx, String architecture) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment handle = call.allocate(ADDRESS);
      MemorySegment options = strings(call, List.of("-arch=" + architecture));
      call(linker, "nvJitLinkCreate", handle, 1, options);
      MemorySegment link = handle.get(ADDRESS, 0);
      MemorySegment text = call.allocateFrom(ptx);
      MemorySegment name = call.allocateFrom("fill.ptx");
      int added = status(linker, "nvJitLinkAddData", link, INPUT_PTX, text, text.byteSize(), name);
      int status = added != 0 ? added : status(linker, "nvJitLinkComplete", link);
      if (status != 0) {
        throw new AssertionError("nvJitLink: status " + status + "\n" + linkerLog(call, link));
      }
      MemorySegment size = call.allocate(JAVA_LONG);
      call(linker, "nvJitLinkGetLinkedCubinSize", link, size);
      MemorySegment cubin = call.allocate(size.get(JAVA_LONG, 0));
      call(linker, "nvJitLinkGetLinkedCubin", link, cubin);
      call(linker, "nvJitLinkDestroy", handle);
      return cubin.toArray(ValueLayout.JAVA_BYTE);
    }
  }

  private String linkerLog(Arena call, MemorySegment link) {
    MemorySegment size = call.allocate(JAVA_LONG);
    call(linker, "nvJitLinkGetErrorLogSize", link, size);
    MemorySegment log = call.allocate(size.get(JAVA_LONG, 0) + 1);
    call(linker, "nvJitLinkGetErrorLog", link, log);
    return log.getString(0);
  }

  /** What a pair of functions {@code name + "Size"} and {@code name} returns. */
  private byte[] bytes(Arena call, String name, MemorySegment program) {
    MemorySegment size = call.allocate(JAVA_LONG);
    call(nvrtc, name + "Size", program, size);
    MemorySegment out = call.allocate(Math.max(1, size.get(JAVA_LONG, 0)));
    call(nvrtc, name, program, out);
    return out.toArray(ValueLayout.JAVA_BYTE);
  }

  private static MemorySegment strings(Arena call, List<String> texts) {
    MemorySegment pointers = call.allocate(ADDRESS, texts.size());
    for (int i = 0; i < texts.size(); i++) {
      pointers.setAtIndex(ADDRESS, i, call.allocateFrom(texts.get(i)));
    }
    return pointers;
  }

  private static void call(SymbolLookup library, String function, Object... arguments) {
    int status = status(library, function, arguments);
    if (status != 0) {
      throw new AssertionError(function + ": status " + status);
    }
  }

  private static int status(SymbolLookup library, String function, Object... arguments) {
    MemoryLayout[] layouts = new MemoryLayout[arguments.length];
    for (int i = 0; i < arguments.length; i++) {
      layouts[i] =
          switch (arguments[i]) {
            case MemorySegment s -> ADDRESS;
            case Integer n -> JAVA_INT;
            default -> JAVA_LONG;
          };
    }
    try {
      return (int)
          Linker.nativeLinker()
              .downcallHandle(
                  library.findOrThrow(function), FunctionDescriptor.of(JAVA_INT, layouts))
              .invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new AssertionError(function, e);
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
