package dev.weft.cpu.vector;

import java.lang.constant.ConstantDescs;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodHandles.Lookup;
import jdk.incubator.vector.VectorShape;

/**
 * Loads a class of kernels once for every use: a vector width, and whatever else it is given. What
 * distinguishes the uses is then a constant of the class, as the compiler needs it. Each use is a
 * hidden class of its own, made from the same bytes, with profiles and machine code of its own.
 */
final class VectorWidth {
  /**
   * The class of segments of native memory, to cast to where no others come: the compiler knows
   * then what it calls, whatever segments its profiles of shared methods have seen.
   */
  static final Class<? extends MemorySegment> NATIVE = MemorySegment.NULL.getClass();

  private VectorWidth() {}

  /** The vectors' shape of a class that {@link #load} gave a width in bits. */
  static VectorShape shape(Lookup lookup) {
    return VectorShape.forBitSize(data(lookup, Integer.class));
  }

  /**
   * What {@link #load} gave to a class.
   *
   * @param lookup the class's own {@code MethodHandles.lookup()}
   */
  static <T> T data(Lookup lookup, Class<T> type) {
    try {
      return MethodHandles.classData(lookup, ConstantDescs.DEFAULT_NAME, type);
    } catch (IllegalAccessException e) {
      throw new AssertionError(e); // the class's own lookup has every access
    }
  }

  /**
   * A new instance of {@code template} for {@code data}, by its constructor without arguments, with
   * {@link Inlined} functions in the place of their calls.
   */
  static <T> T load(Class<T> type, Class<? extends T> template, Object data) {
    try {
      Lookup hidden =
          MethodHandles.lookup()
              .defineHiddenClassWithClassData(Inliner.classFile(template), data, true);
      return type.cast(hidden.lookupClass().getDeclaredConstructor().newInstance());
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }
}
