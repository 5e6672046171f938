package dev.weft.compare;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;

/**
 * The rates at which one contestant did a task.
 *
 * @param benchmark the name of the benchmark that measured it
 * @param params its parameters
 * @param task what was done
 * @param contestant who did it: {@code weft cpu}, {@code weft scalar}, {@code PyTorch} …
 * @param ran what ran, in the contestant's own words: its kernel and instruction set, such as
 *     {@code oneDNN 2.6.3: avx512_core}; empty where a file does not say
 * @param samples rates in {@link Suite#unit}, by JVM and iteration
 */
public record Measurement(
    String benchmark,
    Map<String, String> params,
    Task task,
    String contestant,
    String ran,
    List<double[]> samples) {

  /**
   * Checks that there is a sample.
   *
   * @throws IllegalArgumentException if there is none, or one is not a positive number
   */
  public Measurement {
    if (samples.stream().mapToInt(fork -> fork.length).sum() == 0
        || samples.stream().flatMapToDouble(Arrays::stream).anyMatch(rate -> !(rate > 0))) {
      throw new IllegalArgumentException(
          "measurement: need samples > 0, got benchmark=" + benchmark + ", params=" + params);
    }
  }

  /** Whether weft did it. */
  public boolean byWeft() {
    return contestant.startsWith("weft");
  }

  /** How many JVMs the samples are of. */
  public int jvms() {
    return samples.size();
  }

  /** The median of all samples. */
  public double rate() {
    return median(all());
  }

  /** The lower end of {@link #high}'s interval. */
  public double low() {
    double low = Math.min(rate(), Math.min(mean() - error(), leastFork()));
    return Math.max(-Double.MAX_VALUE, low);
  }

  /**
   * The upper end of the interval that holds the mean of the samples with a confidence of 99.9 %,
   * by Student's distribution as JMH takes it, and the medians of all JVMs: what differs from one
   * JVM to the next is not seen by samples of one.
   */
  public double high() {
    double high = Math.max(rate(), Math.max(mean() + error(), greatestFork()));
    return Math.min(Double.MAX_VALUE, high);
  }

  /** Whether this is faster or slower than {@code that}, beyond both intervals. */
  public Verdict against(Measurement that) {
    return low() > that.high()
        ? Verdict.FASTER
        : high() < that.low() ? Verdict.SLOWER : Verdict.SAME;
  }

  /** The exponent of the power of two that the samples are divided by for the next two. */
  private int exponent() {
    return Scaling.exponent(Arrays.stream(all()).max().orElseThrow());
  }

  private double mean() {
    int exponent = exponent();
    return Math.scalb(scaled(exponent).average().orElseThrow(), exponent);
  }

  private double error() {
    int exponent = exponent();
    int count = all().length;
    if (count < 2) {
      return 0;
    }
    double mean = scaled(exponent).average().orElseThrow();
    double squares = scaled(exponent).map(x -> (x - mean) * (x - mean)).sum();
    double error = Student.quantile(count - 1) * Math.sqrt(squares / (count - 1) / count);
    return Math.scalb(error, exponent);
  }

  private DoubleStream scaled(int exponent) {
    return Arrays.stream(all()).map(x -> Math.scalb(x, -exponent));
  }

  private double leastFork() {
    return samples.stream().mapToDouble(Measurement::median).min().orElseThrow();
  }

  private double greatestFork() {
    return samples.stream().mapToDouble(Measurement::median).max().orElseThrow();
  }

  private double[] all() {
    return samples.stream().flatMapToDouble(Arrays::stream).toArray();
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int n = sorted.length;
    double sum = sorted[(n - 1) / 2] + sorted[n / 2];
    return sum <= Double.MAX_VALUE ? sum / 2 : sorted[(n - 1) / 2] / 2 + sorted[n / 2] / 2;
  }
}
