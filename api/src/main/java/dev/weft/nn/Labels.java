package dev.weft.nn;

import dev.weft.internal.Checks;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The classes of a batch of examples, 32-bit integers from 0 on, in the caller's memory: nothing is
 * copied, and what is written there later is what the next operation sees.
 *
 * @since 0.1
 */
public final class Labels {
  private final MemorySegment segment;
  private final long count;

  private Labels(MemorySegment segment, long count) {
    this.segment = segment;
    this.count = count;
  }

  /** Those of an array. */
  public static Labels of(int... classes) {
    return new Labels(MemorySegment.ofArray(classes), classes.length);
  }

  /**
   * Those of a segment of ints in the machine's byte order.
   *
   * @throws IllegalArgumentException {@code labels: need whole 32-bit integers, got byteSize=…}
   */
  public static Labels of(MemorySegment classes) {
    if (classes.byteSize() % Integer.BYTES != 0) {
      throw Checks.bad("labels", "need whole 32-bit integers", "byteSize", classes.byteSize());
    }
    return new Labels(classes, classes.byteSize() / Integer.BYTES);
  }

  /** The first {@code count} of these, in the same memory. */
  public Labels first(long count) {
    if (count < 0 || count > this.count) {
      throw Checks.bad("labels", "need 0 <= count <= " + this.count, "count", count);
    }
    return new Labels(segment.asSlice(0, count * Integer.BYTES), count);
  }

  /** How many there are. */
  public long count() {
    return count;
  }

  /** The memory. */
  public MemorySegment segment() {
    return segment;
  }

  /** The class of example {@code index}. */
  public int get(long index) {
    return segment.get(ValueLayout.JAVA_INT_UNALIGNED, index * Integer.BYTES);
  }
}
