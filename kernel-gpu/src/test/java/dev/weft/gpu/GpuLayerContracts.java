package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

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
import dev.weft.testkit.contract.ActivationContract;
import dev.weft.testkit.contract.DenseContract;
import dev.weft.testkit.contract.GemmContract;
import dev.weft.testkit.contract.LossContract;
import dev.weft.testkit.contract.TrainingContract;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The contracts of products, layers and training that a backend on a device passes, wherever its
 * kernels run. They may allocate on the host's heap so far.
 */
abstract class GpuLayerContracts {
  /** Opens the backend under test. */
  abstract Backend backend(BackendOptions options);

  /** Whether its products are weft's own, which have the CPU's bits, and not cuBLAS's. */
  abstract boolean productsAreOwn();

  /** Three steps of a small perceptron. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F64"})
  void trainingHasTheCpusBits(DType dtype) {
    assumeTrue(productsAreOwn(), "train: products of cuBLAS round in another order");
    double[] expected = trained(Weft.open("scalar"), dtype, 1);
    assertThat(trained(backend(BackendOptions.DEFAULT), dtype, 1)).isEqualTo(expected);
    assertThat(trained(backend(BackendOptions.DEFAULT), dtype, 2)).isNotEqualTo(expected);
  }

  private static double[] trained(Backend backend, DType dtype, long seed) {
    try (backend;
        Mlp mlp =
            Mlp.of(70)
                .dense(33, Activation.GELU)
                .dense(10, Activation.SOFTMAX)
                .clipNorm(1)
                .dtype(dtype)
                .build(backend, RandomKey.of(seed));
        Tensor x = backend.tensor(dtype, Shape.of(300, 70))) {
      Tensors.random(x, new SplittableRandom(3), 1);
      int[] classes = new SplittableRandom(4).ints(300, 0, 10).toArray();
      for (int step = 0; step < 3; step++) {
        mlp.trainStep(x, Labels.of(classes));
      }
      return DoubleStream.concat(
              DoubleStream.of(mlp.loss()),
              mlp.parameters().values().stream().flatMapToDouble(GpuLayerContracts::values))
          .toArray();
    }
  }

  private static DoubleStream values(Tensor tensor) {
    return Arrays.stream(Tensors.values(tensor));
  }

  @Nested
  class Products extends GemmContract {
    @Override
    protected boolean repeatsAllocateNothing() {
      return false;
    }

    @Override
    protected boolean productsAreTheCpus() {
      return productsAreOwn();
    }

    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  class DenseLayers extends DenseContract {
    @Override
    protected boolean repeatsAllocateNothing() {
      return false;
    }

    @Override
    protected boolean productsAreTheCpus() {
      return productsAreOwn();
    }

    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  class Activations extends ActivationContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  class Losses extends LossContract {
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
  class Training extends TrainingContract {
    @Override
    protected boolean repeatsAllocateNothing() {
      return false;
    }

    @Override
    protected boolean productsAreTheCpus() {
      return productsAreOwn();
    }

    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }
}
