package dev.weft.compare;

/** A group of operations that are measured in one unit. */
public enum Suite {
  /** Tensors filled with initial weights. */
  FILL("fill", "Fills", "GB/s"),
  /** Products of matrices. */
  GEMM("gemm", "Matrix products", "GFLOP/s"),
  /** Layers forward and backward; operations that are counted are those of their products. */
  DENSE("dense", "Dense layers", "GFLOP/s"),
  /** Steps of training; operations that are counted are those of their products. */
  TRAIN("train", "Training steps", "GFLOP/s");

  private final String id;
  private final String title;
  private final String unit;

  Suite(String id, String title, String unit) {
    this.id = id;
    this.title = title;
    this.unit = unit;
  }

  /** As options and files write it. */
  public String id() {
    return id;
  }

  /** As headings write it. */
  public String title() {
    return title;
  }

  /** The unit of its rates. */
  public String unit() {
    return unit;
  }
}
