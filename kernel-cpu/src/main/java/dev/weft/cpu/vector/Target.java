package dev.weft.cpu.vector;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.IntVector;

/**
 * One kind of memory: what the compiler must know of a segment so that a store into it is one
 * instruction. Heap memory takes vectors of its array's own element type alone.
 *
 * @param type class of its segments
 * @param element element type of its arrays; int for native memory, which takes any
 */
record Target(Class<? extends MemorySegment> type, Class<?> element) {
  private static final Class<? extends MemorySegment> NATIVE = MemorySegment.NULL.getClass();
  static final ByteOrder ORDER = ByteOrder.nativeOrder();

  /** The class by which the memory of {@code segment} is told from others. */
  static Class<? extends MemorySegment> key(MemorySegment segment) {
    return segment.isNative() ? NATIVE : segment.getClass();
  }

  /** The memory of {@code segment}. */
  static Target of(MemorySegment segment) {
    Class<?> element =
        segment
            .heapBase()
            .<Class<?>>map(array -> array.getClass().getComponentType())
            .orElse(int.class);
    return new Target(key(segment), element);
  }

  /** Whether vectors can be stored into it: all but char[]. */
  boolean hasVectors() {
    return element != char.class;
  }

  /** Stores {@code value} at {@code byteOffset}. */
  @Inlined
  @Exact
  static void store(IntVector value, MemorySegment out, long byteOffset, Class<?> element) {
    if (element == int.class) {
      value.intoMemorySegment(out, byteOffset, ORDER);
    } else if (element == float.class) {
      value.reinterpretAsFloats().intoMemorySegment(out, byteOffset, ORDER);
    } else if (element == short.class) {
      value.reinterpretAsShorts().intoMemorySegment(out, byteOffset, ORDER);
    } else if (element == double.class) {
      value.reinterpretAsDoubles().intoMemorySegment(out, byteOffset, ORDER);
    } else if (element == long.class) {
      value.reinterpretAsLongs().intoMemorySegment(out, byteOffset, ORDER);
    } else {
      value.reinterpretAsBytes().intoMemorySegment(out, byteOffset, ORDER);
    }
  }
}
