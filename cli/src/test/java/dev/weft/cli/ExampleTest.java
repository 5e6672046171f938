package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.nn.Activation;
import dev.weft.nn.Loss;
import dev.weft.random.RandomKey;
import dev.weft.testkit.NnReference;
import dev.weft.testkit.Tensors;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/** The example runs as the README says, and prints what the reference computes. */
class ExampleTest {
  @Test
  void threeInitializers() throws Exception {
    List<String> lines = run("examples/ThreeInitializers.java");
    assertThat(lines).hasSize(3);
    assertThat(lines.get(0)).startsWith("Glorot uniform  w[784, 128] = ");
    assertThat(lines.get(1)).startsWith("He normal       w[784, 128] = ");
    assertThat(lines.get(2)).startsWith("my own          w[784, 128] = ");
    double glorot = Math.sqrt(6.0 / (784 + 128));
    double own = Math.sqrt(3.0 / 784);
    for (int i = 0; i < 5; i++) { // one stream, stretched to each rule's interval
      assertThat(weight(lines.get(0), i) / glorot)
          .isCloseTo(weight(lines.get(2), i) / own, org.assertj.core.data.Offset.offset(2e-5));
      assertThat(Math.abs(weight(lines.get(2), i))).isLessThan(own);
    }
    assertThat(lines.get(2)).contains(String.format(Locale.ROOT, "loss %.6f ", loss(own)));
  }

  private static double weight(String line, int i) {
    return Double.parseDouble(line.substring(line.indexOf('=') + 2).split(" ")[i]);
  }

  /** The loss of the third network, in f64 and step by step. */
  private static double loss(double limit) {
    RandomKey key = RandomKey.of(42);
    try (Backend backend = Weft.open("scalar");
        Tensor x = backend.tensor(DType.F32, Shape.of(32, 784));
        Tensor w0 = backend.tensor(DType.F32, Shape.of(784, 128));
        Tensor w1 = backend.tensor(DType.F32, Shape.of(128, 10))) {
      x.fill(Fill.uniform(0, 1), key.child("images"));
      w0.fill(Fill.uniform(-limit, limit), key.child("dense0/kernel"));
      double last = Math.sqrt(3.0 / 128);
      w1.fill(Fill.uniform(-last, last), key.child("dense1/kernel"));
      double[][] logits = new double[32][];
      double[][] target = new double[32][10];
      double[][] xs = Tensors.rows(x);
      for (int r = 0; r < 32; r++) {
        double[] hidden = NnReference.affine(xs[r], Tensors.rows(w0), null);
        hidden = NnReference.activate(Activation.RELU, hidden);
        logits[r] = NnReference.affine(hidden, Tensors.rows(w1), null);
        target[r][r % 10] = 1;
      }
      return NnReference.loss(Loss.softmaxCrossEntropy(), logits, target);
    }
  }

  private static List<String> run(String example) throws Exception {
    Path root = Path.of("").toAbsolutePath().getParent();
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Duser.language=en",
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                root.resolve(example).toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    return out.lines().toList();
  }
}
