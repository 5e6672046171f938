package dev.weft.cpu.vector;

import dev.weft.DType;
import dev.weft.cpu.FillKernels;
import dev.weft.cpu.scalar.ScalarFillKernels;
import dev.weft.spi.fill.Elements;
import dev.weft.spi.fill.StreamFill;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicReferenceArray;
import jdk.incubator.vector.VectorShape;

/**
 * The fill kernels in vectors of a chosen width; found by name, so that no other class needs the
 * module.
 *
 * <p>Whole groups of blocks go straight from registers to the target, whatever its memory and
 * alignment; what is left over at either end of a piece is done by the scalar kernels, which give
 * the same bits. F16 goes through a tile, since only the compiler's own vectors convert to it; so
 * do the words of F64 and of truncated normals with tails, whose arithmetic hides it.
 */
public final class VectorFillKernels implements FillKernels {
  private static final ConcurrentMap<Integer, FillKernels> LOADED = new ConcurrentHashMap<>();
  private static final ConcurrentMap<Integer, FillKernels> GRADUAL = new ConcurrentHashMap<>();

  /** Elements or words of a tile: 16 KiB. */
  private static final int TILE = 4096;

  /** Groups of a call: their bytes are an int. */
  private static final int MOST_GROUPS = 1 << 19;

  /** Longs of a call: their bytes are an int. */
  private static final int MOST_LONGS = 1 << 27;

  /**
   * A thread's tile: floats, halves, words, scratch, and segments of the floats and words. What a
   * thread keeps is of the JDK's types alone, lest it keep weft's classes.
   */
  private static final ThreadLocal<Object[]> TILES =
      ThreadLocal.withInitial(VectorFillKernels::tile);

  private static Object[] tile() {
    float[] floats = new float[TILE];
    long[] words = new long[TILE / 2];
    return new Object[] {
      floats,
      new short[TILE],
      words,
      new long[TILE / 2],
      MemorySegment.ofArray(floats),
      MemorySegment.ofArray(words)
    };
  }

  private final int bits;
  private final FillKernels scalar = new ScalarFillKernels();
  private final ConcurrentMap<Class<?>, Loops> loops = new ConcurrentHashMap<>();

  private VectorFillKernels(int bits) {
    this.bits = bits;
  }

  /** Width in bits of the JVM's widest vectors. */
  public static int preferredBits() {
    return VectorShape.preferredShape().vectorBitSize();
  }

  /**
   * The kernels for vectors of {@code bits} bits: 128, 256 or 512. They use vectors from the first
   * element on, however long the compiler takes to make them fast.
   */
  public static FillKernels of(int bits) {
    return LOADED.computeIfAbsent(bits, VectorFillKernels::new);
  }

  /** The same, with the scalar kernels for as long as those are faster. */
  public static FillKernels gradual(int bits) {
    return GRADUAL.computeIfAbsent(
        bits, width -> new GradualFillKernels(of(width), new ScalarFillKernels()));
  }

  @Override
  public int vectorBits() {
    return bits;
  }

  @Override
  public void stream(StreamFill fill, MemorySegment out, long byteOffset, long first, long count) {
    if (!loops(out).memory.hasVectors()) {
      scalar.stream(fill, out, byteOffset, first, count);
      return;
    }
    int perBlock = fill.dtype() == DType.F64 ? 2 : 4;
    int group = bits / Long.SIZE; // blocks of a group
    long rowBlocks = fill.subsequenceBits() == 0 ? 1L << 32 : 1L << 16;
    long end = first + count;
    for (long element = first; element < end; ) {
      long q = Math.ceilDiv(element, (long) perBlock);
      long row = q & -rowBlocks;
      long blocks = Math.max(0, Math.min(end / perBlock, row + rowBlocks) - q);
      if (blocks > 0 && blocks < group) { // once more what is before, if it belongs to this piece
        long back = q + blocks - group;
        if (back >= row && back * perBlock >= first) {
          q = back;
          blocks = group;
        }
      }
      int groups = (int) Math.min(blocks / group, MOST_GROUPS);
      long whole = groups > 0 ? q * perBlock : end;
      if (groups == 0 && row + rowBlocks <= end / perBlock) { // lest the product pass 2^63
        whole = (row + rowBlocks) * perBlock;
      }
      if (whole > element) {
        scalar.stream(fill, out, at(fill, byteOffset, element - first), element, whole - element);
      }
      element = whole;
      if (groups > 0) {
        groups(fill, q, groups, out, at(fill, byteOffset, element - first));
        element += (long) groups * group * perBlock;
      }
    }
  }

  private static long at(StreamFill fill, long byteOffset, long elements) {
    return byteOffset + elements * fill.dtype().byteSize();
  }

  private void groups(StreamFill fill, long q, int groups, MemorySegment out, long byteOffset) {
    if (fill.dtype() != DType.F16 || fill.kind() == StreamFill.Kind.BITS) {
      elements(fill, q, groups, out, byteOffset);
      return;
    }
    Object[] tile = TILES.get();
    float[] floats = (float[]) tile[0];
    short[] halves = (short[]) tile[1];
    MemorySegment floatSegment = (MemorySegment) tile[4];
    int group = bits / Long.SIZE;
    int most = TILE / (4 * group);
    for (int done = 0; done < groups; done += most) {
      int now = Math.min(most, groups - done);
      elements(fill, q + (long) done * group, now, floatSegment, 0);
      int count = now * 4 * group;
      toFloat16(floats, halves, count);
      long at = byteOffset + 8L * done * group;
      MemorySegment.copy(halves, 0, out, ValueLayout.JAVA_SHORT_UNALIGNED, at, count);
    }
  }

  /** Elements of any type; for F16, still those of F32. */
  private void elements(StreamFill fill, long q, int groups, MemorySegment out, long byteOffset) {
    int group = bits / Long.SIZE;
    if (StreamLoop.has(fill)) {
      loops(out).stream(fill).run(fill, q, groups, out, byteOffset, group);
      return;
    }
    Object[] tile = TILES.get();
    long[] tileWords = (long[]) tile[2];
    long[] scratch = (long[]) tile[3];
    MemorySegment wordSegment = (MemorySegment) tile[5];
    Stream words = loops(wordSegment).words();
    int most = TILE / (4 * group);
    int elements = fill.dtype() == DType.F64 ? 2 : 4; // of a block
    int bytes = fill.dtype() == DType.BF16 ? 8 : 16;
    for (int done = 0; done < groups; done += most) {
      int now = Math.min(most, groups - done);
      long blocks = (long) done * group;
      words.run(fill, q + blocks, now, wordSegment, 0, group);
      int count = now * group * elements;
      loops(out).words(fill, tileWords, scratch, count, out, byteOffset + blocks * bytes);
    }
  }

  /** The compiler turns this loop into vectors where the processor converts halves. */
  private static void toFloat16(float[] values, short[] out, int count) {
    for (int i = 0; i < count; i++) {
      out[i] = Float.floatToFloat16(values[i]);
    }
  }

  @Override
  public void constant(
      long value, int elementBytes, MemorySegment out, long byteOffset, long count) {
    long pattern =
        switch (elementBytes) {
          case 2 -> (value & 0xFFFF) * 0x1000100010001L;
          case 4 -> (value & 0xFFFFFFFFL) * 0x100000001L;
          default -> value;
        };
    long bytes = count * elementBytes;
    long done = 0;
    while (bytes - done >= Long.BYTES) {
      int longs = (int) Math.min((bytes - done) / Long.BYTES, MOST_LONGS);
      loops(out).constant().run(pattern, out, byteOffset + done, longs);
      done += (long) longs * Long.BYTES;
    }
    for (; done < bytes; done += elementBytes) {
      Elements.put(out, byteOffset + done, elementBytes, value);
    }
  }

  /** The loops for one kind of memory: the same code, compiled for this kind alone. */
  private Loops loops(MemorySegment out) {
    Class<? extends MemorySegment> key = Target.key(out);
    Loops found = loops.get(key);
    return found != null ? found : loops.computeIfAbsent(key, k -> new Loops(bits, Target.of(out)));
  }

  /** The loops for one kind of memory, loaded when they are needed. */
  private static final class Loops {
    private static final int KINDS = StreamFill.Kind.values().length;
    private static final int BOUNDS = StreamLoop.Bounds.values().length;

    private final int bits;
    private final Target memory;
    private final AtomicReferenceArray<Stream> streams =
        new AtomicReferenceArray<>(2 * KINDS * BOUNDS);
    private volatile WordLoops wordLoops;
    private volatile ConstantLoop constant;

    Loops(int bits, Target memory) {
      this.bits = bits;
      this.memory = memory;
    }

    /** The loop for a fill that has one. */
    Stream stream(StreamFill fill) {
      boolean bitsOf16 = fill.kind() == StreamFill.Kind.BITS && fill.dtype() == DType.F16;
      return stream(
          fill.kind(), fill.dtype() == DType.BF16 || bitsOf16, StreamLoop.Bounds.of(fill));
    }

    /** The loop for 32-bit words. */
    Stream words() {
      return stream(StreamFill.Kind.BITS, false, StreamLoop.Bounds.FREE);
    }

    private Stream stream(StreamFill.Kind kind, boolean halves, StreamLoop.Bounds bounds) {
      int at = (kind.ordinal() * BOUNDS + bounds.ordinal()) * 2 + (halves ? 1 : 0);
      Stream found = streams.get(at);
      return found != null
          ? found
          : load(at, new StreamLoop.Variant(bits, kind, halves, bounds, memory));
    }

    private synchronized Stream load(int at, StreamLoop.Variant variant) {
      if (streams.get(at) == null) {
        StreamLoop loop = VectorWidth.load(StreamLoop.class, StreamVector.class, variant);
        streams.set(at, new Stream(loop, variant.halves()));
      }
      return streams.get(at);
    }

    void words(
        StreamFill fill,
        long[] words,
        long[] scratch,
        int count,
        MemorySegment out,
        long byteOffset) {
      WordLoops found = wordLoops;
      if (found == null) {
        WordLoops.Variant variant = new WordLoops.Variant(bits, memory);
        found = VectorWidth.load(WordLoops.class, WordVector.class, variant);
        wordLoops = found;
      }
      found.run(fill, words, scratch, count, out, byteOffset);
    }

    ConstantLoop constant() {
      ConstantLoop found = constant;
      if (found == null) {
        found = VectorWidth.load(ConstantLoop.class, ConstantStores.class, memory);
        constant = found;
      }
      return found;
    }
  }

  /**
   * A loop and what makes HotSpot compile it soon. Its first compiler takes a method after 200
   * calls and the optimizing one after 5000 calls of what the first one made, and looks every 1024;
   * a call with work in it takes a millisecond until then. So most calls are idle. The others are
   * as many as it takes for the profile to show that it is the loop that matters, and do few groups
   * each, so that none is long when faster code comes.
   */
  private static final class Stream {
    private static final int FIRST_CALLS = 3; // after which all classes are loaded
    private static final int FIRST_IDLE_CALLS = 300;
    private static final int SMALL_CALLS = 20; // in the interpreter, for the most part
    private static final int IDLE_CALLS = 6200;
    private static final int WORKING_CALLS = 200; // before idle ones
    private static final int WARMING_CALLS = 10 * WORKING_CALLS;
    private static final int WARMING_GROUPS = 24;

    private final StreamLoop loop;
    private final int blockBytes;
    private int calls; // a lost update among threads costs speed alone

    Stream(StreamLoop loop, boolean halves) {
      this.loop = loop;
      this.blockBytes = halves ? 8 : 16;
    }

    void run(
        StreamFill fill, long q, int groups, MemorySegment out, long byteOffset, int groupBlocks) {
      for (int done = 0; done < groups; ) {
        int now = groups - done;
        if (calls < WARMING_CALLS) {
          now = Math.min(now, calls < SMALL_CALLS ? 1 : WARMING_GROUPS);
          calls++;
          if (calls == FIRST_CALLS) {
            loop.idle(fill, out, FIRST_IDLE_CALLS);
          } else if (calls % WORKING_CALLS == 0) {
            loop.idle(fill, out, IDLE_CALLS);
          }
        }
        long blocks = (long) done * groupBlocks;
        loop.run(fill, q + blocks, now, out, byteOffset + blocks * blockBytes);
        done += now;
      }
    }
  }
}
