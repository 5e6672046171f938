import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.init.Initializer;
import dev.weft.init.Initializers;
import dev.weft.nn.Activation;
import dev.weft.nn.Labels;
import dev.weft.nn.Loss;
import dev.weft.nn.Mlp;
import dev.weft.random.RandomKey;

/**
 * One network, 784 → 128 relu → 10 softmax, that begins in three ways: Glorot uniform, He normal,
 * and a rule of one's own. Prints the first weights of each and the loss of one forward and
 * backward pass.
 *
 * <p>Run it by {@code ./weft run examples/ThreeInitializers.java}.
 */
class ThreeInitializers {
  /** Uniform on ±√(3 / inputs): variance 1 / inputs, from the shape [inputs, outputs]. */
  static final Initializer OWN =
      shape -> {
        double limit = Math.sqrt(3.0 / shape.dim(0));
        return Fill.uniform(-limit, limit);
      };

  /** Biases begin with 0. */
  static final Initializer ZERO_BIAS = shape -> Fill.constant(0);

  public static void main(String[] args) {
    try (Backend backend = Weft.open()) {
      train(backend, "Glorot uniform", Initializers.glorotUniform());
      train(backend, "He normal", Initializers.heNormal());
      train(backend, "my own", OWN);
    }
  }

  static void train(Backend backend, String name, Initializer kernel) {
    RandomKey key = RandomKey.of(42);
    int batch = 32;
    int[] digits = new int[batch];
    for (int i = 0; i < batch; i++) {
      digits[i] = i % 10;
    }
    try (Tensor images = backend.tensor(DType.F32, Shape.of(batch, 784));
        Tensor probabilities = backend.tensor(DType.F32, Shape.of(batch, 10));
        Mlp network =
            Mlp.of(784)
                .dense(128, Activation.RELU)
                .dense(10, Activation.SOFTMAX)
                .kernel(kernel)
                .bias(ZERO_BIAS)
                .loss(Loss.softmaxCrossEntropy())
                .build(backend, key)) {
      images.fill(Fill.uniform(0, 1), key.child("images"));

      Tensor first = network.layers().getFirst().kernel();
      System.out.printf("%-15s w%s =", name, first.shape());
      for (int i = 0; i < 5; i++) {
        System.out.printf(" %+.6f", first.get(i));
      }

      network.forward(images, probabilities);
      double loss = network.backward(images, Labels.of(digits));
      double gradient = network.gradients().getFirst().kernel().get(0);
      System.out.printf(" …  loss %.6f  dw[0] %+.6f%n", loss, gradient);
    }
  }
}
