package dev.weft.bench;

import dev.weft.Shape;
import dev.weft.init.Fill;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.DoubleSupplier;
import java.util.random.RandomGenerator;
import java.util.random.RandomGenerator.SplittableGenerator;
import java.util.random.RandomGeneratorFactory;
import org.apache.commons.rng.JumpableUniformRandomProvider;
import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.distribution.ZigguratSampler;
import org.apache.commons.rng.simple.RandomSource;

/**
 * A {@code float[]}, filled by a loop over a generator of scalars, each thread its own share by a
 * generator of its own that lasts from call to call. A truncated normal is a normal drawn again
 * until it is within the bounds, for none of the libraries has one.
 */
final class LoopFill extends PeerFill<float[]> {
  private static final long SEED = 42;

  /** Fills a part of an array. */
  @FunctionalInterface
  private interface Loop {
    void over(float[] x, int from, int to);
  }

  private final String description;
  private final int elements;
  private final List<Loop> loops;
  private final ExecutorService others;

  private LoopFill(String description, Shape shape, List<Loop> loops) {
    this.description = description + ", " + loops.size() + " threads";
    this.elements = Math.toIntExact(shape.elements());
    this.loops = loops;
    this.others =
        Executors.newFixedThreadPool(
            Math.max(1, loops.size() - 1), Thread.ofPlatform().daemon().factory());
  }

  /**
   * The JDK's {@code L64X128MixRandom}, split for each thread; normals by its {@code nextGaussian},
   * McFarland's ziggurat.
   */
  static LoopFill ofJdk(Fill fill, Shape shape, int threads) {
    RandomGenerator first = RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
    SplittableGenerator generator = (SplittableGenerator) first;
    List<Loop> loops = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      SplittableGenerator own = generator.split();
      loops.add(
          switch (fill) {
            case Fill.Uniform f when f.lo() == 0 && f.hi() == 1 -> unit(own);
            case Fill.Uniform f -> uniform(own, (float) f.lo(), (float) f.hi());
            case Fill.Normal f -> normal(own::nextGaussian, f);
            case Fill.TruncatedNormal f -> truncated(own::nextGaussian, f);
            default -> throw PeerFillBenchmark.unknown(fill);
          });
    }
    return new LoopFill("L64X128MixRandom of the JDK " + Runtime.version(), shape, loops);
  }

  /**
   * A generator of Commons RNG, its threads a jump apart; normals by its {@code
   * ZigguratSampler.NormalizedGaussian}, the fastest of its samplers by its documentation.
   */
  static LoopFill ofCommons(RandomSource source, Fill fill, Shape shape, int threads) {
    JumpableUniformRandomProvider generator = (JumpableUniformRandomProvider) source.create(SEED);
    List<Loop> loops = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      UniformRandomProvider own = generator.jump();
      loops.add(
          switch (fill) {
            case Fill.Uniform f when f.lo() == 0 && f.hi() == 1 -> unit(own);
            case Fill.Uniform f -> uniform(own, (float) f.lo(), (float) f.hi());
            case Fill.Normal f -> normal(ZigguratSampler.NormalizedGaussian.of(own)::sample, f);
            case Fill.TruncatedNormal f ->
                truncated(ZigguratSampler.NormalizedGaussian.of(own)::sample, f);
            default -> throw PeerFillBenchmark.unknown(fill);
          });
    }
    return new LoopFill("Commons RNG " + version() + " " + source, shape, loops);
  }

  /** Of Commons RNG. */
  static String version() {
    return RandomSource.class.getPackage().getImplementationVersion();
  }

  private static Loop unit(RandomGenerator random) {
    return (x, from, to) -> {
      for (int i = from; i < to; i++) {
        x[i] = random.nextFloat();
      }
    };
  }

  private static Loop unit(UniformRandomProvider random) {
    return (x, from, to) -> {
      for (int i = from; i < to; i++) {
        x[i] = random.nextFloat();
      }
    };
  }

  private static Loop uniform(RandomGenerator random, float lo, float hi) {
    return (x, from, to) -> {
      for (int i = from; i < to; i++) {
        x[i] = random.nextFloat(lo, hi);
      }
    };
  }

  private static Loop uniform(UniformRandomProvider random, float lo, float hi) {
    return (x, from, to) -> {
      for (int i = from; i < to; i++) {
        x[i] = random.nextFloat(lo, hi);
      }
    };
  }

  private static Loop normal(DoubleSupplier gaussian, Fill.Normal fill) {
    double mean = fill.mean();
    double stddev = fill.stddev();
    return (x, from, to) -> {
      for (int i = from; i < to; i++) {
        x[i] = (float) (mean + stddev * gaussian.getAsDouble());
      }
    };
  }

  private static Loop truncated(DoubleSupplier gaussian, Fill.TruncatedNormal fill) {
    double mean = fill.mean();
    double stddev = fill.stddev();
    double lower = fill.lowerSigma();
    double upper = fill.upperSigma();
    return (x, from, to) -> {
      for (int i = from; i < to; i++) {
        double z = gaussian.getAsDouble();
        while (z < lower || z > upper) {
          z = gaussian.getAsDouble();
        }
        x[i] = (float) (mean + stddev * z);
      }
    };
  }

  @Override
  float[] tensor() {
    return new float[elements];
  }

  @Override
  void fill(float[] x) {
    int threads = loops.size();
    List<Future<?>> shares = new ArrayList<>();
    for (int t = 1; t < threads; t++) {
      int share = t;
      shares.add(others.submit(() -> share(x, share)));
    }
    share(x, 0);
    try {
      for (Future<?> done : shares) {
        done.get();
      }
    } catch (InterruptedException | ExecutionException e) {
      throw new IllegalStateException("peer: need an undisturbed loop", e);
    }
  }

  private void share(float[] x, int share) {
    long threads = loops.size();
    int from = (int) (x.length * share / threads);
    int to = (int) (x.length * (share + 1) / threads);
    loops.get(share).over(x, from, to);
  }

  @Override
  void poison(float[] x) {
    DistributionCheck.poison(x);
  }

  @Override
  float[] read(float[] x) {
    return x;
  }

  @Override
  void release(float[] x) {
    // the collector's
  }

  @Override
  public void close() {
    others.shutdown();
  }

  @Override
  public String toString() {
    return description;
  }
}
