package dev.weft.cpu.vector;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.constant.ConstantDescs;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodHandles.Lookup;
import jdk.incubator.vector.VectorShape;

/**
 * Loads a class of kernels once for every vector width, so that its species is a constant of the
 * class, as the compiler needs it, and the width is still free to choose. Each width is a hidden
 * class of its own, made from the same bytes, with profiles and machine code of its own.
 */
final class VectorWidth {
  private VectorWidth() {}

  /**
   * The width that a class loaded by {@link #load} has been given; the preferred one in the class
   * that it was made from.
   *
   * @param lookup the class's own {@code MethodHandles.lookup()}
   */
  static VectorShape shape(Lookup lookup) {
    try {
      Integer bits = MethodHandles.classData(lookup, ConstantDescs.DEFAULT_NAME, Integer.class);
      return bits == null ? VectorShape.preferredShape() : VectorShape.forBitSize(bits);
    } catch (IllegalAccessException e) {
      throw new AssertionError(e); // the class's own lookup has every access
    }
  }

  /**
   * A new instance of {@code template} for vectors of {@code bits} bits, by its constructor without
   * arguments.
   */
  static <T> T load(Class<T> type, Class<? extends T> template, int bits) {
    String file = template.getSimpleName() + ".class";
    try (InputStream in = template.getResourceAsStream(file)) {
      Lookup lookup = MethodHandles.lookup();
      Lookup hidden = lookup.defineHiddenClassWithClassData(in.readAllBytes(), bits, true);
      return type.cast(hidden.lookupClass().getDeclaredConstructor().newInstance());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }
}
