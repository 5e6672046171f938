package dev.weft.cli;

import dev.weft.random.RandomKey;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Examples in two parts, with inputs divided by one scale.
 *
 * <p>A fifth of them, rounded down, is held out: the first of a {@link Shuffle} by the child {@code
 * split} of the key. The scale is the largest absolute value of the other examples' inputs, or 1
 * where that is 0; inputs are divided by it in f32.
 */
final class TrainingData implements AutoCloseable {
  private final Examples examples;
  private final MemorySegment inputs;
  private final long width;
  private final int[] training;
  private final int[] heldOut;
  private final int classes;
  private final float scale;

  /** Divides the examples, and scales them where they are; they are closed with this. */
  TrainingData(Examples examples, RandomKey key) {
    this.examples = examples;
    int count = examples.labels().length;
    width = examples.inputs().shape().dim(1);
    inputs = examples.inputs().segment();
    int[] rows = new int[count];
    int most = 0;
    for (int i = 0; i < count; i++) {
      rows[i] = i;
      most = Math.max(most, examples.labels()[i]);
    }
    classes = most + 1;
    Shuffle.permute(key.child("split"), rows);
    heldOut = Arrays.copyOf(rows, count / 5);
    training = Arrays.copyOfRange(rows, count / 5, count);
    scale = largest();
    for (long i = 0; i < count * width; i++) {
      float x = inputs.getAtIndex(ValueLayout.JAVA_FLOAT, i);
      inputs.setAtIndex(ValueLayout.JAVA_FLOAT, i, x / scale);
    }
  }

  private float largest() {
    float largest = 0;
    for (int row : training) {
      for (long i = row * width; i < (row + 1) * width; i++) {
        largest = Math.max(largest, Math.abs(inputs.getAtIndex(ValueLayout.JAVA_FLOAT, i)));
      }
    }
    return largest == 0 ? 1 : largest;
  }

  /** I. */
  long inputs() {
    return width;
  }

  /** One more than the largest label. */
  int classes() {
    return classes;
  }

  /** What inputs were divided by. */
  float scale() {
    return scale;
  }

  /** The examples to train on, by number; a copy. */
  int[] training() {
    return training.clone();
  }

  /** The examples that are held out; a copy. */
  int[] heldOut() {
    return heldOut.clone();
  }

  /** The class of an example. */
  int label(int example) {
    return examples.labels()[example];
  }

  /** Copies examples {@code rows[from … from + count - 1]} to the first rows of {@code x}. */
  void copy(int[] rows, int from, int count, MemorySegment x, int[] labels) {
    long bytes = width * Float.BYTES;
    for (int i = 0; i < count; i++) {
      MemorySegment.copy(inputs, rows[from + i] * bytes, x, i * bytes, bytes);
      labels[i] = examples.labels()[rows[from + i]];
    }
  }

  @Override
  public void close() {
    examples.close();
  }
}
