package dev.weft.interop;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Optional;

/**
 * {@code posix_fallocate} of the C library, which gives a file its blocks before anything is
 * written. It is used where the platform has it and this module may call native code; nobody is
 * asked to allow it.
 */
@SuppressWarnings("restricted") // without native access, the plain Java way is taken
final class Posix {
  /** What became of a reservation. */
  enum Reservation {
    /** The blocks belong to the file. */
    DONE,
    /** The file system has too few. */
    FULL,
    /** The user or the directory may not have so many. */
    OVER_QUOTA,
    /** The process may not write so large a file, or the file system has none. */
    TOO_LARGE,
    /** Not available here; nothing is known. */
    UNAVAILABLE
  }

  private static final int EINTR = 4;
  private static final int EFBIG = 27;
  private static final int ENOSPC = 28;
  private static final int EDQUOT = 122;
  private static final int O_WRONLY = 1;

  private static final Optional<Posix> FOUND = find();

  private final MethodHandle open;
  private final MethodHandle allocate;
  private final MethodHandle close;

  @SuppressWarnings("restricted") // find() asks whether it is allowed
  private Posix(Linker linker, SymbolLookup libc) {
    ValueLayout.OfInt i = ValueLayout.JAVA_INT;
    open =
        linker.downcallHandle(
            libc.findOrThrow("open"),
            FunctionDescriptor.of(i, ValueLayout.ADDRESS, i),
            Linker.Option.firstVariadicArg(2));
    allocate =
        linker.downcallHandle(
            libc.findOrThrow("posix_fallocate"),
            FunctionDescriptor.of(i, i, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    close = linker.downcallHandle(libc.findOrThrow("close"), FunctionDescriptor.of(i, i));
  }

  /** Reserves the first {@code byteSize > 0} bytes of an existing file, and makes it that long. */
  static Reservation reserve(Path file, long byteSize) {
    return FOUND.map(posix -> posix.allocate(file, byteSize)).orElse(Reservation.UNAVAILABLE);
  }

  private Reservation allocate(Path file, long byteSize) {
    try (Arena arena = Arena.ofConfined()) {
      int descriptor =
          (int) open.invokeExact(arena.allocateFrom(file.toAbsolutePath().toString()), O_WRONLY);
      if (descriptor < 0) {
        return Reservation.UNAVAILABLE;
      }
      int error;
      do {
        error = (int) allocate.invokeExact(descriptor, 0L, byteSize);
      } while (error == EINTR);
      int closed = (int) close.invokeExact(descriptor);
      return switch (error) {
        case 0 -> closed == 0 ? Reservation.DONE : Reservation.UNAVAILABLE;
        case ENOSPC -> Reservation.FULL;
        case EDQUOT -> Reservation.OVER_QUOTA;
        case EFBIG -> Reservation.TOO_LARGE;
        default -> Reservation.UNAVAILABLE;
      };
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static Optional<Posix> find() {
    boolean linux64 =
        System.getProperty("os.name").equals("Linux") && ValueLayout.ADDRESS.byteSize() == 8;
    if (!linux64 || !Posix.class.getModule().isNativeAccessEnabled()) {
      return Optional.empty();
    }
    try {
      Linker linker = Linker.nativeLinker();
      return Optional.of(new Posix(linker, linker.defaultLookup()));
    } catch (RuntimeException e) { // no linker, or a C library without the functions
      return Optional.empty();
    }
  }
}
