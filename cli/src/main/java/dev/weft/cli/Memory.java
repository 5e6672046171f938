package dev.weft.cli;

import java.util.List;
import java.util.Locale;

/**
 * Which memory ran out: the JVM throws one error for several kinds, and tells them by its words.
 */
final class Memory {
  /**
   * A kind of memory.
   *
   * @param words of the JVM's message, in lower case; any of them
   * @param what is full
   * @param remedy what to do about it; empty if nothing
   */
  private record Kind(List<String> words, String what, String remedy) {}

  private static final List<Kind> KINDS =
      List.of(
          new Kind(
              List.of("native thread"),
              "the system starts no further thread",
              "fewer --threads, or a higher limit of processes (ulimit -u)"),
          new Kind(
              List.of("direct buffer memory"),
              "the JVM's memory for direct buffers is full",
              "a greater -XX:MaxDirectMemorySize in JDK_JAVA_OPTIONS"),
          new Kind(
              List.of("metaspace", "compressed class space"),
              "the JVM's memory for classes is full",
              "a greater -XX:MaxMetaspaceSize in JDK_JAVA_OPTIONS"),
          new Kind(
              List.of("array size", "required length exceeds"),
              "a Java array would be longer than the JVM allows",
              ""),
          new Kind(
              List.of("java heap space", "gc overhead limit"),
              "the Java heap is full",
              "a greater -Xmx in JDK_JAVA_OPTIONS"));

  private static final Kind OTHER =
      new Kind(List.of(), "the system or the JVM has no more memory", "");

  private Memory() {}

  /** For example {@code the Java heap is full (Java heap space); remedy: …}. */
  static String explain(OutOfMemoryError error) {
    String message = String.valueOf(error.getMessage());
    String words = message.toLowerCase(Locale.ROOT);
    Kind kind =
        KINDS.stream()
            .filter(each -> each.words().stream().anyMatch(words::contains))
            .findFirst()
            .orElse(OTHER);
    String remedy = kind.remedy().isEmpty() ? "" : "; remedy: " + kind.remedy();
    return kind.what() + " (" + message + ")" + remedy;
  }
}
