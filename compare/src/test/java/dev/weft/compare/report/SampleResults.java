package dev.weft.compare.report;

import dev.weft.compare.Agreement;
import dev.weft.compare.Drawn;
import dev.weft.compare.Machine;
import dev.weft.compare.Measurement;
import dev.weft.compare.Missing;
import dev.weft.compare.Results;
import dev.weft.compare.Roof;
import dev.weft.compare.Setting;
import dev.weft.compare.Signal;
import dev.weft.compare.Tasks;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/** Runs as files hold them, with figures that a server with and without a GPU might have. */
final class SampleResults {
  private static final int PROCESSORS = 2;

  private final List<Measurement> measurements = new ArrayList<>();
  private final SplittableRandom random;
  private final double speed;
  private String threads = String.valueOf(PROCESSORS);

  private SampleResults(long seed, double speed) {
    random = new SplittableRandom(seed);
    this.speed = speed;
  }

  /** Two processors, no GPU, and a library that could not be loaded. */
  static Results cpu(String name) {
    SampleResults sample = new SampleResults(1, 1);
    sample.fills();
    sample.products();
    sample.layers();
    return sample.results(name, Optional.of(machine("Xeon", List.of())), List.of());
  }

  /** The same tasks on another machine, which is a third faster and has a GPU. */
  static Results gpu(String name) {
    SampleResults sample = new SampleResults(2, 4 / 3.0);
    sample.fills();
    sample.products();
    sample.layers();
    sample.device();
    return sample.results(
        name,
        Optional.of(machine("EPYC", List.of("NVIDIA H100 80GB HBM3, driver 580.82, CUDA 12.9"))),
        List.of(new Roof("memset", "", 0, 1L << 30, "GB/s", 3700)));
  }

  /** About as many measurements as the longest run has. */
  static Results large(String name) {
    SampleResults sample = new SampleResults(3, 1);
    for (int threads = 1; sample.measurements.size() < 300; threads++) {
      sample.threads = String.valueOf(threads);
      sample.fills();
      sample.products();
      sample.layers();
    }
    sample.device();
    return sample.results(name, Optional.of(machine("Xeon", List.of())), List.of());
  }

  /** One measurement, of these rates. */
  static Results of(String name, String contestant, double[]... samples) {
    Map<String, String> params =
        Map.of("mnk", "64x64x64", "dtype", "f32", "backend", "cpu", "threads", "1");
    Tasks.Done done = Tasks.of("dev.weft.bench.GemmBenchmark.gemm", params, 1).orElseThrow();
    Measurement it =
        new Measurement(
            "dev.weft.bench.GemmBenchmark.gemm",
            params,
            done.task(),
            contestant,
            "",
            List.of(samples));
    return new Results(
        name,
        "",
        "",
        Optional.empty(),
        List.of(),
        List.of(),
        List.of(it),
        List.of(),
        List.of(),
        List.of(),
        List.of());
  }

  /**
   * One thread, rates that are easy to reckon with, under a roof of 100 (none if 0): of the large
   * product OpenBLAS reaches 0.6 exactly, BLIS and MKL less. weft's first rate is of three JVMs,
   * its others of four.
   *
   * @param ran what BLIS ran, and a variable, its value and what was done
   */
  static Results contest(String cpu, double roof, String ran) {
    List<Measurement> all = new ArrayList<>();
    rates(all, "mnk", "64x64x64", "cpu", 90, "openblas", 100, "blis", 30);
    rates(all, "mnk", "1024x1024x1024", "cpu", 80, "openblas", 60, "blis", 59, "mkl", 50);
    rates(all, "mnk", "256x256x256", "cpu", 50, "openblas", 50, "blis", 200);
    rates(all, "bio", "128x784x512", "cpu", 40, "blis", 10);
    rates(all, "bio", "32x784x128", "cpu", 40, "blis", 10, "tensorflow", 20);
    rates(all, "size", "64MiB", "cpu", 12, "mkl", 3, "tensorflow", 4);
    Measurement first = all.getFirst();
    all.replaceAll(
        it ->
            new Measurement(
                it.benchmark(),
                it.params(),
                it.task(),
                it.contestant(),
                it.contestant().startsWith("BLIS") ? ran : "",
                it.byWeft() && it != first
                    ? Collections.nCopies(4, it.samples().getFirst())
                    : it.samples()));
    Machine like = machine("EPYC", List.of());
    return new Results(
        "contest.json",
        "",
        "",
        Optional.of(
            new Machine(
                cpu,
                1,
                1,
                like.simd(),
                like.caches(),
                1,
                like.gpu(),
                like.os(),
                like.jdk(),
                Map.of("BLIS", "BLIS 0.9.0"),
                0)),
        List.of(new Setting(ran, "", ran), new Setting("OPENBLAS_CORETYPE", ran, "removed")),
        roof == 0 ? List.of() : List.of(new Roof("fma", "f32", 1, 0, "GFLOP/s", roof)),
        all,
        List.of(),
        List.of(),
        List.of(),
        List.of());
  }

  /** A task, by the parameter that has its size, and who did it at which rate. */
  private static void rates(List<Measurement> to, String size, String of, Object... who) {
    String suite = Map.of("mnk", "Gemm", "bio", "DenseForward", "size", "Fill").get(size);
    for (int i = 0; i < who.length; i += 2) {
      boolean weft = who[i].equals("cpu");
      Map<String, String> params = new LinkedHashMap<>();
      params.put(size, of);
      params.put(weft ? "backend" : "library", (String) who[i]);
      params.putAll(Map.of("distribution", "uniform", "memory", "reused", "threads", "1"));
      String benchmark = "dev.weft.bench." + (weft ? "" : "Peer") + suite + "Benchmark.call";
      Tasks.Done done = Tasks.of(benchmark, params, 1).orElseThrow();
      double rate = ((Number) who[i + 1]).doubleValue();
      List<double[]> samples = Collections.nCopies(3, new double[] {rate});
      to.add(new Measurement(benchmark, params, done.task(), done.contestant(), "", samples));
    }
  }

  private void fills() {
    double[] stores = {21.4, 14.2, 11.9, 10.8};
    String[] distributions = {"uniform", "normal", "truncated_normal", "glorot_uniform"};
    for (int d = 0; d < distributions.length; d++) {
      double rate = stores[d];
      fill("FillBenchmark", distributions[d], "64MiB", "cpu", rate);
      fill("PeerFillBenchmark", distributions[d], "64MiB", "pytorch", rate * 0.19);
      fill("PeerFillBenchmark", distributions[d], "64MiB", "tensorflow", rate * 0.31);
      if (d < 2) {
        fill("PeerFillBenchmark", distributions[d], "64MiB", "commons-rng", rate * 0.12);
        fill("PeerFillBenchmark", distributions[d], "64MiB", "l64x128mix", rate * 0.17);
      }
    }
    fill("FillBenchmark", "uniform", "64MiB", "scalar", 4.9);
    String[] sizes = {"16KiB", "256KiB", "4MiB", "1GiB"};
    double[] rates = {6.3, 31.0, 27.5, 19.8};
    for (int i = 0; i < sizes.length; i++) {
      fill("FillBenchmark", "uniform", sizes[i], "cpu", rates[i]);
    }
    add("OrthogonalBenchmark.orthogonal", 0.061, "n", "512", "backend", "cpu", "threads", threads);
  }

  private void fill(String suite, String distribution, String size, String who, double rate) {
    add(
        suite + ".fill",
        rate,
        "distribution",
        distribution,
        "dtype",
        "f32",
        "size",
        size,
        "memory",
        "reused",
        "backend",
        who,
        "library",
        who,
        "threads",
        threads);
  }

  private void products() {
    String[] sizes = {"64", "256", "1024", "2048"};
    double[] rates = {14.5, 108, 171, 176};
    String[] libraries = {"mkl", "openblas", "blis", "pytorch", "netlib"};
    double[][] shares = {
      {1.31, 1.12, 1.02, 1.04},
      {0.8, 0.93, 0.97, 0.99},
      {0.4, 0.7, 0.9, 0.92},
      {0.21, 0.96, 1.0, 1.01},
      {0.09, 0.02, 0.012, 0.011}
    };
    for (int i = 0; i < sizes.length; i++) {
      gemm("GemmBenchmark.gemm", sizes[i], "cpu", rates[i]);
      for (int k = 0; k < libraries.length; k++) {
        gemm("PeerGemmBenchmark.call", sizes[i], libraries[k], rates[i] * shares[k][i]);
      }
    }
    gemm("GemmBenchmark.gemm", "256", "scalar", 5.1);
    add(
        "GemmBenchmark.gemm",
        39.2,
        "mnk",
        "128x128x784",
        "dtype",
        "f64",
        "backend",
        "cpu",
        "threads",
        threads);
  }

  private void gemm(String benchmark, String n, String who, double rate) {
    add(
        benchmark,
        rate,
        "mnk",
        n + "x" + n + "x" + n,
        "dtype",
        "f32",
        "backend",
        who,
        "library",
        who,
        "threads",
        threads);
  }

  private void layers() {
    for (String pass : List.of("Forward", "Backward")) {
      double rate = pass.equals("Forward") ? 152 : 139;
      layer("Dense" + pass + "Benchmark." + pass.toLowerCase(Locale.ROOT), "cpu", rate);
      layer("PeerDense" + pass + "Benchmark.call", "mkl", rate * 1.08);
      layer("PeerDense" + pass + "Benchmark.call", "pytorch", rate * 0.81);
      layer("PeerDense" + pass + "Benchmark.call", "tensorflow", rate * 0.62);
    }
    for (String who : List.of("cpu", "pytorch", "tensorflow")) {
      add(
          who.equals("cpu") ? "TrainStepBenchmark.step" : "PeerTrainStepBenchmark.step",
          who.equals("cpu") ? 98 : who.equals("pytorch") ? 61 : 37,
          "layers",
          "784-512-512-10",
          "batch",
          "128",
          "optimizer",
          "adam",
          "backend",
          who,
          "library",
          who,
          "threads",
          threads);
    }
  }

  private void layer(String benchmark, String who, double rate) {
    add(
        benchmark,
        rate,
        "bio",
        "128x784x512",
        "activation",
        "relu",
        "dtype",
        "f32",
        "backend",
        who,
        "library",
        who,
        "threads",
        threads);
  }

  private void device() {
    String[] sizes = {"16KiB", "256KiB", "4MiB", "64MiB", "1GiB"};
    double[] resident = {3.1, 48, 640, 2250, 2610};
    double[] host = {0.9, 7.2, 15.5, 22.8, 24.9};
    for (int i = 0; i < sizes.length; i++) {
      String[] params = {"distribution", "uniform", "size", sizes[i], "backend", "gpu"};
      add("GpuFillResidentBenchmark.fill", resident[i], params);
      add("GpuFillEndToEndBenchmark.fill", host[i], params);
    }
    String[] n = {"64", "256", "1024", "4096"};
    double[] rates = {31, 1900, 28000, 47800};
    double[] ends = {6, 190, 1650, 7900};
    for (int i = 0; i < n.length; i++) {
      String[] params = {"mnk", n[i] + "x" + n[i] + "x" + n[i], "backend", "gpu"};
      add("GpuGemmResidentBenchmark.gemm", rates[i], params);
      add("GpuGemmEndToEndBenchmark.gemm", ends[i], params);
    }
    String[] params = {"mnk", "8192x8192x8192", "backend", "gpu", "precision", "tf32"};
    add("GpuGemmKernelBenchmark.gemm", 318_000, params);
    add("GpuCublasBenchmark.gemm", 318_400, params);
    add("torch.gemm", 317_500, params);
  }

  private void add(String benchmark, double rate, String... pairs) {
    Map<String, String> params = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      params.put(pairs[i], pairs[i + 1]);
    }
    Tasks.Done done = Tasks.of("dev.weft.bench." + benchmark, params, PROCESSORS).orElseThrow();
    double unstable = random.nextInt(8) == 0 ? 0.08 : 0.012;
    List<double[]> samples = new ArrayList<>();
    for (int fork = 0; fork < 2; fork++) {
      double of = rate * speed * (1 + unstable * random.nextDouble(-1, 1));
      samples.add(random.doubles(5, -1, 1).map(noise -> of * (1 + unstable / 3 * noise)).toArray());
    }
    measurements.add(
        new Measurement(
            "dev.weft.bench." + benchmark, params, done.task(), done.contestant(), "", samples));
  }

  private static Machine machine(String kind, List<String> gpu) {
    boolean xeon = kind.equals("Xeon");
    return new Machine(
        xeon ? "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz" : "AMD EPYC 9654 96-Core Processor",
        PROCESSORS,
        xeon ? 2.99e9 : 3.7e9,
        List.of("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512dq", "avx512vl"),
        "L1 data 48K, L1 instruction 32K, L2 unified 2048K, L3 unified 107520K",
        16L << 30,
        gpu,
        "Linux 6.12.10",
        "OpenJDK 64-Bit Server VM 25.0.3+9-LTS (Eclipse Adoptium)",
        Map.of("MKL", "2025.3"),
        0.42);
  }

  private Results results(String name, Optional<Machine> machine, List<Roof> more) {
    List<Roof> roofs = new ArrayList<>();
    long[] bytes = {16 << 10, 256 << 10, 4 << 20, 64 << 20, 1 << 30};
    double[] stores = {118, 74, 39.5, 22.9, 20.4};
    for (int i = 0; i < bytes.length; i++) {
      roofs.add(new Roof("stores", "", 2, bytes[i], "GB/s", stores[i] * speed));
    }
    roofs.add(new Roof("fma", "f32", 2, 0, "GFLOP/s", 187.5 * speed));
    roofs.add(new Roof("fma", "f64", 2, 0, "GFLOP/s", 93.6 * speed));
    roofs.addAll(more);
    return new Results(
        name,
        "2026-11-27T12:00:00Z",
        "bench --suite all --quick --peers --out " + name,
        machine,
        List.of(),
        roofs,
        measurements,
        List.of(
            new Missing("ND4J", "uniform 64MiB", "no native library for this processor"),
            new Missing("ND4J", "gemm 256x256x256", "no native library for this processor"),
            new Missing("weft gpu", "all of a GPU", "libcuda.so.1 is not there")),
        agreements(),
        drawn(),
        signals());
  }

  private static List<Agreement> agreements() {
    List<Agreement> all = new ArrayList<>();
    for (String technique : List.of("cpu-128 × 2", "cpu-256 × 2", "cpu-512 × 2")) {
      for (String operation : List.of("bits", "uniform", "normal", "truncated_normal")) {
        all.add(new Agreement(operation, "f32", technique, 27, true, 0, ""));
      }
      all.add(new Agreement("gemm", "f32", technique, 64, false, 0.1234, ""));
      all.add(new Agreement("dense relu", "f32", technique, 12, false, 0.031, ""));
    }
    return all;
  }

  private static List<Drawn> drawn() {
    List<Drawn> all = new ArrayList<>();
    SplittableRandom random = new SplittableRandom(42);
    for (String name :
        List.of(
            "uniform", "normal", "truncated_normal", "glorot_uniform", "he_normal", "orthogonal")) {
      int bins = 40;
      double sigma = name.equals("he_normal") ? 0.0625 : name.endsWith("normal") ? 1 : 0.044;
      boolean flat = name.endsWith("uniform");
      double high = flat ? 0.0765 : name.startsWith("trunc") ? 2 : 4 * sigma;
      long[] counts = new long[bins];
      double[] density = new double[name.equals("orthogonal") ? 0 : bins + 1];
      for (int i = 0; i < density.length; i++) {
        double x = -high + 2 * high * i / bins;
        density[i] =
            flat
                ? 1 / (2 * high)
                : Math.exp(-x * x / (2 * sigma * sigma)) / (sigma * Math.sqrt(2 * Math.PI));
      }
      for (int i = 0; i < 100_000; i++) {
        double x = flat ? random.nextDouble(-high, high) : sigma * random.nextGaussian();
        int bin = (int) Math.floor((x + high) / (2 * high) * bins);
        if (bin >= 0 && bin < bins) {
          counts[bin]++;
        }
      }
      double variance = flat ? high * high / 3 : sigma * sigma;
      all.add(
          new Drawn(
              name,
              "[512, 512]",
              -high,
              high,
              counts,
              density,
              1.2e-5,
              variance * 1.004,
              density.length == 0 ? Double.NaN : 0,
              density.length == 0 ? Double.NaN : variance));
    }
    return all;
  }

  private static List<Signal> signals() {
    List<Signal> all = new ArrayList<>();
    String[] names = {"he_normal", "glorot_uniform", "glorot_uniform", "normal(0, 0.1)"};
    String[] activations = {"relu", "tanh", "relu", "relu"};
    double[] factors = {1, 0.88, 0.5, 2.56};
    double[] back = {1.01, 0.97, 0.5, 2.56};
    for (int k = 0; k < names.length; k++) {
      double[] forward = new double[21];
      double[] backward = new double[21];
      for (int i = 0; i <= 20; i++) {
        forward[i] = Math.pow(factors[k], i);
        backward[i] = Math.pow(back[k], 20 - i);
      }
      all.add(new Signal(names[k], activations[k], forward, backward));
    }
    return all;
  }
}
