package dev.weft.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import dev.weft.Backend;
import dev.weft.ClosedException;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.init.Initializers;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DjlInitializerTest {
  private static final RandomKey KEY = RandomKey.of(7);

  private final Backend backend = Weft.open("cpu");
  private final NDManager manager = PyTorch.manager();

  @AfterEach
  void close() {
    manager.close();
    backend.close();
  }

  @Test
  void aNetworkBeginsWithWeftsWeightsAndLearns() {
    try (Model model = Model.newInstance("xor", "PyTorch")) {
      Block block = network();
      model.setBlock(block);
      DefaultTrainingConfig config =
          new DefaultTrainingConfig(Loss.l2Loss())
              .optDevices(new Device[] {Device.cpu()})
              .optOptimizer(Optimizer.sgd().setLearningRateTracker(Tracker.fixed(0.1f)).build());
      try (Trainer trainer = model.newTrainer(config)) {
        trainer.initialize(new Shape(4, 2));
        List<NDArray> weights = weights(block);
        assertBits(weights.get(0), 0, dev.weft.Shape.of(16, 2));
        assertBits(weights.get(1), 1, dev.weft.Shape.of(1, 16));

        float first = loss(trainer);
        for (int step = 0; step < 300; step++) {
          loss(trainer);
          trainer.step();
        }
        assertThat(loss(trainer)).isLessThan(first / 4);
      }
    }
  }

  @Test
  void theSameNetworkHasTheSameWeightsAgain() {
    List<float[]> first = initialized();
    List<float[]> second = initialized();
    for (int i = 0; i < first.size(); i++) {
      NativeWeights.assertBits(second.get(i), first.get(i));
    }
  }

  @Test
  void layersOfOneShapeDiffer() {
    DjlInitializer initializer = new DjlInitializer(backend, Initializers.heNormal(), KEY);
    float[] first = floats(initializer, new Shape(8, 8), DataType.FLOAT32);
    float[] second = floats(initializer, new Shape(8, 8), DataType.FLOAT32);
    assertThat(first).isNotEqualTo(second);
  }

  @Test
  void theVarianceIsThatOfTheInputs() {
    DjlInitializer initializer =
        new DjlInitializer(backend, Initializers.lecunUniform(), KEY); // variance 1 / in
    for (Shape shape : List.of(new Shape(400, 100), new Shape(100, 400), new Shape(50, 25, 4, 4))) {
      float[] weights = floats(initializer, shape, DataType.FLOAT32);
      double sum = 0;
      for (float w : weights) {
        sum += (double) w * w;
      }
      double in = (double) shape.size() / shape.get(0);
      // relative deviation of a mean of n squares of uniform numbers: sqrt(0.8 / n); six of them
      assertThat(sum / weights.length * in)
          .isCloseTo(1, within(6 * Math.sqrt(0.8 / weights.length)));
    }
  }

  @Test
  void aConvolutionsOrthogonalMatrixHasARowForEachOutput() {
    DjlInitializer initializer = new DjlInitializer(backend, Initializers.orthogonal(), KEY);
    NDArray weights = initializer.initialize(manager, new Shape(4, 3, 2, 2), DataType.FLOAT32);
    NDArray rows = weights.reshape(4, 12);
    assertThat(rows.dot(rows.transpose()).sub(manager.eye(4)).abs().max().getFloat())
        .isLessThan(1e-5f);
    NativeWeights.assertBits(
        weights.toFloatArray(),
        NativeWeights.floats(
            Fill.orthogonal(1, Layout.TORCH),
            KEY.child("parameter0"),
            dev.weft.Shape.of(4, 3, 2, 2)));
  }

  @Test
  void parametersOfOtherTypes() {
    DjlInitializer initializer = new DjlInitializer(backend, Initializers.normal(0, 1), KEY);
    NDArray weights = initializer.initialize(manager, new Shape(3), DataType.FLOAT64);
    assertThat(weights.getDataType()).isEqualTo(DataType.FLOAT64);
    for (DataType type : List.of(DataType.INT32, DataType.BFLOAT16)) {
      assertThatThrownBy(() -> initializer.initialize(manager, new Shape(3), type))
          .isInstanceOf(IllegalArgumentException.class);
    }
    try (NDManager scope = manager.newSubManager()) {
      Backend closed = Weft.open("cpu");
      closed.close();
      DjlInitializer late = new DjlInitializer(closed, Initializers.zeros(), KEY);
      assertThatThrownBy(() -> late.initialize(scope, new Shape(3), DataType.FLOAT32))
          .isInstanceOf(ClosedException.class);
      assertThat(scope.getManagedArrays()).isEmpty();
    }
  }

  private Block network() {
    SequentialBlock block =
        new SequentialBlock()
            .add(Linear.builder().setUnits(16).build())
            .add(Activation::tanh)
            .add(Linear.builder().setUnits(1).build());
    block.setInitializer(
        new DjlInitializer(backend, Initializers.heNormal(), KEY), Parameter.Type.WEIGHT);
    return block;
  }

  private List<float[]> initialized() {
    try (NDManager scope = manager.newSubManager()) {
      Block block = network();
      block.initialize(scope, DataType.FLOAT32, new Shape(4, 2));
      return weights(block).stream().map(NDArray::toFloatArray).toList();
    }
  }

  private static List<NDArray> weights(Block block) {
    List<NDArray> weights = new ArrayList<>();
    block
        .getParameters()
        .forEach(
            pair -> {
              if (pair.getValue().getType() == Parameter.Type.WEIGHT) {
                weights.add(pair.getValue().getArray());
              }
            });
    return weights;
  }

  private static void assertBits(NDArray weights, int parameter, dev.weft.Shape shape) {
    assertThat(weights.getShape().getShape()).isEqualTo(shape.dims());
    NativeWeights.assertBits(
        weights.toFloatArray(),
        NativeWeights.floats(
            Initializers.heNormal().withLayout(Layout.TORCH).plan(shape),
            KEY.child("parameter" + parameter),
            shape));
  }

  private float[] floats(DjlInitializer initializer, Shape shape, DataType type) {
    return initializer.initialize(manager, shape, type).toFloatArray();
  }

  private static float loss(Trainer trainer) {
    try (NDManager scope = trainer.getManager().newSubManager();
        GradientCollector gradients = trainer.newGradientCollector()) {
      NDArray x = scope.create(new float[] {0, 0, 0, 1, 1, 0, 1, 1}, new Shape(4, 2));
      NDArray t = scope.create(new float[] {0, 1, 1, 0}, new Shape(4, 1));
      NDList y = trainer.forward(new NDList(x));
      NDArray loss = trainer.getLoss().evaluate(new NDList(t), y);
      gradients.backward(loss);
      return loss.getFloat();
    }
  }
}
