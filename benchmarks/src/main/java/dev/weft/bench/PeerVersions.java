package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.interop.FormatException;
import dev.weft.interop.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the other libraries are and what they run, each asked in a process of its own: one does not
 * answer for another, one that ends its process takes no other with it, and this build need not
 * have them.
 */
final class PeerVersions {
  /** What the line with the answer begins with, among those that libraries print themselves. */
  static final String MARK = "weft-peer: ";

  private static final String MAIN = "dev.weft.bench.PeerLibraries"; // of the profile peers

  /** MKL says for which instructions it multiplied: {@code … architecture Intel(R) … with …}. */
  private static final Pattern OF_MKL =
      Pattern.compile("MKL_VERBOSE .*MKL.* architecture (.*?)(?: with support .*|, Lnx .*)");

  private static final Pattern OF_ONEDNN = Pattern.compile("(?:one)?dnn?l?_verbose,info,(.*)");

  private PeerVersions() {}

  /**
   * A library.
   *
   * @param version its name and version
   * @param ran its own word for the kernels that it runs; empty where it says nothing
   */
  record Word(String version, String ran) {
    @Override
    public String toString() {
      return ran.isEmpty() ? version : version + ", " + ran;
    }
  }

  /** Whether this build has the other libraries. */
  static boolean known() {
    return PeerVersions.class.getResource("PeerLibraries.class") != null;
  }

  /** What weft runs. */
  static String ran(Backend backend) {
    return backend.info().probe().detail().replaceFirst(", \\d+ threads?$", "");
  }

  /**
   * Asks for a library, as parameters write it.
   *
   * @throws IllegalStateException with the reason, if it cannot be loaded: {@code peer: need …}
   */
  static Word ask(String library) throws IOException {
    List<String> command = new ArrayList<>(Relaunch.java());
    command.addAll(List.of(MAIN, library));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(Map.of("MKL_VERBOSE", "1", "DNNL_VERBOSE", "1"));
    builder.environment().put("ONEDNN_VERBOSE", "1");
    Process process = builder.start();
    process.getOutputStream().close();
    List<String> lines = process.inputReader(StandardCharsets.UTF_8).lines().toList();
    try {
      return word(library, lines, process.waitFor());
    } catch (InterruptedException e) {
      process.destroy();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while " + library + " was asked", e);
    }
  }

  /** What the lines of a process say that ended with {@code exit}. */
  static Word word(String library, List<String> lines, int exit) throws FormatException {
    for (String line : lines) {
      if (line.startsWith(MARK)) {
        Map<?, ?> said = (Map<?, ?>) Json.parse(MAIN, line.substring(MARK.length()));
        if (said.containsKey("missing")) {
          throw new IllegalStateException((String) said.get("missing"));
        }
        String ran = (String) said.get("ran");
        return new Word((String) said.get("version"), ran.isEmpty() ? spoken(lines) : ran);
      }
    }
    throw new IllegalStateException(
        "peer: need a library that does not end its process, got library="
            + library
            + ", exit="
            + exit
            + ", output="
            + (lines.isEmpty() ? "" : lines.getLast()));
  }

  /** What MKL or oneDNN, or a library that calls them, printed of itself. */
  private static String spoken(List<String> lines) {
    List<String> info = new ArrayList<>();
    for (String line : lines) {
      Matcher mkl = OF_MKL.matcher(line);
      if (mkl.matches()) {
        return "MKL for " + mkl.group(1);
      }
      Matcher onednn = OF_ONEDNN.matcher(line);
      if (onednn.matches() && onednn.group(1).matches("(oneDNN v|cpu,isa).*")) {
        info.add(onednn.group(1).replaceFirst(" \\(commit.*", "").replaceFirst("cpu,isa:", ""));
      }
    }
    return String.join(", ", info);
  }
}
