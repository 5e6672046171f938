package dev.weft.cpu.vector;

import dev.weft.cpu.nn.RowKernel;
import dev.weft.cpu.scalar.RowF64;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** The kernels of rows in vectors of a chosen width. */
public final class VectorRows {
  private static final ConcurrentMap<Integer, RowKernel<?>> F32 = new ConcurrentHashMap<>();
  private static final ConcurrentMap<Integer, RowKernel<?>> F64 = new ConcurrentHashMap<>();

  private VectorRows() {}

  /** Those of F32, for vectors of {@code bits} bits: 128, 256 or 512. */
  @SuppressWarnings("unchecked")
  public static RowKernel<float[]> f32(int bits) {
    return (RowKernel<float[]>)
        F32.computeIfAbsent(bits, b -> VectorWidth.load(RowKernel.class, RowF32Vector.class, b));
  }

  /**
   * Those of F64, for vectors of {@code bits} bits: 256 or 512; for 128 the scalar ones, since
   * HotSpot boxes masks of two lanes.
   */
  @SuppressWarnings("unchecked")
  public static RowKernel<double[]> f64(int bits) {
    return (RowKernel<double[]>)
        F64.computeIfAbsent(
            bits,
            b ->
                b == 128 ? new RowF64() : VectorWidth.load(RowKernel.class, RowF64Vector.class, b));
  }
}
