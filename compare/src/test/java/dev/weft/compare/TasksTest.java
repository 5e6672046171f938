package dev.weft.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What benchmarks do, and the work that it is, computed by hand. */
class TasksTest {
  private static Tasks.Done done(String benchmark, String params) {
    Map<String, String> map = new LinkedHashMap<>();
    for (String param : params.split(" ")) {
      map.put(param.substring(0, param.indexOf('=')), param.substring(param.indexOf('=') + 1));
    }
    return Tasks.of(benchmark, map, 4).orElseThrow();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "b.FillBenchmark.fill | distribution=uniform dtype=bf16 size=64MiB backend=cpu:256 threads=0"
            + " | weft cpu:256 | uniform 64MiB bf16, reused, 4 threads | 0 | 67108864",
        "b.FillAllocBenchmark.tensor | distribution=normal size=1KiB backend=cpu threads=1"
            + " | weft cpu | normal 1KiB f32, fresh, 1 thread | 0 | 1024",
        "b.FillAllocBenchmark.arena | distribution=normal size=1KiB backend=cpu threads=1"
            + " | weft cpu, arena | normal 1KiB f32, fresh, 1 thread | 0 | 1024",
        "b.FillAllocBenchmark.jdkLoop | distribution=uniform size=8 backend=cpu threads=1"
            + " | SplittableRandom | uniform 8 f32, fresh, 1 thread | 0 | 8",
        "b.PeerFillBenchmark.fill | distribution=orthogonal size=1MiB memory=reused library=pytorch"
            + " threads=2 | PyTorch | orthogonal 512x512 f32, reused, 2 threads | 357913941 | 1048576",
        "b.OrthogonalBenchmark.orthogonal | n=512 backend=cpu threads=2"
            + " | weft cpu | orthogonal 512x512 f32, reused, 2 threads | 357913941 | 1048576",
        "b.GemmBenchmark.gemm | mnk=2x3x5 dtype=f64 transposes=NT backend=scalar threads=1"
            + " | weft scalar | gemm NT 2x3x5 f64, reused, 1 thread | 60 | 248",
        "b.PeerDenseForwardBenchmark.call | bio=2x3x5 library=mkl threads=1"
            + " | MKL (products alone) | forward relu 2x3x5 f32, reused, 1 thread | 60 | 144",
        "b.DenseBackwardBenchmark.backward | bio=2x3x5 activation=gelu dtype=f32 backend=cpu"
            + " threads=1 | weft cpu | backward gelu 2x3x5 f32, reused, 1 thread | 120 | 268",
        // 4·8·6 + 6·8·2 flop; (2+1)·3 + (3+1)·2 = 17 weights, 10 times for adam
        "b.TrainStepBenchmark.step | layers=2-3-2 batch=8 optimizer=adam dtype=f32 backend=cpu"
            + " threads=1 | weft cpu | step adam 2-3-2 B=8 f32, reused, 1 thread | 480 | 680",
        "b.GpuGemmResidentBenchmark.gemm | mnk=2x2x2 dtype=f32 precision=tf32 backend=gpu"
            + " | weft gpu | gemm 2x2x2 f32 by tf32, resident | 16 | 48",
        "b.GpuTrainStepEndToEndBenchmark.steps | layers=2-3 batch=8 optimizer=sgd precision=f32"
            + " backend=gpu | weft gpu, loss not read | step sgd 2-3 B=8 f32, end to end | 192 | 216",
        "b.GpuCurandBenchmark.generate | distribution=normal ordering=legacy size=8"
            + " | cuRAND, legacy | normal 8 f32, kernel | 0 | 8",
        "b.GpuCublasBenchmark.gemm | mnk=2x2x2 dtype=bf16 precision=f32"
            + " | cuBLAS | gemm 2x2x2 bf16, kernel | 16 | 24",
        "torch.gemm | mnk=2x2x2 precision=bf16 | PyTorch CUDA | gemm 2x2x2 bf16, kernel | 16 | 24",
        "torch.gemm | mnk=2x2x2 precision=tf32"
            + " | PyTorch CUDA | gemm 2x2x2 f32 by tf32, kernel | 16 | 48",
        "torch.fill | distribution=normal dtype=bf16 size=8"
            + " | PyTorch CUDA | normal 8 bf16, kernel | 0 | 8",
        "torch.train_step | layers=2-3 batch=8 optimizer=sgd precision=f32 how=graph"
            + " | PyTorch CUDA, graph | step sgd 2-3 B=8 f32, resident | 192 | 216",
      })
  void benchmarksAreTasks(
      String benchmark, String params, String contestant, String task, double flop, double bytes) {
    Tasks.Done done = done(benchmark.strip(), params.strip());

    assertThat(done.contestant()).isEqualTo(contestant);
    assertThat(done.task()).hasToString(task);
    assertThat(done.task().flop()).isCloseTo(flop, within(1.0));
    assertThat(done.task().bytes()).isEqualTo(bytes);
  }

  /** Rounding data of f32 is not the task of multiplying data of bf16. */
  @Test
  void dataAndPrecisionAreNotMixedUp() {
    Task rounded =
        done("b.GpuGemmKernelBenchmark.gemm", "mnk=2x2x2 precision=bf16 backend=gpu").task();
    Task data = done("torch.gemm", "mnk=2x2x2 precision=bf16").task();

    assertThat(rounded).isNotEqualTo(data);
    assertThat(done("b.GpuGemmKernelBenchmark.gemm", "mnk=2x2x2 dtype=bf16 backend=gpu").task())
        .isEqualTo(data);
  }

  @Test
  void othersAreNone() {
    assertThat(Tasks.of("b.LossBenchmark.loss", Map.of(), 1)).isEmpty();
    assertThat(Tasks.of("b.GpuActivationKernelBenchmark.forward", Map.of(), 1)).isEmpty();
    assertThat(Tasks.of("torch.copy", Map.of(), 1)).isEmpty();
    assertThat(Tasks.of("nodot", Map.of(), 1)).isEmpty();
  }
}
