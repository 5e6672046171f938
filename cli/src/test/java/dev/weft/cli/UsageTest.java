package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Bad usage and input: exit code 2, nothing on stdout, one line that names option, rule, value. */
class UsageTest {
  @TempDir Path directory;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        // arguments | the option that the line names | a part of the rule | a part of the value
        "frobnicate | frobnicate | unknown command | generate",
        "--frobnicate | --frobnicate | unknown option | ",
        "devices --jsn | --jsn | unknown option | --json",
        "plan --jsn | --jsn | unknown option | --json",
        "plan now | now | one argument too many | ",
        "devices now | now | one argument too many | ",
        "generate | --init, --shape, --out | required | ",
        "generate --init uniform --shape 3 | --out | required | ",
        "generate --init uniform --shape 3 --out - --seed | --seed | need a value | ",
        "generate --init uniform --shape 3 --out - --seed 1 --seed 2 | --seed | need it once | ",
        "generate --init uniform --shape 3 --out - extra | extra | one argument too many | ",
        "generate --init unifrom --shape 3 --out - | --init | need one of bits, zeros | unifrom",
        "generate --init uniform:lo=1 --shape 3 --out - | --init | need keys of uniform: minval, maxval | lo",
        "generate --init uniform:minval --shape 3 --out - | --init | name[:key=value | uniform:minval",
        "generate --init uniform:minval=x --shape 3 --out - | --init | need a number in decimal | minval=x",
        "generate --init uniform:minval=2 --shape 3 --out - | --init | lo < hi | lo=2.0",
        "generate --init uniform:minval=nan --shape 3 --out - | --init | finite | NaN",
        "generate --init normal:stddev=-1 --shape 3 --out - | --init | stddev >= 0 | -1",
        "generate --init normal:mean=1,mean=2 --shape 3 --out - | --init | every key once | mean=1",
        "generate --init truncated_normal:lower=1,min=2 --shape 3 --out - | --init | not both | min",
        "generate --init truncated_normal:lower=2,upper=1 --shape 3 --out - | --init | lower < upper | 2",
        "generate --init variance_scaling:mode=fan --shape 3 --out - | --init | fan_in, fan_out | fan",
        "generate --init he_normal:semantics=jax --shape 3,3 --out - | --init | keras, torch | jax",
        "generate --init dirac:groups=0 --shape 3,3,3 --out - | --init | groups >= 1 | 0",
        "generate --init dirac --shape 3 --out - | --init | need rank 3, 4 or 5 | [3]",
        "generate --init orthogonal --shape 3 --out - | --init | need rank >= 2 | [3]",
        "generate --init delta_orthogonal --shape 3,3,4,2 --out - | --init | out >= in | [3, 3, 4, 2]",
        "generate --init identity --shape 3,3,3 --out - | --init | need rank 2 | [3, 3, 3]",
        "generate --init sparse:sparsity=2 --shape 3,3 --out - | --init | sparsity <= 1 | 2.0",
        "generate --init torch_linear --layout torch --shape 3 --out - | --init | rank >= 2 | [3]",
        "generate --init constant:value=1e6 --dtype f16 --shape 3 --out - | --init | <= 65504 | f16",
        "generate --init uniform --shape 3,x --out - | --shape | decimal numbers | 3,x",
        "generate --init uniform --shape 3, --out - | --shape | decimal numbers | 3,",
        "generate --init uniform --shape -1 --out - | --shape | every dimension >= 0 | [-1]",
        "generate --init uniform --shape 4294967296,4294967296 --out - | --shape | < 2^63 | 4294967296",
        "generate --init uniform --shape 4611686018427387904 --out - | --shape | bytes < 2^63 | 4611686018427387904",
        "generate --init uniform --shape 3 --dtype f8 --out - | --dtype | need one of f32, f64, f16, bf16 | f8",
        "generate --init uniform --shape 3 --layout nchw --out - | --layout | need one of keras, torch | nchw",
        "generate --init uniform --shape 3 --order random --out - | --order | need one of curand, sequential | random",
        "generate --init uniform --shape 3 --seed 1.5 --out - | --seed | whole number | 1.5",
        "generate --init uniform --shape 3 --seed 0xg --out - | --seed | whole number | 0xg",
        "generate --init uniform --shape 3 --seed 18446744073709551616 --out - | --seed | 64 bits | 18446744073709551616",
        "generate --init uniform --shape 3 --slice 2 --out - | --slice | need FROM:TO | 2",
        "generate --init uniform --shape 3 --slice 1:4 --out - | --slice | to <= elements | to=4",
        "generate --init uniform --shape 3 --slice 2:1 --out - | --slice | from <= to | from=2",
        "generate --init uniform --shape 3 --slice -1:2 --out - | --slice | 0 <= from | from=-1",
        "generate --init uniform --shape 3 --threads x --out - | --threads | whole number | x",
        "generate --init uniform --shape 3 --threads -1 --out - | --threads | whole number | -1",
        "generate --init uniform --shape 3 --threads 5000 --out - | --threads | threads <= 4096 | 5000",
        "generate --init uniform --shape 3 --backend tpu --out - | --backend | need one of auto | tpu",
        "generate --init uniform --shape 3 --backend gpu:x --out - | --backend | device number | gpu:x",
        "generate --init uniform --shape 3 --out w.txt | --out | ends in .npy, .safetensors, .bin | w.txt",
        "generate --init uniform --shape 3 --out .npy | --out | ends in | .npy",
        "generate --init uniform --shape 3 --out no/such/w.npy | --out | directory that exists | no/such",
        "generate --init uniform --shape 3 --dtype bf16 --out DIR/w.npy | --out | a type that NumPy has | bf16",
        "generate --init uniform --shape 3 --out - --json | --json | need a file | -",
        "model | --out, MANIFEST.json | required | ",
        "model no.json --out m.safetensors | MANIFEST.json | need a file that exists | no.json",
        "model no.json --out m.npy --shard-bytes x | --shard-bytes | whole number | x",
        "model DIR/bad.json --out DIR/m.safetensors | json | need | bad.json",
        "model DIR/bad.json --out DIR/m.npy | --out | ends in .safetensors | m.npy",
        "model DIR/bad.json --out DIR/m.safetensors --shard-bytes 0 | --shard-bytes | at least 1 | 0",
        "inspect | FILE | required | ",
        "inspect no.npy | FILE | need a file that exists | missing",
        "inspect DIR | FILE | need a file that exists | a directory",
        "inspect DIR/bad.json | FILE | ends in .npy | bad.json",
        "inspect DIR/bad.npy | npy | need | bad.npy",
        "inspect DIR/bad.safetensors | safetensors | need | bad.safetensors",
        "inspect a b | b | one argument too many | ",
        "verify DIR/bad.npy | npy | need | bad.npy",
        "verify no.npy | FILE | need a file that exists | no.npy",
        "train | --data | required | ",
        "train --data no.csv | --data | need a file that exists | no.csv",
        "train --data DIR/bad.json | --data | ends in .csv, .npy, -ubyte | bad.json",
        "train --data DIR/bad.npy | --labels | need a file of labels | bad.npy",
        "train --data DIR/bad.npy --labels DIR/bad.npy | npy | need | bad.npy",
        "train --data DIR/bad.npy --labels no.npy | --labels | need a file that exists | no.npy",
        "train --data DIR/bad.npy --layers 64 | --layers | two or more sizes | 64",
        "train --data DIR/bad.npy --layers 64,0 | --layers | sizes from 1 | 64,0",
        "train --data DIR/bad.npy --layers 64,,2 | --layers | sizes from 1 | 64,,2",
        "train --data DIR/bad.npy --activation swich | --activation | need one of linear, relu | swich",
        "train --data DIR/bad.npy --activation softmax | --activation | single outputs | softmax",
        "train --data DIR/bad.npy --optimizer lion | --optimizer | need one of sgd, momentum | lion",
        "train --data DIR/bad.npy --init he | --init | need one of bits | he",
        "train --data DIR/bad.npy --lr x | --lr | need a number | x",
        "train --data DIR/bad.npy --lr NaN | --lr | need a number in decimal | NaN",
        "train --data DIR/bad.npy --lr -1 | --lr | need finite rate >= 0 | -1.0",
        "train --data DIR/bad.npy --smoothing 1 | --smoothing | smoothing < 1 | 1.0",
        "train --data DIR/bad.npy --clip-norm 0 | --clip-norm | clipNorm > 0 | 0.0",
        "train --data DIR/bad.npy --epochs 0 | --epochs | at least 1 | 0",
        "train --data DIR/bad.npy --batch 0 | --batch | at least 1 | 0",
        "train --data DIR/bad.npy --batch 2147483648 | --batch | whole number | 2147483648",
        "train --data DIR/bad.npy --out w.npy | --out | ends in .safetensors | w.npy",
        "train --data DIR/bad.npy --out no/w.safetensors | --out | directory that exists | no",
        "compare --quik | --quik | unknown option | --quick",
        "bench Fill -f 1 | options | launcher | Fill",
      })
  void isOneLine(String arguments, String option, String rule, String value) throws Exception {
    Files.writeString(directory.resolve("bad.json"), "{");
    Files.writeString(directory.resolve("bad.npy"), "not numpy");
    Files.writeString(directory.resolve("bad.safetensors"), "no");
    Run run =
        Run.of(
            Arrays.stream(arguments.strip().split(" +"))
                .map(argument -> argument.replace("DIR", directory.toString()))
                .toArray(String[]::new));
    assertThat(run.code()).as(run.err()).isEqualTo(Exit.USAGE);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).endsWith("\n");
    assertThat(run.err().strip().lines()).hasSize(1);
    assertThat(run.err()).startsWith("weft").contains(option + ":", rule);
    assertThat(run.err()).contains(value == null ? "" : value).doesNotContain("Exception");
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files).hasSize(3);
    }
  }

  /** What Java's parsers take and nobody means, in every option that has a number. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "0.1f",
        "1d",
        "0x1p3",
        "1_000",
        "+5",
        "Infinity",
        "NaN",
        "inf",
        "\u0663",
        "\uff15",
        " 5",
        ""
      })
  void numbersAreDecimalsInAscii(String number) throws Exception {
    Path data = Files.writeString(directory.resolve("bad.csv"), "x");
    for (String option :
        List.of("--lr", "--epochs", "--batch", "--smoothing", "--clip-norm", "--seed")) {
      refuses(option, number, "train", "--data", data.toString(), option, number);
    }
    String layers = "4," + number;
    refuses("--layers", layers, "train", "--data", data.toString(), "--layers", layers);
    String[] generate = {"generate", "--init", "ones", "--out", "-"};
    refuses("--seed", number, with(generate, "--shape", "3", "--seed", number));
    refuses("--threads", number, with(generate, "--shape", "3", "--threads", number));
    if (!number.equals(" 5")) { // blanks around sizes are passed over
      String shape = number.isEmpty() ? "" : "3," + number;
      refuses("--shape", shape, with(generate, "--shape", shape));
      refuses("--slice", "0:" + number, with(generate, "--shape", "9", "--slice", "0:" + number));
      refuses("--slice", number + ":9", with(generate, "--shape", "9", "--slice", number + ":9"));
      if (!number.equals("inf")) { // of constant, it is one
        String init = "constant:value=" + number;
        refuses(
            "--init", "value=" + number, "generate", "--init", init, "--shape", "3", "--out", "-");
      }
    }
    refuses(
        "--shard-bytes",
        number,
        "model",
        "m.json",
        "--out",
        "m.safetensors",
        "--shard-bytes",
        number);
  }

  private static String[] with(String[] command, String... options) {
    return Stream.concat(Arrays.stream(command), Arrays.stream(options)).toArray(String[]::new);
  }

  private static void refuses(String option, String value, String... command) {
    Run run = Run.of(command);
    assertThat(run.code()).as(run.err()).isEqualTo(Exit.USAGE);
    assertThat(run.err()).contains(": " + option + ": need ", value);
    assertThat(run.err().strip().lines()).hasSize(1);
    assertThat(run.out()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"w\n.npy", "w\u0007.txt"})
  void staysOneLineWhateverTheValue(String name) {
    Run run = Run.of("generate", "--init", "ones", "--shape", "3", "--out", "no/" + name);
    assertThat(run.code()).isEqualTo(Exit.USAGE);
    assertThat(run.err().strip().lines()).hasSize(1);
  }

  @Test
  void ofAFileThatStartsWithAtIsThatFile() { // no argument files
    assertThat(Run.of("inspect", "@no.npy").err()).contains("@no.npy");
  }

  @Test
  void withoutACommandAndWithHelpIsThePage() {
    Run none = Run.of();
    Run help = Run.of("--help");
    assertThat(none.code()).isZero();
    assertThat(none.out()).isEqualTo(help.out());
    assertThat(none.err()).isEmpty();
    assertThat(none.out())
        .contains(
            "devices",
            "plan",
            "generate",
            "model",
            "inspect",
            "verify",
            "train",
            "compare",
            "report",
            "bench")
        .contains("Examples:", "Exit codes:");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"devices", "plan", "generate", "model", "inspect", "verify", "train", "compare"})
  void eachCommandHasHelp(String command) {
    Run run = Run.of(command, "--help");
    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("weft " + command);
    assertThat(run.out().lines()).allMatch(line -> line.length() <= 100);
    assertThat(run.err()).isEmpty();
  }

  @Test
  void helpOfGenerateNamesEveryInitializer() {
    String help = Run.of("generate", "--help").out();
    assertThat(help).contains(dev.weft.init.InitializerSpec.names().toArray(String[]::new));
  }

  @Test
  void versionNamesTheJdk() {
    Run run = Run.of("--version");
    assertThat(run.code()).isZero();
    assertThat(run.out()).startsWith("weft ").contains(Runtime.version().toString());
  }

  @Test
  void unavailableBackendHasReasonAndRemedy() {
    for (String name : List.of("gpu:4095")) {
      Run run =
          Run.of("generate", "--init", "ones", "--shape", "3", "--backend", name, "--out", "-");
      assertThat(run.code()).isEqualTo(Exit.UNAVAILABLE);
      assertThat(run.out()).isEmpty();
      assertThat(run.err()).contains("--backend", name);
    }
    var gpu =
        dev.weft.Weft.backends().stream().filter(info -> info.name().equals("gpu")).findFirst();
    if (gpu.isPresent() && !gpu.get().probe().available()) {
      Run run =
          Run.of("generate", "--init", "ones", "--shape", "3", "--backend", "gpu", "--out", "-");
      assertThat(run.code()).isEqualTo(Exit.UNAVAILABLE);
      assertThat(run.err().strip().lines()).hasSize(1);
      assertThat(run.err())
          .contains("--backend: gpu is unavailable", "remedy: ")
          .contains(gpu.get().probe().reason(), gpu.get().probe().remedy());
    }
  }
}
