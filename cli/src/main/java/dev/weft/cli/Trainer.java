package dev.weft.cli;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.nn.Labels;
import dev.weft.nn.Mlp;
import dev.weft.random.RandomKey;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.LongConsumer;

/**
 * Trains a perceptron by epochs of minibatches. In epoch 1, 2, … the examples are in the order of a
 * {@link Shuffle} by the child {@code epoch1/order}, {@code epoch2/order}, … of the key; the last
 * batch of an epoch may be smaller.
 */
final class Trainer implements AutoCloseable {
  private final Mlp mlp;
  private final TrainingData data;
  private final RandomKey key;
  private final int examples;
  private final int batch;
  private final int[] labels;
  private final Labels batchLabels;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment inputs;
  private final MemorySegment outputs;
  private final Tensor x; // the host's, whatever the backend: a device copies it beside its steps
  private final Tensor rest;
  private final Tensor y;
  private int epoch;

  /**
   * A trainer of {@code mlp}, which stays the caller's, as {@code data} do.
   *
   * @param batch examples in a minibatch; all of them where there are fewer
   */
  Trainer(Backend backend, Mlp mlp, TrainingData data, RandomKey key, int batch) {
    this.mlp = mlp;
    this.data = data;
    this.key = key;
    this.examples = data.training().length;
    this.batch = Math.min(batch, examples);
    this.labels = new int[this.batch];
    this.batchLabels = Labels.of(labels);
    Shape in = Shape.of(this.batch, data.inputs());
    Shape out = Shape.of(this.batch, mlp.layers().getLast().outputs());
    inputs = arena.allocate(DType.F32.byteSize(in.elements()), 64); // zeros
    outputs = arena.allocate(DType.F32.byteSize(out.elements()), 64);
    x = backend.wrap(inputs, DType.F32, in);
    rest = backend.wrap(inputs, DType.F32, Shape.of(examples % this.batch, data.inputs()));
    y = backend.wrap(outputs, DType.F32, out);
  }

  /**
   * The next epoch.
   *
   * @param done hears how many examples of it are done
   * @return the mean loss over its examples, each before its batch's update
   */
  double train(LongConsumer done) {
    epoch++;
    int[] order = data.training();
    Shuffle.permute(key.child("epoch" + epoch + "/order"), order);
    double sum = 0;
    for (int from = 0; from < order.length; from += batch) {
      int count = Math.min(batch, order.length - from);
      data.copy(order, from, count, inputs, labels);
      mlp.trainStep(count == batch ? x : rest, batchLabels.first(count));
      sum += mlp.loss() * count;
      done.accept(from + count);
    }
    return sum / order.length;
  }

  /**
   * What came of a test.
   *
   * @param correct examples that have their label as the class of the largest output
   * @param undefined examples with an output that is NaN: they have no class, and are not correct
   */
  record Score(int correct, int undefined) {}

  /** Tests these examples. */
  Score test(int[] rows) {
    int classes = (int) y.shape().dim(1);
    int correct = 0;
    int undefined = 0;
    for (int from = 0; from < rows.length; from += batch) {
      int count = Math.min(batch, rows.length - from);
      data.copy(rows, from, count, inputs, labels);
      mlp.forward(x, y); // rows depend on themselves alone: those after count do no harm
      for (int i = 0; i < count; i++) {
        int largest = largest(outputs, (long) i * classes, classes);
        correct += largest == labels[i] ? 1 : 0;
        undefined += largest < 0 ? 1 : 0;
      }
    }
    return new Score(correct, undefined);
  }

  /** Whether every weight is a finite number. */
  boolean isFinite() {
    for (Tensor parameter : mlp.parameters().values()) {
      try (Arena own = Arena.ofConfined()) {
        MemorySegment memory = own.allocate(parameter.byteSize(), 64);
        parameter.copyTo(memory);
        for (long i = 0; i < parameter.shape().elements(); i++) {
          if (!Float.isFinite(memory.getAtIndex(ValueLayout.JAVA_FLOAT, i))) {
            return false;
          }
        }
      }
    }
    return true;
  }

  /** The first of the largest outputs of a row; −1 if one is NaN, so that none is the largest. */
  static int largest(MemorySegment y, long at, int classes) {
    int best = 0;
    float most = Float.NEGATIVE_INFINITY;
    for (int c = 0; c < classes; c++) {
      float value = y.getAtIndex(ValueLayout.JAVA_FLOAT, at + c);
      if (Float.isNaN(value)) {
        return -1;
      }
      if (value > most) {
        most = value;
        best = c;
      }
    }
    return best;
  }

  @Override
  public void close() {
    rest.close();
    x.close();
    y.close();
    arena.close();
  }
}
