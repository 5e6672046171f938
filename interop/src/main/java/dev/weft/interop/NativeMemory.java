package dev.weft.interop;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** Memory and functions by their addresses. */
@SuppressWarnings("restricted") // DLPack is addresses: its user allows native access
final class NativeMemory {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final ValueLayout.OfLong ADDRESS = ValueLayout.JAVA_LONG; // on 64-bit machines

  private static final MethodHandle MALLOC =
      handle("malloc", FunctionDescriptor.of(ADDRESS, ADDRESS));
  private static final MethodHandle FREE = handle("free", FunctionDescriptor.ofVoid(ADDRESS));
  private static final MethodHandle CALL_DELETER =
      LINKER.downcallHandle(FunctionDescriptor.ofVoid(ADDRESS));

  /** A C function that calls {@link DlpackExports#delete}; made by the first export. */
  static final class Deleter {
    /** Its address. */
    static final long ADDRESS = deleter();

    private Deleter() {}
  }

  private NativeMemory() {}

  /** The bytes at an address, for as long as they are there. */
  static MemorySegment at(long address, long byteSize) {
    return MemorySegment.ofAddress(address).reinterpret(byteSize);
  }

  /** The address of new memory, for {@link #free}. */
  static long allocate(long byteSize) {
    try {
      long address = (long) MALLOC.invokeExact(byteSize);
      if (address == 0) {
        throw new OutOfMemoryError("dlpack: malloc gave no memory, bytes=" + byteSize);
      }
      return address;
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  static void free(long address) {
    try {
      FREE.invokeExact(address);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** Calls {@code void function(struct *)}. */
  static void callDeleter(long function, long struct) {
    try {
      CALL_DELETER.invokeExact(MemorySegment.ofAddress(function), struct);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static MethodHandle handle(String function, FunctionDescriptor descriptor) {
    SymbolLookup libc = LINKER.defaultLookup();
    return LINKER.downcallHandle(libc.findOrThrow(function), descriptor);
  }

  private static long deleter() {
    try {
      MethodHandle delete =
          MethodHandles.lookup()
              .findStatic(
                  DlpackExports.class, "delete", MethodType.methodType(void.class, long.class));
      // C may call it at any time: it lives as long as the process
      return LINKER
          .upcallStub(delete, FunctionDescriptor.ofVoid(ADDRESS), Arena.global())
          .address();
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }
}
