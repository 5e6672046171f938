package dev.weft.compare.report;

import dev.weft.compare.Results;
import dev.weft.compare.Suite;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * One page of one or several runs: no script, no font and no request of its own, well-formed as
 * XML. Everything that comes from a file is escaped. Rows of measurements carry their exact numbers
 * as attributes: {@code data-file}, {@code data-task}, {@code data-contestant}, {@code data-rate},
 * {@code data-low}, {@code data-high}.
 */
public final class HtmlReport {
  private static final String TITLE = "weft: comparison of backends";

  private HtmlReport() {}

  private record Section(String id, String title, Runnable content) {}

  /**
   * The page.
   *
   * @param files at least one; the first is what the others are compared with
   * @throws IllegalArgumentException if there is none: {@code report: need results, got none}
   */
  public static String of(List<Results> files) {
    if (files.isEmpty()) {
      throw new IllegalArgumentException("report: need results, got none");
    }
    Page page = new Page(List.copyOf(files), new Markup());
    Markup out = page.out();
    out.raw("<!DOCTYPE html>\n").open("html", "lang", "en").open("head");
    out.empty("meta", "charset", "utf-8")
        .empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1")
        .empty("meta", "name", "color-scheme", "content", "light dark")
        .empty("link", "rel", "icon", "href", "data:,") // a browser asks for one otherwise
        .element("title", TITLE)
        .open("style")
        .raw(resource("report.css"))
        .close()
        .close()
        .open("body");
    header(page);
    List<Section> sections = sections(page);
    out.open("nav", "aria-label", "sections");
    sections.forEach(it -> out.element("a", it.title, "href", "#" + it.id).text(" "));
    out.close().open("main");
    for (Section it : sections) {
      out.open("section", "id", it.id).element("h2", it.title);
      it.content.run();
      out.close();
    }
    return out.close().close().close().toString();
  }

  private static void header(Page page) {
    Markup out = page.out();
    out.open("header").element("h1", TITLE);
    for (int f = 0; f < page.files().size(); f++) {
      Results file = page.files().get(f);
      out.open("p", "class", "run");
      page.letterOf(f);
      out.element("b", file.name());
      if (!file.created().isEmpty()) {
        out.text(", " + file.created().replaceFirst("T.*", ""));
      }
      file.machine()
          .ifPresent(
              it ->
                  out.text(
                      " · "
                          + it.cpu()
                          + ", "
                          + Text.count(it.processors(), "processor")
                          + " · "
                          + (it.gpu().isEmpty() ? "no GPU" : String.join("; ", it.gpu()))));
      out.close();
    }
    out.close();
  }

  private static List<Section> sections(Page page) {
    List<Section> all = new ArrayList<>();
    all.add(new Section("summary", "Summary", () -> Summary.write(page)));
    if (page.several()) {
      all.add(new Section("changes", "Changes", () -> ChangeTable.write(page)));
    }
    for (Suite suite : Suite.values()) {
      if (!page.tasks(suite).isEmpty()) {
        all.add(new Section(suite.id(), suite.title(), () -> suite(page, suite)));
      }
    }
    if (RooflineCharts.any(page.files())) {
      all.add(new Section("roofline", "Roofline", () -> RooflineCharts.write(page)));
    }
    all.add(new Section("ratios", "Ratios", () -> Ratios.write(page)));
    if (AgreementTable.any(page.files())) {
      all.add(new Section("agreement", "Agreement", () -> AgreementTable.write(page)));
    }
    if (Initializers.any(page.files())) {
      all.add(new Section("initializers", "Initializers", () -> Initializers.write(page)));
    }
    all.add(new Section("missing", "Not run", () -> Machines.missing(page)));
    String machine = page.several() ? "Machines" : "Machine";
    all.add(new Section("machine", machine, () -> Machines.write(page)));
    return all;
  }

  private static void suite(Page page, Suite suite) {
    page.paragraph(
        switch (suite) {
          case FILL ->
              "Bytes written each second. The roof is plain stores into as much memory by as many threads, or a device’s own memset. An orthogonal matrix is computed by products, and has no such roof.";
          case GEMM ->
              "2·M·N·K operations. The roof is multiply-adds in registers, of as many threads.";
          case DENSE ->
              "Operations of the products alone: 2·B·I·O forward, 4·B·I·O backward. A BLAS does these products alone, without bias, activation and their gradients. The roof is multiply-adds in registers, of as many threads.";
          case TRAIN ->
              "Operations of the products of one step: forward, backward and update. The roof is multiply-adds in registers, of as many threads.";
        });
    if (suite == Suite.FILL || suite == Suite.GEMM) {
      SizeCharts.write(page, suite);
    }
    TaskBars.write(page, suite);
  }

  private static String resource(String name) {
    try (InputStream in = HtmlReport.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
