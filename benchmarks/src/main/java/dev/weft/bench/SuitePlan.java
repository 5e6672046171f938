package dev.weft.bench;

import dev.weft.compare.Suite;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The cases of a suite, those of one task next to each other: what disturbs the machine for a while
 * disturbs them alike.
 */
final class SuitePlan {
  private static final String ALL = "0"; // threads: one for each processor
  private static final List<String> DRAWN =
      List.of("uniform", "normal", "truncated_normal", "glorot_uniform", "he_normal");

  private final Effort effort;
  private final boolean peers;
  private final boolean gpu;
  private final String processors;
  private final Set<Case> cases = new LinkedHashSet<>();

  private SuitePlan(Effort effort, boolean peers, boolean gpu) {
    this.effort = effort;
    this.peers = peers;
    this.gpu = gpu;
    processors = String.valueOf(Runtime.getRuntime().availableProcessors());
  }

  /**
   * What is run.
   *
   * @param peers whether other libraries are
   * @param gpu whether there is one
   */
  static List<Case> of(List<Suite> suites, Effort effort, boolean peers, boolean gpu) {
    SuitePlan plan = new SuitePlan(effort, peers, gpu);
    for (Suite suite : suites) {
      if (effort == Effort.SMOKE) {
        plan.smoke(suite);
        continue;
      }
      switch (suite) {
        case FILL -> plan.fills();
        case GEMM -> plan.products();
        case DENSE -> plan.layers();
        case TRAIN -> plan.steps();
      }
    }
    return plan.cases.stream().filter(plan::able).toList();
  }

  /** netlib has one thread: it is asked for more in one case, which says so. */
  private boolean able(Case each) {
    return !"netlib".equals(each.params().get("library"))
        || each.params().get("threads").equals("1")
        || each.params().containsValue("1024x1024x1024");
  }

  private boolean full() {
    return effort == Effort.FULL;
  }

  private List<String> threads() {
    return full() && !processors.equals("1") ? List.of("1", ALL) : List.of(ALL);
  }

  private void smoke(Suite suite) {
    switch (suite) {
      case FILL -> {
        fill("uniform", "f32", "16KiB", "scalar", "1");
        fill("uniform", "f32", "16KiB", "cpu", "1");
        if (peers) {
          peerFill("uniform", "16KiB", "reused", "1", List.of("l64x128mix"));
        }
      }
      case GEMM -> gemm("8x8x8", "f32", "cpu", "1");
      case DENSE -> forward("4x8x8", "relu", "f32", "cpu", "1");
      case TRAIN -> step("8-8-4", "sgd", "f32", "cpu", "1");
    }
  }

  private void fills() {
    String large = "64MiB";
    for (String threads : threads()) {
      for (String distribution : DRAWN) {
        boolean basic = DRAWN.indexOf(distribution) < 3;
        fill(distribution, "f32", large, "cpu", threads);
        if (distribution.equals("uniform") || full() && basic) {
          fill(distribution, "f32", large, "scalar", threads);
        }
        List<String> others = new ArrayList<>(List.of("pytorch", "nd4j"));
        if (distribution.equals("uniform") || full()) {
          others.add("tensorflow"); // which has no fill of memory that is there, and says so
        }
        if (DRAWN.indexOf(distribution) < 2 || basic && full()) {
          others.addAll(List.of("commons-rng", "commons-rng-xoshiro", "l64x128mix"));
        }
        peerFill(distribution, large, "reused", threads, others);
      }
      orthogonal(threads);
    }
    for (String distribution : full() ? DRAWN : DRAWN.subList(0, 3)) {
      add(
          "FillAllocBenchmark",
          "tensor",
          "distribution",
          distribution,
          "size",
          large,
          "backend",
          "cpu",
          "threads",
          ALL);
      peerFill(distribution, large, "fresh", ALL, List.of("pytorch", "nd4j", "tensorflow"));
    }
    add(
        "FillAllocBenchmark",
        "jdkLoop",
        "distribution",
        "uniform",
        "size",
        large,
        "backend",
        "cpu",
        "threads",
        "1");
    add(
        "FillAllocBenchmark",
        "tensor",
        "distribution",
        "uniform",
        "size",
        large,
        "backend",
        "cpu",
        "threads",
        "1");
    for (String dtype : List.of("bf16", "f16", "f64")) {
      for (String distribution : full() ? DRAWN.subList(0, 3) : DRAWN.subList(0, 1)) {
        fill(distribution, dtype, large, "cpu", ALL);
      }
    }
    for (String distribution : DRAWN.subList(0, full() ? 3 : 2)) {
      fill(distribution, "f32", "256KiB", "cpu", "1");
    }
    for (String size : List.of("16KiB", "256KiB", "4MiB", "1GiB")) {
      fill("uniform", "f32", size, "cpu", ALL);
      if (full()) {
        fill("normal", "f32", size, "cpu", ALL);
      }
    }
    if (gpu) {
      fillsOnDevice();
    }
  }

  private void orthogonal(String threads) {
    String n = "512";
    add("OrthogonalBenchmark", "orthogonal", "n", n, "backend", "cpu", "threads", threads);
    if (full()) {
      add("OrthogonalBenchmark", "orthogonal", "n", "2048", "backend", "cpu", "threads", threads);
    }
    peerFill("orthogonal", "1MiB", "reused", threads, List.of("pytorch", "nd4j", "tensorflow"));
  }

  private void fillsOnDevice() {
    for (String size : List.of("16KiB", "256KiB", "4MiB", "64MiB", "1GiB")) {
      for (String kind : List.of("Resident", "EndToEnd")) {
        device(
            "GpuFill" + kind + "Benchmark",
            "fill",
            "distribution",
            "uniform",
            "dtype",
            "f32",
            "size",
            size);
      }
    }
    for (String distribution : List.of("constant", "uniform", "normal", "truncated_normal")) {
      for (String dtype : List.of("f32", "bf16")) {
        device(
            "GpuFillKernelBenchmark",
            "fill",
            "distribution",
            distribution,
            "dtype",
            dtype,
            "size",
            "1GiB");
      }
    }
    for (String distribution : List.of("uniform", "normal")) {
      add(
          "GpuCurandBenchmark",
          "generate",
          "distribution",
          distribution,
          "ordering",
          "default",
          "size",
          "1GiB");
    }
  }

  private void products() {
    List<String> others =
        List.of("openblas", "mkl", "blis", "onednn", "pytorch", "nd4j", "tensorflow", "netlib");
    List<String> sizes =
        full()
            ? List.of(
                "64x64x64",
                "128x128x128",
                "256x256x256",
                "512x512x512",
                "1024x1024x1024",
                "2048x2048x2048",
                "1x4096x4096",
                "128x128x784",
                "512x1024x1024")
            : List.of("256x256x256", "1024x1024x1024");
    for (String threads : full() ? threads() : List.of("1", ALL)) {
      List<String> some = full() || threads.equals(ALL) ? sizes : sizes.subList(1, 2);
      for (String mnk : some) {
        gemm(mnk, "f32", "cpu", threads);
        peers("PeerGemmBenchmark", others, threads, "mnk", mnk, "dtype", "f32");
      }
    }
    gemm("256x256x256", "f32", "scalar", ALL);
    for (String mnk : full() ? sizes : List.of("1024x1024x1024")) {
      gemm(mnk, "f64", "cpu", ALL);
      peers(
          "PeerGemmBenchmark", List.of("openblas", "mkl", "blis"), ALL, "mnk", mnk, "dtype", "f64");
    }
    for (String n : List.of("64", "128", "512", "2048")) {
      gemm(n + "x" + n + "x" + n, "f32", "cpu", ALL);
    }
    if (gpu) {
      for (String n : List.of("64", "256", "1024", "4096", "8192")) {
        for (String kind : List.of("Resident", "EndToEnd")) {
          device(
              "GpuGemm" + kind + "Benchmark",
              "gemm",
              "mnk",
              n + "x" + n + "x" + n,
              "precision",
              "f32");
        }
      }
      for (String precision : List.of("f32", "tf32", "bf16")) {
        for (String n : List.of("1024", "8192")) {
          String mnk = n + "x" + n + "x" + n;
          device("GpuGemmKernelBenchmark", "gemm", "mnk", mnk, "precision", precision);
          add("GpuCublasBenchmark", "gemm", "mnk", mnk, "precision", precision);
        }
      }
    }
  }

  private void layers() {
    List<String> others =
        List.of("openblas", "mkl", "blis", "onednn", "pytorch", "nd4j", "tensorflow", "netlib");
    List<String> shapes =
        full() ? List.of("32x784x128", "128x784x512", "512x1024x1024") : List.of("128x784x512");
    for (String threads : threads()) {
      for (String bio : shapes) {
        forward(bio, "relu", "f32", "cpu", threads);
        peers("PeerDenseForwardBenchmark", others, threads, "bio", bio);
        backward(bio, "relu", "f32", "cpu", threads);
        peers("PeerDenseBackwardBenchmark", others, threads, "bio", bio);
        forward(bio, "gelu", "f32", "cpu", threads);
      }
    }
    forward("128x784x512", "relu", "f32", "scalar", ALL);
    if (gpu) {
      for (String precision : List.of("f32", "tf32", "bf16")) {
        for (String pass : List.of("Forward", "Backward")) {
          device(
              "GpuDense" + pass + "KernelBenchmark",
              pass.toLowerCase(Locale.ROOT),
              "bio",
              "8192x4096x4096",
              "activation",
              "relu",
              "precision",
              precision);
        }
      }
      for (String kind : List.of("Resident", "EndToEnd")) {
        device(
            "GpuDenseForward" + kind + "Benchmark",
            "forward",
            "bio",
            "128x784x512",
            "activation",
            "relu",
            "precision",
            "f32");
      }
    }
  }

  private void steps() {
    for (String threads : threads()) {
      for (String layers : List.of("784-128-10", "784-512-512-10")) {
        for (String optimizer : full() ? List.of("adam", "sgd") : List.of("adam")) {
          step(layers, optimizer, "f32", "cpu", threads);
          peers(
              "PeerTrainStepBenchmark",
              List.of("pytorch", "nd4j", "tensorflow"),
              threads,
              "layers",
              layers,
              "batch",
              "128",
              "optimizer",
              optimizer);
        }
      }
    }
    step("784-128-10", "adam", "f32", "scalar", ALL);
    if (gpu) {
      for (String optimizer : List.of("adam", "sgd")) {
        for (String kind : List.of("Resident", "EndToEnd")) {
          device(
              "GpuTrainStep" + kind + "Benchmark",
              "step",
              "layers",
              "784-512-512-10",
              "batch",
              "128",
              "activation",
              "relu",
              "optimizer",
              optimizer,
              "precision",
              "f32");
        }
      }
    }
  }

  private void fill(
      String distribution, String dtype, String size, String backend, String threads) {
    add(
        "FillBenchmark",
        "fill",
        "distribution",
        distribution,
        "dtype",
        dtype,
        "size",
        size,
        "backend",
        backend,
        "threads",
        threads);
  }

  private void peerFill(
      String distribution, String size, String memory, String threads, List<String> libraries) {
    peers(
        "PeerFillBenchmark",
        libraries,
        threads,
        "distribution",
        distribution,
        "size",
        size,
        "memory",
        memory);
  }

  private void gemm(String mnk, String dtype, String backend, String threads) {
    add(
        "GemmBenchmark",
        "gemm",
        "mnk",
        mnk,
        "transposes",
        "NN",
        "dtype",
        dtype,
        "backend",
        backend,
        "threads",
        threads);
  }

  private void forward(String bio, String f, String dtype, String backend, String threads) {
    add(
        "DenseForwardBenchmark",
        "forward",
        "bio",
        bio,
        "activation",
        f,
        "dtype",
        dtype,
        "backend",
        backend,
        "threads",
        threads);
  }

  private void backward(String bio, String f, String dtype, String backend, String threads) {
    add(
        "DenseBackwardBenchmark",
        "backward",
        "bio",
        bio,
        "activation",
        f,
        "dtype",
        dtype,
        "backend",
        backend,
        "threads",
        threads);
  }

  private void step(String layers, String optimizer, String dtype, String backend, String threads) {
    add(
        "TrainStepBenchmark",
        "step",
        "layers",
        layers,
        "batch",
        "128",
        "activation",
        "relu",
        "optimizer",
        optimizer,
        "dtype",
        dtype,
        "backend",
        backend,
        "threads",
        threads);
  }

  /** A case for each library; their benchmarks take a number of threads, never 0. */
  private void peers(String suite, List<String> libraries, String threads, String... params) {
    if (peers) {
      for (String library : libraries) {
        cases.add(
            Case.of(suite, suite.equals("PeerFillBenchmark") ? "fill" : "call", params)
                .with("library", library)
                .with("threads", threads.equals(ALL) ? processors : threads));
      }
    }
  }

  private void device(String suite, String method, String... params) {
    cases.add(Case.of(suite, method, params).with("backend", "gpu"));
  }

  private void add(String suite, String method, String... params) {
    cases.add(Case.of(suite, method, params));
  }
}
