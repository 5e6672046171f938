package dev.weft.compare.report;

import dev.weft.compare.Machine;
import dev.weft.compare.Missing;
import dev.weft.compare.Results;
import dev.weft.compare.Roof;
import dev.weft.compare.Setting;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What was measured on, and what was not. */
final class Machines {
  private Machines() {}

  static void write(Page page) {
    for (int f = 0; f < page.files().size(); f++) {
      Results file = page.files().get(f);
      page.fileHeading(f);
      page.out().open("div", "class", "tasks");
      if (file.machine().isEmpty()) {
        page.paragraph("The file does not say.");
      } else {
        machine(file, file.machine().get()).write(page.out(), "words");
      }
      if (!file.roofs().isEmpty()) {
        Rows roofs = new Rows("roof, measured in the same run", "rate");
        for (Roof it : file.roofs()) {
          roofs.add(name(it), Text.digits(it.rate()) + " " + it.unit());
        }
        roofs.write(page.out(), "numbers");
      }
      if (!file.environment().isEmpty()) {
        Rows settings = new Rows("environment variable", "before the run", "in the run");
        for (Setting it : file.environment()) {
          settings.add(it.variable(), it.found().isEmpty() ? "not set" : it.found(), it.done());
        }
        settings.write(page.out(), "words");
      }
      page.out().close();
    }
  }

  /** A roof with the memory that it is of. */
  static String name(Roof roof) {
    return Page.name(roof) + (roof.bytes() == 0 ? "" : ", " + Text.bytes(roof.bytes()));
  }

  private static Rows machine(Results file, Machine it) {
    Rows table = new Rows("what", "value");
    table.add("processor", it.cpu());
    table.add("processors", Integer.toString(it.processors()));
    table.add(
        "clock, measured",
        it.clockHertz() > 0 ? Text.digits(it.clockHertz() * 1e-9) + " GHz" : "–");
    table.add("vectors", String.join(" ", it.simd()));
    table.add("caches", it.caches());
    table.add("memory", it.memoryBytes() > 0 ? Text.bytes(it.memoryBytes()) : "–");
    table.add("GPU", it.gpu().isEmpty() ? "none" : String.join("; ", it.gpu()));
    table.add("system", it.os());
    table.add("JVM", it.jdk());
    new Contest(file).libraries().forEach(table::add);
    table.add("load average at the start", Text.digits(it.load()));
    table.add("command", file.command());
    table.add("made", file.created());
    return table;
  }

  /** Who did not run, and why. */
  static void missing(Page page) {
    boolean any = false;
    for (int f = 0; f < page.files().size(); f++) {
      Map<List<String>, List<String>> reasons =
          page.files().get(f).missing().stream()
              .collect(
                  Collectors.groupingBy(
                      it -> List.of(it.contestant(), it.reason()),
                      LinkedHashMap::new,
                      Collectors.mapping(Missing::what, Collectors.toList())));
      if (!reasons.isEmpty()) {
        any = true;
        page.fileHeading(f);
        Rows table = new Rows("who", "why", "what");
        reasons.forEach(
            (key, what) ->
                table.add(
                    key.get(0),
                    key.get(1),
                    what.stream().distinct().collect(Collectors.joining("; "))));
        table.write(page.out(), "words");
      }
    }
    if (!any) {
      page.paragraph("All that was asked for ran.");
    }
  }
}
