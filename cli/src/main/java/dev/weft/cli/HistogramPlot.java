package dev.weft.cli;

import dev.weft.compare.Density;
import dev.weft.compare.Histogram;
import dev.weft.compare.Scaling;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Line2D;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.util.Locale;
import java.util.Optional;

/** Draws a histogram as a density, and over it the density that is expected. */
final class HistogramPlot {
  private static final int WIDTH = 1200;
  private static final int HEIGHT = 720;
  private static final int LEFT = 110;
  private static final int RIGHT = 40;
  private static final int TOP = 90;
  private static final int BOTTOM = 70;
  private static final int TICKS = 8;
  private static final Color BAR = new Color(0x8FB8DE);
  private static final Color BAR_EDGE = new Color(0x5E93C4);
  private static final Color LINE = new Color(0xC4501B);
  private static final Color GRID = new Color(0xE4E4E4);
  private static final Color TEXT = new Color(0x303030);

  private final Histogram histogram;
  private final Optional<Density> expected;
  private final int exponent; // what follows is of the values over 2^exponent
  private final double width;
  private final double low;
  private final double high;
  private final double top;

  private HistogramPlot(Histogram histogram, Optional<Density> expected) {
    this.histogram = histogram;
    this.expected = expected;
    double first = histogram.edge(0);
    double last = histogram.edge(histogram.bins());
    double size = Math.max(Math.abs(first), Math.abs(last));
    this.exponent = Scaling.exponent(size);
    double span = scaled(last) - scaled(first);
    this.width = span > 0 ? span / histogram.bins() : Math.max(1, scaled(size) * 0x1p-10);
    double margin = width * Math.max(1, histogram.bins() / 50.0);
    this.low = scaled(first) - margin;
    this.high = scaled(last) + margin;
    double most = 0;
    for (int bin = 0; bin < histogram.bins(); bin++) {
      most = Math.max(most, height(bin));
    }
    for (int pixel = 0; pixel <= WIDTH; pixel++) {
      most = Math.max(most, expectedAt(low + (high - low) * pixel / WIDTH));
    }
    this.top = most > 0 ? most * 1.06 : 1;
  }

  /** The picture. */
  static BufferedImage draw(
      String title, String subtitle, Histogram histogram, Optional<Density> expected) {
    System.setProperty("java.awt.headless", "true");
    BufferedImage image = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB);
    Graphics2D g = image.createGraphics();
    try {
      g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
      g.setRenderingHint(
          RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
      g.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
      g.setColor(Color.WHITE);
      g.fillRect(0, 0, WIDTH, HEIGHT);
      HistogramPlot plot = new HistogramPlot(histogram, expected);
      plot.drawAxes(g);
      plot.drawBars(g);
      plot.drawExpected(g);
      plot.drawLegend(g);
      g.setColor(TEXT);
      g.setFont(new Font(Font.SANS_SERIF, Font.BOLD, 22));
      g.drawString(fit(g, title), LEFT, 40);
      g.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 16));
      g.drawString(fit(g, subtitle), LEFT, 66);
    } finally {
      g.dispose();
    }
    return image;
  }

  private double scaled(double value) {
    return Math.scalb(value, -exponent);
  }

  private double expectedAt(double x) {
    double value = Math.scalb(x, exponent);
    return expected.map(density -> density.at(value, exponent)).orElse(0.0);
  }

  private double height(int bin) {
    return histogram.count(bin) / (Math.max(1, histogram.total()) * width);
  }

  private double x(double value) {
    return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT);
  }

  private double y(double density) {
    return HEIGHT - BOTTOM - density / top * (HEIGHT - TOP - BOTTOM);
  }

  private void drawAxes(Graphics2D g) {
    g.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 15));
    FontMetrics metrics = g.getFontMetrics();
    double stepX = niceStep(high - low);
    for (double tick = Math.ceil(low / stepX); tick * stepX <= high; tick++) {
      double x = x(tick * stepX);
      String label = label(tick * stepX, exponent);
      g.setColor(GRID);
      g.draw(new Line2D.Double(x, TOP, x, HEIGHT - BOTTOM));
      g.setColor(TEXT);
      g.drawString(label, (float) (x - metrics.stringWidth(label) / 2.0), HEIGHT - BOTTOM + 24);
    }
    double stepY = niceStep(top);
    for (int tick = 0; tick * stepY <= top; tick++) {
      double y = y(tick * stepY);
      String label = label(tick * stepY, -exponent);
      g.setColor(GRID);
      g.draw(new Line2D.Double(LEFT, y, WIDTH - RIGHT, y));
      g.setColor(TEXT);
      g.drawString(label, (float) (LEFT - 10 - metrics.stringWidth(label)), (float) y + 5);
    }
    g.drawString("value", (LEFT + WIDTH - RIGHT) / 2f - 18, HEIGHT - 18f);
    g.rotate(-Math.PI / 2);
    g.drawString("density", -(TOP + HEIGHT - BOTTOM) / 2f - 24, 28f);
    g.rotate(Math.PI / 2);
  }

  private void drawBars(Graphics2D g) {
    boolean equal = histogram.edge(0) == histogram.edge(histogram.bins());
    double thin = equal ? 0.4 * width : 0; // all values equal: one bar around them
    for (int bin = 0; bin < histogram.bins(); bin++) {
      if (histogram.count(bin) > 0) {
        double left = x(scaled(histogram.edge(bin)) - thin);
        double right = x(scaled(histogram.edge(bin + 1)) + thin);
        double y = y(height(bin));
        Rectangle2D bar = new Rectangle2D.Double(left, y, right - left, y(0) - y);
        g.setColor(BAR);
        g.fill(bar);
        g.setColor(BAR_EDGE);
        g.setStroke(new BasicStroke(0.7f));
        g.draw(bar);
      }
    }
    g.setColor(TEXT);
    g.setStroke(new BasicStroke(1.2f));
    g.draw(new Line2D.Double(LEFT, y(0), WIDTH - RIGHT, y(0)));
  }

  private void drawExpected(Graphics2D g) {
    if (expected.isPresent()) {
      Path2D line = new Path2D.Double();
      for (int pixel = 0; pixel <= 4 * WIDTH; pixel++) { // fine, so that an edge looks upright
        double value = low + (high - low) * pixel / (4 * WIDTH);
        double y = y(expectedAt(value));
        if (pixel == 0) {
          line.moveTo(x(value), y);
        } else {
          line.lineTo(x(value), y);
        }
      }
      g.setColor(LINE);
      g.setStroke(new BasicStroke(2.4f, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
      g.draw(line);
    }
  }

  private void drawLegend(Graphics2D g) {
    g.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 16));
    int x = WIDTH - RIGHT - 170;
    g.setColor(BAR);
    g.fillRect(x, 26, 30, 14);
    g.setColor(TEXT);
    g.drawString(Units.format("%,d values", histogram.total()), x + 40, 39);
    if (expected.isPresent()) {
      g.setColor(LINE);
      g.setStroke(new BasicStroke(2.4f));
      g.draw(new Line2D.Double(x, 58, x + 30, 58));
      g.setColor(TEXT);
      g.drawString("expected", x + 40, 63);
    }
  }

  /** A step of 1, 2 or 5 times a power of ten that makes about {@link #TICKS} ticks. */
  private static double niceStep(double span) {
    double raw = span / TICKS;
    double power = Math.pow(10, Math.floor(Math.log10(raw)));
    double digit = raw / power;
    return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
  }

  /** A value times 2^{@code exponent}. */
  private static String label(double value, int exponent) {
    if (exponent != 0 && value != 0) {
      String text = Units.format("%.3g", Scaling.decimal(value, exponent));
      return text.replaceFirst("\\.?0+e", "e");
    }
    double size = Math.abs(value);
    if (size < 1e-300) {
      return "0";
    }
    if (size < 1e-4 || size >= 1e7) {
      return String.format(Locale.ROOT, "%.3g", value).replaceFirst("\\.?0+e", "e");
    }
    String text = String.format(Locale.ROOT, "%.7f", value);
    return text.replaceFirst("\\.?0+$", "");
  }

  private static String fit(Graphics2D g, String text) {
    int room = WIDTH - LEFT - RIGHT - 190;
    String shown = text;
    while (g.getFontMetrics().stringWidth(shown) > room && shown.length() > 2) {
      shown = shown.substring(0, shown.length() - 2) + "…";
    }
    return shown;
  }
}
