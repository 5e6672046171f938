package dev.weft.init;

import dev.weft.internal.Checks;
import dev.weft.internal.Decimals;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * An initializer by name and keys, as on the command line, in manifests and in receipts: {@code
 * name[:key=value,…]}.
 *
 * <table>
 * <caption>Names and keys, with their defaults</caption>
 * <tr><th>name</th><th>keys</th></tr>
 * <tr><td>bits, zeros, ones, torch_linear</td><td>—</td></tr>
 * <tr><td>constant</td><td>value=0</td></tr>
 * <tr><td>uniform</td><td>minval=-0.05, maxval=0.05</td></tr>
 * <tr><td>normal</td><td>mean=0, stddev=0.05</td></tr>
 * <tr><td>truncated_normal</td><td>mean=0, stddev=0.05, and lower=-2, upper=2 in units of stddev or min, max
 * absolute</td></tr>
 * <tr><td>variance_scaling</td><td>scale=1, mode=fan_in, distribution=truncated_normal</td></tr>
 * <tr><td>glorot_uniform, glorot_normal, lecun_uniform, lecun_normal</td><td>semantics=keras, gain=1</td></tr>
 * <tr><td>he_uniform, he_normal</td><td>semantics=keras, mode=fan_in, negative_slope=0</td></tr>
 * <tr><td>orthogonal, delta_orthogonal, identity</td><td>gain=1</td></tr>
 * <tr><td>dirac</td><td>groups=1</td></tr>
 * <tr><td>sparse</td><td>sparsity=0.9, stddev=0.01</td></tr>
 * </table>
 *
 * <p>A number is written in decimal with ASCII digits, as {@code -3}, {@code 0.1} or {@code 2e-5};
 * or it is {@code inf}, {@code -inf} or {@code nan}, where the fill takes that.
 *
 * @since 0.1
 */
public final class InitializerSpec {
  private static final Map<String, List<String>> KEYS = new LinkedHashMap<>();

  static {
    KEYS.put("bits", List.of());
    KEYS.put("zeros", List.of());
    KEYS.put("ones", List.of());
    KEYS.put("constant", List.of("value"));
    KEYS.put("uniform", List.of("minval", "maxval"));
    KEYS.put("normal", List.of("mean", "stddev"));
    KEYS.put("truncated_normal", List.of("mean", "stddev", "lower", "upper", "min", "max"));
    KEYS.put("variance_scaling", List.of("scale", "mode", "distribution"));
    for (String name :
        List.of("glorot_uniform", "glorot_normal", "lecun_uniform", "lecun_normal")) {
      KEYS.put(name, List.of("semantics", "gain"));
    }
    KEYS.put("he_uniform", List.of("semantics", "mode", "negative_slope"));
    KEYS.put("he_normal", List.of("semantics", "mode", "negative_slope"));
    KEYS.put("torch_linear", List.of());
    KEYS.put("orthogonal", List.of("gain"));
    KEYS.put("delta_orthogonal", List.of("gain"));
    KEYS.put("identity", List.of("gain"));
    KEYS.put("dirac", List.of("groups"));
    KEYS.put("sparse", List.of("sparsity", "stddev"));
  }

  private final String name;
  private final Map<String, String> values;

  private InitializerSpec(String name, Map<String, String> values) {
    this.name = name;
    this.values = values;
  }

  /** Every name, in the order of the documentation. */
  public static Set<String> names() {
    return new LinkedHashSet<>(KEYS.keySet());
  }

  /**
   * Parses {@code name[:key=value,…]}.
   *
   * @throws IllegalArgumentException if the name or a key is unknown, a key is given twice, or a
   *     value is not of its kind
   */
  public static InitializerSpec parse(String text) {
    int colon = text.indexOf(':');
    Map<String, String> values = new LinkedHashMap<>();
    if (colon >= 0) {
      for (String part : text.substring(colon + 1).split(",", -1)) {
        int equals = part.indexOf('=');
        if (equals < 1) {
          throw Checks.bad("init", "need name[:key=value,…]", "init", text);
        }
        if (values.put(part.substring(0, equals).strip(), part.substring(equals + 1).strip())
            != null) {
          throw Checks.bad("init", "need every key once", "init", text);
        }
      }
    }
    return of(colon < 0 ? text : text.substring(0, colon), values);
  }

  /**
   * The specification with this name and these keys.
   *
   * @throws IllegalArgumentException as {@link #parse}
   */
  public static InitializerSpec of(String name, Map<String, String> values) {
    List<String> keys = KEYS.get(name);
    if (keys == null) {
      throw Checks.bad("init", "need one of " + String.join(", ", KEYS.keySet()), "name", name);
    }
    Map<String, String> ordered = new LinkedHashMap<>();
    for (String key : keys) {
      if (values.containsKey(key)) {
        ordered.put(key, values.get(key));
      }
    }
    for (String key : values.keySet()) {
      if (!keys.contains(key)) {
        throw Checks.bad(
            "init",
            "need keys of " + name + ": " + (keys.isEmpty() ? "none" : String.join(", ", keys)),
            "key",
            key);
      }
    }
    boolean sigma = ordered.containsKey("lower") || ordered.containsKey("upper");
    if (sigma && (ordered.containsKey("min") || ordered.containsKey("max"))) {
      throw Checks.bad(
          "init",
          "need lower, upper (in stddev) or min, max (absolute), not both",
          "init",
          name + ":" + ordered);
    }
    InitializerSpec spec = new InitializerSpec(name, ordered);
    spec.initializer(Layout.KERAS); // a bad value is found here
    return spec;
  }

  /** The name without its keys. */
  public String name() {
    return name;
  }

  /** The keys that were given, in the order of the documentation. */
  public Map<String, String> values() {
    return new LinkedHashMap<>(values);
  }

  /** The initializer for weights of this layout. */
  public Initializer initializer(Layout layout) {
    return switch (name) {
      case "bits" -> Initializers.bits();
      case "zeros" -> Initializers.zeros();
      case "ones" -> Initializers.ones();
      case "constant" -> Initializers.constant(number("value", 0));
      case "uniform" -> Initializers.uniform(number("minval", -0.05), number("maxval", 0.05));
      case "normal" -> Initializers.normal(number("mean", 0), number("stddev", 0.05));
      case "truncated_normal" -> truncatedNormal();
      case "variance_scaling" ->
          Initializers.varianceScaling(
                  number("scale", 1),
                  choice("mode", FanMode.FAN_IN),
                  choice("distribution", Distribution.TRUNCATED_NORMAL))
              .withLayout(layout);
      case "glorot_uniform" -> named(Initializers.glorotUniform(), layout);
      case "glorot_normal" -> named(Initializers.glorotNormal(), layout);
      case "lecun_uniform" -> named(Initializers.lecunUniform(), layout);
      case "lecun_normal" -> named(Initializers.lecunNormal(), layout);
      case "he_uniform" -> named(Initializers.heUniform(number("negative_slope", 0)), layout);
      case "he_normal" -> named(Initializers.heNormal(number("negative_slope", 0)), layout);
      case "torch_linear" -> Initializers.torchLinear().withLayout(layout);
      case "orthogonal" -> Initializers.orthogonal(number("gain", 1), layout);
      case "delta_orthogonal" -> Initializers.deltaOrthogonal(number("gain", 1), layout);
      case "identity" -> Initializers.identity(number("gain", 1));
      case "dirac" -> Initializers.dirac(whole("groups", 1), layout);
      case "sparse" -> Initializers.sparse(number("sparsity", 0.9), number("stddev", 0.01));
      default -> throw new AssertionError(name);
    };
  }

  /** {@code name[:key=value,…]}, which {@link #parse} reads back. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(name);
    char separator = ':';
    for (Map.Entry<String, String> entry : values.entrySet()) {
      text.append(separator).append(entry.getKey()).append('=').append(entry.getValue());
      separator = ',';
    }
    return text.toString();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof InitializerSpec that && toString().equals(that.toString());
  }

  @Override
  public int hashCode() {
    return toString().hashCode();
  }

  private Initializer truncatedNormal() {
    double mean = number("mean", 0);
    double stddev = number("stddev", 0.05);
    if (values.containsKey("min") || values.containsKey("max")) {
      return Initializers.truncatedNormalBetween(
          mean,
          stddev,
          number("min", Double.NEGATIVE_INFINITY),
          number("max", Double.POSITIVE_INFINITY));
    }
    return Initializers.truncatedNormalSigma(mean, stddev, number("lower", -2), number("upper", 2));
  }

  private Initializer named(VarianceScaling scheme, Layout layout) {
    VarianceScaling result =
        scheme.withLayout(layout).withSemantics(choice("semantics", Semantics.KERAS));
    if (values.containsKey("gain")) {
      result = result.withGain(number("gain", 1));
    }
    return values.containsKey("mode") ? result.withMode(choice("mode", FanMode.FAN_IN)) : result;
  }

  private double number(String key, double otherwise) {
    String text = values.get(key);
    if (text == null) {
      return otherwise;
    }
    return switch (text) {
      case "inf" -> Double.POSITIVE_INFINITY;
      case "-inf" -> Double.NEGATIVE_INFINITY;
      case "nan" -> Double.NaN;
      default -> {
        try {
          yield Decimals.real(text);
        } catch (NumberFormatException e) {
          throw Checks.bad("init", "need a number in decimal, inf, -inf or nan", key, text);
        }
      }
    };
  }

  private int whole(String key, int otherwise) {
    String text = values.get(key);
    try {
      return text == null ? otherwise : Math.toIntExact(Decimals.whole(text));
    } catch (NumberFormatException | ArithmeticException e) {
      throw Checks.bad("init", "need a whole number", key, text);
    }
  }

  private <E extends Enum<E>> E choice(String key, E otherwise) {
    String text = values.get(key);
    if (text == null) {
      return otherwise;
    }
    StringBuilder choices = new StringBuilder();
    for (E constant : otherwise.getDeclaringClass().getEnumConstants()) {
      String id = constant.name().toLowerCase(Locale.ROOT);
      if (id.equals(text)) {
        return constant;
      }
      choices.append(choices.isEmpty() ? "" : ", ").append(id);
    }
    throw Checks.bad("init", "need one of " + choices, key, text);
  }
}
