package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.lang.foreign.MemorySegment;

/** {@code tensor.fill(fill, key)} of the backend's own memory, bits verified. */
final class WeftFill extends PeerFill<Tensor> {
  private static final RandomKey KEY = RandomKey.of(42);

  private final Backend backend;
  private final Shape shape;
  private final Fill fill;

  WeftFill(Fill fill, Shape shape, int threads) {
    this.backend = Backends.open("cpu", threads);
    this.shape = shape;
    this.fill = fill;
  }

  @Override
  Tensor tensor() {
    return backend.tensor(DType.F32, shape);
  }

  @Override
  void fill(Tensor x) {
    x.fill(fill, KEY);
  }

  @Override
  void poison(Tensor x) {
    Agreement.poison(x);
  }

  @Override
  float[] read(Tensor x) {
    if (!(fill instanceof Fill.Orthogonal)) {
      Agreement.compare(x, fill, KEY);
    }
    float[] values = new float[Math.toIntExact(shape.elements())];
    x.copyTo(MemorySegment.ofArray(values));
    return values;
  }

  @Override
  void release(Tensor x) {
    x.close();
  }

  @Override
  public void close() {
    backend.close();
  }

  @Override
  public String toString() {
    return "weft";
  }
}
