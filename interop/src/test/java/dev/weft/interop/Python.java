package dev.weft.interop;

import dev.weft.testkit.Availability;
import dev.weft.testkit.Programs;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * A Python with NumPy inside this process, so that addresses mean the same to both: the library of
 * a {@code python3} on {@code PATH}.
 */
@SuppressWarnings("restricted") // C is called
final class Python {
  private static final int NOW_AND_GLOBAL = 0x102; // NumPy's libraries look for Python's symbols
  private static final Linker LINKER = Linker.nativeLinker();
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

  private static Python started;
  private static String reason;

  private final SymbolLookup library;
  private final MemorySegment exchange = Arena.global().allocate(16 * 8, 8);

  private Python(SymbolLookup library) {
    this.library = library;
  }

  /**
   * Python, once it has imported NumPy; a test that needs it is skipped where there is none, and
   * fails if {@code libpython} is required.
   */
  static synchronized Python start() throws Throwable {
    if (started == null && reason == null) {
      reason = "no python3 on PATH has NumPy and a shared library:";
      for (Path python : Programs.onPath("python3")) {
        reason += " " + python + ": " + tryToStart(python) + ";";
        if (started != null) {
          break;
        }
      }
    }
    Availability.need("libpython", started != null, () -> reason);
    return started;
  }

  /** Starts the Python of a program, and returns why it does not start. */
  private static String tryToStart(Path program) throws Throwable {
    Programs.Result found =
        Programs.run(
            List.of(
                program.toString(),
                "-c",
                """
                import os, sys, sysconfig, numpy
                print('found')
                print(sysconfig.get_config_var('INSTSONAME'))
                print(os.path.join(sysconfig.get_config_var('LIBDIR'),
                                   sysconfig.get_config_var('INSTSONAME')))
                print(sys.base_prefix + ':' + sys.base_exec_prefix)
                print(os.path.dirname(os.path.dirname(numpy.__file__)))
                """));
    List<String> lines =
        found.output().lines().dropWhile(line -> !line.equals("found")).skip(1).toList();
    if (!found.ok() || lines.size() != 4) {
      return found.lastLine();
    }
    try (Arena arena = Arena.ofConfined()) {
      String name = null;
      for (String candidate : lines.subList(0, 2)) {
        MemorySegment handle =
            (MemorySegment)
                libc("dlopen", ValueLayout.ADDRESS, ValueLayout.ADDRESS, INT)
                    .invokeExact(arena.allocateFrom(candidate), NOW_AND_GLOBAL);
        if (handle.address() != 0) {
          name = candidate;
          break;
        }
      }
      if (name == null) {
        return lines.getFirst() + " does not load";
      }
      // Of itself the library would look for its modules beside the first python3 on PATH.
      set(arena, "PYTHONHOME", lines.get(2));
      set(arena, "PYTHONPATH", lines.get(3));
      Python python = new Python(SymbolLookup.libraryLookup(name, Arena.global()));
      python.call("Py_InitializeEx", FunctionDescriptor.ofVoid(INT)).invokeExact(0);
      MemorySegment module =
          (MemorySegment)
              python
                  .call(
                      "PyImport_ImportModule",
                      FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS))
                  .invokeExact(arena.allocateFrom("numpy"));
      if (module.address() == 0) {
        python.call("PyErr_Clear", FunctionDescriptor.ofVoid()).invokeExact();
      }
      MemorySegment thread =
          (MemorySegment)
              python
                  .call("PyEval_SaveThread", FunctionDescriptor.of(ValueLayout.ADDRESS))
                  .invokeExact();
      if (thread.address() == 0) {
        throw new AssertionError("PyEval_SaveThread");
      }
      if (module.address() == 0) {
        return name + " has no NumPy";
      }
      started = python;
      return "started";
    }
  }

  private static void set(Arena arena, String variable, String value) throws Throwable {
    int status =
        (int)
            libc("setenv", INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS, INT)
                .invokeExact(arena.allocateFrom(variable), arena.allocateFrom(value), 1);
    if (status != 0) {
      throw new AssertionError("setenv");
    }
  }

  private static MethodHandle libc(
      String function, MemoryLayout result, MemoryLayout... parameters) {
    return LINKER.downcallHandle(
        LINKER.defaultLookup().findOrThrow(function), FunctionDescriptor.of(result, parameters));
  }

  /**
   * Runs a script to which {@code x} is an array of 16 integers, {@code numpy} is np, and {@code
   * capsule(address, name)} makes a capsule; returns the integers.
   */
  long[] run(String script, long... integers) throws Throwable {
    MemorySegment.copy(integers, 0, exchange, ValueLayout.JAVA_LONG, 0, integers.length);
    String text =
        String.format(
                Locale.ROOT,
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
        """,
                exchange.address())
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
