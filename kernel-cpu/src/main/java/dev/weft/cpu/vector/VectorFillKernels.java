package dev.weft.cpu.vector;

import dev.weft.cpu.FillKernels;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import jdk.incubator.vector.VectorShape;

/**
 * The fill kernels in vectors of a chosen width; found by name, so that no other class needs the
 * module.
 */
public final class VectorFillKernels {
  private static final ConcurrentMap<Integer, FillKernels> LOADED = new ConcurrentHashMap<>();

  private VectorFillKernels() {}

  /** Width in bits of the JVM's widest vectors. */
  public static int preferredBits() {
    return VectorShape.preferredShape().vectorBitSize();
  }

  /** The kernels for vectors of {@code bits} bits: 128, 256 or 512. */
  public static FillKernels of(int bits) {
    return LOADED.computeIfAbsent(
        bits,
        width ->
            new TiledFillKernels(
                width,
                VectorWidth.load(TileKernels.Philox.class, PhiloxVector.class, width),
                VectorWidth.load(TileKernels.Transform.class, TransformVector.class, width)));
  }
}
