package dev.weft.gpu.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.weft.DType;
import dev.weft.Region;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Launches of the kernels of {@link OrthogonalKernel}, in order. Addresses are the device's,
 * aligned to an element. For one thread at a time.
 */
public final class OrthogonalLaunch {
  /** Threads of the block of {@link #cholesky}, and most columns that it takes. */
  public static final int BLOCK = 64;

  private static final int MAX_ARGUMENTS = 6;

  private final Launcher launcher;
  private final FillPlan region;
  private final MemorySegment matrix;
  private final MemorySegment arguments;
  private final MemorySegment pointers;

  /** Starts kernels, in order. */
  public interface Launcher {
    /**
     * Starts one kernel on a one-dimensional grid.
     *
     * @param items what the threads share out; more threads would be idle
     * @param threads of a block
     * @param arguments {@code void*[]} as {@code cuLaunchKernel} takes it; to be read before this
     *     returns
     */
    void launch(OrthogonalKernel kernel, long items, int threads, MemorySegment arguments);
  }

  /**
   * Launches with their arguments in memory of {@code arena}.
   *
   * @param arena outlives this object
   */
  public OrthogonalLaunch(Arena arena, Launcher launcher) {
    this.launcher = launcher;
    region = new FillPlan(arena.allocate(FillPlan.BYTES, 8));
    matrix = arena.allocate(OrthogonalPlan.BYTES, 8);
    arguments = arena.allocate(8L * MAX_ARGUMENTS, 8);
    pointers = arena.allocate(ADDRESS, MAX_ARGUMENTS);
  }

  /** Writes {@code count} floats from {@code in} on as doubles from {@code out} on. */
  public void widen(long out, long in, long count) {
    argument(0, out);
    argument(1, in);
    argument(2, count);
    launch(OrthogonalKernel.WIDEN, count);
  }

  /**
   * The lower triangle of G [n, n], n {@code <=} {@link #BLOCK}, by columns, becomes L, G = L·Lᵀ.
   *
   * @param failed a 32-bit word that becomes 1 if a pivot is not positive; else it stays
   */
  public void cholesky(long g, long ld, long n, long failed) {
    argument(0, g);
    argument(1, ld);
    argument(2, n); // an int takes the low half
    argument(3, failed);
    launcher.launch(OrthogonalKernel.CHOLESKY, BLOCK, BLOCK, pointers);
  }

  /**
   * Sets the 32-bit word {@code failed} to 1 if an element of the lower triangle of G − I is not
   * within [−most, most].
   */
  public void check(long g, long n, double most, long failed) {
    argument(0, g);
    argument(1, n);
    argument(2, Double.doubleToRawLongBits(most));
    argument(3, failed);
    launch(OrthogonalKernel.CHECK, n * n);
  }

  /** Elements of a region of a tensor that is made of Q. */
  public void region(OrthogonalPlan plan, Region of) {
    plan.write(matrix);
    region.region(of);
  }

  /**
   * Writes elements {@code from … from + count − 1} of the last {@link #region}.
   *
   * @param q address of Q, doubles by rows
   */
  public void write(DType dtype, long q, long from, long count, long out) {
    argument(0, out);
    pointer(1, region.struct());
    pointer(2, matrix);
    argument(3, q);
    argument(4, from);
    argument(5, count);
    launch(OrthogonalKernel.of(dtype), count);
  }

  private void launch(OrthogonalKernel kernel, long items) {
    launcher.launch(kernel, items, FillKernel.MAX_THREADS, pointers);
  }

  private void argument(int index, long value) {
    arguments.set(JAVA_LONG, 8L * index, value);
    pointer(index, arguments.asSlice(8L * index));
  }

  private void pointer(int index, MemorySegment to) {
    pointers.setAtIndex(ADDRESS, index, to);
  }
}
