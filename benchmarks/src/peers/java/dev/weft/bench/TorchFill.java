package dev.weft.bench;

import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import dev.weft.init.Fill;

/**
 * {@code uniform_}, {@code normal_}, and what {@code torch.nn.init} makes of them, in a tensor of
 * {@code torch.empty} ({@link TorchRandom}). PyTorch draws on one thread, whatever their number.
 */
final class TorchFill extends PeerFill<PtNDArray> {
  private final Torch torch;
  private final TorchRandom random;
  private final Shape shape;
  private final Fill fill;

  TorchFill(Fill fill, dev.weft.Shape shape, int threads) {
    this.torch = new Torch(threads);
    this.random = torch.random();
    this.shape = new Shape(shape.dim(0), shape.dim(1));
    this.fill = fill;
  }

  @Override
  PtNDArray tensor() {
    return torch.array(shape);
  }

  @Override
  void fill(PtNDArray x) {
    switch (fill) {
      case Fill.Uniform f -> random.uniform(x, f.lo(), f.hi());
      case Fill.Normal f -> random.normal(x, f.mean(), f.stddev());
      case Fill.TruncatedNormal f ->
          random.truncatedNormal(x, f.mean(), f.stddev(), f.min(), f.max());
      case Fill.Orthogonal f -> random.orthogonal(x);
      default -> throw PeerFillBenchmark.unknown(fill);
    }
  }

  @Override
  void poison(PtNDArray x) {
    random.scale(x, Double.NaN);
  }

  @Override
  float[] read(PtNDArray x) {
    return x.toFloatArray();
  }

  @Override
  void release(PtNDArray x) {
    x.close();
  }

  @Override
  public void close() {
    torch.close();
  }

  @Override
  public String toString() {
    return torch.toString();
  }
}
