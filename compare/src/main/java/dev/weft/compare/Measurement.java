package dev.weft.compare;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

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
    return Math.min(rate(), Math.min(mean() - error(), leastFork()));
  }

  /**
   * The upper end of the interval that holds the mean of the samples with a confidence of 99.9 %,
   * by Student's distribution as JMH takes it, and the medians of all JVMs: what differs from one
   * JVM to the next is not seen by samples of one.
   */
  public double high() {
    return Math.max(rate(), Math.max(mean() + error(), greatestFork()));
  }

  /** Whether this is faster or slower than {@code that}, beyond both intervals. */
  public Verdict against(Measurement that) {
    return low() > that.high()
        ? Verdict.FASTER
        : high() < that.low() ? Verdict.SLOWER : Verdict.SAME;
  }

  private double mean() {
    return Arrays.stream(all()).average().orElseThrow();
  }

  private double error() {
    double[] all = all();
    if (all.length < 2) {
      return 0;
    }
    double mean = mean();
    double squares = Arrays.stream(all).map(x -> (x - mean) * (x - mean)).sum();
    return Student.quantile(all.length - 1) * Math.sqrt(squares / (all.length - 1) / all.length);
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
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
  }
}
