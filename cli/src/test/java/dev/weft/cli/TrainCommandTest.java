package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.interop.Json;
import dev.weft.interop.SafetensorsFile;
import dev.weft.interop.StoredTensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TrainCommandTest {
  static final Path DIGITS = Path.of("").toAbsolutePath().resolveSibling("examples/digits.csv");

  @TempDir Path directory;

  @Test
  void digitsAreLearned() throws IOException {
    Path file = directory.resolve("digits.safetensors");
    Run run = train(DIGITS, "--json", "--out", file.toString());
    assertThat(run.code()).as(run.err()).isZero();
    Map<?, ?> facts = (Map<?, ?>) Json.parse("stdout", run.out());
    assertThat((Double) facts.get("held_out_accuracy")).isGreaterThanOrEqualTo(0.97);
    assertThat((Double) facts.get("train_accuracy")).isGreaterThan(0.99);
    assertThat((Double) facts.get("loss")).isBetween(0.5, 0.7);
    assertThat((Double) facts.get("seconds")).isPositive();
    assertThat((Double) facts.get("examples_per_second")).isPositive();
    assertThat(facts.get("train_examples")).isEqualTo(1438L);
    assertThat(facts.get("held_out_examples")).isEqualTo(359L);
    assertThat(facts.get("layers")).isEqualTo(List.of(64L, 256L, 10L));
    assertThat(facts.get("scale")).isEqualTo(16.0);
    assertThat(facts.get("out")).isEqualTo(file.toString());
    assertThat(run.err().lines()).hasSize(30).allMatch(line -> line.matches("epoch \\d+: loss .*"));
    try (SafetensorsFile read = SafetensorsFile.open(file)) {
      assertThat(read.metadata())
          .isEqualTo(
              Map.of(
                  "weft.layers",
                  "64,256,10",
                  "weft.activation",
                  "relu",
                  "weft.scale",
                  "16.0",
                  "weft.seed",
                  "0"));
      assertThat(read.tensors())
          .extracting(StoredTensor::name)
          .containsExactly("dense0/kernel", "dense0/bias", "dense1/kernel", "dense1/bias");
      assertThat(accuracy(read)).isCloseTo(accuracyOfAll(facts), within(1e-3));
    }
  }

  /** The weights say what the command says of them, by arithmetic of its own. */
  private static double accuracy(SafetensorsFile weights) throws IOException {
    StoredTensor w0 = weights.tensor("dense0/kernel").orElseThrow();
    StoredTensor b0 = weights.tensor("dense0/bias").orElseThrow();
    StoredTensor w1 = weights.tensor("dense1/kernel").orElseThrow();
    StoredTensor b1 = weights.tensor("dense1/bias").orElseThrow();
    List<String> lines = Files.readAllLines(DIGITS);
    int correct = 0;
    for (String line : lines) {
      String[] fields = line.split(",");
      double[] x = new double[64];
      for (int i = 0; i < 64; i++) {
        x[i] = Double.parseDouble(fields[i]) / 16;
      }
      double[] hidden = dense(x, w0, b0);
      for (int i = 0; i < hidden.length; i++) {
        hidden[i] = Math.max(0, hidden[i]);
      }
      double[] y = dense(hidden, w1, b1);
      int best = 0;
      for (int i = 1; i < y.length; i++) {
        best = y[i] > y[best] ? i : best;
      }
      correct += best == Integer.parseInt(fields[64]) ? 1 : 0;
    }
    return (double) correct / lines.size();
  }

  private static double[] dense(double[] x, StoredTensor w, StoredTensor b) {
    double[] y = new double[(int) b.shape().elements()];
    for (int o = 0; o < y.length; o++) {
      y[o] = b.get(o);
      for (int i = 0; i < x.length; i++) {
        y[o] += x[i] * w.get((long) i * y.length + o);
      }
    }
    return y;
  }

  private static double accuracyOfAll(Map<?, ?> facts) {
    return ((Double) facts.get("train_accuracy") * 1438
            + (Double) facts.get("held_out_accuracy") * 359)
        / 1797;
  }

  @Test
  void backendAndThreadsChangeNoByte() throws IOException {
    Trained expected = trained("7", "scalar", "1");
    for (String options : List.of("scalar 2", "cpu 1", "cpu 2", "auto 0")) {
      String[] option = options.split(" ");
      Trained same = trained("7", option[0], option[1]);
      assertThat(same.loss).as(options).isEqualTo(expected.loss);
      assertThat(same.weights).as(options).isEqualTo(expected.weights);
    }
    Trained other = trained("8", "cpu", "1");
    assertThat(other.loss).isNotEqualTo(expected.loss);
    assertThat(other.weights).hasSameSizeAs(expected.weights).isNotEqualTo(expected.weights);
  }

  private record Trained(Object loss, byte[] weights) {}

  private Trained trained(String seed, String backend, String threads) throws IOException {
    Path file = directory.resolve("w.safetensors");
    String options =
        "--epochs 2 --batch 500 --json --clip-norm 1 --activation gelu --out "
            + String.join(" ", file.toString(), "--seed", seed, "--backend", backend)
            + " --threads "
            + threads;
    Run run = train(DIGITS, options.split(" "));
    assertThat(run.code()).as(run.err()).isZero();
    Object loss = ((Map<?, ?>) Json.parse("stdout", run.out())).get("loss");
    return new Trained(loss, Files.readAllBytes(file));
  }

  @ParameterizedTest
  @ValueSource(strings = {"sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"})
  void everyOptimizerLearns(String optimizer) throws IOException {
    Run run = train(DIGITS, "--optimizer", optimizer, "--epochs", "5", "--json");
    assertThat(run.code()).as(run.err()).isZero();
    Map<?, ?> facts = (Map<?, ?>) Json.parse("stdout", run.out());
    assertThat((Double) facts.get("held_out_accuracy")).isGreaterThan(0.9);
    assertThat(facts.get("optimizer")).isEqualTo(optimizer);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--layers 64,10 | 64,10",
        "--layers 64,20,12,11 --activation tanh --init orthogonal:gain=0.5 | 64,20,12,11",
        "--batch 1438 --lr 0.01 | 64,256,10",
        "--batch 100000 | 64,256,10",
        "--batch 1437 --activation leaky_relu | 64,256,10",
      })
  void otherShapesRun(String options, String layers) {
    Run run = train(DIGITS, ("--epochs 1 " + options.strip()).split(" "));
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out()).contains(layers, "accuracy", "held out", "examples/s", "359 more");
  }

  @Test
  void theTableNamesTheFile() {
    Path file = directory.resolve("w.safetensors");
    Run run = train(DIGITS, "--epochs", "1", "--out", file.toString());
    assertThat(run.out()).startsWith(DIGITS.toString()).contains("weights", file.toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // options | the rule | the value
        "--layers 63,10 | --layers: need the data's 64 inputs first | layers=63,10",
        "--layers 64,9 | --layers: need at least the data's 10 classes last | layers=64,9",
        "--lr 1e30 --optimizer sgd | --lr: need a rate at which loss and weights stay finite | lr=1.0E30, epoch=1",
        "--lr 1e39 | optimizer: need finite rate >= 0 in f32 | rate=1.0E39",
        "--clip-norm 1e-46 | mlp: need finite clipNorm > 0 in f32 | clipNorm=1.0E-46",
        "--init bits | --lr: need | loss=NaN",
        "--init dirac | --init: dirac: need rank 3 | [64, 256]",
        "--labels DIR/y.npy | --labels: need none with .csv | y.npy",
      })
  void whatDoesNotSuitTheDataIsRefused(String options, String rule, String value)
      throws IOException {
    Files.writeString(directory.resolve("y.npy"), "");
    Path file = Files.writeString(directory.resolve("w.safetensors"), "old");
    List<String> line = new ArrayList<>(List.of("--out", file.toString()));
    for (String option : options.strip().split(" ")) {
      line.add(option.replace("DIR", directory.toString()));
    }
    Run run = train(DIGITS, line.toArray(String[]::new));
    assertThat(run.code()).as(run.err()).isEqualTo(Exit.USAGE);
    assertThat(run.out()).isEmpty();
    assertThat(run.err().lines()).hasSize(1).allMatch(each -> each.startsWith("weft train: "));
    assertThat(run.err()).contains(rule, value);
    assertThat(file).hasContent("old");
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files).hasSize(2);
    }
  }

  /** An input that becomes infinite by scaling gives NaN, which is no class. */
  @Test
  void outputsThatAreNoNumbersCountAsWrong() throws IOException {
    String others = "1e-30,1\n2e-30,1\n".repeat(4);
    Path data = Files.writeString(directory.resolve("d.csv"), "3e38,0\n" + others);
    boolean seen = false;
    for (int seed = 0; seed < 40 && !seen; seed++) {
      String[] options = {"--epochs", "2", "--seed", Integer.toString(seed)};
      Run run = train(data, options);
      assertThat(run.code()).as(run.err()).isZero();
      seen = run.err().contains("1 of 1 held-out examples have outputs that are NaN");
      if (seen) { // else the seed held out another
        assertThat(run.out()).contains("0 of 1, 1 NaN").doesNotContain("1 of 1");
        Run json = train(data, "--epochs", "2", "--json", "--seed", Integer.toString(seed));
        Map<?, ?> facts = (Map<?, ?>) Json.parse("stdout", json.out());
        assertThat(facts.get("held_out_accuracy")).isEqualTo(0.0);
        assertThat(facts.get("held_out_undefined")).isEqualTo(1L);
        assertThat(facts.get("train_undefined")).isEqualTo(0L);
      }
    }
    assertThat(seen).isTrue();
  }

  @Test
  void theLargestOutputIsTheFirstOfThem() {
    float nan = Float.NaN;
    float infinite = Float.POSITIVE_INFINITY;
    assertThat(largest(1, 3, 2)).isEqualTo(1);
    assertThat(largest(3, 1, 3)).isEqualTo(0);
    assertThat(largest(-infinite, -infinite)).isEqualTo(0);
    assertThat(largest(-1, infinite)).isEqualTo(1);
    assertThat(largest(nan, 1)).isEqualTo(-1);
    assertThat(largest(1, nan)).isEqualTo(-1);
    assertThat(largest(nan, nan)).isEqualTo(-1);
  }

  private static int largest(float... outputs) {
    return Trainer.largest(MemorySegment.ofArray(outputs), 0, outputs.length);
  }

  @Test
  void moreClassesThanExamplesNeedLayers() throws IOException {
    Path data = Files.writeString(directory.resolve("d.csv"), "1,0\n2,1\n3,5\n4,1\n5,0\n");
    assertThat(train(data).err()).contains("--layers: need it where there are more classes");
    Run run = train(data, "--layers", "1,4,6", "--epochs", "1");
    assertThat(run.code()).as(run.err()).isZero();
  }

  @Test
  void oneClassAloneIsLearnedAtOnce() throws IOException {
    Path data = Files.writeString(directory.resolve("d.csv"), "1,0\n2,0\n3,0\n4,0\n5,0\n");
    Run run = train(data, "--epochs", "300");
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out()).contains("1,256,2", "100.00 %");
  }

  @Test
  void aPlaceThatCannotBeWrittenIsFoundBeforeTraining() throws IOException {
    Path target = Files.createDirectory(directory.resolve("w.safetensors"));
    Run run = train(DIGITS, "--out", target.toString(), "--epochs", "1000000");
    assertThat(run.code()).isEqualTo(Exit.FAILED);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains("need a regular file or none", "w.safetensors");
  }

  @Test
  void tooLargeALayerIsOutOfMemory() {
    Run run = train(DIGITS, "--layers", "64,2147483647,10");
    assertThat(run.code()).as(run.err()).isEqualTo(Exit.MEMORY);
    assertThat(run.err()).startsWith("weft train: out of memory: ");
  }

  private static Run train(Path data, String... options) {
    List<String> line = new ArrayList<>(List.of("train", "--data", data.toString()));
    line.addAll(List.of(options));
    return Run.of(line.toArray(String[]::new));
  }
}
