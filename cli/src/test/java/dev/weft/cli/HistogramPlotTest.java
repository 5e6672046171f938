package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.compare.Density;
import dev.weft.compare.Histogram;
import dev.weft.init.Fill;
import java.awt.image.BufferedImage;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class HistogramPlotTest {
  @Test
  void pictureHasBarsAndTheExpectedLine() {
    Histogram histogram = new Histogram(-3, 3, 40);
    double[] values = new Random(1).doubles(20_000, -3, 3).toArray();
    histogram.add(values, values.length);
    BufferedImage with =
        HistogramPlot.draw("title", "subtitle", histogram, Density.of(Fill.uniform(-3, 3), 4));
    BufferedImage without = HistogramPlot.draw("title", "subtitle", histogram, Optional.empty());
    assertThat(pixels(with, 0x8FB8DE)).isGreaterThan(100_000);
    assertThat(pixels(with, 0xC4501B)).isGreaterThan(1000);
    assertThat(pixels(without, 0xC4501B)).isZero();
  }

  @Test
  void pictureOfOneValueOrNoneIsDrawn() {
    Histogram one = new Histogram(2, 2, 10);
    one.add(new double[] {2, 2}, 2);
    long legend = 30 * 14;
    assertThat(pixels(HistogramPlot.draw("", "", one, Optional.empty()), 0x8FB8DE))
        .isGreaterThan(100 * legend);
    Histogram none = new Histogram(0, 0, 10);
    assertThat(pixels(HistogramPlot.draw("", "", none, Optional.empty()), 0x8FB8DE))
        .isEqualTo(legend);
  }

  private static long pixels(BufferedImage image, int rgb) {
    long found = 0;
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        found += (image.getRGB(x, y) & 0xFFFFFF) == rgb ? 1 : 0;
      }
    }
    return found;
  }
}
