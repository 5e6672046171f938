package dev.weft.gpu.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.init.Fill;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.random.StreamOrder;
import dev.weft.spi.fill.DiracPlan;
import dev.weft.spi.fill.Elements;
import dev.weft.spi.fill.StreamFill;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Fills as launches of the kernels of {@link FillKernel}: one launch for a random or constant fill
 * of any region, two for identity, dirac and sparse. Reused from fill to fill; for one thread at a
 * time. A repeated fill plans nothing again.
 *
 * <p>With a {@link WordSource}, bits, uniform, normal and truncated normal fills of regions of one
 * run in {@code CURAND} order take its words for their whole groups, and are the same bytes.
 */
public final class FillLaunch {
  private static final int MAX_ARGUMENTS = 9;

  /** Bytes that a group of the stream writes. */
  private static final int GROUP_BYTES = 16;

  /** Bytes of words that are made at a time where they do not fit in the output itself. */
  static final long SCRATCH_BYTES = 16L << 20;

  /** The order of a {@link WordSource}'s words. */
  private static final int WORDS_ORDER = StreamOrder.CURAND.subsequenceBits();

  private final WordSource words; // null: every word is computed by the kernel that uses it
  private final FillPlan plan;
  private final MemorySegment arguments;
  private final MemorySegment counts; // the second argument, where it is a number
  private final MemorySegment pointers;
  private Fill lastFill;
  private RandomKey lastKey;
  private DType lastDtype;
  private StreamFill stream;
  private long runs; // of the next launches
  private long runLength;
  private long start; // logical element, if there is one run

  /** Starts kernels, in order. */
  public interface Launcher {
    /**
     * Starts one kernel on a one-dimensional grid of any size, in blocks of at most {@link
     * FillKernel#MAX_THREADS} threads.
     *
     * @param items what the threads share out; more threads would be idle
     * @param arguments {@code void*[]} as {@code cuLaunchKernel} takes it; to be read before this
     *     returns
     */
    void launch(FillKernel kernel, long items, MemorySegment arguments);
  }

  /**
   * Launches with their arguments in memory of {@code arena}.
   *
   * @param arena outlives this object
   * @param words where words come from; null for kernels that compute them
   */
  public FillLaunch(Arena arena, WordSource words) {
    this.words = words;
    plan = new FillPlan(arena.allocate(FillPlan.BYTES, 8));
    arguments = arena.allocate(8L * MAX_ARGUMENTS, 8);
    counts = arguments.asSlice(8);
    pointers = arena.allocate(ADDRESS, MAX_ARGUMENTS);
    pointer(0, arguments);
    pointer(1, plan.struct());
    for (int i = 2; i < MAX_ARGUMENTS; i++) {
      pointer(i, arguments.asSlice(8L * i));
    }
  }

  /** Whether a fill is made of these kernels; others need a matrix or a function of the host. */
  public static boolean supports(Fill fill) {
    return switch (fill) {
      case Fill.Bits f -> true;
      case Fill.Constant f -> true;
      case Fill.Uniform f -> true;
      case Fill.Normal f -> true;
      case Fill.TruncatedNormal f -> true;
      case Fill.Identity f -> true;
      case Fill.Dirac f -> true;
      case Fill.Sparse f -> true;
      case Fill.Orthogonal f -> false;
      case Fill.DeltaOrthogonal f -> false;
      case Fill.Custom f -> false;
    };
  }

  /**
   * Launches what writes {@code region} to memory from address {@code out} on.
   *
   * @param fill one that this {@link #supports}
   * @param out device address, a multiple of the element's size
   */
  public void fill(
      Fill fill, RandomKey key, DType dtype, Region region, long out, Launcher launcher) {
    fillPart(fill, key, dtype, region, 0, region.shape().elements(), out, launcher);
  }

  /**
   * Launches what writes {@code count} elements of {@code region} from element {@code from} on: its
   * whole runs together, and the part of a run at either end alone.
   *
   * @param fill as for {@link #fill}
   * @param out address of the first of them
   */
  public void fillPart(
      Fill fill,
      RandomKey key,
      DType dtype,
      Region region,
      long from,
      long count,
      long out,
      Launcher launcher) {
    plan(fill, key, dtype);
    long length = region.runLength();
    long end = from + count;
    long at = from;
    while (at < end) {
      long run = at / length;
      long within = at % length;
      long whole = within == 0 ? (end - at) / length : 0;
      long elements;
      if (whole > 1) {
        elements = whole * length;
        runs = whole;
        runLength = length;
        plan.region(region);
        plan.runs(run, whole, length);
      } else {
        elements = Math.min(length - within, end - at);
        range(region.runStart(run) + within, elements);
      }
      launch(fill, dtype, region.logical(), out + dtype.byteSize(at - from), launcher);
      at += elements;
    }
  }

  /** The next launches write logical elements {@code first … first + count − 1}. */
  private void range(long first, long count) {
    runs = 1;
    runLength = count;
    start = first;
    plan.range(first, count);
  }

  private void launch(Fill fill, DType dtype, Shape logical, long out, Launcher launcher) {
    arguments.set(JAVA_LONG, 0, out);
    switch (fill) {
      case Fill.Constant f -> constant(f.value(), dtype, launcher);
      case Fill.Identity f -> {
        constant(0, dtype, launcher);
        identity(f, dtype, logical, launcher);
      }
      case Fill.Dirac f -> {
        constant(0, dtype, launcher);
        dirac(f, dtype, logical, launcher);
      }
      case Fill.Sparse f -> {
        stream(dtype, launcher);
        sparse(f, dtype, logical, launcher);
      }
      default -> {
        if (!supports(fill)) {
          throw new AssertionError("no kernel of fill.cu writes " + fill);
        }
        if (words != null && runs == 1 && stream.subsequenceBits() == WORDS_ORDER) {
          streamOfWords(dtype, out, launcher);
        } else {
          stream(dtype, launcher);
        }
      }
    }
  }

  private void plan(Fill fill, RandomKey key, DType dtype) {
    if (dtype != lastDtype || !key.equals(lastKey) || !fill.equals(lastFill)) {
      stream = StreamFill.of(fill, dtype, key);
      if (stream != null) {
        plan.stream(stream);
      }
      lastFill = fill;
      lastKey = key;
      lastDtype = dtype;
    }
  }

  private void stream(DType dtype, Launcher launcher) {
    long perGroup = GROUP_BYTES / dtype.byteSize();
    long groups =
        runs == 1 ? runLength / perGroup + 2 : runs * ((runLength + 2 * perGroup - 2) / perGroup);
    launcher.launch(FillKernel.of(stream), groups, pointers);
  }

  /**
   * The whole groups of a range from {@link #words}, what is before and after them as {@link
   * #stream} does it. Groups of 32 and 64 bits are made in place.
   */
  private void streamOfWords(DType dtype, long out, Launcher launcher) {
    int size = dtype.byteSize();
    long perGroup = GROUP_BYTES / size;
    long first = start;
    long count = runLength;
    long head = Math.min(count, (perGroup - first % perGroup) % perGroup);
    long groups = (count - head) / perGroup;
    long tail = count - head - groups * perGroup;
    part(first, head, dtype, out, launcher);
    part(first + count - tail, tail, dtype, out + size * (count - tail), launcher);
    long group = (first + head) / perGroup;
    long address = out + size * head;
    int wordBytes = size == 2 ? 2 * GROUP_BYTES : GROUP_BYTES; // of a group
    if (groups > 0 && wordBytes == GROUP_BYTES && address % GROUP_BYTES == 0) {
      ofWords(group, groups, wordBytes, address, address, launcher);
    } else if (groups > 0) {
      long most = Math.min(groups, SCRATCH_BYTES / wordBytes);
      words.withScratch(
          most * wordBytes,
          scratch -> {
            for (long done = 0; done < groups; done += most) {
              long some = Math.min(most, groups - done);
              long to = address + done * GROUP_BYTES;
              ofWords(group + done, some, wordBytes, scratch, to, launcher);
            }
          });
    }
  }

  /** A part of a range by the kernel that computes its words. */
  private void part(long first, long count, DType dtype, long out, Launcher launcher) {
    if (count > 0) {
      range(first, count);
      arguments.set(JAVA_LONG, 0, out);
      stream(dtype, launcher);
    }
  }

  /** Groups {@code group … group + groups − 1}: their words to {@code from}, made into elements. */
  private void ofWords(
      long group, long groups, int wordBytes, long from, long out, Launcher launcher) {
    long perGroup = wordBytes / Integer.BYTES;
    words.generate(stream.seed(), group * perGroup, groups * perGroup, from);
    if (from == out && stream.kind() == StreamFill.Kind.BITS) {
      return; // they are the elements
    }
    arguments.set(JAVA_LONG, 0, out);
    argument(2, from);
    argument(3, groups);
    launcher.launch(FillKernel.ofWords(stream), groups, pointers);
  }

  private void constant(double value, DType dtype, Launcher launcher) {
    long elements = runs * runLength;
    int bytes = dtype.byteSize();
    pointer(1, counts); // this kernel has no plan
    argument(1, elements);
    argument(2, Elements.bits(dtype, value));
    launcher.launch(
        FillKernel.of(FillKernel.CONSTANT_2, bytes), elements * bytes / GROUP_BYTES + 2, pointers);
    pointer(1, plan.struct());
  }

  private void identity(Fill.Identity fill, DType dtype, Shape logical, Launcher launcher) {
    long columns = logical.dim(1);
    argument(2, columns);
    argument(3, Math.min(logical.dim(0), columns));
    argument(4, Elements.bits(dtype, fill.gain()));
    long items = runs * ((runLength - 1) / (columns + 1) + 1);
    launcher.launch(FillKernel.of(FillKernel.IDENTITY_2, dtype.byteSize()), items, pointers);
  }

  private void dirac(Fill.Dirac fill, DType dtype, Shape logical, Launcher launcher) {
    DiracPlan dirac = DiracPlan.of(fill, logical);
    boolean torch = dirac.layout() == Layout.TORCH;
    argument(2, dirac.outputs());
    argument(3, dirac.inputs());
    argument(4, dirac.perGroup());
    argument(5, dirac.taps());
    argument(6, dirac.centre());
    argument(7, Elements.bits(dtype, 1));
    arguments.set(JAVA_INT, 8 * 8, torch ? 1 : 0);
    long row = torch ? dirac.inputs() * dirac.taps() : dirac.outputs();
    long rows = (runLength - 1) / row + 2;
    long items = runs * (torch ? rows : rows * fill.groups());
    launcher.launch(FillKernel.of(FillKernel.DIRAC_2, dtype.byteSize()), items, pointers);
  }

  private void sparse(Fill.Sparse fill, DType dtype, Shape logical, Launcher launcher) {
    long rows = logical.dim(0);
    argument(2, rows);
    argument(3, logical.dim(1));
    argument(4, fill.zeros(rows));
    launcher.launch(
        FillKernel.of(FillKernel.SPARSE_ZEROS_2, dtype.byteSize()), runs * runLength, pointers);
  }

  private void argument(int index, long value) {
    arguments.set(JAVA_LONG, 8L * index, value);
  }

  private void pointer(int index, MemorySegment to) {
    pointers.setAtIndex(ADDRESS, index, to);
  }
}
