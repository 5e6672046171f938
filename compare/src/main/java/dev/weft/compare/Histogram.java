package dev.weft.compare;

import java.util.Arrays;
import java.util.Locale;

/**
 * Counts of values in bins of equal width over [low, high]; values outside are not counted. Bounds
 * may be any finite numbers: very large and very small ones are divided by a power of two first.
 */
public final class Histogram {
  private static final String EIGHTHS = " ▏▎▍▌▋▊▉";

  private final double low;
  private final double high;
  private final long[] counts;
  private final int exponent;
  private final double first; // low and high over 2^exponent
  private final double last;

  /** Empty bins; where {@code low == high}, every value that is equal falls into the first. */
  public Histogram(double low, double high, int bins) {
    this.low = low;
    this.high = high;
    this.counts = new long[bins];
    this.exponent = Scaling.exponent(Math.max(Math.abs(low), Math.abs(high)));
    this.first = Math.scalb(low, -exponent);
    this.last = Math.scalb(high, -exponent);
  }

  /** Counts {@code values[0 .. length)}. */
  public void add(double[] values, int length) {
    int lastBin = counts.length - 1;
    double perUnit = high > low ? counts.length / (last - first) : 0;
    double unit = Math.scalb(1.0, -exponent);
    for (int i = 0; i < length; i++) {
      double x = values[i];
      if (x >= low && x <= high) {
        counts[Math.min(lastBin, (int) ((x * unit - first) * perUnit))]++;
      }
    }
  }

  /** Adds the counts of {@code that}, which has the same bins. */
  public void merge(Histogram that) {
    for (int bin = 0; bin < counts.length; bin++) {
      counts[bin] += that.counts[bin];
    }
  }

  public int bins() {
    return counts.length;
  }

  public long count(int bin) {
    return counts[bin];
  }

  public long[] counts() {
    return counts.clone();
  }

  /** All that was counted. */
  public long total() {
    return Arrays.stream(counts).sum();
  }

  /** Where bin {@code edge} begins; edge {@code bins()} is the end of the last. */
  public double edge(int edge) {
    return edge == counts.length
        ? high
        : Math.scalb(first + (last - first) * edge / counts.length, exponent);
  }

  /** Width of a bin, at most the largest number. */
  public double width() {
    return Math.min(Double.MAX_VALUE, Math.scalb((last - first) / counts.length, exponent));
  }

  /** One line a bin: where it begins, a bar of at most {@code width} characters, its share. */
  public String text(int width) {
    long most = Math.max(1, Arrays.stream(counts).max().orElse(0));
    long total = Math.max(1, total());
    StringBuilder text = new StringBuilder();
    for (int bin = 0; bin < counts.length; bin++) {
      long eighths = Math.round(8.0 * width * counts[bin] / most);
      String bar = "█".repeat((int) (eighths / 8)) + EIGHTHS.charAt((int) (eighths % 8));
      text.append(
          String.format(
              Locale.ROOT,
              "%12.5g  %s%s %6.3f %%\n",
              edge(bin),
              bar,
              " ".repeat(Math.max(0, width + 1 - bar.length())),
              100.0 * counts[bin] / total));
    }
    return text.toString();
  }
}
