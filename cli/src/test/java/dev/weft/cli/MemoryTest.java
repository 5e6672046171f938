package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The kinds of OutOfMemoryError are told apart. */
class MemoryTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Java heap space | the Java heap is full | -Xmx",
        "GC overhead limit exceeded | the Java heap is full | -Xmx",
        "Java heap space: failed reallocation of scalar replaced objects | the Java heap is | -Xmx",
        "unable to create native thread: possibly out of memory or process/resource limits reached"
            + " | starts no further thread | ulimit -u",
        "Cannot reserve 8 bytes of direct buffer memory (allocated: 1, limit: 8) | direct buffers |"
            + " -XX:MaxDirectMemorySize",
        "Direct buffer memory | direct buffers | -XX:MaxDirectMemorySize",
        "Metaspace | memory for classes | -XX:MaxMetaspaceSize",
        "Compressed class space | memory for classes | -XX:MaxMetaspaceSize",
        "Requested array size exceeds VM limit | array would be longer | (Requested array",
        "Required array size too large | array would be longer | (Required array",
        "Required length exceeds implementation limit | array would be longer | (Required length",
        "Map failed | the system or the JVM has no more memory | (Map failed)",
        "null | the system or the JVM has no more memory | (null)"
      })
  void wordsAreTheKind(String message, String what, String remedy) {
    String explained =
        Memory.explain(new OutOfMemoryError(message.equals("null") ? null : message));
    assertThat(explained).contains(what, message, remedy);
    assertThat(explained.contains("heap is full")).isEqualTo(remedy.equals("-Xmx"));
  }

  /** The words of this JVM are known. */
  @Test
  void thisJvmsOwnWordsAreKnown() {
    assertThatThrownBy(() -> allocate(Integer.MAX_VALUE))
        .isInstanceOfSatisfying(
            OutOfMemoryError.class,
            error -> assertThat(Memory.explain(error)).startsWith("a Java array would be longer"));
  }

  private static int allocate(int length) {
    return new long[length].length;
  }
}
