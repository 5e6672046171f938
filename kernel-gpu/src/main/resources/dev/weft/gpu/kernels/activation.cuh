// activation.cuh — the activations of single elements and their derivatives: ActivationF32.java and ActivationF64.java, operation by
// operation, so that the bits are the CPU's. Formulas are in docs/accuracy.md; t is e^(-|x|) unless said otherwise.
#pragma once
#include "maths.cuh"

// In the order of dev.weft.nn.Activation.Kind.
enum ActivationKind : u32 {
  LINEAR, RELU, LEAKY_RELU, ELU, SELU, GELU, GELU_TANH, SILU, MISH, SOFTPLUS, SIGMOID, HARD_SIGMOID, HARD_SWISH, TANH
};

template <class T>
struct ActivationNumbers;

template <>
struct ActivationNumbers<float> {
  static constexpr float SELU_LAMBDA = (float)1.0507009873554805;
  static constexpr float SELU_LAMBDA_ALPHA = (float)(1.0507009873554805 * 1.6732632423543772);

  // 1/6.
  static constexpr float SIXTH = (float)(1 / 6.0);

  // 1/3.
  static constexpr float THIRD = (float)(1 / 3.0);

  // 1/√(2π).
  static constexpr float DENSITY = 0x1.988454p-2f;

  // 2√(2/π) in two parts; the first is a multiple of 2⁻¹⁵.
  static constexpr float TANH1 = 0x1.9884p0f;

  static constexpr float TANH1_LOW = 0x1.4cf50ep-18f;

  // 0.044715·2√(2/π) in two parts.
  static constexpr float TANH3 = 0x1.2444f2p-4f;

  static constexpr float TANH3_LOW = 0x1.49b16ap-29f;

  // What every e^(−|x|) takes to 0, so that 0·x is 0 for all larger x too.
  static constexpr float LARGE = 0x1p7f;
};

template <>
struct ActivationNumbers<double> {
  static constexpr double SELU_LAMBDA = 1.0507009873554805;
  static constexpr double SELU_LAMBDA_ALPHA = 0x1.c212cc640f031p0;

  // 1/6.
  static constexpr double SIXTH = 1 / 6.0;

  // 1/3.
  static constexpr double THIRD = 1 / 3.0;

  // 1/√(2π).
  static constexpr double DENSITY = 0x1.9884533d43651p-2;

  // 2√(2/π) in two parts; the first is a multiple of 2⁻⁴⁰.
  static constexpr double TANH1 = 0x1.9884533d43p0;

  static constexpr double TANH1_LOW = 0x1.942343f2cf14p-42;

  // 0.044715·2√(2/π) in two parts.
  static constexpr double TANH3 = 0x1.2444f2a4d8b4bp-4;

  static constexpr double TANH3_LOW = -0x1.6c843a29d1c7p-61;

  // What every e^(−|x|) takes to 0, so that 0·x is 0 for all larger x too.
  static constexpr double LARGE = 0x1p10;
};

template <class T>
struct Activation {
  typedef ::Real<T> Real;
  typedef Maths<T> M;
  typedef ActivationNumbers<T> N;

  WEFT_METHOD static Real value(u32 kind, Real x, Real alpha) {
    switch (kind) {
      case LINEAR:
        return x;
      case RELU:
        return x < 0 ? 0 : x;
      case LEAKY_RELU:
        return x < 0 ? alpha * x : x;
      case ELU:
        return x < 0 ? alpha * M::expm1(x) : x;
      case SELU:
        return x < 0 ? N::SELU_LAMBDA_ALPHA * M::expm1(x) : N::SELU_LAMBDA * x;
      case GELU:
        return above(x) * normal(x);
      case GELU_TANH:
        return above(x) * sigmoid(x, expOfCubic(bounded(x)));
      case SILU:
        return above(x) * sigmoid(x, M::exp(-magnitude(x)));
      case MISH:
        return above(x) * mish(x);
      case SOFTPLUS:
        return (x < 0 ? 0 : x) + M::log1p(M::exp(-magnitude(x)));
      case SIGMOID:
        return sigmoid(x, M::exp(-magnitude(x)));
      case HARD_SIGMOID:
        return hardSigmoid(x);
      case HARD_SWISH:
        return above(x) * hardSigmoid(x);
      case TANH:
        return tanh(x);
      default:  // of rows; never here
        return x;
    }
  }

  // f′ of z or of y = f(z).
  WEFT_METHOD static Real derivative(u32 kind, Real saved, Real alpha) {
    switch (kind) {
      case LINEAR:
        return 1;
      case RELU:
        return saved > 0 ? 1 : 0;
      case LEAKY_RELU:
        return saved > 0 ? 1 : alpha;
      case ELU:
        return saved > 0 ? 1 : saved + alpha;
      case SELU:
        return saved > 0 ? N::SELU_LAMBDA : saved + N::SELU_LAMBDA_ALPHA;
      case GELU:
        return geluDerivative(saved);
      case GELU_TANH:
        return geluTanhDerivative(saved);
      case SILU:
        return siluDerivative(saved);
      case MISH:
        return mishDerivative(saved);
      case SOFTPLUS:
        return -M::expm1(-saved);
      case SIGMOID:
        return saved * (1 - saved);
      case HARD_SIGMOID:
        return saved > 0 && saved < 1 ? N::SIXTH : 0;
      case HARD_SWISH:
        return hardSwishDerivative(saved);
      case TANH:
        return fma_rn(-saved, saved, 1);
      default:
        return saved;
    }
  }

  WEFT_METHOD static Real sigmoid(Real x, Real t) {
    return (x < 0 ? t : 1) / (1 + t);
  }

  WEFT_METHOD static Real tanh(Real x) {
    Real em = M::expm1(-2 * magnitude(x));
    return with_sign(em / (em + 2), x);
  }

  WEFT_METHOD static Real hardSigmoid(Real x) {
    Real y = (x + 3) * N::SIXTH;
    y = y < 0 ? 0 : y;
    return y > 1 ? 1 : y;
  }

  WEFT_METHOD static Real hardSwishDerivative(Real z) {
    Real slope = fma_rn(z, N::THIRD, Real(0.5f));
    slope = z <= -3 ? 0 : slope;
    return z >= 3 ? 1 : slope;
  }

  // x, at least −LARGE.
  WEFT_METHOD static Real above(Real x) {
    return x < -N::LARGE ? -N::LARGE : x;
  }

  // |x|, at most LARGE.
  WEFT_METHOD static Real bounded(Real x) {
    Real a = magnitude(x);
    return a > N::LARGE ? N::LARGE : a;
  }

  // Φ(x).
  WEFT_METHOD static Real normal(Real x) {
    Real a = bounded(x);
    Real p = M::expOfHalfSquare(a) * Polynomials<T>::scaledTail(a);  // Φ(−|x|)
    return x < 0 ? p : 1 - p;
  }

  // Φ(z) + z·φ(z).
  WEFT_METHOD static Real geluDerivative(Real z) {
    Real a = bounded(z);
    Real e = M::expOfHalfSquare(a);
    Real p = e * Polynomials<T>::scaledTail(a);
    return fma_rn(z < 0 ? -a : a, e * N::DENSITY, z < 0 ? p : 1 - p);
  }

  // σ + z·(2√(2/π)·(1 + 3·0.044715·z²))·σ·(1 − σ).
  WEFT_METHOD static Real geluTanhDerivative(Real z) {
    Real a = bounded(z);
    Real slope = fma_rn(Real(3) * N::TANH3, a * a, Real(N::TANH1) + N::TANH1_LOW);
    return sigmoidAndSlope(z, (z < 0 ? -a : a) * slope, expOfCubic(a));
  }

  // e^−(2√(2/π)·(a + 0.044715·a³)), the exponent in two parts.
  WEFT_METHOD static Real expOfCubic(Real a) {
    Real h = a * a;
    Real l = fma_rn(a, a, -h);
    Real g = fma_rn(N::TANH3, h, N::TANH1);
    Real rest = fma_rn(N::TANH3, h, N::TANH1 - g);  // the difference is exact
    rest = fma_rn(N::TANH3, l, fma_rn(N::TANH3_LOW, h, rest + N::TANH1_LOW));
    Real v = -a * g;
    return M::exp(v, fma_rn(-a, rest, fma_rn(-a, g, -v)));
  }

  // σ + z·σ·(1 − σ).
  WEFT_METHOD static Real siluDerivative(Real z) {
    Real a = bounded(z);
    return sigmoidAndSlope(z, z < 0 ? -a : a, M::exp(-a));
  }

  // σ + slope·σ·(1 − σ).
  WEFT_METHOD static Real sigmoidAndSlope(Real z, Real slope, Real t) {
    Real s = t / (1 + t);  // σ(−|z|)
    return fma_rn(slope, fma_rn(-s, s, s), z < 0 ? s : 1 - s);
  }

  // n/d: n = 1 + 2t, d = n + 2t² for x ≥ 0; n = t² + 2t, d = n + 2 for x < 0.
  WEFT_METHOD static Real mish(Real x) {
    Real t = M::exp(-magnitude(x));
    Real n = x < 0 ? fma_rn(t, t, 2 * t) : 2 * t + 1;  // 2t is exact
    return n / (n + (x < 0 ? 2 : 2 * t * t));
  }

  // n/d + z·σ·(d − n)·(d + n)/d².
  WEFT_METHOD static Real mishDerivative(Real z) {
    Real a = bounded(z);
    Real t = M::exp(-a);
    Real n = z < 0 ? fma_rn(t, t, 2 * t) : 2 * t + 1;
    Real e = z < 0 ? 2 * t : 2 * t * t;  // (d − n)·σ·(1 + t)
    Real d = n + (z < 0 ? 2 : 2 * t * t);
    Real slope = (z < 0 ? -a : a) * e * (d + n) / ((1 + t) * d * d);
    return n / d + slope;
  }
};
