import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions.Style;
import com.google.googlejavaformat.java.RemoveUnusedImports;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Checks ({@code check}) or applies ({@code apply}) google-java-format to every Java source file of
 * the modules.
 *
 * <p>A program of its own, run by Maven on the toolchain's JDK: the formatter parses with the
 * compiler of the JDK that it runs on, and Maven's own may be older than the language of the
 * sources.
 */
class Format {
  static final String FIX = "mvn -q -N verify -Dformat=apply";

  public static void main(String[] args) throws IOException {
    boolean apply =
        switch (args.length == 1 ? args[0] : "") {
          case "check" -> false;
          case "apply" -> true;
          default ->
              throw new IllegalArgumentException(
                  "format: need check or apply, got " + List.of(args));
        };
    List<Path> different;
    try (var modules = Files.newDirectoryStream(Path.of("."), Format::isModule)) {
      List<Path> sources = new ArrayList<>(List.of(Path.of(".ci/Format.java")));
      for (Path module : modules) {
        try (var files = Files.walk(module.resolve("src"))) {
          files.filter(file -> file.toString().endsWith(".java")).forEach(sources::add);
        }
      }
      different =
          sources.parallelStream().filter(file -> isDifferent(file, apply)).sorted().toList();
    }
    for (Path file : different) {
      System.err.println((apply ? "formatted " : "not formatted: ") + file.normalize());
    }
    if (!apply && !different.isEmpty()) {
      System.err.println("To format: " + FIX);
      System.exit(1);
    }
  }

  private static boolean isModule(Path directory) {
    return Files.isRegularFile(directory.resolve("pom.xml"))
        && Files.isDirectory(directory.resolve("src"));
  }

  private static boolean isDifferent(Path file, boolean apply) {
    try {
      String before = Files.readString(file);
      String after =
          new Formatter()
              .formatSource(
                  ImportOrderer.reorderImports(
                      RemoveUnusedImports.removeUnusedImports(before), Style.GOOGLE));
      boolean different = !after.equals(before);
      if (different && apply) {
        Files.writeString(file, after);
      }
      return different;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (FormatterException e) {
      throw new IllegalStateException(file + ": " + e.getMessage(), e);
    }
  }
}
