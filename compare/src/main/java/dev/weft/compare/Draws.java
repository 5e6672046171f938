package dev.weft.compare;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.init.Initializer;
import dev.weft.init.Initializers;
import dev.weft.random.RandomKey;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What the random initializers draw, beside the densities of their formulas. */
public final class Draws {
  private static final RandomKey KEY = RandomKey.of(42);
  private static final int BINS = 60;
  private static final double SIGMAS = 4.5;

  private Draws() {}

  /**
   * One draw of each initializer.
   *
   * @param shape [inputs, outputs]
   */
  public static List<Drawn> of(Backend backend, Shape shape) {
    Map<String, Initializer> all = new LinkedHashMap<>();
    all.put("uniform", Initializers.uniform(-0.05, 0.05));
    all.put("normal", Initializers.normal(0, 0.05));
    all.put("truncated_normal", Initializers.truncatedNormal(0, 0.05));
    all.put("glorot_uniform", Initializers.glorotUniform());
    all.put("glorot_normal", Initializers.glorotNormal());
    all.put("he_uniform", Initializers.heUniform());
    all.put("he_normal", Initializers.heNormal());
    all.put("lecun_uniform", Initializers.lecunUniform());
    all.put("lecun_normal", Initializers.lecunNormal());
    all.put("torch_linear", Initializers.torchLinear());
    all.put("orthogonal", Initializers.orthogonal());
    List<Drawn> drawn = new ArrayList<>();
    all.forEach((name, initializer) -> drawn.add(draw(backend, name, initializer, shape)));
    return drawn;
  }

  private static Drawn draw(Backend backend, String name, Initializer initializer, Shape shape) {
    Fill fill = initializer.plan(shape);
    double[] values = values(backend, fill, KEY.child(name), shape);
    Moments moments = new Moments();
    moments.add(values.clone(), values.length);
    Optional<Density> density = Density.of(fill, DType.F32.byteSize());
    double spread = SIGMAS * Math.sqrt(density.map(Density::variance).orElseGet(moments::variance));
    double middle = density.map(Density::mean).orElse(0.0);
    double low = Math.max(middle - spread, density.map(Density::low).orElse(-1.0));
    double high = Math.min(middle + spread, density.map(Density::high).orElse(1.0));
    Histogram histogram = new Histogram(low, high, BINS);
    histogram.add(values, values.length);
    double[] expected = new double[density.isPresent() ? BINS + 1 : 0];
    density.ifPresent(it -> Arrays.setAll(expected, edge -> it.at(histogram.edge(edge))));
    return new Drawn(
        name,
        shape.toString(),
        low,
        high,
        histogram.counts(),
        expected,
        moments.mean(),
        moments.variance(),
        density.map(Density::mean).orElse(Double.NaN),
        density.map(Density::variance).orElse(Double.NaN));
  }

  private static double[] values(Backend backend, Fill fill, RandomKey key, Shape shape) {
    float[] values = new float[Math.toIntExact(shape.elements())];
    try (Tensor tensor = backend.tensor(DType.F32, shape)) {
      tensor.fill(fill, key);
      tensor.copyTo(MemorySegment.ofArray(values));
    }
    double[] wide = new double[values.length];
    Arrays.setAll(wide, i -> values[i]);
    return wide;
  }
}
