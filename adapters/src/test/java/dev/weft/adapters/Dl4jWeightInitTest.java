package dev.weft.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.weft.Shape;
import dev.weft.init.Fill;
import dev.weft.init.Initializers;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import java.util.List;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class Dl4jWeightInitTest {
  private static final long SEED = 42;

  @Test
  void aNetworkBeginsWithWeftsWeightsAndLearns() {
    MultiLayerNetwork network = new MultiLayerNetwork(xor());
    network.init();
    assertBits(
        network.getParam("0_W"), 0, Initializers.heNormal().plan(Shape.of(2, 16)), Shape.of(2, 16));
    long second = 2 * 16 + 16; // after the first layer's weights and biases
    assertBits(
        network.getParam("1_W"),
        second,
        Initializers.heNormal().plan(Shape.of(16, 1)),
        Shape.of(16, 1));
    assertThat(Nd4jTensors.root(network.getParam("0_W").data()))
        .isSameAs(network.params().data()); // still the network's own memory

    INDArray x = Nd4j.createFromArray(new float[][] {{0, 0}, {0, 1}, {1, 0}, {1, 1}});
    INDArray t = Nd4j.createFromArray(new float[][] {{0}, {1}, {1}, {0}});
    DataSet data = new DataSet(x, t);
    double first = network.score(data);
    for (int i = 0; i < 100; i++) {
      network.fit(data);
    }
    assertThat(network.score(data)).isLessThan(first / 2);
  }

  @Test
  void aConfigurationKeepsItInJsonAndYaml() {
    MultiLayerConfiguration configuration = xor();
    String json = configuration.toJson();
    assertThat(json).contains("\"initializer\" : \"he_normal\"", "\"seed\" : " + SEED);
    for (MultiLayerConfiguration read :
        List.of(
            MultiLayerConfiguration.fromJson(json),
            MultiLayerConfiguration.fromYaml(configuration.toYaml()),
            configuration.clone())) {
      DenseLayer layer = (DenseLayer) read.getConf(0).getLayer();
      assertThat(layer.getWeightInitFn()).isEqualTo(new Dl4jWeightInit("he_normal", SEED));
      MultiLayerNetwork again = new MultiLayerNetwork(read);
      again.init();
      MultiLayerNetwork network = new MultiLayerNetwork(configuration);
      network.init();
      NativeWeights.assertBits(again.params().toFloatVector(), network.params().toFloatVector());
    }
  }

  @Test
  void aConvolutionIsFilledInPlaceByItsInputs() {
    MultiLayerConfiguration configuration =
        new NeuralNetConfiguration.Builder()
            .weightInit(new Dl4jWeightInit("lecun_uniform", SEED))
            .list()
            .layer(new ConvolutionLayer.Builder(3, 3).nOut(5).activation(Activation.RELU).build())
            .layer(
                new OutputLayer.Builder(LossFunction.MSE)
                    .nOut(2)
                    .activation(Activation.IDENTITY)
                    .build())
            .setInputType(InputType.convolutional(8, 8, 4))
            .build();
    MultiLayerNetwork network = new MultiLayerNetwork(configuration);
    network.init();
    Shape shape = Shape.of(5, 4, 3, 3);
    INDArray weights = network.getParam("0_W");
    assertThat(weights.ordering()).isEqualTo('c');
    assertThat(Nd4jTensors.root(weights.data())).isSameAs(network.params().data());
    long position = 5; // a convolution's biases come first
    assertBits(
        weights, position, Initializers.lecunUniform().withLayout(Layout.TORCH).plan(shape), shape);
  }

  @Test
  void everyOrderTypeAndSizeHasWeftsElements() {
    Fill fill = Fill.normal(0, 1);
    Dl4jWeightInit init = new Dl4jWeightInit("normal:mean=0,stddev=1", SEED);
    for (char order : new char[] {'c', 'f'}) {
      for (long[] shape : new long[][] {{1, 1}, {1, 5}, {5, 1}, {7, 3}, {65, 129}, {3, 4, 5}}) {
        long length = Shape.of(shape).elements();
        INDArray view = Nd4j.create(DataType.FLOAT, length);
        INDArray weights = init.init(1, 1, shape, order, view);
        assertThat(weights.data().address()).isEqualTo(view.data().address());
        assertBits(weights, 0, fill, Shape.of(shape));
      }
    }
  }

  @Test
  void aMatrixOfSeveralBlocksHasWeftsElements() {
    long[] shape = {3000, 1501}; // 18 MB: two blocks
    INDArray view = Nd4j.create(DataType.FLOAT, 3000 * 1501);
    INDArray weights = new Dl4jWeightInit("uniform", SEED).init(1, 1, shape, 'f', view);
    float[] expected = NativeWeights.floats(Fill.uniform(-0.05, 0.05), key(0), Shape.of(shape));
    float[] columns = view.toFloatVector();
    for (int row = 0; row < 3000; row++) {
      for (int column = 0; column < 1501; column++) {
        if (columns[row + column * 3000] != expected[row * 1501 + column]) {
          throw new AssertionError("row " + row + ", column " + column);
        }
      }
    }
    assertThat(weights.ordering()).isEqualTo('f');
  }

  @Test
  void fansAreThoseThatTheLayerTells() {
    INDArray view = Nd4j.create(DataType.FLOAT, 40_000);
    new Dl4jWeightInit("variance_scaling:mode=fan_out,distribution=uniform", SEED)
        .init(7, 2500, new long[] {200, 200}, 'f', view);
    double sum = 0;
    for (float w : view.toFloatVector()) {
      sum += (double) w * w;
    }
    // relative deviation of a mean of n squares of uniform numbers: sqrt(0.8 / n); six of them
    assertThat(sum / 40_000 * 2500).isCloseTo(1, within(6 * Math.sqrt(0.8 / 40_000)));
  }

  @Test
  void anOrthogonalMatrixIsOrthogonal() {
    INDArray view = Nd4j.create(DataType.DOUBLE, 12);
    INDArray q = new Dl4jWeightInit("orthogonal", SEED).init(4, 3, new long[] {4, 3}, 'f', view);
    INDArray error = q.transpose().mmul(q).sub(Nd4j.eye(3).castTo(DataType.DOUBLE));
    assertThat(error.amaxNumber().doubleValue()).isLessThan(1e-12);
  }

  @Test
  void otherNamesAndTypesAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Dl4jWeightInit("xavier", SEED))
        .withMessageStartingWith("init: need one of ");
    Dl4jWeightInit init = new Dl4jWeightInit("he_normal", SEED);
    for (char order : new char[] {'c', 'f'}) {
      assertThatIllegalArgumentException()
          .isThrownBy(
              () -> init.init(2, 2, new long[] {2, 2}, order, Nd4j.create(DataType.BOOL, 4)))
          .withMessageStartingWith("wrap: need FLOAT, DOUBLE, HALF or BFLOAT16 elements");
    }
  }

  private static MultiLayerConfiguration xor() {
    return new NeuralNetConfiguration.Builder()
        .weightInit(new Dl4jWeightInit("he_normal", SEED))
        .updater(new Sgd(0.1))
        .list()
        .layer(new DenseLayer.Builder().nIn(2).nOut(16).activation(Activation.TANH).build())
        .layer(
            new OutputLayer.Builder(LossFunction.MSE)
                .nIn(16)
                .nOut(1)
                .activation(Activation.IDENTITY)
                .build())
        .build();
  }

  private static RandomKey key(long position) {
    return RandomKey.of(SEED).child("parameter" + position);
  }

  /** Compares logical elements, whatever their order in memory. */
  private static void assertBits(INDArray weights, long position, Fill fill, Shape shape) {
    assertThat(weights.shape()).isEqualTo(shape.dims());
    NativeWeights.assertBits(
        weights.dup('c').data().asFloat(), NativeWeights.floats(fill, key(position), shape));
  }
}
