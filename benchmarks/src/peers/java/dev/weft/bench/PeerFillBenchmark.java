package dev.weft.bench;

import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.init.Fill;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.apache.commons.rng.simple.RandomSource;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/**
 * One fill of f32 weights, of memory that is there or of a new tensor, by each library's own way:
 * {@link WeftFill}, {@link TorchFill}, {@link Nd4jFill}, {@link TensorFlowFill}, {@link LoopFill}.
 *
 * <p>All do the same job: as many elements of the same distribution, written as f32 to memory of
 * the library's own kind (native; the loops in Java: a {@code float[]}). A new tensor is given back
 * after the call, so whether its memory is new to the process is up to the library's allocator; a
 * new array is zeroed by the JVM. The share of the roof is that of plain stores to memory which is
 * there. Before it is timed, and after, each result is compared with its distribution ({@link
 * DistributionCheck}), weft's also with the bits of the scalar backend.
 */
public class PeerFillBenchmark extends PeerBenchmark {
  private static final long ROOF_NANOS = 10_000_000;
  private static final int ROOFS = 5;

  /** Name of the initializer; that of a normal is truncated in {@code he_normal}. */
  @Param({"uniform", "normal", "truncated_normal", "glorot_uniform", "he_normal", "orthogonal"})
  public String distribution;

  /** Bytes of the tensor; of an orthogonal one, n² of 4. */
  @Param("64MiB")
  public String size;

  /** {@code reused}, memory that is there, or {@code fresh}, a new tensor in each call. */
  @Param({"reused", "fresh"})
  public String memory;

  /** Whose fill; {@code commons-rng} is Philox4x32, {@code commons-rng-xoshiro} XoShiRo128++. */
  @Param({
    "weft",
    "pytorch",
    "nd4j",
    "tensorflow",
    "commons-rng",
    "commons-rng-xoshiro",
    "l64x128mix"
  })
  public String library;

  private Shape shape;
  private Arena arena;
  private MemorySegment stored;
  private double roof;

  @Override
  void library(String name) {
    library = name;
  }

  @Override
  double work() {
    return DType.F32.byteSize(shape.elements());
  }

  @Override
  Contestant contestant() {
    boolean reused =
        switch (memory) {
          case "reused" -> true;
          case "fresh" -> false;
          default ->
              throw new IllegalArgumentException(
                  "peer: need reused or fresh, got memory=" + memory);
        };
    shape = shape();
    Fill fill = Distributions.named(distribution).plan(shape);
    boolean orthogonal = fill instanceof Fill.Orthogonal;
    if (library.equals("tensorflow") && reused) {
      throw refused(library, "memory=reused", "every operation of TensorFlow makes a new tensor");
    }
    if (library.equals("nd4j")) {
      refuseOfNd4j(fill);
    }
    return switch (library) {
      case "weft" -> contestant(new WeftFill(fill, shape, threads), fill, reused);
      case "pytorch" -> contestant(new TorchFill(fill, shape, threads), fill, reused);
      case "nd4j" -> contestant(new Nd4jFill(fill, shape, threads), fill, reused);
      case "tensorflow" -> contestant(new TensorFlowFill(fill, shape, threads), fill, false);
      case "commons-rng", "commons-rng-xoshiro", "l64x128mix" -> {
        if (orthogonal) {
          throw refused(
              library, "distribution=orthogonal", "the library draws numbers and has no matrices");
        }
        yield contestant(loop(fill), fill, reused);
      }
      default -> throw unknown(library);
    };
  }

  private void refuseOfNd4j(Fill fill) {
    if (fill instanceof Fill.TruncatedNormal) {
      throw refused(
          library,
          "distribution=" + distribution,
          "its TruncatedNormalDistribution draws another distribution: variance 0.757 where that of"
              + " N(0, 1) cut at ±2 is 0.774, and more elements above 0 than below");
    }
    if (fill instanceof Fill.Orthogonal) {
      throw refused(
          library,
          "distribution=orthogonal",
          "its OrthogonalDistribution ends the process in its native SVD, and its qr takes 24 s for"
              + " n=512");
    }
  }

  private LoopFill loop(Fill fill) {
    return switch (library) {
      case "commons-rng" -> LoopFill.ofCommons(RandomSource.PHILOX_4X32, fill, shape, threads);
      case "commons-rng-xoshiro" ->
          LoopFill.ofCommons(RandomSource.XO_SHI_RO_128_PP, fill, shape, threads);
      default -> LoopFill.ofJdk(fill, shape, threads);
    };
  }

  private Shape shape() {
    long bytes = Sizes.parse(size);
    if (!distribution.equals("orthogonal")) {
      return Sizes.matrix(DType.F32, bytes);
    }
    long n = (long) Math.sqrt(bytes / 4.0);
    if (4 * n * n != bytes) {
      throw new IllegalArgumentException("size: need 4·n² bytes, got size=" + size);
    }
    return Shape.of(n, n);
  }

  private static <T> Contestant contestant(PeerFill<T> fill, Fill asked, boolean reused) {
    return reused ? new Reused<>(fill, asked) : new Fresh<>(fill, asked);
  }

  private static void check(PeerFill<?> fill, float[] x, Fill asked) {
    if (asked instanceof Fill.Orthogonal) {
      DistributionCheck.checkOrthogonal(x, (int) Math.sqrt(x.length));
      return;
    }
    DistributionCheck.check(x, asked);
    try {
      DistributionCheck.independence(x, asked);
    } catch (IllegalStateException e) {
      fill.dependent(e);
    }
  }

  /** That a library was asked for a fill that is not among those here. */
  static IllegalArgumentException unknown(Fill fill) {
    return new IllegalArgumentException("peer: need a fill of those listed, got " + fill);
  }

  private static final class Reused<T> implements Contestant {
    private final PeerFill<T> fill;
    private final Fill asked;
    private final T x;

    Reused(PeerFill<T> fill, Fill asked) {
      this.fill = fill;
      this.asked = asked;
      this.x = fill.tensor();
    }

    @Override
    public void run() {
      fill.fill(x);
    }

    @Override
    public void check() {
      fill.poison(x);
      run();
      PeerFillBenchmark.check(fill, fill.read(x), asked);
    }

    @Override
    public void close() {
      fill.release(x);
      fill.close();
    }

    @Override
    public String toString() {
      return fill + ", memory that is there";
    }
  }

  private static final class Fresh<T> implements Contestant {
    private final PeerFill<T> fill;
    private final Fill asked;

    Fresh(PeerFill<T> fill, Fill asked) {
      this.fill = fill;
      this.asked = asked;
    }

    @Override
    public void run() {
      fill.release(fill.filled());
    }

    /** The next tensor is likely to get the memory of the poisoned one. */
    @Override
    public void check() {
      T before = fill.filled();
      fill.poison(before);
      fill.release(before);
      T x = fill.filled();
      PeerFillBenchmark.check(fill, fill.read(x), asked);
      fill.release(x);
    }

    @Override
    public void close() {
      fill.close();
    }

    @Override
    public String toString() {
      return fill + ", a new tensor in each call";
    }
  }

  /** Memory of the same size for the roof. */
  @Setup(Level.Trial)
  public void openRoof() {
    arena = Arena.ofShared();
    stored = arena.allocate(Sizes.parse(size), 4096);
  }

  /** Measures the store roof with as many threads: the best of a few. */
  @Setup(Level.Iteration)
  public void measureRoof() {
    roof = 0;
    for (int r = 0; r < ROOFS; r++) {
      roof = Math.max(roof, StoreRoof.bytesPerSecond(stored, threads, ROOF_NANOS));
    }
  }

  /** Gives the memory of the roof back. */
  @TearDown(Level.Trial)
  public void closeRoof() {
    arena.close();
  }

  /** One call. */
  @Benchmark
  public void fill(MemoryRates rates) {
    run();
    rates.count(1, shape.elements(), work(), roof);
  }
}
