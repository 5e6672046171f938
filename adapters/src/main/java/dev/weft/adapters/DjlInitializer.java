package dev.weft.adapters;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.training.initializer.Initializer;
import dev.weft.Backend;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.init.Layout;
import dev.weft.init.VarianceScaling;
import dev.weft.random.RandomKey;
import java.lang.foreign.Arena;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A weft initializer for blocks of DJL's PyTorch engine. Parameter n that it initializes, counted
 * from 0, is filled in place with {@code key.child("parameter" + n)}:
 *
 * <pre>{@code
 * block.setInitializer(
 *     new DjlInitializer(backend, Initializers.heNormal(), key), Parameter.Type.WEIGHT);
 * }</pre>
 *
 * <p>DJL names no parameter here, and initializes those of a block one after another in the order
 * of its children: the same block gets the same bits again from a new initializer. It may be called
 * from several threads; then only the order of the calls says which parameter has which key.
 *
 * <p>DJL's weights are [out, in, …]: fans, and the rows of an orthogonal matrix, are those of
 * {@link Layout#TORCH}, whatever layout the initializer names.
 *
 * @since 0.1
 */
public final class DjlInitializer implements Initializer {
  private final Backend backend;
  private final dev.weft.init.Initializer initializer;
  private final RandomKey key;
  private final AtomicLong parameters = new AtomicLong();

  /**
   * The initializer for one model.
   *
   * @param backend fills the parameters; it stays the caller's to close, after the model is
   *     initialized
   * @since 0.1
   */
  public DjlInitializer(Backend backend, dev.weft.init.Initializer initializer, RandomKey key) {
    this.backend = Objects.requireNonNull(backend, "backend");
    this.initializer = Objects.requireNonNull(initializer, "initializer");
    this.key = Objects.requireNonNull(key, "key");
  }

  /**
   * A new array with the next parameter's bits.
   *
   * @throws IllegalArgumentException if the initializer does not suit the shape, and as {@link
   *     DjlTensors#wrap(Backend, NDArray)}
   * @throws dev.weft.ClosedException if the backend is closed
   * @since 0.1
   */
  @Override
  public NDArray initialize(
      NDManager manager, ai.djl.ndarray.types.Shape shape, DataType dataType) {
    DjlTensors.dtype(dataType); // before DJL meets a type that it does not know
    RandomKey parameter = key.child("parameter" + parameters.getAndIncrement());
    NDArray array = manager.create(shape, dataType);
    try (Arena arena = Arena.ofShared();
        Tensor tensor = DjlTensors.wrap(backend, array, arena)) {
      tensor.fill(plan(tensor.shape()), parameter);
      return array;
    } catch (RuntimeException | Error e) {
      array.close();
      throw e;
    }
  }

  private Fill plan(Shape shape) {
    Fill fill =
        initializer instanceof VarianceScaling scaling
            ? scaling.withLayout(Layout.TORCH).plan(shape)
            : initializer.plan(shape);
    return switch (fill) {
      case Fill.Orthogonal matrix -> Fill.orthogonal(matrix.gain(), Layout.TORCH);
      case Fill.DeltaOrthogonal matrix -> Fill.deltaOrthogonal(matrix.gain(), Layout.TORCH);
      case Fill.Dirac dirac -> Fill.dirac(dirac.groups(), Layout.TORCH);
      default -> fill;
    };
  }
}
