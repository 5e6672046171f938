package dev.weft.cpu.vector;

import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LE;

import dev.weft.cpu.nn.ActivationKernel;
import dev.weft.cpu.scalar.ActivationF32;
import dev.weft.nn.Activation.Kind;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** {@link ActivationF32} in vectors, with the same bits. */
final class ActivationF32Vector implements ActivationKernel<float[]> {
  private static final VectorActivations.Variant VARIANT =
      VectorWidth.data(MethodHandles.lookup(), VectorActivations.Variant.class);
  private static final Kind KIND = VARIANT.kind();
  private static final boolean OF_EXP =
      KIND == Kind.SILU || KIND == Kind.MISH || KIND == Kind.SOFTPLUS || KIND == Kind.SIGMOID;
  private static final boolean OF_EXPM1 =
      KIND == Kind.ELU || KIND == Kind.SELU || KIND == Kind.TANH;
  private static final VectorShape SHAPE = VectorShape.forBitSize(VARIANT.bits());
  private static final VectorSpecies<Float> F = VectorSpecies.of(float.class, SHAPE);
  private static final int V = F.length();

  /** For {@link Exact}. */
  private static final Class<?> FLOATS = FloatVector.zero(F).getClass();

  private static final Class<?> INTS =
      IntVector.zero(VectorSpecies.of(int.class, SHAPE)).getClass();

  /** Made by {@link VectorWidth#load}. */
  ActivationF32Vector() {}

  @Override
  @Exact
  public void forward(float[] x, int at, int count, double alpha) {
    FloatVector slope = FloatVector.broadcast(F, (float) alpha);
    for (int i = at; i < at + count; i += V) {
      FloatVector z = FloatVector.fromArray(F, x, i);
      FloatVector t = z;
      if (OF_EXP) {
        t = MathF32Vector.exp(F, z.abs().neg());
      } else if (OF_EXPM1) {
        t = MathF32Vector.expm1(F, KIND == Kind.TANH ? z.abs().mul(-2) : z);
      }
      FloatVector y = z;
      if (KIND == Kind.RELU) {
        y = z.blend(0f, z.lt(0));
      } else if (KIND == Kind.LEAKY_RELU) {
        y = z.blend(z.mul(slope), z.lt(0));
      } else if (KIND == Kind.ELU) {
        y = z.blend(t.mul(slope), z.lt(0));
      } else if (KIND == Kind.SELU) {
        FloatVector below = t.mul(ActivationF32.SELU_LAMBDA_ALPHA);
        y = z.mul(ActivationF32.SELU_LAMBDA).blend(below, z.lt(0));
      } else if (KIND == Kind.GELU) {
        y = bounded(z, -ActivationF32.LARGE).mul(normal(z));
      } else if (KIND == Kind.GELU_TANH) {
        y = bounded(z, -ActivationF32.LARGE).mul(sigmoid(z, expOfCubic(bounded(z))));
      } else if (KIND == Kind.SILU) {
        y = bounded(z, -ActivationF32.LARGE).mul(sigmoid(z, t));
      } else if (KIND == Kind.MISH) {
        y = bounded(z, -ActivationF32.LARGE).mul(mish(z, t));
      } else if (KIND == Kind.SOFTPLUS) {
        y = z.blend(0f, z.lt(0)).add(MathF32Vector.log1p(F, t));
      } else if (KIND == Kind.SIGMOID) {
        y = sigmoid(z, t);
      } else if (KIND == Kind.HARD_SIGMOID) {
        y = hardSigmoid(z);
      } else if (KIND == Kind.HARD_SWISH) {
        y = bounded(z, -ActivationF32.LARGE).mul(hardSigmoid(z));
      } else if (KIND == Kind.TANH) {
        y = tanh(z, t);
      }
      y.intoArray(x, i);
    }
  }

  @Override
  @Exact
  public void backward(float[] saved, float[] d, int count, double alpha) {
    FloatVector slope = FloatVector.broadcast(F, (float) alpha);
    for (int i = 0; i < count; i += V) {
      FloatVector s = FloatVector.fromArray(F, saved, i);
      FloatVector f = one();
      if (KIND == Kind.RELU) {
        f = FloatVector.zero(F).blend(1f, s.compare(GT, 0f));
      } else if (KIND == Kind.LEAKY_RELU) {
        f = slope.blend(1f, s.compare(GT, 0f));
      } else if (KIND == Kind.ELU) {
        f = s.add(slope).blend(1f, s.compare(GT, 0f));
      } else if (KIND == Kind.SELU) {
        FloatVector below = s.add(ActivationF32.SELU_LAMBDA_ALPHA);
        f = below.blend(ActivationF32.SELU_LAMBDA, s.compare(GT, 0f));
      } else if (KIND == Kind.GELU) {
        f = geluDerivative(s);
      } else if (KIND == Kind.GELU_TANH) {
        f = geluTanhDerivative(s);
      } else if (KIND == Kind.SILU) {
        f = siluDerivative(s);
      } else if (KIND == Kind.MISH) {
        f = mishDerivative(s);
      } else if (KIND == Kind.SOFTPLUS) {
        f = MathF32Vector.expm1(F, s.neg()).neg();
      } else if (KIND == Kind.SIGMOID) {
        f = s.mul(one().sub(s));
      } else if (KIND == Kind.HARD_SIGMOID) {
        FloatVector above = FloatVector.zero(F).blend(ActivationF32.SIXTH, s.compare(GT, 0f));
        f = FloatVector.zero(F).blend(above, s.lt(1));
      } else if (KIND == Kind.HARD_SWISH) {
        f = hardSwishDerivative(s);
      } else if (KIND == Kind.TANH) {
        f = s.neg().fma(s, one());
      }
      FloatVector.fromArray(F, d, i).mul(f).intoArray(d, i);
    }
  }

  @Inlined
  private static FloatVector one() {
    return FloatVector.broadcast(F, 1f);
  }

  /** x, at least {@code least}. */
  @Inlined
  private static FloatVector bounded(FloatVector x, float least) {
    return x.blend(least, x.lt(least));
  }

  /** |x|, at most {@link ActivationF32#LARGE}. */
  @Inlined
  private static FloatVector bounded(FloatVector x) {
    FloatVector a = x.abs();
    return a.blend(ActivationF32.LARGE, a.compare(GT, ActivationF32.LARGE));
  }

  @Inlined
  private static FloatVector sigmoid(FloatVector x, FloatVector t) {
    return one().blend(t, x.lt(0)).div(t.add(1));
  }

  @Inlined
  private static FloatVector tanh(FloatVector x, FloatVector em) {
    IntVector magnitude = em.div(em.add(2)).reinterpretAsInts().and(0x7fffffff);
    return magnitude.or(x.reinterpretAsInts().and(0x80000000)).reinterpretAsFloats();
  }

  @Inlined
  private static FloatVector hardSigmoid(FloatVector x) {
    FloatVector y = x.add(3).mul(ActivationF32.SIXTH);
    y = y.blend(0f, y.lt(0));
    return y.blend(1f, y.compare(GT, 1f));
  }

  @Inlined
  private static FloatVector hardSwishDerivative(FloatVector z) {
    FloatVector half = FloatVector.broadcast(F, 0.5f);
    FloatVector slope = z.fma(FloatVector.broadcast(F, ActivationF32.THIRD), half);
    return slope.blend(0f, z.compare(LE, -3f)).blend(1f, z.compare(GE, 3f));
  }

  /** Φ(x). */
  @Inlined
  private static FloatVector normal(FloatVector x) {
    FloatVector a = bounded(x);
    FloatVector p = MathF32Vector.expOfHalfSquare(F, a).mul(MathF32Vector.scaledTail(F, a));
    return one().sub(p).blend(p, x.lt(0));
  }

  @Inlined
  private static FloatVector geluDerivative(FloatVector z) {
    FloatVector a = bounded(z);
    FloatVector e = MathF32Vector.expOfHalfSquare(F, a);
    FloatVector p = e.mul(MathF32Vector.scaledTail(F, a));
    VectorMask<Float> negative = z.lt(0);
    FloatVector distribution = one().sub(p).blend(p, negative);
    return a.blend(a.neg(), negative).fma(e.mul(ActivationF32.DENSITY), distribution);
  }

  @Inlined
  private static FloatVector geluTanhDerivative(FloatVector z) {
    FloatVector a = bounded(z);
    FloatVector t = expOfCubic(a);
    FloatVector slope =
        a.mul(a)
            .fma(
                FloatVector.broadcast(F, 3 * ActivationF32.TANH3),
                FloatVector.broadcast(F, ActivationF32.TANH1 + ActivationF32.TANH1_LOW));
    return sigmoidAndSlope(z, slope.mul(a.blend(a.neg(), z.lt(0))), t);
  }

  @Inlined
  private static FloatVector siluDerivative(FloatVector z) {
    FloatVector a = bounded(z);
    return sigmoidAndSlope(z, a.blend(a.neg(), z.lt(0)), MathF32Vector.exp(F, a.neg()));
  }

  /** σ + slope·σ·(1 − σ). */
  @Inlined
  private static FloatVector sigmoidAndSlope(FloatVector z, FloatVector slope, FloatVector t) {
    FloatVector s = t.div(t.add(1));
    return slope.fma(s.neg().fma(s, s), one().sub(s).blend(s, z.lt(0)));
  }

  /** e^−(2√(2/π)·(a + 0.044715·a³)), the exponent in two parts. */
  @Inlined
  private static FloatVector expOfCubic(FloatVector a) {
    FloatVector h = a.mul(a);
    FloatVector l = a.fma(a, h.neg());
    FloatVector c1 = FloatVector.broadcast(F, ActivationF32.TANH1);
    FloatVector c3 = FloatVector.broadcast(F, ActivationF32.TANH3);
    FloatVector g = c3.fma(h, c1);
    FloatVector rest = c3.fma(h, c1.sub(g)).add(ActivationF32.TANH1_LOW);
    rest = c3.fma(l, h.fma(FloatVector.broadcast(F, ActivationF32.TANH3_LOW), rest));
    FloatVector b = a.neg();
    FloatVector v = b.mul(g);
    return MathF32Vector.exp(F, v, b.fma(rest, b.fma(g, v.neg())));
  }

  /** n/d. */
  @Inlined
  private static FloatVector mish(FloatVector x, FloatVector t) {
    VectorMask<Float> negative = x.lt(0);
    FloatVector t2 = t.mul(2);
    FloatVector n = t2.add(1).blend(t.fma(t, t2), negative);
    return n.div(n.add(t2.mul(t).blend(2f, negative)));
  }

  @Inlined
  private static FloatVector mishDerivative(FloatVector z) {
    FloatVector a = bounded(z);
    FloatVector t = MathF32Vector.exp(F, a.neg());
    VectorMask<Float> negative = z.lt(0);
    FloatVector t2 = t.mul(2);
    FloatVector tt2 = t2.mul(t);
    FloatVector n = t2.add(1).blend(t.fma(t, t2), negative);
    FloatVector e = tt2.blend(t2, negative);
    FloatVector d = n.add(tt2.blend(2f, negative));
    FloatVector slope = a.blend(a.neg(), negative).mul(e).mul(d.add(n)).div(t.add(1).mul(d).mul(d));
    return n.div(d).add(slope);
  }
}
