package dev.weft.adapters;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.init.Initializer;
import dev.weft.init.InitializerSpec;
import dev.weft.init.Layout;
import dev.weft.init.VarianceScaling;
import dev.weft.random.RandomKey;
import java.lang.foreign.Arena;
import org.deeplearning4j.nn.weights.IWeightInit;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * A weft initializer for layers of Deeplearning4j, kept in their configurations as its name and a
 * seed:
 *
 * <pre>{@code
 * new NeuralNetConfiguration.Builder().weightInit(new Dl4jWeightInit("he_normal", 42)) …
 * }</pre>
 *
 * <p>Weights of shape s have the elements of a weft tensor of shape s, filled with {@code
 * RandomKey.of(seed).child("parameter" + p)}, where p is the weights' first position among the
 * network's {@code params()}: layers differ, and the same network gets the same bits again.
 *
 * <table>
 * <caption>Layers</caption>
 * <tr><th>weights</th><th>shape, order</th><th>filled</th></tr>
 * <tr><td>dense, recurrent</td><td>[in, out], 'f'</td>
 *     <td>in blocks of rows of at most 16 MiB or one row, which ND4J transposes</td></tr>
 * <tr><td>convolution</td><td>[out, in, …], 'c'</td><td>in place</td></tr>
 * </table>
 *
 * <p>Fans are those that the layer tells, rounded to whole numbers; an orthogonal or dirac weight
 * is of {@link Layout#KERAS} if its rank is 2, else of {@link Layout#TORCH}.
 *
 * @param initializer a name with its keys, as {@link InitializerSpec} reads it
 * @param seed of the network's weights
 * @since 0.1
 */
public record Dl4jWeightInit(String initializer, long seed) implements IWeightInit {
  private static final long BLOCK_BYTES = 16 << 20;

  /**
   * Checks the initializer.
   *
   * @throws IllegalArgumentException as {@link InitializerSpec#parse}
   */
  @JsonCreator
  public Dl4jWeightInit(
      @JsonProperty("initializer") String initializer, @JsonProperty("seed") long seed) {
    InitializerSpec.parse(initializer);
    this.initializer = initializer;
    this.seed = seed;
  }

  /**
   * Fills the view of the network's parameters.
   *
   * @throws IllegalArgumentException if the initializer does not suit the shape, and as {@link
   *     Nd4jTensors#wrap(Backend, INDArray)}
   * @since 0.1
   */
  @Override
  public INDArray init(double fanIn, double fanOut, long[] shape, char order, INDArray paramView) {
    INDArray weights = paramView.reshape(order, shape);
    Fill fill = plan(fanIn, fanOut, Shape.of(shape));
    try (Backend backend = Weft.open("cpu")) {
      if (order == 'c' || shape.length < 2) {
        fill(backend, fill, key(weights), weights);
      } else {
        fillTransposed(backend, fill, key(weights), weights);
      }
    }
    return weights;
  }

  private Fill plan(double fanIn, double fanOut, Shape shape) {
    Layout layout = shape.rank() == 2 ? Layout.KERAS : Layout.TORCH;
    Initializer chosen = InitializerSpec.parse(initializer).initializer(layout);
    return chosen instanceof VarianceScaling scaling
        ? scaling.withLayout(Layout.KERAS).plan(Shape.of(Math.round(fanIn), Math.round(fanOut)))
        : chosen.plan(shape);
  }

  private RandomKey key(INDArray weights) {
    DataBuffer own = weights.data();
    long first = own.addressPointer().address();
    long network = Nd4jTensors.root(own).addressPointer().address();
    return RandomKey.of(seed).child("parameter" + (first - network) / own.getElementSize());
  }

  private static void fill(Backend backend, Fill fill, RandomKey key, INDArray weights) {
    try (Arena arena = Arena.ofShared();
        Tensor tensor = Nd4jTensors.wrap(backend, weights, arena)) {
      tensor.fill(fill, key);
    }
  }

  private static void fillTransposed(Backend backend, Fill fill, RandomKey key, INDArray weights) {
    DType dtype = Nd4jTensors.dtype(weights.dataType());
    Region whole = Region.of(Shape.of(weights.shape()));
    long rows = weights.size(0);
    long most = Math.max(1, BLOCK_BYTES / dtype.byteSize(weights.length() / rows));
    for (long from = 0; from < rows; from += most) {
      long to = Math.min(rows, from + most);
      Region block = whole.rows(from, to);
      try (Tensor tensor = backend.tensor(dtype, block.shape());
          Nd4jTensors.Shared shared = Nd4jTensors.share(tensor)) {
        tensor.fill(fill, key, block);
        weights.get(NDArrayIndex.interval(from, to)).assign(shared.array());
      }
    }
  }
}
