package dev.weft.bench;

import dev.weft.Precision;
import dev.weft.Shape;
import dev.weft.nn.Activation;
import org.openjdk.jmh.annotations.Param;

/** A dense layer of f32 on a GPU: what the benchmarks of both directions share. */
public abstract class GpuDense extends GpuOperation {
  /** B, I, O: examples, inputs, outputs. */
  @Param("8192x4096x4096")
  public String bio;

  /** Name of f. */
  @Param("relu")
  public String activation;

  /** To what products may round their operands: {@code f32}, {@code tf32}, {@code bf16}, … */
  @Param({"f32", "tf32", "bf16"})
  public String precision;

  @Override
  Precision precision() {
    return parse(precision);
  }

  @Override
  String prepare() {
    prepare(Shape.parse(bio.replace('x', ',')), Activation.parse(activation));
    return bio + " " + activation + " by " + precision;
  }

  /** Makes and checks the layer. */
  abstract void prepare(Shape sizes, Activation f);
}
