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
import dev.weft.nn.Optimizer;
import dev.weft.random.RandomKey;
import dev.weft.testkit.Tensors;
import dev.weft.testkit.contract.ActivationContract;
import dev.weft.testkit.contract.DenseContract;
import dev.weft.testkit.contract.EventContract;
import dev.weft.testkit.contract.GemmContract;
import dev.weft.testkit.contract.LossContract;
import dev.weft.testkit.contract.TrainingContract;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The contracts of products, layers and training that a backend on a device passes, wherever its
 * kernels run.
 */
abstract class GpuLayerContracts {
  /** Opens the backend under test. */
  abstract Backend backend(BackendOptions options);

  /** Whether its products are weft's own, which have the CPU's bits, and not cuBLAS's. */
  abstract boolean productsAreOwn();

  /** Seven steps of a small perceptron, of which some are recorded and replayed. */
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

  /** Whose memory x is in: the device's or the host's, two in turn; or another for each step. */
  private enum Input {
    DEVICE,
    HOST,
    FRESH // so that no step comes again, and none is recorded
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F64"})
  void recordingChangesNoBit(DType dtype) {
    double[] expected = trained(backend(BackendOptions.DEFAULT), dtype, 1, Input.FRESH);
    for (Input input : new Input[] {Input.DEVICE, Input.HOST}) {
      assertThat(trained(backend(BackendOptions.DEFAULT), dtype, 1, input))
          .as("%s", input)
          .isEqualTo(expected);
    }
  }

  private static double[] trained(Backend backend, DType dtype, long seed) {
    return trained(backend, dtype, seed, Input.DEVICE);
  }

  private static double[] trained(Backend backend, DType dtype, long seed, Input input) {
    int steps = 7;
    Shape shape = Shape.of(300, 70);
    Tensor[] xs = new Tensor[input == Input.FRESH ? steps : 2];
    try (backend;
        Arena arena = Arena.ofShared();
        Mlp mlp =
            Mlp.of(70)
                .dense(33, Activation.GELU)
                .dense(10, Activation.SOFTMAX)
                .clipNorm(1)
                .dtype(dtype)
                .build(backend, RandomKey.of(seed))) {
      for (int i = 0; i < xs.length; i++) {
        xs[i] =
            input == Input.HOST
                ? backend.wrap(arena.allocate(dtype.byteSize(300 * 70), 64), dtype, shape)
                : backend.tensor(dtype, shape);
      }
      SplittableRandom random = new SplittableRandom(4);
      for (int step = 0; step < steps; step++) {
        Tensor x = xs[step % xs.length];
        Tensors.random(x, random, 1);
        mlp.optimizer(Optimizer.adam(0.01 / (step + 1)));
        mlp.trainStep(x, Labels.of(random.ints(300, 0, 10).toArray()));
      }
      for (Tensor x : xs) {
        x.close();
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
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  class Training extends TrainingContract {
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
  class FlightEvents extends EventContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }
}
