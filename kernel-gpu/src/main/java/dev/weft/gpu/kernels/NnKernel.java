package dev.weft.gpu.kernels;

import dev.weft.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** The entry points of layer.cu, training.cu and product.cu: layers, their training, products. */
public enum NnKernel {
  ACTIVATE_F32("layer"),
  ACTIVATE_F64("layer"),
  ACTIVATE_GRADIENT_F32("layer"),
  ACTIVATE_GRADIENT_F64("layer"),
  GRADIENT_SUMS_F32("layer"),
  GRADIENT_SUMS_F64("layer"),
  SUM_BLOCKS_F32("layer"),
  SUM_BLOCKS_F64("layer"),
  SOFTMAX_F32("layer"),
  SOFTMAX_F64("layer"),
  CROSS_ENTROPY_F32("training"),
  CROSS_ENTROPY_F64("training"),
  ELEMENT_LOSSES_F32("training"),
  ELEMENT_LOSSES_F64("training"),
  SQUARES_F32("training"),
  SQUARES_F64("training"),
  TOTAL("training"),
  UPDATE_F32("training"),
  UPDATE_F64("training"),
  SCALE_F32("product"),
  SCALE_F64("product"),
  PRODUCT_F32("product"),
  PRODUCT_F64("product"),
  COPY_F32("product"),
  COPY_F64("product"),
  COPY_F16("product"),
  COPY_BF16("product"),
  COPY_TO_F16("product"),
  COPY_TO_BF16("product");

  private static final NnKernel[] ALL = values();

  private final String source;
  private final String symbol = "weft_" + name().toLowerCase(Locale.ROOT);

  NnKernel(String source) {
    this.source = source;
  }

  /**
   * The PTX of layer.cu, training.cu or product.cu, as {@link FillKernel#ptx()} is that of fill.cu.
   */
  static byte[] ptx(String source) {
    return FillKernel.ptx(source + ".ptx");
  }

  /** The PTX of all of them. */
  public static List<byte[]> ptx() {
    return List.of(ptx("layer"), ptx("training"), ptx("product"));
  }

  /** Those of a source without its ending. */
  static List<NnKernel> of(String source) {
    return Arrays.stream(ALL).filter(kernel -> kernel.source.equals(source)).toList();
  }

  /** Name of the entry point. */
  public String symbol() {
    return symbol;
  }

  /** This kernel, which is of F32, for another type that it has. */
  NnKernel of(DType dtype) {
    return ALL[ordinal() + dtype.ordinal()];
  }
}
