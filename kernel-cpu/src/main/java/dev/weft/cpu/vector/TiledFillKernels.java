package dev.weft.cpu.vector;

import dev.weft.DType;
import dev.weft.cpu.FillKernels;
import dev.weft.cpu.StreamFill;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Fills through tiles: the words of up to {@link TileKernels#BLOCKS} blocks, their transform, the
 * rounding to 16 bits, and a copy to the target. The vector loops see nothing but arrays, so every
 * element type, alignment, slice and kind of memory runs at the same speed, and no profile of one
 * kind of memory slows another.
 */
final class TiledFillKernels implements FillKernels {
  private final int vectorBits;
  private final TileKernels.Philox philox;
  private final TileKernels.Transform transform;
  private final ThreadLocal<Tile> tiles = ThreadLocal.withInitial(Tile::new);

  TiledFillKernels(int vectorBits, TileKernels.Philox philox, TileKernels.Transform transform) {
    this.vectorBits = vectorBits;
    this.philox = philox;
    this.transform = transform;
  }

  @Override
  public int vectorBits() {
    return vectorBits;
  }

  @Override
  public void stream(StreamFill fill, MemorySegment out, long byteOffset, long first, long count) {
    Tile tile = tiles.get();
    int wordsPerElement = fill.dtype() == DType.F64 ? 2 : 1;
    boolean split = fill.kind() == StreamFill.Kind.NORMAL && wordsPerElement == 1;
    TileKernels.Order order = split ? TileKernels.Order.SPLIT : TileKernels.Order.STREAM;
    long rowBlocks = fill.subsequenceBits() == 0 ? 1L << 32 : 1L << 16;
    int perBlock = 4 / wordsPerElement;
    long element = first;
    long end = first + count;
    long at = byteOffset;
    while (element < end) {
      long q = element / perBlock;
      int skip = (int) (element - q * perBlock); // elements of the first block that come before
      long wanted = (end - q * perBlock + perBlock - 1) / perBlock;
      int blocks =
          (int) Math.min(Math.min(wanted, TileKernels.BLOCKS), rowBlocks - (q & rowBlocks - 1));
      philox.words(fill.seed(), fill.subsequenceBits(), q, blocks, order, tile.words);
      int n = (int) Math.min((long) blocks * perBlock - skip, end - element);
      write(fill, tile, blocks * perBlock, skip, n, out, at);
      element += n;
      at += (long) n * fill.dtype().byteSize();
    }
  }

  /** Transforms {@code made} elements of a tile and copies those from {@code skip} on. */
  private void write(
      StreamFill fill, Tile tile, int made, int skip, int n, MemorySegment out, long at) {
    if (fill.dtype() == DType.F64) {
      write64(fill, tile, made, skip, n, out, at);
      return;
    }
    if (fill.kind() == StreamFill.Kind.BITS) {
      writeBits(fill, tile, skip, n, out, at);
      return;
    }
    float scale = (float) fill.scale();
    float shift = (float) fill.shift();
    float least = (float) fill.least();
    float most = (float) fill.most();
    switch (fill.kind()) {
      case UNIFORM -> transform.uniform(tile.words, tile.floats, made, scale, shift, least, most);
      case NORMAL -> transform.normal(tile.words, tile.floats, made, scale, shift);
      default ->
          transform.truncatedNormal(
              tile.words, tile.floats, made, fill.truncated32(), scale, shift, least, most);
    }
    switch (fill.dtype()) {
      case F32 ->
          MemorySegment.copy(tile.floats, skip, out, ValueLayout.JAVA_FLOAT_UNALIGNED, at, n);
      case BF16 -> {
        transform.toBfloat16(tile.floats, tile.shorts, made);
        MemorySegment.copy(tile.shorts, skip, out, ValueLayout.JAVA_SHORT_UNALIGNED, at, n);
      }
      default -> {
        transform.toFloat16(tile.floats, tile.shorts, made);
        MemorySegment.copy(tile.shorts, skip, out, ValueLayout.JAVA_SHORT_UNALIGNED, at, n);
      }
    }
  }

  private static void writeBits(
      StreamFill fill, Tile tile, int skip, int n, MemorySegment out, long at) {
    int from = TileKernels.BASE + skip;
    if (fill.dtype() == DType.F32) {
      MemorySegment.copy(tile.words, from, out, ValueLayout.JAVA_INT_UNALIGNED, at, n);
      return;
    }
    for (int i = 0; i < n; i++) {
      tile.shorts[i] = (short) (tile.words[from + i] >>> 16);
    }
    MemorySegment.copy(tile.shorts, 0, out, ValueLayout.JAVA_SHORT_UNALIGNED, at, n);
  }

  private void write64(
      StreamFill fill, Tile tile, int made, int skip, int n, MemorySegment out, long at) {
    double scale = fill.scale();
    double shift = fill.shift();
    switch (fill.kind()) {
      case BITS -> {
        MemorySegment.copy(
            tile.words,
            TileKernels.BASE + 2 * skip,
            out,
            ValueLayout.JAVA_INT_UNALIGNED,
            at,
            2 * n);
        return;
      }
      case UNIFORM ->
          transform.uniform(
              tile.words, tile.doubles, made, scale, shift, fill.least(), fill.most());
      case NORMAL -> transform.normal(tile.words, tile.doubles, made, scale, shift);
      default ->
          transform.truncatedNormal(
              tile.words,
              tile.doubles,
              made,
              fill.truncated64(),
              scale,
              shift,
              fill.least(),
              fill.most());
    }
    MemorySegment.copy(tile.doubles, skip, out, ValueLayout.JAVA_DOUBLE_UNALIGNED, at, n);
  }

  /** Copies of a filled tile: stores at the speed of the memory, whatever the alignment. */
  @Override
  public void constant(
      long bits, int elementBytes, MemorySegment out, long byteOffset, long count) {
    long mask = elementBytes == 8 ? -1 : (1L << 8 * elementBytes) - 1;
    long pattern =
        elementBytes == 8
            ? bits
            : elementBytes == 4 ? (bits & mask) * 0x100000001L : (bits & mask) * 0x1000100010001L;
    double[] tile = tiles.get().doubles;
    long tileElements = 8L * tile.length / elementBytes;
    java.util.Arrays.fill(
        tile,
        0,
        (int) Math.min(tile.length, (count * elementBytes + 7) / 8),
        Double.longBitsToDouble(pattern));
    MemorySegment source = tiles.get().doubleSegment;
    for (long done = 0; done < count; done += tileElements) {
      long n = Math.min(tileElements, count - done);
      MemorySegment.copy(source, 0, out, byteOffset + done * elementBytes, n * elementBytes);
    }
  }

  /** Scratch of one thread. */
  private static final class Tile {
    final int[] words = new int[TileKernels.LENGTH];
    final float[] floats = new float[TileKernels.LENGTH];
    final double[] doubles = new double[TileKernels.LENGTH / 2];
    final short[] shorts = new short[TileKernels.LENGTH];
    final MemorySegment doubleSegment = MemorySegment.ofArray(doubles);
  }
}
