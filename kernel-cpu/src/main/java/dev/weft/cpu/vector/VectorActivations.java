package dev.weft.cpu.vector;

import dev.weft.cpu.nn.ActivationKernel;
import dev.weft.cpu.scalar.ActivationF64;
import dev.weft.nn.Activation.Kind;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** The activations of elements in vectors of a chosen width. */
public final class VectorActivations {
  /** What is constant in a loaded class. */
  record Variant(int bits, Kind kind) {}

  private static final ConcurrentMap<Variant, ActivationKernel<?>> F32 = new ConcurrentHashMap<>();
  private static final ConcurrentMap<Variant, ActivationKernel<?>> F64 = new ConcurrentHashMap<>();

  private VectorActivations() {}

  /** That of F32 of a kind, for vectors of {@code bits} bits: 128, 256 or 512. */
  @SuppressWarnings("unchecked")
  public static ActivationKernel<float[]> f32(int bits, Kind kind) {
    return (ActivationKernel<float[]>)
        F32.computeIfAbsent(
            new Variant(bits, kind),
            v -> VectorWidth.load(ActivationKernel.class, ActivationF32Vector.class, v));
  }

  /**
   * That of F64 of a kind, for vectors of {@code bits} bits: 256 or 512; for 128 the scalar one,
   * since HotSpot boxes masks of two lanes.
   */
  @SuppressWarnings("unchecked")
  public static ActivationKernel<double[]> f64(int bits, Kind kind) {
    return (ActivationKernel<double[]>)
        F64.computeIfAbsent(
            new Variant(bits, kind),
            v ->
                v.bits() == 128
                    ? new ActivationF64(kind)
                    : VectorWidth.load(ActivationKernel.class, ActivationF64Vector.class, v));
  }
}
