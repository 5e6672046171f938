package dev.weft.cpu.vector;

import dev.weft.cpu.nn.ActivationKernel;
import dev.weft.nn.Activation.Kind;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** The activations of elements in vectors of a chosen width. */
public final class VectorActivations {
  /** What is constant in a loaded class. */
  record Variant(int bits, Kind kind) {}

  private static final ConcurrentMap<Variant, ActivationKernel<?>> F32 = new ConcurrentHashMap<>();

  private VectorActivations() {}

  /** Those of F32, for vectors of {@code bits} bits: 128, 256 or 512. */
  @SuppressWarnings("unchecked")
  public static ActivationKernel<float[]> f32(int bits, Kind kind) {
    return (ActivationKernel<float[]>)
        F32.computeIfAbsent(
            new Variant(bits, kind),
            v -> VectorWidth.load(ActivationKernel.class, ActivationF32Vector.class, v));
  }
}
