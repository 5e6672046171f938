package dev.weft.interop;

import dev.weft.testkit.Availability;
import dev.weft.testkit.Programs;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** dlpack_peer.c, compiled by gcc: a consumer and a producer that share no code with weft. */
@SuppressWarnings("restricted") // C is called
final class DlpackPeer {
  private static final String MISSING = Programs.whyNothingCompiles("gcc", ".c", "pthread.h");

  private static DlpackPeer compiled;

  private final SymbolLookup library;

  private DlpackPeer(Path file) {
    library = SymbolLookup.libraryLookup(file, Arena.global());
  }

  /** The library; a test that needs it is skipped where there is no gcc. */
  static synchronized DlpackPeer get() {
    Availability.need("gcc", MISSING.isEmpty(), () -> MISSING);
    Programs.needExecutableFiles();
    if (compiled == null) {
      compiled = compile();
    }
    return compiled;
  }

  double sumAndNegate(long struct, Dlpack.Form form) throws Throwable {
    return (double)
        call("peer_sum_and_negate", ValueLayout.JAVA_DOUBLE, ValueLayout.JAVA_LONG, INT)
            .invokeExact(struct, form.ordinal());
  }

  int deleteOnAThread(long struct, Dlpack.Form form) throws Throwable {
    return (int)
        call("peer_delete_on_a_thread", INT, ValueLayout.JAVA_LONG, INT)
            .invokeExact(struct, form.ordinal());
  }

  int deleted() throws Throwable {
    return (int) call("peer_deleted", INT).invokeExact();
  }

  /** A matrix of f32 whose element (i, j) is 100 i + j; a row stride of 0: no array of strides. */
  long produce(
      Dlpack.Form form,
      long rows,
      long columns,
      long rowStride,
      long columnStride,
      long offset,
      long flags)
      throws Throwable {
    ValueLayout.OfLong l = ValueLayout.JAVA_LONG;
    return (long)
        call("peer_produce", l, INT, l, l, l, l, l, l)
            .invokeExact(form.ordinal(), rows, columns, rowStride, columnStride, offset, flags);
  }

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

  private MethodHandle call(String function, MemoryLayout result, MemoryLayout... parameters) {
    return Linker.nativeLinker()
        .downcallHandle(library.findOrThrow(function), FunctionDescriptor.of(result, parameters));
  }

  private static DlpackPeer compile() {
    try (InputStream source = DlpackPeer.class.getResourceAsStream("dlpack_peer.c")) {
      Path folder = Files.createTempDirectory("weft-dlpack-");
      Path c = folder.resolve("dlpack_peer.c");
      Path library = folder.resolve("libdlpack_peer.so");
      Files.copy(source, c);
      List<String> command =
          List.of(
              "gcc",
              "-O1",
              "-std=c11",
              "-fPIC",
              "-shared",
              "-pthread",
              "-Wall",
              "-Werror",
              "-o",
              library.toString(),
              c.toString());
      Programs.Result gcc = Programs.run(command);
      if (!gcc.ok()) {
        throw new AssertionError(gcc.output());
      }
      DlpackPeer peer = new DlpackPeer(library);
      Files.delete(c);
      Files.delete(library);
      Files.delete(folder);
      return peer;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
