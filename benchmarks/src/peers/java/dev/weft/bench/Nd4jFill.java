package dev.weft.bench;

import dev.weft.Shape;
import dev.weft.init.Fill;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.random.impl.GaussianDistribution;
import org.nd4j.linalg.api.ops.random.impl.UniformDistribution;
import org.nd4j.linalg.factory.Nd4j;

/**
 * ND4J's operations {@code UniformDistribution} and {@code GaussianDistribution}, which {@code
 * Nd4j.rand} and {@code Nd4j.randn} call, in an array of {@code Nd4j.createUninitialized}.
 *
 * <p>Each element is a weak hash of its index: in a fill of 64 MiB, elements half a tensor apart
 * are correlated by 0.4. Their distribution is right, so the fill is timed all the same, and what
 * was found is printed with it.
 */
final class Nd4jFill extends PeerFill<INDArray> {
  private final Nd4jCpu nd4j;
  private final long[] shape;
  private final Fill fill;
  private String finding = "";

  Nd4jFill(Fill fill, Shape shape, int threads) {
    this.nd4j = new Nd4jCpu(threads);
    this.shape = new long[] {shape.dim(0), shape.dim(1)};
    this.fill = fill;
  }

  @Override
  INDArray tensor() {
    return nd4j.array(DataType.FLOAT, shape);
  }

  @Override
  void fill(INDArray x) {
    switch (fill) {
      case Fill.Uniform f -> Nd4j.exec(new UniformDistribution(x, f.lo(), f.hi()));
      case Fill.Normal f -> Nd4j.exec(new GaussianDistribution(x, f.mean(), f.stddev()));
      default -> throw PeerFillBenchmark.unknown(fill);
    }
  }

  @Override
  void poison(INDArray x) {
    x.assign(Float.NaN);
  }

  @Override
  float[] read(INDArray x) {
    return x.data().asFloat();
  }

  @Override
  void dependent(IllegalStateException found) {
    finding = ", its elements are not independent: " + found.getMessage();
  }

  @Override
  void release(INDArray x) {
    x.close();
  }

  @Override
  public void close() {}

  @Override
  public String toString() {
    return nd4j + finding;
  }
}
