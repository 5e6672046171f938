package dev.weft.interop;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/** Debian's Python with NumPy inside this process, so that addresses mean the same to both. */
@SuppressWarnings("restricted") // C is called
final class Python {
  private static final String PYTHON = "/usr/bin/python3";
  private static final int NOW_AND_GLOBAL = 0x102; // NumPy's libraries look for Python's symbols
  private static final Linker LINKER = Linker.nativeLinker();
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

  private static Python started;

  private final SymbolLookup library;
  private final MemorySegment exchange = Arena.global().allocate(16 * 8, 8);

  private Python(SymbolLookup library) {
    this.library = library;
  }

  /** Python; a test that needs it is skipped where there is none with NumPy. */
  static synchronized Python start() throws Throwable {
    if (started != null) {
      return started;
    }
    String name;
    try {
      Process found =
          AtomicFileTest.run(
              List.of(
                  PYTHON,
                  "-c",
                  "import numpy, sysconfig; print(sysconfig.get_config_var('INSTSONAME'))"));
      name = new String(found.getInputStream().readAllBytes()).strip();
      Assumptions.assumeTrue(
          found.exitValue() == 0, "no NumPy for " + PYTHON + ": Debian's python3-numpy");
    } catch (java.io.IOException e) {
      return Assumptions.abort("no " + PYTHON);
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment handle =
          (MemorySegment)
              LINKER
                  .downcallHandle(
                      LINKER.defaultLookup().findOrThrow("dlopen"),
                      FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS, INT))
                  .invokeExact(arena.allocateFrom(name), NOW_AND_GLOBAL);
      Assumptions.assumeTrue(handle.address() != 0, "no " + name + ": Debian's libpython3");
      Python python = new Python(SymbolLookup.libraryLookup(name, Arena.global()));
      python.call("Py_InitializeEx", FunctionDescriptor.ofVoid(INT)).invokeExact(0);
      MemorySegment thread =
          (MemorySegment)
              python
                  .call("PyEval_SaveThread", FunctionDescriptor.of(ValueLayout.ADDRESS))
                  .invokeExact();
      if (thread.address() == 0) {
        throw new AssertionError("PyEval_SaveThread");
      }
      started = python;
      return python;
    }
  }

  /**
   * Runs a script to which {@code x} is an array of 16 integers, {@code numpy} is np, and {@code
   * capsule(address, name)} makes a capsule; returns the integers.
   */
  long[] run(String script, long... integers) throws Throwable {
    MemorySegment.copy(integers, 0, exchange, ValueLayout.JAVA_LONG, 0, integers.length);
    String text =
        """
        import ctypes, sys
        import numpy as np
        x = (ctypes.c_int64 * 16).from_address(%d)
        capsule = ctypes.pythonapi.PyCapsule_New
        capsule.restype = ctypes.py_object
        capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        pointer.restype = ctypes.c_void_p
        pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
        rename = ctypes.pythonapi.PyCapsule_SetName
        rename.argtypes = [ctypes.py_object, ctypes.c_char_p]
        globals().setdefault('used', b"used_dltensor")  # capsules keep their name's address
        globals().setdefault('name', b"dltensor")
        class Capsule:
          def __init__(self, address):
            self.address = address
          def __dlpack__(self, **stream):
            return capsule(self.address, name, None)
          def __dlpack_device__(self):
            return (1, 0)
        """
                .formatted(exchange.address())
            + script;
    int lock = (int) call("PyGILState_Ensure", FunctionDescriptor.of(INT)).invokeExact();
    try (Arena arena = Arena.ofConfined()) {
      int status =
          (int)
              call("PyRun_SimpleString", FunctionDescriptor.of(INT, ValueLayout.ADDRESS))
                  .invokeExact(arena.allocateFrom(text));
      if (status != 0) {
        throw new AssertionError("Python failed: see its traceback\n" + script);
      }
    } finally {
      call("PyGILState_Release", FunctionDescriptor.ofVoid(INT)).invokeExact(lock);
    }
    return exchange.toArray(ValueLayout.JAVA_LONG);
  }

  private MethodHandle call(String function, FunctionDescriptor descriptor) {
    return LINKER.downcallHandle(library.findOrThrow(function), descriptor);
  }
}
