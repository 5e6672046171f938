package dev.weft.bench;

import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.lang.foreign.Arena;
import org.openjdk.jmh.annotations.Param;

/** A tensor of a device, its fill and its roofs: what the benchmarks of fills on a GPU share. */
public abstract class GpuFill extends GpuOperation {
  static final RandomKey KEY = RandomKey.of(42);

  /** Name of the initializer. */
  @Param({"constant", "uniform", "normal", "truncated_normal"})
  public String distribution;

  /** Element type. */
  @Param({"f32", "bf16"})
  public String dtype;

  /** Bytes of the tensor. */
  @Param({"1MiB", "1GiB"})
  public String size;

  private Tensor tensor;
  private Fill fill;

  @Override
  String prepare() {
    DType type = DType.parse(dtype);
    tensor = opened().tensor(type, Sizes.matrix(type, Sizes.parse(size)));
    fill = Distributions.named(distribution).plan(tensor.shape());
    Agreement.check(tensor, fill, KEY);
    return tensor.shape() + " " + dtype;
  }

  @Override
  void release() {
    Agreement.check(tensor, fill, KEY);
    tensor.close();
  }

  /** In the memory of the device. */
  Tensor tensor() {
    return tensor;
  }

  Fill fill() {
    return fill;
  }

  /** Bytes per second that CUDA writes to the tensor: the best of a few. */
  double writeRoof() {
    return DeviceRoof.write(backend, tensor);
  }

  /** A tensor of the same shape in memory of the host that the caller owns. */
  Tensor host(Arena arena) {
    Shape shape = tensor.shape();
    return opened().wrap(arena.allocate(tensor.byteSize(), 4096), tensor.dtype(), shape);
  }
}
