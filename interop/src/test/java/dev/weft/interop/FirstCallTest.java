package dev.weft.interop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.nn.Dense;
import dev.weft.random.RandomKey;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Array;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URLClassLoader;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whatever a program calls first, its classes are initialized in an order that works. */
@Timeout(600)
class FirstCallTest {
  private static final List<Class<?>> PACKAGES =
      List.of(Weft.class, Fill.class, RandomKey.class, Dense.class, AtomicFile.class);

  /** Measures the machine for seconds; {@code Weft.calibration} loads the same classes. */
  private static final String MEASURES = "calibrate";

  /**
   * Every public static method, called with nothing (null, 0), ends as it does where all classes
   * are in use.
   */
  @Test
  void everyStaticMethodMayBeTheFirst() throws Exception {
    List<String> types = types();
    assertThat(types).hasSizeGreaterThan(40);
    int methods = 0;
    try (URLClassLoader warm = FreshLoader.open()) {
      for (String type : types) {
        Class.forName(type, true, warm);
      }
      for (String type : types) {
        List<Method> all = methods(warm.loadClass(type));
        for (int i = 0; i < all.size(); i++) {
          outcome(all.get(i)); // loads what the call itself needs
          String expected = outcome(all.get(i));
          try (URLClassLoader fresh = FreshLoader.open()) {
            Method first = methods(fresh.loadClass(type)).get(i);
            assertThat(outcome(first)).as("%s", first).isEqualTo(expected);
          }
          methods++;
        }
      }
    }
    assertThat(methods).isGreaterThan(80);
  }

  @Test
  void aTensorOfOthersMayBeTheFirst() throws Exception {
    for (Class<?> program : List.of(ImportsTensor.class, ImportsMatrix.class)) {
      try (URLClassLoader fresh = FreshLoader.open()) {
        assertThat(FreshLoader.make(fresh, program, Callable.class).call()).isEqualTo("3.0");
      }
    }
  }

  /** The exception that a call with nothing ends with; empty for none. */
  private static String outcome(Method method) throws Exception {
    Class<?>[] types = method.getParameterTypes();
    Object[] nothing = new Object[types.length];
    for (int i = 0; i < types.length; i++) {
      nothing[i] = types[i].isPrimitive() ? Array.get(Array.newInstance(types[i], 1), 0) : null;
    }
    try {
      if (method.invoke(null, nothing) instanceof AutoCloseable made) {
        made.close();
      }
      return "";
    } catch (InvocationTargetException e) {
      return e.getCause().toString();
    }
  }

  private static List<Method> methods(Class<?> type) {
    return Arrays.stream(type.getDeclaredMethods())
        .filter(method -> Modifier.isPublic(method.getModifiers()))
        .filter(method -> Modifier.isStatic(method.getModifiers()))
        .filter(method -> !method.isSynthetic() && !method.getName().equals(MEASURES))
        .sorted(Comparator.comparing(Method::toString))
        .toList();
  }

  /** The names of the public classes of the packages. */
  private static List<String> types() throws Exception {
    List<String> names = new ArrayList<>();
    for (Class<?> type : PACKAGES) {
      Path origin = Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
      if (Files.isDirectory(origin)) {
        add(origin, type.getPackageName(), names);
      } else {
        try (FileSystem jar = FileSystems.newFileSystem(origin)) {
          add(jar.getPath("/"), type.getPackageName(), names);
        }
      }
    }
    return names;
  }

  private static void add(Path root, String name, List<String> names)
      throws IOException, ClassNotFoundException {
    try (var files = Files.list(root.resolve(name.replace('.', '/')))) {
      for (Path file : files.sorted().toList()) {
        String simple = file.getFileName().toString();
        if (simple.endsWith(".class") && !simple.endsWith("-info.class")) {
          String binary = name + "." + simple.substring(0, simple.length() - 6);
          Class<?> type = Class.forName(binary, false, FirstCallTest.class.getClassLoader());
          if (Modifier.isPublic(type.getModifiers())) {
            names.add(binary);
          }
        }
      }
    }
  }

  /** Takes another library's tensor [3] first. */
  public static final class ImportsTensor implements Callable<String> {
    /** For reflection. */
    public ImportsTensor() {}

    @Override
    public String call() {
      try (Arena arena = Arena.ofConfined();
          Backend backend = Weft.open("scalar")) {
        long address = struct(arena, 3);
        return "" + Dlpack.importTensor(backend, address, Dlpack.Form.LEGACY).get(2);
      }
    }
  }

  /** Takes another library's matrix [1, 3] first. */
  public static final class ImportsMatrix implements Callable<String> {
    /** For reflection. */
    public ImportsMatrix() {}

    @Override
    public String call() {
      try (Arena arena = Arena.ofConfined();
          Backend backend = Weft.open("scalar")) {
        long address = struct(arena, 1, 3);
        return "" + Dlpack.importMatrix(backend, address, Dlpack.Form.LEGACY).tensor().get(2);
      }
    }
  }

  /** A struct over [1, 2, 3], without strides and deleter. */
  private static long struct(Arena arena, long... shape) {
    MemorySegment data = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3);
    MemorySegment struct = arena.allocate(64, 8);
    struct.set(ValueLayout.JAVA_LONG, 0, data.address());
    struct.set(ValueLayout.JAVA_INT, 8, DlpackTensor.CPU);
    struct.set(ValueLayout.JAVA_INT, 16, shape.length);
    struct.set(ValueLayout.JAVA_BYTE, 20, (byte) 2); // kDLFloat
    struct.set(ValueLayout.JAVA_BYTE, 21, (byte) 32);
    struct.set(ValueLayout.JAVA_SHORT, 22, (short) 1);
    struct.set(
        ValueLayout.JAVA_LONG, 24, arena.allocateFrom(ValueLayout.JAVA_LONG, shape).address());
    return struct.address();
  }
}
