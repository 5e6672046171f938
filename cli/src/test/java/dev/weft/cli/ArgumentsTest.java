package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.testkit.Availability;
import dev.weft.testkit.Programs;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Arguments are what was written, or are refused. */
class ArgumentsTest {
  private static final Path NONE = Path.of("no/such/file");

  @TempDir Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"gr\uFFFDe", "\uFFFD", "a\uD83D", "\uDE00b", "\uDE00\uD83D"})
  void whatIsNoTextIsRefused(String argument) throws Exception {
    Path file = directory.resolve("w.bin");
    Run run =
        Run.of(
            "generate",
            "--init",
            "uniform",
            "--shape",
            "3",
            "--child",
            argument,
            "--out",
            file.toString());
    assertThat(run.code()).isEqualTo(Exit.USAGE);
    assertThat(run.err())
        .startsWith("weft: argument: need text in UTF-8, got index=7, argument=")
        .contains("remedy: run ./weft");
    assertThat(run.err().lines()).hasSize(1);
    assertThat(file).doesNotExist();
  }

  @Test
  void whatIsTextIsTaken() {
    String[] args = {"größe", "重み", "\uD83D\uDE00", "?", "", "e\u0301"};
    assertThat(Arguments.damaged(args)).isEmpty();
    assertThat(Arguments.ambiguous(args, "UTF-8", NONE)).isEmpty();
    assertThat(Arguments.ambiguous(args, "utf8", NONE)).isEmpty();
  }

  @Test
  void whatMayHaveBeenAnotherIsRefused() throws Exception {
    Path ascii = Files.writeString(directory.resolve("ascii"), "java\0Main\0gr????e\0");
    Path more = Files.write(directory.resolve("more"), new byte[] {'g', 'r', (byte) 0xC3, 'e'});
    String charset = "ANSI_X3.4-1968";
    String[] marked = {"--child", "gr????e"};
    assertThat(Arguments.ambiguous(marked, charset, ascii)).isEmpty();
    for (Path commandLine : List.of(more, NONE)) {
      assertThat(Arguments.ambiguous(marked, charset, commandLine).orElseThrow())
          .startsWith("argument: need a locale of UTF-8 for it, got index=2, argument=gr????e")
          .contains("charset=" + charset, "LC_ALL=C.UTF-8");
    }
    String[] plain = {"generate", "--out", "w.npy"};
    assertThat(Arguments.ambiguous(plain, charset, NONE)).isEqualTo(Optional.empty());
    assertThat(Arguments.ambiguous(new String[] {"größe"}, "ISO-8859-1", ascii)).isPresent();
  }

  /** The bytes of an argument as a shell gives them, whatever this JVM's own locale is. */
  @Test
  void aJvmOfAnotherLocaleDrawsTheSameOrRefuses() throws Exception {
    Availability.need("proc", Files.exists(Path.of("/proc/self/cmdline")), () -> "no /proc");
    LauncherTest.needUtf8();
    Programs.Result utf8 = generate("C.UTF-8", "gr\\303\\266\\303\\237e");
    assertThat(utf8.status()).as(utf8.output()).isZero();
    byte[] bytes = Files.readAllBytes(directory.resolve("w.bin"));
    assertThat(HexFormat.of().formatHex(bytes)).isEqualTo("0d9897bb40ab12bce71e3ebd");
    for (String[] other :
        new String[][] {{"C", "gr\\303\\266\\303\\237e"}, {"C.UTF-8", "gr\\366\\337e"}}) {
      Programs.Result refused = generate(other[0], other[1]);
      assertThat(refused.status()).as(refused.output()).isEqualTo(Exit.USAGE);
      assertThat(refused.output()).contains("weft: argument: need ");
      assertThat(directory.resolve("w.bin")).doesNotExist();
    }
    Programs.Result marks = generate("C", "gr????e");
    assertThat(marks.status()).as(marks.output()).isZero();
  }

  private Programs.Result generate(String locale, String child) throws Exception {
    Files.deleteIfExists(directory.resolve("w.bin"));
    String script =
        "LC_ALL=" + locale + " exec \"$0\" \"$@\" --child \"$(printf '" + child + "')\"";
    return Programs.run(
        List.of(
            "sh",
            "-c",
            script,
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            Main.class.getName(),
            "generate",
            "--init",
            "uniform",
            "--shape",
            "3",
            "--backend",
            "scalar",
            "--out",
            directory.resolve("w.bin").toString()));
  }
}
