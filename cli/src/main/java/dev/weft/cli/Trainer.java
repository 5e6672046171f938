package dev.weft.cli;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.nn.Labels;
import dev.weft.nn.Mlp;
import dev.weft.random.RandomKey;
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
  private final Tensor x;
  private final Tensor rest;
  private final Tensor y;
  private final HostView inputs; // of x
  private final HostView outputs; // of y
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
    x = backend.tensor(DType.F32, Shape.of(this.batch, data.inputs()));
    try {
      x.fill(Fill.constant(0), key);
      inputs = new HostView(x);
      y = backend.tensor(DType.F32, Shape.of(this.batch, mlp.layers().getLast().outputs()));
    } catch (RuntimeException e) {
      x.close();
      throw e;
    }
    outputs = new HostView(y);
    Shape last = Shape.of(examples % this.batch, data.inputs());
    rest =
        x.isHost()
            ? backend.wrap(x.segment(), DType.F32, last)
            : backend.wrap(x.devicePointer(), DType.F32, last);
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
      data.copy(order, from, count, inputs.memory(), labels);
      inputs.write();
      mlp.trainStep(count == batch ? x : rest, batchLabels.first(count));
      sum += mlp.loss() * count;
      done.accept(from + count);
    }
    return sum / order.length;
  }

  /** How many of these examples have their label as the class of the largest output. */
  int correct(int[] rows) {
    int classes = (int) y.shape().dim(1);
    int correct = 0;
    for (int from = 0; from < rows.length; from += batch) {
      int count = Math.min(batch, rows.length - from);
      data.copy(rows, from, count, inputs.memory(), labels);
      inputs.write();
      mlp.forward(x, y); // rows depend on themselves alone: those after count do no harm
      MemorySegment probabilities = outputs.read();
      for (int i = 0; i < count; i++) {
        correct += largest(probabilities, (long) i * classes, classes) == labels[i] ? 1 : 0;
      }
    }
    return correct;
  }

  /** Whether every weight is a finite number. */
  boolean isFinite() {
    for (Tensor parameter : mlp.parameters().values()) {
      MemorySegment memory = new HostView(parameter).read();
      for (long i = 0; i < parameter.shape().elements(); i++) {
        if (!Float.isFinite(memory.getAtIndex(ValueLayout.JAVA_FLOAT, i))) {
          return false;
        }
      }
    }
    return true;
  }

  /** The first of the largest outputs of a row. */
  private static int largest(MemorySegment y, long at, int classes) {
    int best = 0;
    float most = y.getAtIndex(ValueLayout.JAVA_FLOAT, at);
    for (int c = 1; c < classes; c++) {
      float value = y.getAtIndex(ValueLayout.JAVA_FLOAT, at + c);
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
  }
}
