package dev.weft.cli;

import java.io.Console;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * Whether standard output is a terminal, by {@code isatty} of the C library. {@link
 * Console#isTerminal} tells it only where standard input is one, too; it is asked where no native
 * code may be called.
 */
final class Terminal {
  private static final int STDOUT = 1;

  private Terminal() {}

  /** Whether a person sees what is written to standard output. */
  static boolean isOutput() {
    return isatty(STDOUT)
        .orElseGet(
            () -> {
              Console console = System.console();
              return console != null && console.isTerminal();
            });
  }

  /** Empty if it cannot be asked. */
  @SuppressWarnings("restricted") // asks whether it is allowed
  private static Optional<Boolean> isatty(int descriptor) {
    if (!Terminal.class.getModule().isNativeAccessEnabled()) {
      return Optional.empty();
    }
    try {
      Linker linker = Linker.nativeLinker();
      Optional<MemorySegment> found = linker.defaultLookup().find("isatty");
      if (found.isEmpty()) {
        return Optional.empty();
      }
      ValueLayout.OfInt i = ValueLayout.JAVA_INT;
      int answer =
          (int)
              linker
                  .downcallHandle(found.get(), FunctionDescriptor.of(i, i))
                  .invokeExact(descriptor);
      return Optional.of(answer != 0);
    } catch (RuntimeException e) { // no linker here
      return Optional.empty();
    } catch (Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }
}
