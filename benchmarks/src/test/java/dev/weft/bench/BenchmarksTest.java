package dev.weft.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Percentage.withPercentage;

import dev.weft.testkit.gpu.FakeCublas;
import dev.weft.testkit.gpu.FakeCurand;
import dev.weft.testkit.gpu.FakeDriver;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import org.opentest4j.TestAbortedException;

/** Every benchmark that JMH finds runs, verifies its own operation, and reports its rates. */
class BenchmarksTest {
  private static final Set<String> NEEDS_GCC = Set.of(YardstickBenchmark.class.getName());

  private static boolean hasGpu;

  /** A stand-in for CUDA's driver takes the place of a GPU, where g++ makes one. */
  @BeforeAll
  static void shareTheMachine() {
    System.setProperty("jmh.ignoreLock", "true");
    try {
      FakeDriver.load();
      FakeCurand.load();
      FakeCublas.load();
      hasGpu = true;
    } catch (TestAbortedException e) {
      hasGpu = false; // the suites that need one are left out
    }
  }

  @Test
  void everyBenchmarkRuns() throws RunnerException {
    Set<String> wanted = new TreeSet<>();
    for (BenchmarkListEntry entry :
        BenchmarkList.defaultList()
            .getAll(
                OutputFormatFactory.createFormatInstance(System.err, VerboseMode.SILENT),
                List.of())) {
      String suite = entry.getUserClassQName();
      if ((YardstickTest.available() || !NEEDS_GCC.contains(suite))
          && (hasGpu || !suite.contains(".Gpu"))) {
        wanted.add(entry.getUsername());
      }
    }
    assertThat(wanted)
        .anyMatch(name -> name.endsWith(".FillBenchmark.fill"))
        .anyMatch(name -> !hasGpu || name.endsWith(".GpuFillResidentBenchmark.fill"));

    ChainedOptionsBuilder options = tiny().forks(0);
    wanted.forEach(name -> options.include("^" + name.replace(".", "\\.") + "$"));
    Set<String> ran = new TreeSet<>();
    for (RunResult result : new Runner(options.build()).run()) {
      ran.add(result.getParams().getBenchmark());
      assertThat(result.getPrimaryResult().getScore()).isPositive();
    }

    assertThat(ran).isEqualTo(wanted);
  }

  @Test
  void fillReportsElementsBytesAndTheShareOfTheRoof() throws RunnerException {
    RunResult result =
        run(tiny().forks(0).include("\\.FillBenchmark\\.").param("distribution", "uniform"));

    double calls = result.getPrimaryResult().getScore();
    assertThat(rate(result, "gigaElements")).isCloseTo(calls * 4096e-9, withPercentage(20));
    assertThat(rate(result, "gigaBytes")).isCloseTo(calls * 16384e-9, withPercentage(20));
    assertThat(rate(result, "shareOfRoof")).isBetween(0.0, 1.5);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Kernel", "Resident", "EndToEnd"})
  void gpuFillsReportTheSame(String kind) throws RunnerException {
    FakeDriver driver = FakeDriver.load();
    RunResult result =
        run(
            tiny()
                .forks(0)
                .include("\\.GpuFill" + kind + "Benchmark\\.")
                .param("distribution", "normal")
                .param("dtype", "bf16"));

    double calls = result.getPrimaryResult().getScore();
    assertThat(rate(result, "gigaElements")).isCloseTo(calls * 8192e-9, withPercentage(20));
    assertThat(rate(result, "gigaBytes")).isCloseTo(calls * 16384e-9, withPercentage(20));
    assertThat(rate(result, "shareOfRoof")).isPositive();
    assertThat(driver.calls("cuLaunchKernel")).isPositive();
    assertThat(driver.calls("cuMemsetD32Async") > 0).isEqualTo(!kind.equals("EndToEnd"));
    assertThat(driver.held()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "Gemm, 10098e-12", // 2·17·9·33
    "DenseForward, 5610e-12", // 2·5·33·17
    "DenseBackward, 11220e-12",
    "TrainStep, 3366e-12" // 3·(4·9·17 + 6·17·5)
  })
  void gpuProductsReportTeraflops(String operation, double teraFlop) throws RunnerException {
    List<String> names = new ArrayList<>();
    for (String kind : List.of("Kernel", "Resident", "EndToEnd")) {
      names.add(kind + "Benchmark\\.(gemm|forward|backward|step)$");
    }
    if (operation.equals("TrainStep")) {
      names.add("EndToEndBenchmark\\.steps$");
    }
    for (String name : names) {
      FakeDriver driver = FakeDriver.load();
      FakeCublas cublas = FakeCublas.load();
      RunResult result =
          run(
              tiny()
                  .forks(0)
                  .include("\\.Gpu" + operation + name)
                  .param("precision", "f32")
                  .param("optimizer", "sgd")
                  .param("dtype", operation.equals("Gemm") ? "bf16" : "f32"));

      double calls = result.getPrimaryResult().getScore();
      assertThat(rate(result, "teraFlop")).isCloseTo(calls * teraFlop, withPercentage(20));
      assertThat(driver.calls("cuLaunchKernel")).isPositive();
      assertThat(cublas.calls("cublasGemmEx")).isPositive();
      assertThat(driver.held()).isEmpty();
      assertThat(cublas.held()).isZero();
    }
  }

  @Test
  void gpuActivationsReportTheShareOfACopy() throws RunnerException {
    FakeDriver driver = FakeDriver.load();
    Collection<RunResult> results =
        new Runner(
                tiny()
                    .forks(0)
                    .include("\\.GpuActivationKernelBenchmark\\.")
                    .param("activation", "gelu")
                    .build())
            .run();

    assertThat(results).hasSize(3);
    for (RunResult result : results) {
      double calls = result.getPrimaryResult().getScore();
      boolean forward = result.getParams().getBenchmark().endsWith(".forward");
      double bytes = 4 * 3 * 33 * (forward ? 2 : 3);
      assertThat(rate(result, "gigaBytes")).isCloseTo(calls * bytes * 1e-9, withPercentage(20));
      assertThat(rate(result, "shareOfRoof")).isPositive();
    }
    assertThat(driver.calls("cuMemcpyDtoDAsync")).isPositive();
    assertThat(driver.held()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"uniform", "normal"})
  void curandReportsTheSame(String distribution) throws RunnerException {
    FakeDriver driver = FakeDriver.load();
    FakeCurand curand = FakeCurand.load();
    RunResult result =
        run(
            tiny()
                .forks(0)
                .include("\\.GpuCurandBenchmark\\.")
                .param("ordering", "legacy")
                .param("distribution", distribution));

    double calls = result.getPrimaryResult().getScore();
    assertThat(rate(result, "gigaBytes")).isCloseTo(calls * 16384e-9, withPercentage(20));
    assertThat(rate(result, "shareOfRoof")).isPositive();
    String call = distribution.equals("uniform") ? "curandGenerateUniform" : "curandGenerateNormal";
    assertThat(curand.calls(call)).isPositive();
    assertThat(curand.held()).isZero();
    assertThat(driver.held()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "f32, f32, NN, cublasSgemm",
    "f32, f32, TT, cublasSgemm",
    "f32, tf32, NT, cublasGemmEx",
    "f32, bf16, TN, cublasGemmEx",
    "bf16, f32, NN, cublasGemmEx",
    "f64, f32, TT, cublasGemmEx"
  })
  void cublasReportsTeraflops(String dtype, String precision, String transposes, String call)
      throws RunnerException {
    FakeDriver driver = FakeDriver.load();
    FakeCublas cublas = FakeCublas.load();
    RunResult result = run(cublas(dtype, precision, transposes));

    double calls = result.getPrimaryResult().getScore();
    assertThat(rate(result, "teraFlop")).isCloseTo(calls * 10098e-12, withPercentage(20));
    assertThat(cublas.calls(call)).isPositive();
    assertThat(cublas.held()).isZero();
    assertThat(driver.held()).isEmpty();
  }

  /** The check sees a product that was not computed, or of the other transpose. */
  @ParameterizedTest
  @CsvSource({"cublasSgemm, f32", "cublasGemmEx, tf32"})
  void cublasIsVerified(String call, String precision) {
    FakeDriver driver = FakeDriver.load();
    FakeCublas cublas = FakeCublas.load();
    GpuCublasBenchmark benchmark = new GpuCublasBenchmark();
    benchmark.backend = "gpu";
    benchmark.mnk = "17x17x17";
    benchmark.transposes = "NN";
    benchmark.dtype = "f32";
    benchmark.precision = precision;
    benchmark.open();
    for (int fault : new int[] {FakeCublas.IGNORED, FakeCublas.FLIPPED}) {
      cublas.fail(call, 0, fault);
      assertThatThrownBy(() -> benchmark.product().check())
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("benchmark: need an error of at most");
    }
    FakeCublas.load();
    benchmark.close();
    assertThat(cublas.held()).isZero();
    assertThat(driver.held()).isEmpty();
  }

  private static ChainedOptionsBuilder cublas(String dtype, String precision, String transposes) {
    return tiny()
        .forks(0)
        .include("\\.GpuCublasBenchmark\\.")
        .param("dtype", dtype)
        .param("precision", precision)
        .param("transposes", transposes);
  }

  /** One line, and whatever else was asked for runs. */
  @Test
  void suitesThatNeedAGpuAreLeftOutWhereThereIsNone() {
    List<String> said = new ArrayList<>();
    Optional<String> missing = Optional.of("no driver; remedy: install one");
    assertThat(GpuSuites.arguments(List.of("GpuFillR", "-f", "1"), missing, said::add)).isEmpty();
    assertThat(said)
        .containsExactly(
            "weft bench: GpuFillResidentBenchmark need a gpu: no driver; remedy: install one");
    assertThat(GpuSuites.arguments(List.of("Fill.*fill", "-f", "1"), missing, said::add).get())
        .containsExactly("Fill.*fill", "-f", "1", "-e", GpuSuites.NAMES);
    assertThat(said.get(1))
        .contains("GpuFillEndToEndBenchmark, GpuFillKernelBenchmark, GpuFillResidentBenchmark");
    List<String> cpu = List.of("\\.FillBenchmark");
    assertThat(GpuSuites.arguments(cpu, missing, said::add).get()).isSameAs(cpu);
    List<String> any = List.of();
    assertThat(GpuSuites.arguments(any, Optional.empty(), said::add).get()).isSameAs(any);
    assertThat(said).hasSize(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Dense", "TrainStep", "Activation", "Loss", "Update"})
  void layersAreRightOnTheScalarBackendToo(String suite) throws RunnerException {
    Collection<RunResult> results =
        new Runner(
                tiny()
                    .forks(0)
                    .include("\\.%s\\w*Benchmark\\.".formatted(suite))
                    .param("activation", suite.equals("Dense") ? "sigmoid" : "relu")
                    .param("backend", "scalar")
                    .param("threads", "1")
                    .build())
            .run();

    assertThat(results).isNotEmpty();
    for (RunResult result : results) {
      assertThat(result.getSecondaryResults().values())
          .allSatisfy(counter -> assertThat(counter.getScore()).isPositive());
    }
  }

  @Test
  void aForkHasTheFlagsThatABackendNeeds() throws RunnerException {
    RunResult result =
        run(
            tiny()
                .forks(1)
                .include("\\.FillBenchmark\\.")
                .param("distribution", "glorot_uniform")
                .param("dtype", "bf16")
                .param("backend", "cpu"));

    assertThat(result.getPrimaryResult().getScore()).isPositive();
  }

  private static double rate(RunResult result, String counter) {
    Result<?> secondary = result.getSecondaryResults().get(counter);
    assertThat(secondary).as(counter).isNotNull();
    return secondary.getScore();
  }

  private static RunResult run(ChainedOptionsBuilder options) throws RunnerException {
    Collection<RunResult> results = new Runner(options.build()).run();
    assertThat(results).hasSize(1);
    return results.iterator().next();
  }

  private static ChainedOptionsBuilder tiny() {
    return new OptionsBuilder()
        .param("size", "16KiB")
        .param("n", "64")
        .param("mnk", "17x9x33")
        .param("bio", "5x33x17")
        .param("shape", "3x33")
        .param("classes", "3x5")
        .param("layers", "9-17-5")
        .param("batch", "3")
        .param("parameters", "1003")
        .warmupIterations(1)
        .warmupTime(TimeValue.milliseconds(20))
        .measurementIterations(1)
        .measurementTime(TimeValue.milliseconds(50))
        .shouldFailOnError(true)
        .verbosity(VerboseMode.SILENT);
  }
}
