package dev.weft.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/**
 * Refuses arguments that are not what was written: a JVM decodes them by the charset of its locale,
 * and puts U+FFFD or {@code ?} in the place of what that does not have. Another child key would
 * draw another tensor.
 */
final class Arguments {
  private static final Path COMMAND_LINE = Path.of("/proc/self/cmdline");
  private static final String REMEDY =
      "; remedy: run ./weft, or java with LC_ALL=C.UTF-8 or another locale of UTF-8";

  private Arguments() {}

  /** Why an argument is not as it was written, for sure; empty if none is known to be so. */
  static Optional<String> damaged(String[] args) {
    for (int i = 0; i < args.length; i++) {
      if (args[i].codePoints().anyMatch(c -> c == '\uFFFD' || isSurrogate(c))) {
        return Optional.of(refusal(i, args[i], "need text in UTF-8") + REMEDY);
      }
    }
    return Optional.empty();
  }

  /** Why an argument of this process may have been another one; empty if none can have been. */
  static Optional<String> ofProcess(String[] args) {
    String charset = System.getProperty("sun.jnu.encoding", "UTF-8");
    return damaged(args).or(() -> ambiguous(args, charset, COMMAND_LINE));
  }

  /**
   * Why an argument may have been another one.
   *
   * @param charset by which the JVM decoded them
   * @param commandLine a file of the bytes that it decoded; it may be missing
   */
  static Optional<String> ambiguous(String[] args, String charset, Path commandLine) {
    if (charset.toUpperCase(Locale.ROOT).replace("-", "").equals("UTF8")) {
      return Optional.empty();
    }
    for (int i = 0; i < args.length; i++) {
      boolean ascii = args[i].chars().allMatch(c -> c < 0x80);
      if (!ascii || args[i].contains("?") && !isAscii(commandLine)) {
        return Optional.of(
            refusal(i, args[i], "need a locale of UTF-8 for it") + ", charset=" + charset + REMEDY);
      }
    }
    return Optional.empty();
  }

  private static String refusal(int index, String argument, String rule) {
    return "argument: " + rule + ", got index=" + (index + 1) + ", argument=" + argument;
  }

  private static boolean isSurrogate(int c) { // of a pair there is one code point
    return c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE;
  }

  private static boolean isAscii(Path file) {
    try {
      String text = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
      return !text.isEmpty() && text.chars().allMatch(c -> c < 0x80);
    } catch (IOException e) { // there is none on macOS and Windows
      return false;
    }
  }
}
