package dev.weft.cpu;

import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.cpu.parallel.Workers;
import dev.weft.init.Fill;
import dev.weft.spi.fill.Elements;
import dev.weft.spi.fill.SparseColumns;
import dev.weft.spi.fill.StreamFill;
import java.lang.foreign.MemorySegment;

/**
 * One fill as chunks of the region's output. Chunk c owns output elements c·C … (c + 1)·C − 1,
 * whichever thread does it; it walks the runs of the region that lie in it. Reused from fill to
 * fill, so that a fill allocates nothing.
 */
final class FillTask implements Workers.Body {
  /** A chunk is at most this many bytes: one huge page, so that one thread takes its page fault. */
  private static final long CHUNK_BYTES = 2L << 20;

  /** A chunk is at least this many elements: below, waking a thread costs more than it saves. */
  private static final long MIN_CHUNK = 16 << 10;

  /** Words of a tile. */
  private static final int TILE = 1024;

  /**
   * A thread's tile of words; null while a custom function has it, which may itself fill. What a
   * thread keeps is of the JDK's types alone, lest it keep weft's classes.
   */
  private static final ThreadLocal<Object[]> WORD_TILE = ThreadLocal.withInitial(FillTask::tile);

  private final FillKernels kernels;
  private Fill fill;
  private StreamFill stream;
  private DType dtype;
  private Region region;
  private MemorySegment out;
  private long chunk;

  FillTask(FillKernels kernels) {
    this.kernels = kernels;
  }

  /**
   * Prepares this task.
   *
   * @param stream the plan of the random part; null if there is none
   * @return the number of chunks
   */
  long prepare(
      Fill fill, StreamFill stream, DType dtype, Region region, MemorySegment out, int threads) {
    this.fill = fill;
    this.stream = stream;
    this.dtype = dtype;
    this.region = region;
    this.out = out;
    long elements = region.shape().elements();
    long fair = (elements / (4L * threads) + MIN_CHUNK - 1) / MIN_CHUNK * MIN_CHUNK;
    chunk = Math.max(MIN_CHUNK, Math.min(fair, CHUNK_BYTES / dtype.byteSize()));
    return (elements + chunk - 1) / chunk;
  }

  /** Forgets the caller's objects. */
  void clear() {
    fill = null;
    stream = null;
    region = null;
    out = null;
  }

  @Override
  public void run(long index) {
    long runLength = region.runLength();
    long at = index * chunk;
    long end = Math.min(region.shape().elements(), at + chunk);
    while (at < end) {
      long within = at % runLength;
      long count = Math.min(runLength - within, end - at);
      piece(at * dtype.byteSize(), region.runStart(at / runLength) + within, count);
      at += count;
    }
  }

  /** Writes logical elements {@code first .. first + count - 1} from {@code byteOffset} on. */
  private void piece(long byteOffset, long first, long count) {
    Shape logical = region.logical();
    switch (fill) {
      case Fill.Bits f -> kernels.stream(stream, out, byteOffset, first, count);
      case Fill.Uniform f -> kernels.stream(stream, out, byteOffset, first, count);
      case Fill.Normal f -> kernels.stream(stream, out, byteOffset, first, count);
      case Fill.TruncatedNormal f -> kernels.stream(stream, out, byteOffset, first, count);
      case Fill.Constant f -> constant(f.value(), byteOffset, count);
      case Fill.Identity f -> {
        constant(0, byteOffset, count);
        StructuredFill.identity(f, logical, dtype, out, byteOffset, first, count);
      }
      case Fill.Dirac f -> {
        constant(0, byteOffset, count);
        StructuredFill.dirac(f, logical, dtype, out, byteOffset, first, count);
      }
      case Fill.Sparse f -> {
        kernels.stream(stream, out, byteOffset, first, count);
        clearZeros(f, byteOffset, first, count);
      }
      case Fill.Custom f -> custom(f, byteOffset, first, count);
      case Fill.Orthogonal f -> throw new AssertionError("a matrix is not filled by pieces");
      case Fill.DeltaOrthogonal f -> throw new AssertionError("a matrix is not filled by pieces");
    }
  }

  private void constant(double value, long byteOffset, long count) {
    kernels.constant(Elements.bits(dtype, value), dtype.byteSize(), out, byteOffset, count);
  }

  private void clearZeros(Fill.Sparse sparse, long byteOffset, long first, long count) {
    long rows = region.logical().dim(0);
    long columns = region.logical().dim(1);
    long zeros = sparse.zeros(rows);
    int bytes = dtype.byteSize();
    for (long i = 0; i < count; i++) {
      long element = first + i;
      if (SparseColumns.isZero(stream.seed(), element / columns, element % columns, rows, zeros)) {
        Elements.put(out, byteOffset + i * bytes, bytes, 0);
      }
    }
  }

  private void custom(Fill.Custom custom, long byteOffset, long first, long count) {
    Object[] tile = WORD_TILE.get();
    if (tile == null) {
      tile = tile();
    }
    int[] words = (int[]) tile[0];
    MemorySegment segment = (MemorySegment) tile[1];
    WORD_TILE.set(null);
    try {
      int bytes = dtype.byteSize();
      for (long done = 0; done < count; done += TILE) {
        int n = (int) Math.min(TILE, count - done);
        kernels.stream(stream, segment, 0, first + done, n);
        for (int i = 0; i < n; i++) {
          double value = custom.function().apply(first + done + i, words[i]);
          Elements.put(out, byteOffset + (done + i) * bytes, bytes, Elements.bits(dtype, value));
        }
      }
    } finally {
      WORD_TILE.set(tile);
    }
  }

  private static Object[] tile() {
    int[] words = new int[TILE];
    return new Object[] {words, MemorySegment.ofArray(words)};
  }
}
