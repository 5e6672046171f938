package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.interop.Json;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What a terminal would obey is escaped, wherever it comes from and whichever stream it goes to.
 */
class PrintableTest {
  /** Of each kind one: ESC, DEL, C1's CSI, right-to-left override and isolate, a separator. */
  private static final String WILD = "a\u001b[31mb\u007f\u009b\u202e\u2066\u2028c\nd\re";

  private static final String TAMED =
      "a\\u001b[31mb\\u007f\\u009b\\u202e\\u2066\\u2028c\\nd\\u000de";

  @TempDir Path directory;

  @Test
  void kindsAreEscaped() {
    assertThat(Printable.line(WILD)).isEqualTo(TAMED);
    assertThat(Printable.text(WILD)).isEqualTo(TAMED.replace("\\n", "\n"));
    for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
      boolean control = c < 0x20 || c >= 0x7F && c <= 0x9F;
      boolean bidi = c >= 0x202A && c <= 0x202E || c >= 0x2066 && c <= 0x2069;
      if (control || bidi || c == 0x2028 || c == 0x2029 || c >= 0xD800 && c <= 0xDFFF) {
        assertThat(Printable.line(Character.toString(c))).matches("\\\\n|\\\\u[0-9a-f]{4}");
      }
    }
  }

  @Test
  void everythingElseStays() {
    String plain = "w/größe 重み \uD835\uDC7F \\n \\u001b — ║ é e\u0301 \u00A0";
    assertThat(Printable.line(plain)).isEqualTo(plain);
    assertThat(Printable.line("\uD835")).isEqualTo("\\ud835");
    assertThat(Printable.line("\uDB40\uDC41")).isEqualTo("\\udb40\\udc41"); // a tag, invisible
  }

  @Test
  void whatIsTooLongIsCut() {
    String[] lines = new Table("name", "").row("n".repeat(1 << 20), "x").toString().split("\n");
    assertThat(lines).allMatch(line -> line.length() < 250);
    assertThat(lines[1]).contains("n…  x");
  }

  @ParameterizedTest
  @CsvSource({"inspect", "inspect --tensor", "verify"})
  void namesOfAFileAreEscaped(String command) throws Exception {
    Path file = safetensors();
    String[] words = command.split(" ");
    Run run =
        words.length == 1
            ? Run.of(words[0], file.toString())
            : Run.of(words[0], file.toString(), words[1], WILD);
    assertIsTame(run);
    assertThat(run.out() + run.err()).contains(TAMED);
  }

  @Test
  void jsonMeansTheSame() throws Exception {
    Path file = safetensors();
    Run run = Run.of("inspect", file.toString(), "--json");
    assertIsTame(run);
    Map<?, ?> facts = (Map<?, ?>) Json.parse("stdout", run.out());
    List<?> tensors = (List<?>) facts.get("tensors");
    assertThat(((Map<?, ?>) tensors.getFirst()).get("tensor")).isEqualTo(WILD);
  }

  @Test
  @EnabledOnOs({OS.LINUX, OS.MAC}) // where files have such names
  void childrenAndNamesOfFilesAreEscaped() throws Exception {
    String name = "w\u001b]0;x\u0007\n\u007f.safetensors";
    String tame = "w\\u001b]0;x\\u0007\\n\\u007f.safetensors";
    Path file = directory.resolve(name);
    Run written =
        Run.of(
            "generate",
            "--init",
            "ones",
            "--shape",
            "2",
            "--child",
            WILD,
            "--out",
            file.toString());
    assertThat(written.code()).as(written.err()).isZero();
    for (String command : List.of("inspect", "verify")) {
      Run run = Run.of(command, file.toString());
      assertThat(run.code()).as(run.err()).isZero();
      assertIsTame(run);
      assertThat(run.out()).contains(TAMED);
    }
    assertThat(Run.of("inspect", file.toString()).out()).contains(tame);
    Path manifest =
        Files.writeString(
            directory.resolve("m.json"),
            "{\"name\": \"m\", \"layout\": \"keras\", \"dtype\": \"f32\", \"tensors\": [{\"name\": \"a\", \"shape\": [2], \"init\":"
                + " \"ones\"}]}");
    Run model = Run.of("model", manifest.toString(), "--out", directory + "/m" + name);
    assertThat(model.code()).as(model.err()).isZero();
    assertIsTame(model);
    assertThat(model.out()).isEqualTo(directory + "/m" + tame + "\n");
  }

  /** Elements are bytes, not text: none of them is changed. */
  @Test
  void elementsAreWrittenAsTheyAre() {
    Run run = Run.of("generate", "--init", "bits", "--shape", "4096", "--out", "-");
    assertThat(run.bytes()).hasSize(4 * 4096).contains(0x1b, 0x9b, 0x7f, 0);
  }

  private static void assertIsTame(Run run) {
    assertThat(run.out()).matches("(?s)[\\n\\P{C}]*");
    assertThat(run.err()).matches("(?s)[\\n\\P{C}]*");
  }

  /** One tensor of two f32, whose name is wild. */
  private Path safetensors() throws Exception {
    String header =
        "{\"a\\u001b[31mb\\u007f\\u009b\\u202e\\u2066\\u2028c\\nd\\re\":"
            + "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    byte[] text = header.getBytes(StandardCharsets.US_ASCII);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + text.length + 8)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(text.length)
            .put(text);
    Path file = directory.resolve("wild.safetensors");
    return Files.write(file, bytes.array());
  }
}
