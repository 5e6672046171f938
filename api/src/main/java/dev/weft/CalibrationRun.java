package dev.weft;

import dev.weft.init.Fill;
import dev.weft.nn.Activation;
import dev.weft.nn.Optimizer;
import dev.weft.nn.OptimizerState;
import dev.weft.random.RandomKey;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Measures one backend by what everybody calls: each operation on one element, and on so many that
 * it takes some milliseconds.
 *
 * <p>First all operations are called in turn until none becomes faster and the JVM has nothing more
 * to compile. It does that in the background, some vector loops for a second, and what is not
 * compiled yet is up to a thousand times slower. Then each is measured. A figure is the best of
 * several, since what disturbs a time makes it longer.
 *
 * <p>The times below were chosen on two shared cores with AVX-512, where {@code cpu} took 9 to 17 s
 * of warm-up (November 2026); with fewer rounds some calibrations there had figures of code that
 * was not compiled.
 */
final class CalibrationRun implements AutoCloseable {
  /** The longest warm-up, and measurement of one cost that stays slower than in the warm-up. */
  private static final long MOST_WARM_NANOS = 25_000_000_000L;

  private static final long MOST_MEASURE_NANOS = 400_000_000;

  /** Of every operation, before it is looked whether the JVM compiles. */
  private static final long SHARE_NANOS = 30_000_000;

  /** How long that takes, and the time of processors beyond which it does. */
  private static final int PAUSE_MILLIS = 50;

  private static final long COMPILING_NANOS = 5_000_000;

  /** How often in succession it must not: what it has compiled may lead to more. */
  private static final int QUIET_ROUNDS = 3;

  /** Before that the JVM has not seen enough of vector loops to compile them. */
  private static final int LEAST_ROUNDS = 14;

  /** A rate that is better by less may be chance. */
  private static final double FASTER = 0.85;

  /** A rate this much worse than in the warm-up's smaller memory is a disturbance. */
  private static final double SLOWER = 3;

  /** An operation that takes so long is large enough; a faster device stops at the memory. */
  private static final long ENOUGH_NANOS = 1_500_000;

  /** To measure one size, and so long without a better time ends that before. */
  private static final long BUDGET_NANOS = 30_000_000;

  private static final long CALM_NANOS = 8_000_000;

  private static final int LEAST_PASSES = 3;

  /** Operations on one element between two waits: what a device begins while it works. */
  private static final int SMALL_OPERATIONS = 16;

  /** Bytes of all operands, at most; a tenth as many in the warm-up. */
  private static final long MOST_BYTES = 256L << 20;

  private static final RandomKey KEY = RandomKey.of(0);

  private final Backend backend;
  private final double mostBytes;
  private final boolean isHost;
  private boolean settled;
  private final Map<Cost, Double> warmRates = new EnumMap<>(Cost.class);
  private final Map<Cost, Operation> small = new EnumMap<>(Cost.class);
  private final Map<Cost, Operation> large = new EnumMap<>(Cost.class);

  /** A run on {@code backend}, which stays the caller's. */
  CalibrationRun(Backend backend) {
    this.backend = backend;
    MemoryInfo memory = backend.memory();
    mostBytes = Math.min(MOST_BYTES, (memory.limitBytes() - memory.allocatedBytes()) / 4.0);
    try (Tensor one = backend.tensor(DType.F32, Shape.of(1))) {
      isHost = one.isHost();
    }
  }

  /** The costs of the backend, which is called {@code name}. */
  BackendCosts costs(String name) {
    for (Cost cost : operations()) {
      small.put(cost, new Operation(cost, 1));
      large.put(cost, new Operation(cost, first(cost)));
    }
    settled = warm();
    Map<Cost, Cost.Line> lines = new EnumMap<>(Cost.class);
    lines.put(Cost.SYNCHRONIZE, waiting());
    for (Cost cost : operations()) {
      lines.put(cost, line(cost));
    }
    return new BackendCosts(name, isHost, backend.memory().limitBytes(), lines);
  }

  /** Whether everything was compiled before it was measured, as far as can be seen. */
  boolean isSettled() {
    return settled;
  }

  /** What is measured besides waiting. */
  private List<Cost> operations() {
    return Arrays.stream(Cost.values())
        .filter(cost -> cost != Cost.SYNCHRONIZE && !(isHost && cost.isCopy()))
        .toList();
  }

  /**
   * Calls everything until it gets no faster and nothing is compiled any more; whether it came to
   * that in time.
   */
  private boolean warm() {
    long begin = System.nanoTime();
    int quiet = 0;
    int least = isHost ? LEAST_ROUNDS : QUIET_ROUNDS; // a device's code is compiled ahead
    for (int round = 0; round < least || quiet < QUIET_ROUNDS; round++) {
      if (System.nanoTime() - begin > MOST_WARM_NANOS) {
        return false;
      }
      boolean faster = warmFaster();
      quiet = isCompiling() || faster ? 0 : quiet + 1;
    }
    return true;
  }

  /** Calls everything for a while; whether anything became faster. */
  private boolean warmFaster() {
    boolean faster = false;
    for (Cost cost : operations()) {
      long begin = System.nanoTime();
      double before = warmRates.getOrDefault(cost, Double.POSITIVE_INFINITY);
      double rate = before;
      do {
        nanos(small.get(cost), SMALL_OPERATIONS);
        Operation operation = large.get(cost);
        long nanos = nanos(operation, 1);
        rate = Math.min(rate, nanos / units(cost, operation.size));
        if (nanos < ENOUGH_NANOS) {
          enlarge(cost, mostBytes / 10);
        }
      } while (System.nanoTime() - begin < SHARE_NANOS);
      faster |= rate < FASTER * before;
      warmRates.put(cost, rate);
    }
    return faster;
  }

  /** Whether this process works while this thread does not: others of it count as the compiler. */
  private static boolean isCompiling() {
    long before = processNanos();
    try {
      Thread.sleep(PAUSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // and measure what there is
    }
    return processNanos() - before > COMPILING_NANOS;
  }

  /** Time of processors that this process has taken; 0 where the platform does not tell. */
  private static long processNanos() {
    return ProcessHandle.current().info().totalCpuDuration().map(Duration::toNanos).orElse(0L);
  }

  /** Makes an operation larger; whether it could. */
  private boolean enlarge(Cost cost, double bytes) {
    Operation operation = large.get(cost);
    long size = isProduct(cost) ? 2 * operation.size : 4 * operation.size;
    if (bytes(cost, size) > bytes) {
      return false;
    }
    operation.close();
    large.put(cost, new Operation(cost, size));
    return true;
  }

  /** One operation and its wait, less one operation of many that are waited for together. */
  private Cost.Line waiting() {
    Operation store = small.get(Cost.STORE);
    double wait = best(store, 1, 0) - best(store, SMALL_OPERATIONS, 0);
    double seconds = Math.max(1e-9, wait);
    return new Cost.Line(seconds, seconds); // its units are waits
  }

  private Cost.Line line(Cost cost) {
    double overhead = best(small.get(cost), SMALL_OPERATIONS, 0);
    while (true) {
      Operation operation = large.get(cost);
      double units = units(cost, operation.size);
      double seconds = best(operation, 1, (long) (SLOWER * warmRates.get(cost) * units));
      if (seconds * 1e9 >= ENOUGH_NANOS || !enlarge(cost, mostBytes)) {
        large.remove(cost).close(); // the next one may need the room
        double rest = seconds - overhead;
        return new Cost.Line(overhead, (rest > 0 ? rest : seconds) / units);
      }
    }
  }

  /**
   * The least seconds of one of {@code count} operations that are waited for together.
   *
   * @param credible nanoseconds above which measuring goes on for longer; 0 for none
   */
  private double best(Operation operation, int count, long credible) {
    long begin = System.nanoTime();
    long best = Long.MAX_VALUE;
    long better = begin;
    for (int pass = 0; ; pass++) {
      long now = System.nanoTime();
      boolean disturbed = credible > 0 && best > credible;
      if (pass >= LEAST_PASSES
          && (disturbed
              ? now - begin > MOST_MEASURE_NANOS
              : now - begin > BUDGET_NANOS || now - better > CALM_NANOS)) {
        return Math.max(1, best) * 1e-9 / count;
      }
      long nanos = nanos(operation, count);
      better = nanos < 0.97 * best ? System.nanoTime() : better;
      best = Math.min(best, nanos);
    }
  }

  private long nanos(Operation operation, int count) {
    long from = System.nanoTime();
    for (int i = 0; i < count; i++) {
      operation.body.run();
    }
    backend.synchronize();
    return System.nanoTime() - from;
  }

  private static boolean isProduct(Cost cost) {
    return cost == Cost.GEMM_F32 || cost == Cost.GEMM_F64;
  }

  /** The first size of the warm-up: the side of square matrices, or elements. */
  private static long first(Cost cost) {
    return isProduct(cost) ? 32 : 4096;
  }

  private static double units(Cost cost, double size) {
    return switch (cost) {
      case GEMM_F32, GEMM_F64 -> 2 * size * size * size;
      case STORE, COPY_IN, COPY_OUT -> Float.BYTES * size;
      case PASS -> 2 * Float.BYTES * size;
      case UPDATE -> 7 * Float.BYTES * size;
      case SYNCHRONIZE, UNIFORM, NORMAL -> size;
    };
  }

  /** Of all operands together. */
  private static double bytes(Cost cost, double size) {
    return switch (cost) {
      case GEMM_F32 -> 3 * Float.BYTES * size * size;
      case GEMM_F64 -> 3 * Double.BYTES * size * size;
      case PASS -> 2 * Float.BYTES * size;
      case UPDATE -> 4 * Float.BYTES * size;
      case SYNCHRONIZE, STORE, UNIFORM, NORMAL, COPY_IN, COPY_OUT -> Float.BYTES * size;
    };
  }

  @Override
  public void close() {
    small.values().forEach(Operation::close);
    large.values().forEach(Operation::close);
  }

  /** An operation of some size that can be repeated, and its memory. */
  private final class Operation implements AutoCloseable {
    private final List<Runnable> releases = new ArrayList<>();
    private final long size;
    private final Runnable body;

    Operation(Cost cost, long size) {
      this.size = size;
      try {
        body = body(cost);
      } catch (RuntimeException | Error e) {
        close();
        throw e;
      }
    }

    private Runnable body(Cost cost) {
      return switch (cost) {
        case SYNCHRONIZE -> () -> {};
        case STORE -> fill(Fill.constant(1));
        case UNIFORM -> fill(Fill.uniform(-1, 1));
        case NORMAL -> fill(Fill.normal(0, 1));
        case GEMM_F32 -> product(DType.F32);
        case GEMM_F64 -> product(DType.F64);
        case PASS -> pass();
        case UPDATE -> update();
        case COPY_IN -> copy(true);
        case COPY_OUT -> copy(false);
      };
    }

    private Runnable fill(Fill fill) {
      Tensor out = tensor(DType.F32, size);
      return () -> out.fill(fill, KEY);
    }

    private Runnable product(DType dtype) {
      Matrix a = Matrix.of(tensor(dtype, size, size));
      Matrix b = Matrix.of(tensor(dtype, size, size));
      Matrix c = Matrix.of(tensor(dtype, size, size));
      return () -> backend.gemm(1, a, b, 0, c);
    }

    private Runnable pass() {
      Tensor x = tensor(DType.F32, 1, size);
      Tensor y = tensor(DType.F32, 1, size);
      return () -> Activation.RELU.forward(x, y);
    }

    private Runnable update() {
      Tensor parameter = tensor(DType.F32, size);
      Tensor gradient = tensor(DType.F32, size);
      OptimizerState state = Optimizer.adam(1e-6).state(parameter);
      releases.add(state::close);
      return () -> state.update(gradient);
    }

    private Runnable copy(boolean in) {
      Tensor device = tensor(DType.F32, size);
      Arena arena = Arena.ofConfined();
      releases.add(arena::close);
      MemorySegment host = arena.allocate(device.byteSize(), 64);
      return in ? () -> device.copyFrom(host) : () -> device.copyTo(host);
    }

    /** With numbers in it, for others might take longer. */
    private Tensor tensor(DType dtype, long... dims) {
      Tensor tensor = backend.tensor(dtype, Shape.of(dims));
      releases.add(tensor::close);
      tensor.fill(Fill.constant(0.5), KEY);
      return tensor;
    }

    /** Frees the memory; a second call does nothing. */
    @Override
    public void close() {
      backend.synchronize();
      releases.reversed().forEach(Runnable::run);
      releases.clear();
    }
  }
}
