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
      for (long from = 0; from < elements; from += limit) {
        visitor.visit(whole.slice(first + from, first + Math.min(from + limit, elements)));
      }
    } else {
      box(whole, region.start(), region.shape().dims(), 0, limit, visitor);
    }
  }

  /** Cuts along the first axis where a part of it fits. */
  private static <E extends Exception> void box(
      Region whole, long[] start, long[] extent, int axis, long limit, Visitor<E> visitor)
      throws E {
    long inner = 1;
    for (int a = axis + 1; a < extent.length; a++) {
      inner *= extent[a];
    }
    long step = Math.max(1, limit / inner);
    for (long done = 0; done < extent[axis]; done += step) {
      long[] partStart = start.clone();
      long[] partExtent = extent.clone();
      partStart[axis] += done;
      partExtent[axis] = Math.min(step, extent[axis] - done);
      if (inner <= limit) {
        visitor.visit(whole.box(partStart, partExtent));
      } else {
        box(whole, partStart, partExtent, axis + 1, limit, visitor);
      }
    }
  }
}
