package dev.weft.testkit.gpu;

import dev.weft.testkit.Programs;
import java.io.IOException;
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

/**
 * A stand-in for CUDA's driver that runs the kernels on the host (fake_driver.cpp), compiled with
 * g++ and loaded once in a process; what it cannot be made for is skipped with its reason.
 */
@SuppressWarnings("restricted") // calls a native library, as it must
public final class FakeDriver {
  /** What {@link #held} counts. */
  private static final String[] KINDS = {
    "bytes", "streams", "events", "pinned", "modules", "contexts", "graphs"
  };

  private static Path library;
  private static Path folder;
  private static FakeDriver instance;

  private final SymbolLookup symbols;

  private FakeDriver(Path library) {
    symbols = SymbolLookup.libraryLookup(library, Arena.global());
  }

  /** The driver of this process, with nothing planted; weft finds it as the machine's. */
  public static synchronized FakeDriver load() {
    Programs.needExecutableFiles(); // JCuda unpacks its libraries there
    Path file = library();
    if (instance == null) {
      instance = new FakeDriver(file);
      System.setProperty("weft.cuda.path", file.getParent().toString());
    }
    instance.call("fake_reset");
    return instance;
  }

  /** The compiled library, with the kernels and what fill_shim.cpp adds to them. */
  public static synchronized Path library() {
    if (library == null) {
      library = HostCompiler.build("libcuda.so.1", "fake_driver.cpp", "fill_shim.cpp");
    }
    return library;
  }

  /**
   * A directory of this process that has the driver, and from now on is the one where weft looks
   * for libraries.
   */
  public static synchronized Path folder() throws IOException {
    if (folder == null) {
      folder = Files.createTempDirectory("weft-cuda");
      folder.toFile().deleteOnExit();
      Files.createSymbolicLink(folder.resolve("libcuda.so.1"), library()).toFile().deleteOnExit();
    }
    System.setProperty("weft.cuda.path", folder.toString());
    return folder;
  }

  /** The {@code after}-th call from now on of a function fails, and so do later ones. */
  public void fail(String call, int after, int status) {
    try (Arena arena = Arena.ofConfined()) {
      call("fake_fail", arena.allocateFrom(call), after, status);
    }
  }

  /** What the machine is. */
  public void machine(int devices, int driver, int capability, long bytes) {
    call("fake_machine", devices, driver, capability, bytes);
  }

  /** How often a function was called since {@link #load}. */
  public long calls(String call) {
    try (Arena arena = Arena.ofConfined()) {
      return call("fake_calls", arena.allocateFrom(call));
    }
  }

  /** Begins to note the order of calls. */
  public void record() {
    call("fake_record");
  }

  /**
   * When a function was called the {@code nth} time (from 0) since {@link #record}, by the number
   * of calls of every kind before; −1 if it was not.
   */
  public long order(String call, long nth) {
    try (Arena arena = Arena.ofConfined()) {
      return call("fake_order", arena.allocateFrom(call), nth);
    }
  }

  /** What is not given back of these, for a message; empty if there is nothing. */
  public String held() {
    StringBuilder text = new StringBuilder();
    for (String kind : KINDS) {
      long count = held(kind);
      if (count != 0) {
        text.append(kind).append('=').append(count).append(' ');
      }
    }
    return text.toString();
  }

  /** What weft has not given back: bytes, streams, events, pinned, modules or contexts. */
  public long held(String kind) {
    try (Arena arena = Arena.ofConfined()) {
      return call("fake_held", arena.allocateFrom(kind));
    }
  }

  /** Memory of a device's primary context that belongs to another library in this process. */
  public MemorySegment allocate(long bytes, int device) {
    return memory(call("fake_allocate", bytes, device, 1), bytes);
  }

  /** The same of a context of its own. */
  public MemorySegment allocateInOtherContext(long bytes, int device) {
    return memory(call("fake_allocate", bytes, device, 0), bytes);
  }

  /** Memory of a device as it is now, whatever streams have still to do. */
  public MemorySegment memory(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  /** Gives back memory of {@link #allocate}; false if it was given back before. */
  public boolean free(MemorySegment memory) {
    return call("fake_free", memory) == 0;
  }

  private long call(String name, Object... arguments) {
    return call(symbols, name, arguments);
  }

  /** Calls a function of a stand-in. */
  static long call(SymbolLookup symbols, String name, Object... arguments) {
    MemoryLayout[] layouts = new MemoryLayout[arguments.length];
    for (int i = 0; i < arguments.length; i++) {
      layouts[i] =
          switch (arguments[i]) {
            case MemorySegment s -> ValueLayout.ADDRESS;
            case Integer n -> ValueLayout.JAVA_INT;
            case Long n -> ValueLayout.JAVA_LONG;
            default -> throw new AssertionError(arguments[i]);
          };
    }
    MethodHandle function =
        Linker.nativeLinker()
            .downcallHandle(
                symbols.findOrThrow(name), FunctionDescriptor.of(ValueLayout.JAVA_LONG, layouts));
    try {
      return (long) function.invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }
}
