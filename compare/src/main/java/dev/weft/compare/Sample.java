package dev.weft.compare;

import dev.weft.interop.StoredTensor;
import java.util.function.DoublePredicate;
import java.util.stream.LongStream;

/**
 * The elements of a tensor as a sample. Large tensors are read by all processors, in chunks that
 * are merged in order: the figures do not depend on how many there are.
 *
 * @param source reads elements; from several threads at once
 * @param count how many there are
 */
public record Sample(Source source, long count) {
  private static final int BLOCK = 4096;
  private static final long CHUNK = 1 << 20;

  /** Reads elements as doubles. */
  @FunctionalInterface
  public interface Source {
    /**
     * Writes the elements from {@code from} on to {@code out}, until one of both ends; how many.
     */
    int read(long from, double[] out);
  }

  /** The elements of a tensor in a file. */
  public static Sample of(StoredTensor tensor) {
    return new Sample(tensor::read, tensor.shape().elements());
  }

  /** The moments and the range. */
  public Moments moments() {
    Moments[] parts =
        chunks()
            .mapToObj(
                chunk -> {
                  Moments moments = new Moments();
                  read(chunk, moments::add);
                  return moments;
                })
            .toArray(Moments[]::new);
    Moments sum = new Moments();
    for (Moments part : parts) { // in order: rounding does not depend on the processors
      sum.merge(part);
    }
    return sum;
  }

  /** The counts in {@code bins} bins over [low, high]. */
  public Histogram histogram(double low, double high, int bins) {
    return chunks()
        .mapToObj(
            chunk -> {
              Histogram histogram = new Histogram(low, high, bins);
              read(chunk, histogram::add);
              return histogram;
            })
        .reduce(
            new Histogram(low, high, bins),
            (a, b) -> {
              Histogram sum = new Histogram(low, high, bins);
              sum.merge(a);
              sum.merge(b);
              return sum;
            });
  }

  /** How many elements {@code rule} holds for; NaN and infinities are elements, too. */
  public long count(DoublePredicate rule) {
    return chunks()
        .map(
            chunk -> {
              long[] found = new long[1];
              read(
                  chunk,
                  (values, length) -> {
                    for (int i = 0; i < length; i++) {
                      found[0] += rule.test(values[i]) ? 1 : 0;
                    }
                  });
              return found[0];
            })
        .sum();
  }

  private LongStream chunks() {
    return LongStream.range(0, (count + CHUNK - 1) / CHUNK).parallel();
  }

  private void read(long chunk, Reader reader) {
    double[] block = new double[BLOCK];
    long end = Math.min(count, (chunk + 1) * CHUNK);
    for (long at = chunk * CHUNK; at < end; at += BLOCK) {
      int length = (int) Math.min(BLOCK, end - at);
      source.read(at, block);
      reader.accept(block, length);
    }
  }

  /** Takes a block of values, which it may reorder. */
  @FunctionalInterface
  private interface Reader {
    void accept(double[] values, int length);
  }
}
