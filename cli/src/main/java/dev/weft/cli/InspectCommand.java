package dev.weft.cli;

import dev.weft.compare.Density;
import dev.weft.compare.Histogram;
import dev.weft.compare.Moments;
import dev.weft.compare.Sample;
import dev.weft.init.Fill;
import dev.weft.internal.Checks;
import dev.weft.interop.AtomicFile;
import dev.weft.interop.Json;
import dev.weft.interop.Receipt;
import dev.weft.interop.StoredTensor;
import dev.weft.interop.TensorFile;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import javax.imageio.ImageIO;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code weft inspect}: what is in a file, and does it look like what it should be? */
@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Shows type, shape, receipt, moments, range and histogram of a tensor.",
    footer = {
      "",
      "A file of several tensors is listed, one line each; --tensor NAME shows one of them.",
      "Moments leave out NaN and infinities, which are counted."
    })
final class InspectCommand implements Callable<Integer> {
  private static final int TEXT_BINS = 20;
  private static final int TEXT_WIDTH = 50;
  private static final int PLOT_BINS = 120;

  private final Streams streams;

  @Parameters(
      paramLabel = "FILE",
      description = "FILE.npy, FILE.safetensors, FILE.safetensors.index.json")
  private String name;

  @Option(names = "--tensor", paramLabel = "NAME", description = "of a file that has several")
  private String wanted;

  @Option(names = "--json", description = "write JSON")
  private boolean json;

  @Option(
      names = "--plot",
      paramLabel = "FILE.png",
      description = "draw the histogram, and over it the density that the receipt promises")
  private String plot;

  InspectCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws IOException {
    Path picture = plot == null ? null : Names.output("--plot", plot, ".png");
    try (TensorFile file = Names.open(streams, "weft inspect", name)) {
      List<StoredTensor> tensors = file.tensors();
      if (wanted != null) {
        Optional<StoredTensor> found = file.tensor(wanted);
        if (found.isEmpty()) {
          String rule = "need one of the file's " + tensors.size() + " tensors";
          throw UsageException.of("--tensor", rule, "tensor", wanted);
        }
        tensors = List.of(found.get());
      }
      if (picture != null && tensors.size() != 1) {
        String rule = "need --tensor NAME with a file of several tensors";
        throw UsageException.of("--plot", rule, "tensors", tensors.size());
      }
      List<Report> reports = new ArrayList<>();
      long bytes = tensors.stream().mapToLong(StoredTensor::byteSize).sum();
      try (ProgressBar bar = new ProgressBar(streams, "inspect", bytes)) {
        long done = 0;
        for (StoredTensor tensor : tensors) {
          reports.add(Report.of(tensor, file.receipt(tensor.name())));
          bar.at(done += tensor.byteSize());
        }
      }
      if (picture != null) {
        draw(reports.getFirst(), picture);
      }
      if (json) {
        streams.print(Json.writePretty(facts(reports)));
      } else {
        streams.print(reports.size() == 1 ? text(reports.getFirst()) : table(reports));
      }
    }
    return Exit.OK;
  }

  /**
   * What is known of a tensor.
   *
   * @param difference why the receipt is not of this tensor; its fill is then left out
   * @param moments empty if weft cannot read the element type
   * @param outside how many elements lie outside the interval of the receipt's fill
   */
  private record Report(
      StoredTensor tensor,
      Optional<Receipt> receipt,
      Optional<String> difference,
      Optional<Fill> fill,
      Optional<Moments> moments,
      Optional<Interval> interval,
      long outside) {
    static Report of(StoredTensor tensor, Optional<Receipt> receipt) {
      Optional<String> difference = receipt.flatMap(it -> it.difference(tensor));
      Optional<Fill> fill = difference.isPresent() ? Optional.empty() : receipt.map(Receipt::fill);
      Optional<Interval> interval = fill.flatMap(it -> Interval.of(it, tensor));
      if (tensor.type().isEmpty()) {
        return new Report(tensor, receipt, difference, fill, Optional.empty(), interval, 0);
      }
      Sample sample = Sample.of(tensor);
      long outside = interval.isEmpty() ? 0 : sample.count(x -> !interval.get().holds(x));
      return new Report(
          tensor, receipt, difference, fill, Optional.of(sample.moments()), interval, outside);
    }

    Histogram histogram(int bins) {
      double low = moments.orElseThrow().count() == 0 ? 0 : moments.get().min();
      double high = moments.get().count() == 0 ? 0 : moments.get().max();
      return Sample.of(tensor).histogram(low, high, bins);
    }

    Optional<Density> density() {
      return fill.flatMap(it -> Density.of(it, tensor.type().orElseThrow().byteSize()));
    }
  }

  /** Where a fill's elements lie: [low, high), or [low, high] if {@code closed}. */
  private record Interval(double low, double high, boolean closed) {
    static Optional<Interval> of(Fill fill, StoredTensor tensor) {
      return switch (fill) {
        case Fill.Bits bits ->
            Optional.of(
                new Interval(0, Math.scalb(1.0, 8 * tensor.type().orElseThrow().byteSize()), true));
        case Fill.Constant constant -> {
          double value =
              tensor.type().orElseThrow().dtype().orElseThrow().nearest(constant.value());
          yield Optional.of(new Interval(value, value, true));
        }
        case Fill.Uniform uniform -> Optional.of(new Interval(uniform.lo(), uniform.hi(), false));
        case Fill.TruncatedNormal normal ->
            Optional.of(new Interval(normal.min(), normal.max(), true));
        default -> Optional.empty();
      };
    }

    boolean holds(double x) {
      return x >= low && (closed ? x <= high : x < high);
    }

    @Override
    public String toString() {
      return Units.format("[%.6g, %.6g%s", low, high, closed ? "]" : ")");
    }
  }

  private String text(Report report) {
    StoredTensor tensor = report.tensor();
    Table table = new Table(name, "", "");
    table.row("tensor", tensor.name(), "");
    String type = tensor.type().isPresent() ? tensor.typeName() : tensor.typeName() + " (not read)";
    table.row("type", type, "");
    long elements = tensor.shape().elements();
    String size = Units.format("%,d elements, ", elements) + Units.bytes(tensor.byteSize());
    table.row("shape", tensor.shape(), size);
    report.receipt().ifPresent(receipt -> addReceipt(table, receipt));
    report.difference().ifPresent(it -> table.row("receipt", "of another tensor", it));
    if (report.moments().isEmpty()) {
      return table.toString();
    }
    Moments moments = report.moments().get();
    Optional<Density> density = report.density();
    table.row("mean", g(moments.mean()), density.map(it -> "expected " + g(it.mean())).orElse(""));
    String expected =
        density.map(it -> "expected " + g(it.variance(), it::exactVariance)).orElse("");
    table.row("variance", g(moments.variance(), moments::exactVariance), expected);
    String deviation = density.map(it -> "expected " + g(it.stddev())).orElse("");
    table.row("stddev", g(moments.stddev()), deviation);
    table.row("skewness", g(moments.skewness()), "");
    table.row("excess kurtosis", g(moments.excessKurtosis()), "");
    table.row("min", g(moments.min()), "");
    table.row("max", g(moments.max()), "");
    table.row("zeros", share(moments.zeros(), elements), "");
    table.row("NaN", share(moments.nans(), elements), "");
    table.row("infinite", share(moments.infinities(), elements), "");
    report
        .interval()
        .ifPresent(it -> table.row("outside " + it, share(report.outside(), elements), ""));
    return table + "\n" + report.histogram(TEXT_BINS).text(TEXT_WIDTH);
  }

  private static void addReceipt(Table table, Receipt receipt) {
    table.row("init", receipt.init(), receipt.layout().id() + " layout");
    String children =
        receipt.children().isEmpty() ? "" : " / " + String.join(" / ", receipt.children());
    table.row("key", "seed " + receipt.seed() + children, receipt.order().id() + " order");
    if (!receipt.region().isWhole()) {
      table.row("part", receipt.region(), "");
    }
  }

  private String table(List<Report> reports) {
    Table table =
        new Table(
            "tensor", "type", "shape", "init", ">mean", ">stddev", ">min", ">max", ">not finite");
    long elements = 0;
    long bytes = 0;
    for (Report report : reports) {
      StoredTensor tensor = report.tensor();
      Optional<Moments> moments = report.moments();
      elements += tensor.shape().elements();
      bytes += tensor.byteSize();
      table.row(
          tensor.name(),
          tensor.typeName(),
          tensor.shape(),
          report.receipt().map(receipt -> receipt.init().toString()).orElse("")
              + (report.difference().isPresent() ? " (of another tensor)" : ""),
          moments.map(it -> g(it.mean())).orElse(""),
          moments.map(it -> g(it.stddev())).orElse(""),
          moments.map(it -> g(it.min())).orElse(""),
          moments.map(it -> g(it.max())).orElse(""),
          moments.map(it -> it.nans() + it.infinities() + "").orElse(""));
    }
    return table
        + Units.format(
            "%s: %d tensors, %,d elements, %s\n",
            Printable.line(name), reports.size(), elements, Units.bytes(bytes));
  }

  private Map<String, Object> facts(List<Report> reports) {
    List<Object> tensors = new ArrayList<>();
    for (Report report : reports) {
      StoredTensor tensor = report.tensor();
      Map<String, Object> facts = new LinkedHashMap<>();
      facts.put("tensor", tensor.name());
      facts.put("dtype", tensor.typeName());
      facts.put("shape", Units.dims(tensor.shape()));
      facts.put("elements", tensor.shape().elements());
      facts.put("bytes", tensor.byteSize());
      facts.put("receipt", report.receipt().map(Receipt::toMap).orElse(null));
      report.difference().ifPresent(it -> facts.put("receipt_difference", it));
      if (report.moments().isPresent()) {
        addFacts(facts, report);
      }
      tensors.add(facts);
    }
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("file", name);
    facts.put("tensors", tensors);
    return facts;
  }

  private static void addFacts(Map<String, Object> facts, Report report) {
    Moments moments = report.moments().orElseThrow();
    facts.put("mean", finite(moments.mean()));
    facts.put("variance", held(moments.variance(), moments.stddev()));
    facts.put("stddev", finite(moments.stddev()));
    facts.put("skewness", finite(moments.skewness()));
    facts.put("excess_kurtosis", finite(moments.excessKurtosis()));
    facts.put("min", finite(moments.min()));
    facts.put("max", finite(moments.max()));
    facts.put("zeros", moments.zeros());
    facts.put("nan", moments.nans());
    facts.put("infinite", moments.infinities());
    report.density().ifPresent(density -> facts.put("expected_mean", density.mean()));
    report
        .density()
        .ifPresent(
            density -> {
              facts.put("expected_variance", held(density.variance(), density.stddev()));
              facts.put("expected_stddev", density.stddev());
            });
    report
        .interval()
        .ifPresent(
            interval -> {
              facts.put("interval", interval.toString());
              facts.put("outside", report.outside());
              long elements = Math.max(1, report.tensor().shape().elements());
              facts.put("outside_fraction", (double) report.outside() / elements);
            });
    Histogram histogram = report.histogram(TEXT_BINS);
    Map<String, Object> bins = new LinkedHashMap<>();
    bins.put("low", histogram.edge(0));
    bins.put("high", histogram.edge(histogram.bins()));
    bins.put("counts", Arrays.stream(histogram.counts()).boxed().toList());
    facts.put("histogram", bins);
  }

  private void draw(Report report, Path picture) throws IOException {
    StoredTensor tensor = report.tensor();
    if (report.moments().isEmpty()) {
      String rule = "need an element type that weft reads";
      throw UsageException.of("--plot", rule, "type", tensor.typeName());
    }
    Moments moments = report.moments().get();
    String title =
        Path.of(name).getFileName() + ": " + Checks.cut(tensor.name(), 100) + " " + tensor.shape();
    String init = report.receipt().map(it -> it.init() + ", seed " + it.seed() + ", ").orElse("");
    String subtitle =
        Units.format(
            "%s%s, mean %s, stddev %s",
            init, tensor.typeName(), g(moments.mean()), g(moments.stddev()));
    BufferedImage image =
        HistogramPlot.draw(title, subtitle, report.histogram(PLOT_BINS), report.density());
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    ImageIO.write(image, "png", png);
    AtomicFile.write(picture, png.toByteArray());
  }

  private static String share(long count, long elements) {
    return count == 0 ? "0" : Units.format("%d (%.4g %%)", count, 100.0 * count / elements);
  }

  /** A variance; null where f64 does not hold it, but the deviation. */
  private static Double held(double variance, double stddev) {
    return variance < Double.MIN_NORMAL && stddev > 0 ? null : finite(variance);
  }

  private static Double finite(double value) {
    return Double.isFinite(value) ? value : null;
  }

  /** The same of a value that f64 may not hold. */
  private static String g(double value, Supplier<BigDecimal> exact) {
    if (Double.isNaN(value) || value >= Double.MIN_NORMAL && value <= Double.MAX_VALUE) {
      return g(value);
    }
    BigDecimal decimal = exact.get();
    return decimal.signum() == 0 ? g(0) : Units.format("%.6g", decimal);
  }

  private static String g(double value) {
    return Double.isNaN(value) ? "—" : Units.format("%.6g", value);
  }
}
