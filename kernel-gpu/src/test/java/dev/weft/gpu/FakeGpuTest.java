package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.nn.Activation;
import dev.weft.nn.Labels;
import dev.weft.nn.Mlp;
import dev.weft.random.RandomKey;
import dev.weft.testkit.Tensors;
import dev.weft.testkit.contract.DenseContract;
import dev.weft.testkit.contract.GemmContract;
import dev.weft.testkit.contract.OrthogonalContract;
import dev.weft.testkit.contract.TrainingContract;
import dev.weft.testkit.gpu.FakeCublas;
import dev.weft.testkit.gpu.FakeDriver;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The contracts on the CUDA backend, whose kernels a stand-in for the driver runs on the host. */
class FakeGpuTest extends GpuContracts {
  @Override
  Backend backend(BackendOptions options) {
    FakeDriver.load();
    return Weft.open("gpu", options);
  }

  /** When every backend is closed, whatever became of its tensors. */
  @AfterAll
  static void nothingIsHeld() {
    assertThat(FakeDriver.load().held()).isEmpty();
  }

  @Nested
  class OrthogonalOnTheDevice extends OrthogonalContract {
    /** The device's memory alone. */
    @Override
    protected boolean worksInItsOwnMemory() {
      return false;
    }

    @Override
    protected boolean hasTheCpusBits() {
      return false;
    }

    @Override
    protected Backend open(BackendOptions options) {
      FakeDriver.load();
      FakeCublas.load();
      return CurandContract.with(OrthogonalPath.PROPERTY, "device", () -> backend(options));
    }
  }

  /** A training of a small perceptron, whose bits are the CPU's. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F64"})
  void trainingHasTheCpusBits(DType dtype) {
    FakeDriver.load();
    assertThat(trained("gpu", dtype)).isEqualTo(trained("scalar", dtype));
    assertThat(trained("gpu", dtype)).isNotEqualTo(trained("scalar", DType.F32, 2));
  }

  private static double[] trained(String backend, DType dtype) {
    return trained(backend, dtype, 1);
  }

  private static double[] trained(String backend, DType dtype, long seed) {
    try (Backend opened = Weft.open(backend);
        Mlp mlp =
            Mlp.of(70)
                .dense(33, Activation.GELU)
                .dense(10, Activation.SOFTMAX)
                .clipNorm(1)
                .dtype(dtype)
                .build(opened, RandomKey.of(seed));
        Tensor x = opened.tensor(dtype, Shape.of(300, 70))) {
      Tensors.random(x, new SplittableRandom(3), 1);
      int[] classes = new SplittableRandom(4).ints(300, 0, 10).toArray();
      for (int step = 0; step < 3; step++) {
        mlp.trainStep(x, Labels.of(classes));
      }
      return DoubleStream.concat(
              DoubleStream.of(mlp.loss()),
              mlp.parameters().values().stream().flatMapToDouble(FakeGpuTest::values))
          .toArray();
    }
  }

  private static DoubleStream values(Tensor tensor) {
    return Arrays.stream(Tensors.values(tensor));
  }

  @Nested
  @Tag("big") // minutes, where kernels run on the host
  class Products extends GemmContract {
    @Override
    protected boolean repeatsAllocateNothing() {
      return false;
    }

    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  @Tag("big") // minutes, where kernels run on the host
  class DenseLayers extends DenseContract {
    @Override
    protected boolean repeatsAllocateNothing() {
      return false;
    }

    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  @Tag("big") // minutes, where kernels run on the host
  class Training extends TrainingContract {
    @Override
    protected boolean repeatsAllocateNothing() {
      return false;
    }

    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }
}
