package dev.weft.bench;

import dev.weft.DType;
import dev.weft.Precision;
import dev.weft.nn.Activation;
import org.openjdk.jmh.annotations.Param;

/** A step of training on a GPU: what {@link TrainStepBenchmark} measures on a CPU. */
public abstract class GpuTrainStep extends GpuOperation {
  /** Inputs, outputs of each hidden layer, classes. */
  @Param("784-512-512-10")
  public String layers;

  /** Examples of a step. */
  @Param("128")
  public int batch;

  /** Name of the hidden layers' activation. */
  @Param("relu")
  public String activation;

  /** Name of the optimizer. */
  @Param({"adam", "sgd"})
  public String optimizer;

  /** To what products may round their operands: {@code f32}, {@code tf32}, {@code bf16}, … */
  @Param({"f32", "tf32"})
  public String precision;

  private MlpCase.Training training;

  @Override
  Precision precision() {
    return parse(precision);
  }

  @Override
  String prepare() {
    Activation hidden = Activation.parse(activation);
    training =
        new MlpCase.Training(opened(), layers, batch, hidden, optimizer, DType.F32, precision());
    return training + " " + optimizer + " by " + precision;
  }

  @Override
  void release() {
    training.close();
  }

  MlpCase.Training training() {
    return training;
  }
}
