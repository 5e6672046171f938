package dev.weft.compare;

import dev.weft.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which task a benchmark measures, and who does it, by the benchmark's name and its parameters:
 * those of this project's suites, and those of its script for Python's libraries.
 */
public final class Tasks {
  private static final Map<String, String> LIBRARIES =
      Map.ofEntries(
          Map.entry("blis", "BLIS"),
          Map.entry("commons-rng", "Commons RNG Philox"),
          Map.entry("commons-rng-xoshiro", "Commons RNG XoShiRo"),
          Map.entry("l64x128mix", "L64X128Mix"),
          Map.entry("mkl", "MKL"),
          Map.entry("nd4j", "ND4J"),
          Map.entry("netlib", "netlib"),
          Map.entry("onednn", "oneDNN"),
          Map.entry("openblas", "OpenBLAS"),
          Map.entry("pytorch", "PyTorch"),
          Map.entry("tensorflow", "TensorFlow"),
          Map.entry("torch", "PyTorch CUDA"),
          Map.entry("cupy", "CuPy"),
          Map.entry("jax", "JAX"));

  private static final Set<String> BLAS = Set.of("blis", "mkl", "netlib", "onednn", "openblas");

  private static final Set<String> PYTHON = Set.of("torch", "cupy", "jax");

  private static final List<String> KINDS = List.of("Kernel", "Resident", "EndToEnd");

  private final String suite; // simple name of the class, without Benchmark
  private final String method;
  private final Map<String, String> params;
  private final int processors;

  private Tasks(String suite, String method, Map<String, String> params, int processors) {
    this.suite = suite;
    this.method = method;
    this.params = params;
    this.processors = processors;
  }

  /** A task and who does it. */
  public record Done(Task task, String contestant) {}

  /**
   * What {@code benchmark} measures; empty if it is none of those that are compared.
   *
   * @param benchmark for example {@code dev.weft.bench.GemmBenchmark.gemm} or {@code torch.gemm}
   * @param processors that 0 threads are
   * @throws IllegalArgumentException if a parameter is missing or malformed: {@code result: need …}
   */
  public static Optional<Done> of(String benchmark, Map<String, String> params, int processors) {
    int dot = benchmark.lastIndexOf('.');
    if (dot < 0) {
      return Optional.empty();
    }
    String owner = benchmark.substring(Math.max(0, benchmark.lastIndexOf('.', dot - 1) + 1), dot);
    String method = benchmark.substring(dot + 1);
    return new Tasks(owner.replaceFirst("Benchmark$", ""), method, params, processors).done();
  }

  /** How pages call a library that benchmarks call {@code id}. */
  public static String library(String id) {
    return LIBRARIES.getOrDefault(id, id);
  }

  /**
   * A rate in the unit of the task's suite.
   *
   * @param unit that {@code raw} is in, as JMH writes it
   * @throws IllegalArgumentException if no rate has that unit: {@code result: need a rate, got …}
   */
  public static double rate(double raw, String unit, Task task) {
    return switch (unit) {
      case "GB/s", "GFLOP/s" -> raw;
      case "TFLOP/s" -> 1e3 * raw;
      case "ops/s" -> raw * task.work();
      case "ms/op" -> task.work() / (1e-3 * raw);
      default -> throw new IllegalArgumentException("result: need a rate, got scoreUnit=" + unit);
    };
  }

  private Optional<Done> done() {
    return Optional.ofNullable(
        switch (suite) {
          case "Fill" -> new Done(fill("reused", threads()), weft());
          case "FillAlloc" -> new Done(fill("fresh", threads()), allocated());
          case "PeerFill" -> new Done(fill(param("memory"), threads()), library());
          case "Orthogonal" -> new Done(orthogonal(param("n"), threads()), weft());
          case "Gemm" -> new Done(gemm("reused", threads()), weft());
          case "PeerGemm" -> new Done(gemm("reused", threads()), library());
          case "DenseForward" -> new Done(forward("reused", threads()), weft());
          case "PeerDenseForward" -> new Done(forward("reused", threads()), library());
          case "DenseBackward" -> new Done(backward("reused", threads()), weft());
          case "PeerDenseBackward" -> new Done(backward("reused", threads()), library());
          case "TrainStep" -> new Done(step("reused", threads()), weft());
          case "PeerTrainStep" -> new Done(step("reused", threads()), library());
          case "GpuCurand" ->
              new Done(
                  fill("kernel", 0),
                  "cuRAND" + (param("ordering").equals("default") ? "" : ", " + param("ordering")));
          case "GpuCublas" -> new Done(gemm("kernel", 0), "cuBLAS");
          default -> PYTHON.contains(suite) ? python() : device();
        });
  }

  private Done python() {
    String contestant = library(suite);
    return switch (method) {
      case "fill" -> new Done(fill("kernel", 0), contestant);
      case "gemm" -> new Done(gemm("kernel", 0), contestant);
      case "dense_forward" -> new Done(forward("kernel", 0), contestant);
      case "dense_backward" -> new Done(backward("kernel", 0), contestant);
      case "train_step" -> new Done(step("resident", 0), contestant + ", " + param("how"));
      case "train_step_end_to_end" ->
          new Done(step("end to end", 0), contestant + ", " + param("how"));
      default -> null;
    };
  }

  private Done device() {
    for (String kind : KINDS) {
      if (suite.startsWith("Gpu") && suite.endsWith(kind)) {
        String memory = kind.equals("EndToEnd") ? "end to end" : kind.toLowerCase(Locale.ROOT);
        Task task =
            switch (suite.substring(3, suite.length() - kind.length())) {
              case "Fill" -> fill(memory, 0);
              case "Gemm" -> gemm(memory, 0);
              case "DenseForward" -> forward(memory, 0);
              case "DenseBackward" -> backward(memory, 0);
              case "TrainStep" -> step(memory, 0);
              default -> null;
            };
        return task == null
            ? null
            : new Done(task, weft() + (method.equals("steps") ? ", loss not read" : ""));
      }
    }
    return null;
  }

  private String weft() {
    return "weft " + param("backend");
  }

  /** Of a layer, a BLAS does the products alone. */
  private String library() {
    String id = param("library");
    boolean part = suite.startsWith("PeerDense") && BLAS.contains(id);
    return library(id) + (part ? " (products alone)" : "");
  }

  private String allocated() {
    return switch (method) {
      case "tensor" -> weft();
      case "jdkLoop" -> "SplittableRandom";
      default -> weft() + ", " + method;
    };
  }

  private int threads() {
    int threads = (int) whole("threads", param("threads"));
    return threads == 0 ? processors : threads;
  }

  private Task fill(String memory, int threads) {
    String operation = param("distribution");
    String size = param("size");
    DType dtype = dtype();
    double bytes = bytes(size);
    double elements = bytes / dtype.byteSize();
    if (operation.equals("orthogonal")) {
      return orthogonal(String.valueOf(Math.round(Math.sqrt(elements))), memory, threads);
    }
    return new Task(Suite.FILL, operation, size, dtype.id(), memory, threads, 0, bytes, elements);
  }

  private Task orthogonal(String n, int threads) {
    return orthogonal(n, "reused", threads);
  }

  /** Householder's QR of n × n, and Q of it: 8/3·n³. */
  private static Task orthogonal(String size, String memory, int threads) {
    double n = whole("n", size);
    double flop = 8 / 3.0 * n * n * n;
    return new Task(
        Suite.FILL,
        "orthogonal",
        size + "x" + size,
        "f32",
        memory,
        threads,
        flop,
        4 * n * n,
        n * n);
  }

  private Task gemm(String memory, int threads) {
    double[] mnk = sizes("mnk", "x", 3);
    double elements = mnk[0] * mnk[1];
    double moved = elements + mnk[0] * mnk[2] + mnk[2] * mnk[1];
    String transposes = params.getOrDefault("transposes", "NN");
    return new Task(
        Suite.GEMM,
        transposes.equals("NN") ? "gemm" : "gemm " + transposes,
        param("mnk"),
        precision(),
        memory,
        threads,
        2 * mnk[0] * mnk[1] * mnk[2],
        dtype().byteSize() * moved,
        elements);
  }

  /** Reads x, w, b; writes y. */
  private Task forward(String memory, int threads) {
    double[] bio = sizes("bio", "x", 3);
    double moved = bio[0] * bio[1] + bio[1] * bio[2] + bio[2] + bio[0] * bio[2];
    return dense("forward", bio, 2, moved, bio[0] * bio[2], memory, threads);
  }

  /** Reads x, w, y, dy; writes dx, dw, db. */
  private Task backward(String memory, int threads) {
    double[] bio = sizes("bio", "x", 3);
    double moved = 2 * (bio[0] * bio[1] + bio[1] * bio[2] + bio[0] * bio[2]) + bio[2];
    return dense("backward", bio, 4, moved, bio[1] * (bio[0] + bio[2]), memory, threads);
  }

  private Task dense(
      String pass,
      double[] bio,
      double flop,
      double moved,
      double elements,
      String memory,
      int threads) {
    return new Task(
        Suite.DENSE,
        pass + " " + params.getOrDefault("activation", "relu"),
        param("bio"),
        precision(),
        memory,
        threads,
        flop * bio[0] * bio[1] * bio[2],
        dtype().byteSize() * moved,
        elements);
  }

  /**
   * Reads every weight forward and backward, writes and reads its gradient, and reads and writes it
   * and what the optimizer keeps of it. The first layer has no gradient by its input.
   */
  private Task step(String memory, int threads) {
    double[] layers = sizes("layers", "-", 0);
    double batch = whole("batch", param("batch"));
    String optimizer = param("optimizer");
    double flop = 0;
    double weights = 0;
    for (int i = 1; i < layers.length; i++) {
      flop += (i == 1 ? 4 : 6) * batch * layers[i - 1] * layers[i];
      weights += (layers[i - 1] + 1) * layers[i];
    }
    double state = optimizer.startsWith("adam") ? 4 : optimizer.equals("sgd") ? 0 : 2;
    return new Task(
        Suite.TRAIN,
        "step " + optimizer,
        param("layers") + " B=" + param("batch"),
        precision(),
        memory,
        threads,
        flop,
        dtype().byteSize() * weights * (2 + 2 + 2 + state),
        batch);
  }

  /**
   * Of the data. Python's libraries mean by the precision bf16 or f16 data of that type, which is
   * another task than rounding data of f32.
   */
  private DType dtype() {
    String precision = params.getOrDefault("precision", "tf32");
    boolean ofData = PYTHON.contains(suite) && !precision.equals("tf32");
    return DType.parse(ofData ? precision : params.getOrDefault("dtype", "f32"));
  }

  /** The type of the data, and to what products round it. */
  private String precision() {
    String dtype = dtype().id();
    String precision = params.getOrDefault("precision", "f32");
    return precision.equals("f32") || precision.equals(dtype) ? dtype : dtype + " by " + precision;
  }

  private double[] sizes(String name, String separator, int count) {
    String[] parts = param(name).split(separator);
    if (count > 0 ? parts.length != count : parts.length < 2) {
      throw bad(name, param(name));
    }
    List<Double> sizes = new ArrayList<>();
    for (String part : parts) {
      sizes.add((double) whole(name, part));
    }
    return sizes.stream().mapToDouble(Double::doubleValue).toArray();
  }

  private static double bytes(String size) {
    int power = List.of("KiB", "MiB", "GiB").indexOf(size.replaceFirst("^\\d+", "")) + 1;
    String number = power == 0 ? size : size.substring(0, size.length() - 3);
    return Math.scalb((double) whole("size", number), 10 * power);
  }

  private static long whole(String name, String text) {
    try {
      long value = Long.parseLong(text);
      if (value >= 0) {
        return value;
      }
    } catch (NumberFormatException e) {
      // told below
    }
    throw bad(name, text);
  }

  private String param(String name) {
    String value = params.get(name);
    if (value == null) {
      throw new IllegalArgumentException(
          "result: need the parameter " + name + " of " + suite + "." + method + ", got " + params);
    }
    return value;
  }

  private static IllegalArgumentException bad(String name, String text) {
    return new IllegalArgumentException(
        "result: need sizes as benchmarks write them, got " + name + "=" + text);
  }
}
