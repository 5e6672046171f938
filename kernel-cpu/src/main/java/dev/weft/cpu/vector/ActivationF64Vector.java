package dev.weft.cpu.vector;

import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LE;

import dev.weft.cpu.nn.ActivationKernel;
import dev.weft.cpu.scalar.ActivationF64;
import dev.weft.nn.Activation.Kind;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** {@link ActivationF64} in vectors, with the same bits. */
final class ActivationF64Vector implements ActivationKernel<double[]> {
  private static final VectorActivations.Variant VARIANT =
      VectorWidth.data(MethodHandles.lookup(), VectorActivations.Variant.class);
  private static final Kind KIND = VARIANT.kind();
  private static final boolean OF_EXP =
      KIND == Kind.SILU || KIND == Kind.MISH || KIND == Kind.SOFTPLUS || KIND == Kind.SIGMOID;
  private static final boolean OF_EXPM1 =
      KIND == Kind.ELU || KIND == Kind.SELU || KIND == Kind.TANH;
  private static final VectorShape SHAPE = VectorShape.forBitSize(VARIANT.bits());
  private static final VectorSpecies<Double> D = VectorSpecies.of(double.class, SHAPE);
  private static final int V = D.length();

  /** For {@link Exact}. */
  private static final Class<?> DOUBLES = DoubleVector.zero(D).getClass();

  private static final Class<?> LONGS =
      LongVector.zero(VectorSpecies.of(long.class, SHAPE)).getClass();

  /** Made by {@link VectorWidth#load}. */
  ActivationF64Vector() {}

  @Override
  @Exact
  public void forward(double[] x, int at, int count, double alpha) {
    DoubleVector slope = DoubleVector.broadcast(D, alpha);
    for (int i = at; i < at + count; i += V) {
      DoubleVector z = DoubleVector.fromArray(D, x, i);
      DoubleVector t = z;
      if (OF_EXP) {
        t = MathF64Vector.exp(D, z.abs().neg());
      } else if (OF_EXPM1) {
        t = MathF64Vector.expm1(D, KIND == Kind.TANH ? z.abs().mul(-2) : z);
      }
      DoubleVector y = z;
      if (KIND == Kind.RELU) {
        y = z.blend(0.0, z.lt(0));
      } else if (KIND == Kind.LEAKY_RELU) {
        y = z.blend(z.mul(slope), z.lt(0));
      } else if (KIND == Kind.ELU) {
        y = z.blend(t.mul(slope), z.lt(0));
      } else if (KIND == Kind.SELU) {
        DoubleVector below = t.mul(ActivationF64.SELU_LAMBDA_ALPHA);
        y = z.mul(ActivationF64.SELU_LAMBDA).blend(below, z.lt(0));
      } else if (KIND == Kind.GELU) {
        y = bounded(z, -ActivationF64.LARGE).mul(normal(z));
      } else if (KIND == Kind.GELU_TANH) {
        y = bounded(z, -ActivationF64.LARGE).mul(sigmoid(z, expOfCubic(bounded(z))));
      } else if (KIND == Kind.SILU) {
        y = bounded(z, -ActivationF64.LARGE).mul(sigmoid(z, t));
      } else if (KIND == Kind.MISH) {
        y = bounded(z, -ActivationF64.LARGE).mul(mish(z, t));
      } else if (KIND == Kind.SOFTPLUS) {
        y = z.blend(0.0, z.lt(0)).add(MathF64Vector.log1p(D, t));
      } else if (KIND == Kind.SIGMOID) {
        y = sigmoid(z, t);
      } else if (KIND == Kind.HARD_SIGMOID) {
        y = hardSigmoid(z);
      } else if (KIND == Kind.HARD_SWISH) {
        y = bounded(z, -ActivationF64.LARGE).mul(hardSigmoid(z));
      } else if (KIND == Kind.TANH) {
        y = tanh(z, t);
      }
      y.intoArray(x, i);
    }
  }

  @Override
  @Exact
  public void backward(double[] saved, double[] d, int count, double alpha) {
    DoubleVector slope = DoubleVector.broadcast(D, alpha);
    for (int i = 0; i < count; i += V) {
      DoubleVector s = DoubleVector.fromArray(D, saved, i);
      DoubleVector f = one();
      if (KIND == Kind.RELU) {
        f = DoubleVector.zero(D).blend(1.0, s.compare(GT, 0.0));
      } else if (KIND == Kind.LEAKY_RELU) {
        f = slope.blend(1.0, s.compare(GT, 0.0));
      } else if (KIND == Kind.ELU) {
        f = s.add(slope).blend(1.0, s.compare(GT, 0.0));
      } else if (KIND == Kind.SELU) {
        DoubleVector below = s.add(ActivationF64.SELU_LAMBDA_ALPHA);
        f = below.blend(ActivationF64.SELU_LAMBDA, s.compare(GT, 0.0));
      } else if (KIND == Kind.GELU) {
        f = geluDerivative(s);
      } else if (KIND == Kind.GELU_TANH) {
        f = geluTanhDerivative(s);
      } else if (KIND == Kind.SILU) {
        f = siluDerivative(s);
      } else if (KIND == Kind.MISH) {
        f = mishDerivative(s);
      } else if (KIND == Kind.SOFTPLUS) {
        f = MathF64Vector.expm1(D, s.neg()).neg();
      } else if (KIND == Kind.SIGMOID) {
        f = s.mul(one().sub(s));
      } else if (KIND == Kind.HARD_SIGMOID) {
        DoubleVector above = DoubleVector.zero(D).blend(ActivationF64.SIXTH, s.compare(GT, 0.0));
        f = DoubleVector.zero(D).blend(above, s.lt(1));
      } else if (KIND == Kind.HARD_SWISH) {
        f = hardSwishDerivative(s);
      } else if (KIND == Kind.TANH) {
        f = s.neg().fma(s, one());
      }
      DoubleVector.fromArray(D, d, i).mul(f).intoArray(d, i);
    }
  }

  @Inlined
  private static DoubleVector one() {
    return DoubleVector.broadcast(D, 1.0);
  }

  /** x, at least {@code least}. */
  @Inlined
  private static DoubleVector bounded(DoubleVector x, double least) {
    return x.blend(least, x.lt(least));
  }

  /** |x|, at most {@link ActivationF64#LARGE}. */
  @Inlined
  private static DoubleVector bounded(DoubleVector x) {
    DoubleVector a = x.abs();
    return a.blend(ActivationF64.LARGE, a.compare(GT, ActivationF64.LARGE));
  }

  @Inlined
  private static DoubleVector sigmoid(DoubleVector x, DoubleVector t) {
    return one().blend(t, x.lt(0)).div(t.add(1));
  }

  @Inlined
  private static DoubleVector tanh(DoubleVector x, DoubleVector em) {
    LongVector magnitude = em.div(em.add(2)).reinterpretAsLongs().and(0x7fffffffffffffffL);
    return magnitude.or(x.reinterpretAsLongs().and(0x8000000000000000L)).reinterpretAsDoubles();
  }

  @Inlined
  private static DoubleVector hardSigmoid(DoubleVector x) {
    DoubleVector y = x.add(3).mul(ActivationF64.SIXTH);
    y = y.blend(0.0, y.lt(0));
    return y.blend(1.0, y.compare(GT, 1.0));
  }

  @Inlined
  private static DoubleVector hardSwishDerivative(DoubleVector z) {
    DoubleVector half = DoubleVector.broadcast(D, 0.5);
    DoubleVector slope = z.fma(DoubleVector.broadcast(D, ActivationF64.THIRD), half);
    return slope.blend(0.0, z.compare(LE, -3.0)).blend(1.0, z.compare(GE, 3.0));
  }

  /** Φ(x). */
  @Inlined
  private static DoubleVector normal(DoubleVector x) {
    DoubleVector a = bounded(x);
    DoubleVector p = MathF64Vector.expOfHalfSquare(D, a).mul(MathF64Vector.scaledTail(D, a));
    return one().sub(p).blend(p, x.lt(0));
  }

  @Inlined
  private static DoubleVector geluDerivative(DoubleVector z) {
    DoubleVector a = bounded(z);
    DoubleVector e = MathF64Vector.expOfHalfSquare(D, a);
    DoubleVector p = e.mul(MathF64Vector.scaledTail(D, a));
    VectorMask<Double> negative = z.lt(0);
    DoubleVector distribution = one().sub(p).blend(p, negative);
    return a.blend(a.neg(), negative).fma(e.mul(ActivationF64.DENSITY), distribution);
  }

  @Inlined
  private static DoubleVector geluTanhDerivative(DoubleVector z) {
    DoubleVector a = bounded(z);
    DoubleVector t = expOfCubic(a);
    DoubleVector slope =
        a.mul(a)
            .fma(
                DoubleVector.broadcast(D, 3 * ActivationF64.TANH3),
                DoubleVector.broadcast(D, ActivationF64.TANH1 + ActivationF64.TANH1_LOW));
    return sigmoidAndSlope(z, slope.mul(a.blend(a.neg(), z.lt(0))), t);
  }

  @Inlined
  private static DoubleVector siluDerivative(DoubleVector z) {
    DoubleVector a = bounded(z);
    return sigmoidAndSlope(z, a.blend(a.neg(), z.lt(0)), MathF64Vector.exp(D, a.neg()));
  }

  /** σ + slope·σ·(1 − σ). */
  @Inlined
  private static DoubleVector sigmoidAndSlope(DoubleVector z, DoubleVector slope, DoubleVector t) {
    DoubleVector s = t.div(t.add(1));
    return slope.fma(s.neg().fma(s, s), one().sub(s).blend(s, z.lt(0)));
  }

  /** e^−(2√(2/π)·(a + 0.044715·a³)), the exponent in two parts. */
  @Inlined
  private static DoubleVector expOfCubic(DoubleVector a) {
    DoubleVector h = a.mul(a);
    DoubleVector l = a.fma(a, h.neg());
    DoubleVector c1 = DoubleVector.broadcast(D, ActivationF64.TANH1);
    DoubleVector c3 = DoubleVector.broadcast(D, ActivationF64.TANH3);
    DoubleVector g = c3.fma(h, c1);
    DoubleVector rest = c3.fma(h, c1.sub(g)).add(ActivationF64.TANH1_LOW);
    rest = c3.fma(l, h.fma(DoubleVector.broadcast(D, ActivationF64.TANH3_LOW), rest));
    DoubleVector b = a.neg();
    DoubleVector v = b.mul(g);
    return MathF64Vector.exp(D, v, b.fma(rest, b.fma(g, v.neg())));
  }

  /** n/d. */
  @Inlined
  private static DoubleVector mish(DoubleVector x, DoubleVector t) {
    VectorMask<Double> negative = x.lt(0);
    DoubleVector t2 = t.mul(2);
    DoubleVector n = t2.add(1).blend(t.fma(t, t2), negative);
    return n.div(n.add(t2.mul(t).blend(2.0, negative)));
  }

  @Inlined
  private static DoubleVector mishDerivative(DoubleVector z) {
    DoubleVector a = bounded(z);
    DoubleVector t = MathF64Vector.exp(D, a.neg());
    VectorMask<Double> negative = z.lt(0);
    DoubleVector t2 = t.mul(2);
    DoubleVector tt2 = t2.mul(t);
    DoubleVector n = t2.add(1).blend(t.fma(t, t2), negative);
    DoubleVector e = tt2.blend(t2, negative);
    DoubleVector d = n.add(tt2.blend(2.0, negative));
    DoubleVector slope =
        a.blend(a.neg(), negative).mul(e).mul(d.add(n)).div(t.add(1).mul(d).mul(d));
    return n.div(d).add(slope);
  }
}
