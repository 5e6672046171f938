package dev.weft;

import dev.weft.init.Fill;
import dev.weft.nn.Activation;
import dev.weft.nn.Optimizer;
import dev.weft.nn.OptimizerState;
import dev.weft.random.RandomKey;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Measures one backend by what everybody calls: each operation on one element, on so many that it
 * takes some milliseconds, and on a part of them.
 *
 * <p>It is called again and again by {@link CalibrationRounds}, in turn with other backends. A
 * figure is the least of several rounds, since what disturbs a time makes it longer.
 */
final class CalibrationRun implements AutoCloseable {
  /** Of every operation in a round of the warm-up. */
  private static final long SHARE_NANOS = 20_000_000;

  /** A rate that is better by less may be chance. */
  private static final double FASTER = 0.85;

  /** An operation that takes so long is large enough; a faster device stops at the memory. */
  private static final long ENOUGH_NANOS = 1_500_000;

  /** To measure one size in one round. */
  private static final long BUDGET_NANOS = 6_000_000;

  private static final int LEAST_PASSES = 3;

  /** Operations on one element between two waits: what a device begins while it works. */
  private static final int SMALL_OPERATIONS = 16;

  /** Bytes of all operands of an operation, at most. */
  private static final long MOST_BYTES = 256L << 20;

  /** Of its share of the free memory each of ten operations takes less than this part. */
  private static final double PARTS = 16;

  private static final RandomKey KEY = RandomKey.of(0);

  private final String name;
  private final Backend backend;
  private final Stopwatch stopwatch;
  private final double mostBytes;
  private final boolean isHost;
  private final Map<Cost, Double> warmRates = new EnumMap<>(Cost.class);
  private final Map<Cost, Operation> small = new EnumMap<>(Cost.class);
  private final Map<Cost, Operation> large = new EnumMap<>(Cost.class);
  private final Map<Cost, List<Point>> points = new EnumMap<>(Cost.class);

  /**
   * A run on {@code backend}, which is called {@code name} and closed with it.
   *
   * @param runs how many share the memory
   */
  CalibrationRun(String name, Backend backend, int runs, Stopwatch stopwatch) {
    this.name = name;
    this.backend = backend;
    this.stopwatch = stopwatch;
    MemoryInfo memory = backend.memory();
    mostBytes =
        Math.min(MOST_BYTES, (memory.limitBytes() - memory.allocatedBytes()) / PARTS / runs);
    try (Tensor one = backend.tensor(DType.F32, Shape.of(1))) {
      isHost = one.isHost();
    }
  }

  String name() {
    return name;
  }

  boolean isHost() {
    return isHost;
  }

  /** What is measured besides waiting. */
  private List<Cost> operations() {
    return Arrays.stream(Cost.values())
        .filter(cost -> cost != Cost.SYNCHRONIZE && !(isHost && cost.isCopy()))
        .toList();
  }

  /** Calls everything for a while; whether anything became faster. */
  boolean warm() {
    boolean faster = false;
    for (Cost cost : operations()) {
      small.computeIfAbsent(cost, absent -> new Operation(cost, 1));
      large.computeIfAbsent(cost, absent -> new Operation(cost, first(cost)));
      long begin = stopwatch.nanos();
      double before = warmRates.getOrDefault(cost, Double.POSITIVE_INFINITY);
      double rate = before;
      do {
        nanos(small.get(cost), SMALL_OPERATIONS);
        Operation operation = large.get(cost);
        long nanos = nanos(operation, 1);
        rate = Math.min(rate, nanos / units(cost, operation.size));
        if (nanos < ENOUGH_NANOS) {
          enlarge(cost);
        }
      } while (stopwatch.nanos() - begin < SHARE_NANOS);
      faster |= rate < FASTER * before;
      warmRates.put(cost, rate);
    }
    return faster;
  }

  /** Makes an operation larger, if there is room. */
  private void enlarge(Cost cost) {
    Operation operation = large.get(cost);
    long size = isProduct(cost) ? 2 * operation.size : 4 * operation.size;
    if (bytes(cost, size) <= mostBytes) {
      operation.close();
      large.put(cost, new Operation(cost, size));
    }
  }

  /** Forgets earlier rounds, and measures the sizes that the warm-up came to from now on. */
  void begin() {
    closePoints();
    points.put(Cost.SYNCHRONIZE, List.of(new Point("one and a wait", Cost.STORE, 1, 1)));
    for (Cost cost : operations()) {
      long many = large.get(cost).size;
      long part = isProduct(cost) ? many / 2 : many / 4;
      points.put(
          cost,
          List.of(
              new Point("one", cost, 1, SMALL_OPERATIONS),
              new Point("part", cost, part, 1),
              new Point("many", cost, many, 1)));
    }
  }

  /** One round of what {@code cost} is made of. */
  void round(Cost cost) {
    points.getOrDefault(cost, List.of()).forEach(Point::round);
  }

  /** What the rounds came to. */
  BackendCosts costs() {
    Map<Cost, Cost.Line> lines = new EnumMap<>(Cost.class);
    double one = points.get(Cost.STORE).getFirst().least();
    double wait = Math.max(1e-9, points.get(Cost.SYNCHRONIZE).getFirst().least() - one);
    lines.put(Cost.SYNCHRONIZE, new Cost.Line(wait, wait)); // its units are waits
    for (Cost cost : operations()) {
      double overhead = points.get(cost).getFirst().least();
      double many = points.get(cost).getLast().least();
      double rest = many > overhead ? many - overhead : many;
      lines.put(cost, new Cost.Line(overhead, rest / units(cost, large.get(cost).size)));
    }
    return new BackendCosts(name, isHost, backend.memory().limitBytes(), lines);
  }

  /** Adds what the rounds contradict each other in. */
  void addTo(Contradictions contradictions) {
    points.forEach(
        (cost, sizes) -> {
          for (Point each : sizes) {
            contradictions.spread(name, cost, each.text, each.rounds);
          }
          if (sizes.size() > 1) {
            double[] least = sizes.stream().mapToDouble(Point::least).toArray();
            contradictions.sizes(name, cost, least[0], least[1], least[2]);
            if (isHost && isMemory(cost)) {
              double fraction = (double) sizes.get(1).operation.size / sizes.get(2).operation.size;
              contradictions.memory(name, cost, fraction, least[1], least[2]);
            }
          }
        });
  }

  /** An operation of one size, and what it took in each round. */
  private final class Point {
    private final String text;
    private final Operation operation;
    private final int count;
    private double[] rounds = {};

    /**
     * @param count of operations that are waited for together
     */
    Point(String text, Cost cost, long size, int count) {
      this.text = text;
      this.operation = new Operation(cost, size);
      this.count = count;
    }

    /** The least seconds of an operation within the time of a round. */
    void round() {
      long begin = stopwatch.nanos();
      long best = Long.MAX_VALUE;
      for (int pass = 0; pass < LEAST_PASSES || stopwatch.nanos() - begin < BUDGET_NANOS; pass++) {
        best = Math.min(best, nanos(operation, count));
      }
      rounds = Arrays.copyOf(rounds, rounds.length + 1);
      rounds[rounds.length - 1] = Math.max(1, best) * 1e-9 / count;
    }

    double least() {
      return Arrays.stream(rounds).min().orElseThrow();
    }
  }

  private long nanos(Operation operation, int count) {
    long from = stopwatch.nanos();
    for (int i = 0; i < count; i++) {
      operation.body.run();
    }
    backend.synchronize();
    return stopwatch.nanos() - from;
  }

  private static boolean isMemory(Cost cost) {
    return cost == Cost.STORE || cost == Cost.PASS || cost == Cost.UPDATE;
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
    closePoints();
    small.values().forEach(Operation::close);
    large.values().forEach(Operation::close);
    backend.close();
  }

  private void closePoints() {
    points.values().forEach(sizes -> sizes.forEach(each -> each.operation.close()));
    points.clear();
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
      } catch (Throwable e) {
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
