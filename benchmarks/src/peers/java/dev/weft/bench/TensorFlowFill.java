package dev.weft.bench;

import dev.weft.Shape;
import dev.weft.init.Fill;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.op.Ops;
import org.tensorflow.op.linalg.Qr;
import org.tensorflow.op.random.RandomStandardNormal;
import org.tensorflow.op.random.RandomUniform;
import org.tensorflow.op.random.TruncatedNormal;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;

/**
 * {@code RandomUniform}, {@code RandomStandardNormal} and {@code TruncatedNormal}, scaled as {@code
 * tf.random} and Keras's initializers scale them, and for an orthogonal matrix {@code Qr} of a
 * normal one times the signs of R's diagonal, as Keras has it. Every run makes a new tensor:
 * TensorFlow has no other.
 */
final class TensorFlowFill extends PeerFill<Result> {
  private final TensorFlowCpu library;
  private final Operand<TFloat32> filled;

  TensorFlowFill(Fill fill, Shape shape, int threads) {
    library = new TensorFlowCpu(threads);
    Ops tf = library.tf();
    Operand<TInt64> dims = tf.constant(new long[] {shape.dim(0), shape.dim(1)});
    filled =
        switch (fill) {
          case Fill.Uniform f ->
              scaled(
                  tf,
                  tf.random.randomUniform(dims, TFloat32.class, RandomUniform.seed(42L)),
                  f.hi() - f.lo(),
                  f.lo());
          case Fill.Normal f -> scaled(tf, normal(tf, dims), f.stddev(), f.mean());
          case Fill.TruncatedNormal f ->
              scaled(
                  tf,
                  tf.random.truncatedNormal(dims, TFloat32.class, TruncatedNormal.seed(42L)),
                  f.stddev(),
                  f.mean());
          case Fill.Orthogonal f -> {
            Qr<TFloat32> qr = tf.linalg.qr(normal(tf, dims));
            yield tf.math.mul(
                qr.q(),
                tf.math.sign(tf.linalg.matrixDiagPart(qr.r(), tf.constant(0), tf.constant(0f))));
          }
          default -> throw PeerFillBenchmark.unknown(fill);
        };
    library.start();
  }

  private static Operand<TFloat32> normal(Ops tf, Operand<TInt64> dims) {
    return tf.random.randomStandardNormal(dims, TFloat32.class, RandomStandardNormal.seed(42L));
  }

  private static Operand<TFloat32> scaled(Ops tf, Operand<TFloat32> x, double by, double plus) {
    Operand<TFloat32> scaled = by == 1 ? x : tf.math.mul(x, tf.constant((float) by));
    return plus == 0 ? scaled : tf.math.add(scaled, tf.constant((float) plus));
  }

  @Override
  Result tensor() {
    throw new AssertionError("TensorFlow fills no tensor that is there");
  }

  @Override
  void fill(Result x) {
    throw new AssertionError("TensorFlow fills no tensor that is there");
  }

  @Override
  Result filled() {
    return library.runner().fetch(filled).run();
  }

  @Override
  void poison(Result x) {
    float[] poison = new float[Math.toIntExact(x.get(0).shape().size())];
    DistributionCheck.poison(poison);
    x.get(0).asRawTensor().data().asFloats().write(poison);
  }

  @Override
  float[] read(Result x) {
    return TensorFlowCpu.floats(x.get(0));
  }

  @Override
  void release(Result x) {
    x.close();
  }

  @Override
  public void close() {
    library.close();
  }

  @Override
  public String toString() {
    return library.toString();
  }
}
