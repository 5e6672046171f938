package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.Weft;
import dev.weft.random.RandomKey;
import dev.weft.testkit.fuzz.Effort;
import dev.weft.testkit.fuzz.Fuzzer;
import dev.weft.testkit.fuzz.Report;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Mutated tables are read or refused, at a cost in proportion to their size. What is read has
 * finite inputs and labels from 0 on.
 */
@Tag("fuzz")
class CsvFuzzTest {
  /** For the largest input, of 64 KiB: a table has 2 bytes for each of its numbers. */
  private static final long MEMORY = 2L << 20;

  @TempDir Path directory;

  @Test
  void csv() throws IOException {
    byte[] heldOut;
    try (InputStream in =
        CsvFuzzTest.class.getResourceAsStream("fuzz/input-overflows-when-scaled.csv")) {
      heldOut = in.readAllBytes();
    }
    try (Backend backend =
        Weft.open("scalar", BackendOptions.DEFAULT.withMemoryLimit(MEMORY).withThreads(1))) {
      Report report =
          Fuzzer.of("csv", input -> read(backend, input))
              .refusing(UsageException.class)
              .seed(heldOut)
              .seed(text("1,2,0\n3,-4.5,1\n5e0,+6,2\n7,.5,0\n9,1e1,1\n"))
              .seed(
                  text(
                      "\uFEFF\"x\",\"y\",class\r\n\r\n1,2,0\r\n3,4,1\r\n5,6,2\r\n7,8,0\r\n9,0,1\r\n"))
              .tokens("1,0\n", ",0\n", "0,0,0,0,0,0,0,0,", "\r", "\n\n", "1e39", "1e38", "label\n")
              .run(Effort.of("csv", 600));
      System.out.println(report);
      report.requireBoth();
      assertThat(backend.memory().allocatedBytes()).isZero();
    }
  }

  /** One wide line and many short ones are refused for what they are, not for want of memory. */
  @Test
  void memoryIsInProportionToTheFile() throws IOException {
    String text = "0,".repeat(4000) + "0\n" + "0\n".repeat(4000);
    Path file = Files.writeString(directory.resolve("wide.csv"), text);
    try (Backend backend =
        Weft.open("scalar", BackendOptions.DEFAULT.withMemoryLimit(MEMORY).withThreads(1))) {
      assertThatThrownBy(() -> Examples.read(backend, file, null))
          .isInstanceOf(UsageException.class)
          .hasMessageContaining("need 4001 columns as in the lines before")
          .hasMessageContaining("line=2, columns=1");
    }
  }

  private void read(Backend backend, byte[] input) throws IOException {
    Path file = Files.write(directory.resolve("input.csv"), input);
    try (TrainingData data =
        new TrainingData(Examples.read(backend, file, null), RandomKey.of(1))) {
      int[] rows = {0};
      int[] labels = new int[1];
      int width = Math.toIntExact(data.inputs());
      MemorySegment x = MemorySegment.ofArray(new float[width]);
      data.copy(rows, 0, 1, x, labels);
      for (int i = 0; i < width; i++) {
        if (Float.isNaN(x.getAtIndex(ValueLayout.JAVA_FLOAT, i))) {
          throw new AssertionError("an input is NaN");
        }
      }
      if (labels[0] < 0) {
        throw new AssertionError("a label is negative");
      }
    }
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
