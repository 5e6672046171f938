package dev.weft.cli;

import com.sun.management.ThreadMXBean;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.compare.Technique;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.LongSupplier;

/**
 * Times fills, and plain stores as the roof above them. Each figure is the median of samples that
 * follow a warm-up on the same memory.
 */
final class Throughput {
  private static final int ROOF_ARRAY = 4096;
  private static final double IMPROVEMENT = 1.1;
  private static final int CALM_WINDOWS = 4;
  private static final int MOST_WARM_UP = 10;

  /** More bytes than a compiled pass allocates. */
  private static final long BOXED_BYTES = 1 << 16;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final long bytes;
  private final long warmNanos;
  private final long sampleNanos;
  private final int samples;
  private final long budgetNanos;
  private final LongSupplier clock;

  /**
   * @param bytes size of the memory that is filled
   * @param warmNanos how long each pass is repeated before it is timed, at least: until it gets no
   *     faster, but at most ten times as long
   * @param sampleNanos how long a sample lasts, at least
   * @param samples how many samples give the median
   * @param budgetNanos after so long of samples no further one is begun
   */
  Throughput(long bytes, long warmNanos, long sampleNanos, int samples, long budgetNanos) {
    this(bytes, warmNanos, sampleNanos, samples, budgetNanos, System::nanoTime);
  }

  /** With a clock in nanoseconds. */
  Throughput(
      long bytes,
      long warmNanos,
      long sampleNanos,
      int samples,
      long budgetNanos,
      LongSupplier clock) {
    this.bytes = bytes;
    this.warmNanos = warmNanos;
    this.sampleNanos = sampleNanos;
    this.samples = samples;
    this.budgetNanos = budgetNanos;
    this.clock = clock;
  }

  /** What is timed, by its name in the table. */
  static Map<String, Load> loads() {
    Map<String, Load> loads = new LinkedHashMap<>();
    Fill uniform = Fill.uniform(-0.05, 0.05);
    loads.put("constant f32", new Load(Fill.constant(1), DType.F32));
    loads.put("bits", new Load(Fill.bits(), DType.F32));
    loads.put("uniform f32", new Load(uniform, DType.F32));
    loads.put("normal f32", new Load(Fill.normal(0, 0.05), DType.F32));
    loads.put("truncated f32", new Load(Fill.truncatedNormalSigma(0, 0.05, -2, 2), DType.F32));
    loads.put("uniform f64", new Load(uniform, DType.F64));
    loads.put("uniform bf16", new Load(uniform, DType.BF16));
    loads.put("uniform f16", new Load(uniform, DType.F16));
    return loads;
  }

  /** A fill of a type. */
  record Load(Fill fill, DType dtype) {}

  /** Elements per second of {@code technique}. */
  double elementsPerSecond(Technique technique, Load load, MemorySegment memory) {
    long elements = bytes / load.dtype().byteSize();
    Region region = Region.of(Shape.of(elements));
    RandomKey key = RandomKey.of(42);
    Runnable pass = () -> technique.filler().fill(load.fill(), key, load.dtype(), region, memory);
    return elements / seconds(pass);
  }

  /** Bytes per second that {@code threads} threads store, each into its part of {@code memory}. */
  double roof(int threads, MemorySegment memory) {
    long part = bytes / threads / 64 * 64;
    double[] rates = new double[threads];
    CountDownLatch start = new CountDownLatch(threads);
    Thread[] team = new Thread[threads];
    for (int i = 0; i < threads; i++) {
      int index = i;
      MemorySegment own = memory.asSlice(index * part, part);
      team[i] =
          Thread.ofPlatform()
              .unstarted(
                  () -> {
                    start.countDown();
                    try {
                      start.await();
                    } catch (InterruptedException e) {
                      throw new IllegalStateException(e);
                    }
                    rates[index] = part / Math.min(plain(own), copied(own));
                  });
      team[i].start();
    }
    for (Thread thread : team) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
    return Arrays.stream(rates).sum();
  }

  /** Memory of {@link #bytes}, touched. */
  MemorySegment memory(Arena arena) {
    return arena.allocate(bytes, 4096);
  }

  /**
   * Repeats a pass until it has not got faster for a while and allocates next to nothing: until all
   * that is hot has been compiled. Vectors in code that is not yet compiled are objects.
   */
  private void warmUp(Runnable pass) {
    long start = clock.getAsLong();
    long window = Math.max(warmNanos / 10, 1);
    long best = 0; // passes in a window
    int calm = 0;
    do {
      long begin = clock.getAsLong();
      long allocated = THREADS.getTotalThreadAllocatedBytes();
      long passes = 0;
      do {
        pass.run();
        passes++;
      } while (clock.getAsLong() - begin < window);
      allocated = THREADS.getTotalThreadAllocatedBytes() - allocated;
      calm++;
      if (passes > best * IMPROVEMENT || allocated > passes * BOXED_BYTES) {
        best = Math.max(best, passes);
        calm = 0;
      }
    } while (warmNanos > 0
        && (clock.getAsLong() - start < warmNanos || calm < CALM_WINDOWS)
        && clock.getAsLong() - start < MOST_WARM_UP * warmNanos);
  }

  private double plain(MemorySegment out) {
    return seconds(() -> out.fill((byte) 1));
  }

  /** Copies from a block that stays in the first-level cache. */
  private double copied(MemorySegment out) {
    MemorySegment block = MemorySegment.ofArray(new float[ROOF_ARRAY]);
    return seconds(
        () -> {
          for (long at = 0; at < out.byteSize(); at += block.byteSize()) {
            long count = Math.min(block.byteSize(), out.byteSize() - at);
            MemorySegment.copy(block, 0, out, at, count);
          }
        });
  }

  /** Seconds that a pass takes, the median after a warm-up. */
  double seconds(Runnable pass) {
    warmUp(pass);
    long start = clock.getAsLong();
    List<Double> seconds = new ArrayList<>();
    while (seconds.isEmpty()
        || seconds.size() < samples && clock.getAsLong() - start < budgetNanos) {
      long begin = clock.getAsLong();
      long passes = 0;
      long now;
      do {
        pass.run();
        passes++;
        now = clock.getAsLong();
      } while (now - begin < sampleNanos);
      seconds.add((now - begin) * 1e-9 / passes);
    }
    seconds.sort(null);
    return seconds.get(seconds.size() / 2);
  }
}
