package dev.weft.cpu.vector;

import dev.weft.DType;
import dev.weft.cpu.FillKernels;
import dev.weft.spi.fill.StreamFill;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;

/**
 * Fills by the scalar kernels for as long as those are faster, then by the vector kernels; both
 * write the same bits.
 *
 * <p>Until the JVM's optimizing compiler has a vector loop, it is about a thousand times slower
 * than it will be, and compiling costs some tenths of a second. So nothing is compiled for a few
 * small tensors; and when it is, one thread provokes it while the others go on.
 */
final class GradualFillKernels implements FillKernels {
  /** Scalar elements after which vectors may pay: some 50 ms of work. */
  static final long ENOUGH = 2 << 20;

  /** Scalar elements between two trials, at least. */
  private static final int CHUNK = 32 << 10;

  /** Elements of a trial, at most and at least. */
  private static final int TRIAL = 8 << 10;

  private static final int LEAST_TRIAL = 128;

  /**
   * How much longer than the scalar kernels a trial may take: the processor needs some 30 µs to get
   * used to wide vectors. A loop that is not compiled takes thirty times as long.
   */
  private static final double FACTOR = 2;

  private static final long ALLOWANCE_NANOS = 60_000;

  private final FillKernels vector;
  private final FillKernels scalar;
  private final LongSupplier clock;
  private final ConcurrentMap<Class<?>, Progress[]> progress = new ConcurrentHashMap<>();

  GradualFillKernels(FillKernels vector, FillKernels scalar) {
    this(vector, scalar, System::nanoTime);
  }

  /** With a clock, in nanoseconds, that says how long a kernel takes. */
  GradualFillKernels(FillKernels vector, FillKernels scalar, LongSupplier clock) {
    this.vector = vector;
    this.scalar = scalar;
    this.clock = clock;
  }

  @Override
  public int vectorBits() {
    return vector.vectorBits();
  }

  @Override
  public void stream(StreamFill fill, MemorySegment out, long byteOffset, long first, long count) {
    Progress state = progress(fill, out);
    int bytes = fill.dtype().byteSize();
    long done = 0;
    while (done < count && !state.fast) {
      if (state.elements >= state.nextTrial && count - done >= LEAST_TRIAL && state.claim()) {
        try {
          long some = Math.min(TRIAL, count - done);
          state.trial(time(vector, fill, out, byteOffset + done * bytes, first + done, some), some);
          done += some;
        } finally {
          state.release();
        }
      } else {
        long some = Math.min(CHUNK, count - done);
        state.scalar(time(scalar, fill, out, byteOffset + done * bytes, first + done, some), some);
        done += some;
      }
    }
    if (done < count) {
      vector.stream(fill, out, byteOffset + done * bytes, first + done, count - done);
    }
  }

  private long time(
      FillKernels kernels,
      StreamFill fill,
      MemorySegment out,
      long byteOffset,
      long first,
      long count) {
    long start = clock.getAsLong();
    kernels.stream(fill, out, byteOffset, first, count);
    return clock.getAsLong() - start;
  }

  @Override
  public void constant(
      long bits, int elementBytes, MemorySegment out, long byteOffset, long count) {
    vector.constant(bits, elementBytes, out, byteOffset, count);
  }

  private Progress progress(StreamFill fill, MemorySegment out) {
    Class<?> memory = Target.key(out);
    Progress[] states = progress.get(memory);
    if (states == null) {
      states = progress.computeIfAbsent(memory, key -> Progress.forEveryLoop());
    }
    return states[Progress.index(fill)];
  }

  /** How far the JVM is with one loop. What threads race for costs speed alone. */
  private static final class Progress {
    private static final int KINDS = StreamFill.Kind.values().length;
    private static final int TYPES = DType.values().length;
    private static final int BOUNDS = StreamLoop.Bounds.values().length;

    private final AtomicBoolean claimed = new AtomicBoolean();
    private volatile boolean fast;
    private long elements;
    private long nextTrial = ENOUGH;
    private double scalarNanos; // of an element; 0 until measured

    static Progress[] forEveryLoop() {
      Progress[] states = new Progress[KINDS * TYPES * BOUNDS];
      for (int i = 0; i < states.length; i++) {
        states[i] = new Progress();
      }
      return states;
    }

    static int index(StreamFill fill) {
      int bounds = StreamLoop.has(fill) ? StreamLoop.Bounds.of(fill).ordinal() : 0;
      return (fill.kind().ordinal() * TYPES + fill.dtype().ordinal()) * BOUNDS + bounds;
    }

    boolean claim() {
      return claimed.compareAndSet(false, true);
    }

    void release() {
      claimed.set(false);
    }

    void scalar(long nanos, long count) {
      elements += count;
      if (count >= LEAST_TRIAL) {
        double measured = (double) nanos / count;
        scalarNanos = scalarNanos == 0 ? measured : Math.min(scalarNanos, measured);
      }
    }

    /** After a slow trial the scalar kernels work for as long as it took. */
    void trial(long nanos, long count) {
      if (scalarNanos > 0) {
        fast = nanos < FACTOR * count * scalarNanos + ALLOWANCE_NANOS;
        nextTrial = elements + Math.max(CHUNK, (long) (nanos / scalarNanos));
      }
    }
  }
}
