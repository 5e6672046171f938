package dev.weft.bench;

import dev.weft.DType;
import dev.weft.Precision;
import org.openjdk.jmh.annotations.Param;

/** A product C = A·B on a GPU, 2·M·N·K flop. */
public abstract class GpuGemm extends GpuOperation {
  /** M, N, K. */
  @Param({"1024x1024x1024", "4096x4096x4096", "8192x8192x8192"})
  public String mnk;

  /** N or T for each of A and B: as it lies in memory, or transposed. */
  @Param("NN")
  public String transposes;

  /** Type of A and B, of any; C is f64 if they are, else f32. */
  @Param("f32")
  public String dtype;

  /** To what products may round operands of f32: {@code f32}, {@code tf32}, {@code bf16}, … */
  @Param({"f32", "tf32", "bf16"})
  public String precision;

  private GemmCase product;

  @Override
  Precision precision() {
    return parse(precision);
  }

  @Override
  String prepare() {
    DType type = DType.parse(dtype);
    product =
        new GemmCase(opened(), this::operand, mnk, transposes, type, precision(), multiplication());
    return mnk + " " + transposes + " " + dtype + " by " + precision;
  }

  @Override
  void release() {
    product.check();
    product.close();
  }

  /** How the product is computed. */
  GemmCase.Multiplication multiplication() {
    return GemmCase.BY_BACKEND;
  }

  GemmCase product() {
    return product;
  }
}
