package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Shape;
import dev.weft.testkit.fuzz.Effort;
import dev.weft.testkit.fuzz.Fuzzer;
import dev.weft.testkit.fuzz.Limits;
import dev.weft.testkit.fuzz.Report;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Mutated command lines, run in this JVM, end with a documented exit code and say why, in bounded
 * words and without control characters; never with an unexpected failure.
 *
 * <p>An input has an argument on each line. Files to write are always in a directory of the test.
 * Command lines that ask for much work are left out.
 */
@Tag("fuzz")
class CommandLineFuzzTest {
  /** Picocli takes memory by the square of their number. */
  private static final int MOST_ARGUMENTS = 64;

  private static final Set<Integer> CODES =
      Set.of(Exit.OK, Exit.FAILED, Exit.USAGE, Exit.UNAVAILABLE, Exit.MEMORY, Exit.MISMATCH);

  private static final Set<String> WRITTEN = Set.of("--out", "--plot", "--markdown");

  /** Commands that measure or start programs; they only have their options parsed. */
  private static final Set<String> LONG = Set.of("compare", "bench", "plan");

  private static final Set<String> COSTLY =
      Set.of("--layers", "--epochs", "--threads", "--batch", "--shard-bytes");

  private static final long MOST_ELEMENTS = 1 << 14;
  private static final BigInteger MOST_WORK = BigInteger.valueOf(8);
  private static final Pattern DIGITS = Pattern.compile("[0-9]+");
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9._-]{1,60}");

  /** A command parses by reflection, and some make a page of 200 KB. */
  private static final Limits LIMITS = new Limits(256 << 20, 4000, 10_000_000_000L, 50_000);

  @TempDir Path directory;

  @BeforeEach
  void files() throws IOException {
    Files.createDirectory(directory.resolve("out"));
    Files.writeString(directory.resolve("data.csv"), "1,2,0\n3,4,1\n5,6,0\n7,8,1\n9,1,0\n2,3,1\n");
    Files.writeString(
        directory.resolve("model.json"),
        """
        {"name": "m", "layout": "keras", "dtype": "f32", "tensors": [
          {"name": "a", "shape": [2, 3], "init": "he_normal"},
          {"name": "b", "shape": [3], "init": "zeros"}]}
        """);
    for (String name : List.of("x.npy", "x.safetensors")) {
      Run made =
          Run.of(
              "generate",
              "--init",
              "normal",
              "--shape",
              "3,4",
              "--backend",
              "scalar",
              "--out",
              directory.resolve(name).toString());
      assertThat(made.code()).as(made.err()).isEqualTo(Exit.OK);
    }
  }

  @Test
  void commands() {
    Fuzzer fuzzer = Fuzzer.of("commands", this::run).within(LIMITS);
    for (String line :
        List.of(
            "generate --init normal:stddev=0.5 --shape 3,4 --seed 7 --child a --out o.npy",
            "generate --init bits --shape 5 --dtype f64 --order sequential --slice 1:3 --out -",
            "generate --init orthogonal --shape 4,4 --layout torch --out o.safetensors --json",
            "generate --init=uniform --shape=3 --out=o.bin --backend=scalar --threads=2",
            "model @model.json --out o.safetensors --seed 3 --shard-bytes 8 --json",
            "inspect @x.npy --json",
            "inspect @x.safetensors --tensor tensor --plot o.png",
            "verify @x.safetensors --backend scalar",
            "verify @x.npy --json",
            "train --data @data.csv --layers 2,3,2 --epochs 2 --optimizer adam --lr 0.1 --batch 2",
            "train --data @data.csv --layers 2,2 --epochs 1 --activation tanh --out o.safetensors",
            "report @model.json --out o.html",
            "devices --json",
            "plan --json",
            "compare --quick --json",
            "bench FillBenchmark",
            "--help",
            "--version",
            "inspect --help")) {
      fuzzer.seed(line.replace(' ', '\n').getBytes(StandardCharsets.UTF_8));
    }
    fuzzer.tokens(
        "\n--backend\nscalar",
        "\n--threads\n2",
        "\n--seed\n",
        "\n--json",
        "\n--dtype\nbf16",
        "\n--init\n",
        "\n--shape\n",
        "\n@x.npy",
        "\n@x.safetensors",
        "\n@data.csv",
        "\n@model.json",
        "\n@missing",
        "\n--out\n-",
        "\n--out\no.npy",
        "\n--",
        "\n-",
        "\n\n",
        "@x.npy",
        ",0",
        ",1",
        ":",
        "=",
        "glorot_uniform",
        "truncated_normal:lower=",
        "\n--smoothing\n0.1",
        "\n--clip-norm\n1",
        "\n--labels\n@x.npy");
    Report report = fuzzer.run(Effort.of("commands", 40));
    System.out.println(report);
    assertThat(report.inputs()).isPositive();
  }

  private void run(byte[] input) {
    List<String> args = arguments(input);
    if (asksForMuch(args)) {
      return;
    }
    Run run = Run.of(args.toArray(String[]::new));
    if (!CODES.contains(run.code())
        || run.err().contains("unexpected failure")
        || run.err().contains("Exception")
        || run.code() != Exit.OK && run.err().isBlank()) {
      throw new AssertionError(args + " ends with " + run.code() + " " + run.err());
    }
    if (run.err().length() > 20_000 || run.err().chars().anyMatch(c -> c < ' ' && c != '\n')) {
      throw new AssertionError(
          args + " writes " + run.err().length() + " characters to standard error");
    }
  }

  /** The arguments of an input, which write to this test's directory alone. */
  private List<String> arguments(byte[] input) {
    List<String> args = new ArrayList<>();
    boolean written = false;
    for (String arg : new String(input, StandardCharsets.UTF_8).split("\n")) {
      if (args.size() == MOST_ARGUMENTS) {
        break;
      }
      int equals = arg.indexOf('=');
      String option = equals < 0 ? "" : arg.substring(0, equals);
      if (written) {
        args.add(output(arg));
      } else if (isWritten(option)) {
        args.add(option + "=" + output(arg.substring(equals + 1)));
      } else if (arg.startsWith("@")) {
        args.add(directory + "/" + arg.substring(1).replace("/", ""));
      } else {
        args.add(arg);
      }
      written = isWritten(arg);
    }
    if (!args.isEmpty() && LONG.contains(args.getFirst())) {
      args.add("--no-such-option");
    }
    return args;
  }

  private static boolean isWritten(String option) {
    return WRITTEN.stream().anyMatch(option::endsWith);
  }

  private String output(String name) {
    if (name.equals("-")) {
      return name;
    }
    Matcher plain = PLAIN.matcher(name);
    return directory.resolve("out") + "/" + (plain.find() ? plain.group() : "o.npy");
  }

  /**
   * Whether a command would work long, were it right; what no number of bytes can hold does not.
   */
  private static boolean asksForMuch(List<String> args) {
    for (int i = 0; i < args.size(); i++) {
      String arg = args.get(i);
      int equals = arg.indexOf('=');
      String option = equals < 0 ? arg : arg.substring(0, equals);
      String value =
          equals >= 0 ? arg.substring(equals + 1) : i + 1 < args.size() ? args.get(i + 1) : "";
      if (option.endsWith("--shape") && isLarge(value)) {
        return true;
      }
      Matcher numbers = DIGITS.matcher(value);
      while (COSTLY.contains(option) && numbers.find()) {
        if (new BigInteger(numbers.group()).compareTo(MOST_WORK) > 0) {
          return true;
        }
      }
    }
    return false;
  }

  private static boolean isLarge(String shape) {
    try {
      return Shape.parse(shape).elements() > MOST_ELEMENTS;
    } catch (IllegalArgumentException e) {
      return false; // and the command refuses it
    }
  }
}
