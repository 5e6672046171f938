package dev.weft.internal;

import dev.weft.Region;

/** Cuts a region into regions of bounded size, in the order of its elements. */
public final class Chunks {
  /**
   * Takes one part.
   *
   * @param <E> what may go wrong with it
   */
  public interface Visitor<E extends Exception> {
    /** Takes the next part. */
    void visit(Region part) throws E;
  }

  private Chunks() {}

  /**
   * Calls {@code visitor} with parts of at most {@code limit >= 1} elements that follow one
   * another.
   */
  public static <E extends Exception> void forEach(Region region, long limit, Visitor<E> visitor)
      throws E {
    Region whole = Region.of(region.logical());
    long elements = region.shape().elements();
    if (region.runCount() <= 1) {
      long first = elements == 0 ? 0 : region.runStart(0);
      for (long from = 0; from < elements; ) {
        long count = Math.min(limit, elements - from);
        visitor.visit(whole.slice(first + from, first + from + count));
        from += count;
      }
    } else {
      boxes(whole, region.start(), region.shape().dims(), limit, visitor);
    }
  }

  /** Cuts a box along the first axis where one index of it fits; no extent is 0. */
  private static <E extends Exception> void boxes(
      Region whole, long[] start, long[] extent, long limit, Visitor<E> visitor) throws E {
    int axis = 0;
    long inner = 1; // elements at one index of the axis
    for (int a = 1; a < extent.length; a++) {
      inner *= extent[a];
    }
    while (inner > limit) {
      inner /= extent[++axis];
    }
    long step = limit / inner;
    long[] at = new long[axis + 1];
    while (at[0] < extent[0]) {
      long[] partStart = start.clone();
      long[] partExtent = extent.clone();
      for (int a = 0; a <= axis; a++) {
        partStart[a] += at[a];
        partExtent[a] = a < axis ? 1 : Math.min(step, extent[a] - at[a]);
      }
      visitor.visit(whole.box(partStart, partExtent));
      at[axis] += partExtent[axis];
      for (int a = axis; a > 0 && at[a] >= extent[a]; a--) {
        at[a] = 0;
        at[a - 1]++;
      }
    }
  }
}
