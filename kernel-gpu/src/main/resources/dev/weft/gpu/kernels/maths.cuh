// maths.cuh — the elementary functions of the activations: MathF32.java and MathF64.java, operation by operation, so that the bits are the
// CPU's. The coefficients come from there.
#pragma once
#include "real.cuh"

// What differs between the types: coefficients, and polynomials of so many.
template <class T>
struct Polynomials;

template <>
struct Polynomials<float> {
  typedef ::Real<float> Real;

  // 1.5·2²³: what is added to it is rounded to an integer, in its low bits.
  static constexpr float MAGIC = 0x1.8p23f;

  // log₂ e.
  static constexpr float LOG2E = 0x1.715476p0f;

  // ln 2 in two parts.
  static constexpr float LN2 = 0x1.62e43p-1f;

  static constexpr float LN2_LOW = -0x1.05c61p-29f;

  // Below it eˣ is 0: the first f32 above −126 ln 2, so that no result is subnormal.
  static constexpr float EXP_MIN = -0x1.5d589ep6f;

  // Below it eˣ − 1 is −1.
  static constexpr float EXPM1_MIN = -18;

  // eʳ − 1 ≈ r + r²·(EXP0 + EXP1·r + …) on ±½ ln 2; relative error 0.23·2⁻²⁴.
  static constexpr float EXP0 = 0x1.fffffep-2f;
  static constexpr float EXP1 = 0x1.5554b4p-3f;
  static constexpr float EXP2 = 0x1.5556f8p-5f;
  static constexpr float EXP3 = 0x1.12252ep-7f;
  static constexpr float EXP4 = 0x1.6b95cap-10f;

  // ln(1 + f) ≈ f + f²·(LOG0 + LOG1·f + …) on [−¼, ½]; relative error 0.08·2⁻²⁴.
  static constexpr float LOG0 = -0x1.0p-1f;
  static constexpr float LOG1 = 0x1.5555a4p-2f;
  static constexpr float LOG2 = -0x1.00004ap-2f;
  static constexpr float LOG3 = 0x1.99699ep-3f;
  static constexpr float LOG4 = -0x1.54ed96p-3f;
  static constexpr float LOG5 = 0x1.28807cp-3f;
  static constexpr float LOG6 = -0x1.0d98fap-3f;
  static constexpr float LOG7 = 0x1.acf4c4p-4f;
  static constexpr float LOG8 = -0x1.71e33cp-5f;

  // Where the variable of the normal distribution's polynomial is 0.
  static constexpr float TAIL_CENTRE = 4;

  // e^(t²/2)·Φ(−t)·(t + 4) ≈ TAIL0 + TAIL1·y + …, y = (t − 4)/(t + 4); relative error 0.30·2⁻²⁴.
  static constexpr float TAIL0 = 0x1.82b4bcp-1f;
  static constexpr float TAIL1 = -0x1.373e3ap-1f;
  static constexpr float TAIL2 = 0x1.8c6d7p-2f;
  static constexpr float TAIL3 = -0x1.7dff66p-3f;
  static constexpr float TAIL4 = 0x1.eee6b4p-5f;
  static constexpr float TAIL5 = -0x1.ed8f3cp-8f;
  static constexpr float TAIL6 = -0x1.d1ab5cp-9f;
  static constexpr float TAIL7 = 0x1.9ab0a6p-10f;
  static constexpr float TAIL8 = 0x1.f7c352p-13f;
  static constexpr float TAIL9 = -0x1.8ea19ap-14f;

  // 2ⁿ of MAGIC + n.
  WEFT_METHOD static Real power(Real k) {
    return __uint_as_float((__float_as_uint(k.v) << 23) + 0x3f800000u);
  }

  // eʳ − 1 on ±½ ln 2.
  WEFT_METHOD static Real expm1OfRest(Real r) {
    Real q = fma_rn(r, EXP4, EXP3);
    q = fma_rn(r, q, EXP2);
    q = fma_rn(r, q, EXP1);
    q = fma_rn(r, q, EXP0);
    return fma_rn(r * r, q, r);
  }

  // e·ln 2 + ln(1 + f).
  WEFT_METHOD static Real log(Real e, Real f) {
    Real q = fma_rn(f, LOG8, LOG7);
    q = fma_rn(f, q, LOG6);
    q = fma_rn(f, q, LOG5);
    q = fma_rn(f, q, LOG4);
    q = fma_rn(f, q, LOG3);
    q = fma_rn(f, q, LOG2);
    q = fma_rn(f, q, LOG1);
    q = fma_rn(f, q, LOG0);
    return fma_rn(e, LN2, fma_rn(f * f, q, fma_rn(e, LN2_LOW, f)));
  }

  // e^(t²/2)·Φ(−t), t ≥ 0.
  WEFT_METHOD static Real scaledTail(Real t) {
    Real w = 1 / (t + TAIL_CENTRE);
    Real y = fma_rn(2, t * w, -1);  // no difference of rounded terms
    Real p = fma_rn(y, TAIL9, TAIL8);
    p = fma_rn(y, p, TAIL7);
    p = fma_rn(y, p, TAIL6);
    p = fma_rn(y, p, TAIL5);
    p = fma_rn(y, p, TAIL4);
    p = fma_rn(y, p, TAIL3);
    p = fma_rn(y, p, TAIL2);
    p = fma_rn(y, p, TAIL1);
    p = fma_rn(y, p, TAIL0);
    return w * p;
  }
};

template <>
struct Polynomials<double> {
  typedef ::Real<double> Real;

  // 1.5·2⁵²: what is added to it is rounded to an integer, in its low bits.
  static constexpr double MAGIC = 0x1.8p52;

  // log₂ e.
  static constexpr double LOG2E = 0x1.71547652b82fep0;

  // ln 2 in two parts.
  static constexpr double LN2 = 0x1.62e42fefa39efp-1;

  static constexpr double LN2_LOW = 0x1.abc9e3b39803fp-56;

  // Below it eˣ is 0: the first f64 above −1022 ln 2, so that no result is subnormal.
  static constexpr double EXP_MIN = -0x1.6232bdd7abcd2p9;

  // Below it eˣ − 1 is −1.
  static constexpr double EXPM1_MIN = -38;

  // eʳ − 1 ≈ r + r²·(EXP0 + EXP1·r + …) on ±½ ln 2; relative error 0.17·2⁻⁵³.
  static constexpr double EXP0 = 0x1.0000000000005p-1;
  static constexpr double EXP1 = 0x1.5555555555542p-3;
  static constexpr double EXP2 = 0x1.55555555520e1p-5;
  static constexpr double EXP3 = 0x1.1111111116d4ep-7;
  static constexpr double EXP4 = 0x1.6c16c17f3d082p-10;
  static constexpr double EXP5 = 0x1.a01a0180a396cp-13;
  static constexpr double EXP6 = 0x1.a019a6708a93bp-16;
  static constexpr double EXP7 = 0x1.71de6e66001dfp-19;
  static constexpr double EXP8 = 0x1.28a2c6ff140a3p-22;
  static constexpr double EXP9 = 0x1.ae94035fb9e78p-26;

  // ln(1 + f) ≈ f + f²·(LOG0 + LOG1·f + …) on [−¼, ½]; relative error 0.08·2⁻⁵³.
  static constexpr double LOG0 = -0x1.ffffffffffffbp-2;
  static constexpr double LOG1 = 0x1.55555555555c4p-2;
  static constexpr double LOG2 = -0x1.0000000000dcep-2;
  static constexpr double LOG3 = 0x1.9999999989649p-3;
  static constexpr double LOG4 = -0x1.55555553fd425p-3;
  static constexpr double LOG5 = 0x1.2492492a06eb6p-3;
  static constexpr double LOG6 = -0x1.0000007837c4p-3;
  static constexpr double LOG7 = 0x1.c71c70e174487p-4;
  static constexpr double LOG8 = -0x1.99996de4712ebp-4;
  static constexpr double LOG9 = 0x1.745ce54d31f09p-4;
  static constexpr double LOG10 = -0x1.55598af8f9abbp-4;
  static constexpr double LOG11 = 0x1.3b1fd942a484p-4;
  static constexpr double LOG12 = -0x1.2463061adf78ap-4;
  static constexpr double LOG13 = 0x1.1011cb3ec6c82p-4;
  static constexpr double LOG14 = -0x1.fffed033c3e28p-5;
  static constexpr double LOG15 = 0x1.f2c4505482d3cp-5;
  static constexpr double LOG16 = -0x1.e97caaa4b28c2p-5;
  static constexpr double LOG17 = 0x1.9ef719e4c87b4p-5;
  static constexpr double LOG18 = -0x1.df2e67c4826b2p-6;
  static constexpr double LOG19 = 0x1.0682c1d916bc3p-7;

  // Bits of ¾: the logarithm's mantissa lies in [¾, 1½).
  static constexpr i64 LOG_BASE = 0x3fe8000000000000;

  // Where the variable of the normal distribution's polynomial is 0.
  static constexpr double TAIL_CENTRE = 5;

  // e^(t²/2)·Φ(−t)·(t + 5) ≈ TAIL0 + TAIL1·y + …, y = (t − 5)/(t + 5); relative error 0.17·2⁻⁵³.
  static constexpr double TAIL0 = 0x1.89d3abe1f95aep-1;
  static constexpr double TAIL1 = -0x1.54ad03f27ca18p-1;
  static constexpr double TAIL2 = 0x1.fb31653876f71p-2;
  static constexpr double TAIL3 = -0x1.410ed5f875a17p-2;
  static constexpr double TAIL4 = 0x1.51f6329f020d6p-3;
  static constexpr double TAIL5 = -0x1.1b1c254c9a9bap-4;
  static constexpr double TAIL6 = 0x1.54b4d4f46d16bp-6;
  static constexpr double TAIL7 = -0x1.88590ead0fdabp-9;
  static constexpr double TAIL8 = -0x1.a250376efccbp-11;
  static constexpr double TAIL9 = 0x1.1daf1dd2c186ep-11;
  static constexpr double TAIL10 = -0x1.f21487bf1a579p-15;
  static constexpr double TAIL11 = -0x1.a1710dc4c768bp-15;
  static constexpr double TAIL12 = 0x1.17de20829ad07p-16;
  static constexpr double TAIL13 = 0x1.0b2e5ed41cfa2p-18;
  static constexpr double TAIL14 = -0x1.73bd01e8343c9p-19;
  static constexpr double TAIL15 = -0x1.6a78f36d72392p-22;
  static constexpr double TAIL16 = 0x1.d1826b935648cp-22;
  static constexpr double TAIL17 = 0x1.76ebe440b8fa3p-25;
  static constexpr double TAIL18 = -0x1.1b69cdc37571ap-24;
  static constexpr double TAIL19 = -0x1.652f3793a24dep-27;
  static constexpr double TAIL20 = 0x1.fcee53b564ef4p-28;
  static constexpr double TAIL21 = 0x1.22e70cec2cc19p-29;

  // 2ⁿ of MAGIC + n.
  WEFT_METHOD static Real power(Real k) {
    return __longlong_as_double((i64)(((u64)__double_as_longlong(k.v) << 52) + 0x3ff0000000000000ull));
  }

  // eʳ − 1 on ±½ ln 2.
  WEFT_METHOD static Real expm1OfRest(Real r) {
    Real q = fma_rn(r, EXP9, EXP8);
    q = fma_rn(r, q, EXP7);
    q = fma_rn(r, q, EXP6);
    q = fma_rn(r, q, EXP5);
    q = fma_rn(r, q, EXP4);
    q = fma_rn(r, q, EXP3);
    q = fma_rn(r, q, EXP2);
    q = fma_rn(r, q, EXP1);
    q = fma_rn(r, q, EXP0);
    return fma_rn(r * r, q, r);
  }

  // e·ln 2 + ln(1 + f).
  WEFT_METHOD static Real log(Real e, Real f) {
    Real q = fma_rn(f, LOG19, LOG18);
    q = fma_rn(f, q, LOG17);
    q = fma_rn(f, q, LOG16);
    q = fma_rn(f, q, LOG15);
    q = fma_rn(f, q, LOG14);
    q = fma_rn(f, q, LOG13);
    q = fma_rn(f, q, LOG12);
    q = fma_rn(f, q, LOG11);
    q = fma_rn(f, q, LOG10);
    q = fma_rn(f, q, LOG9);
    q = fma_rn(f, q, LOG8);
    q = fma_rn(f, q, LOG7);
    q = fma_rn(f, q, LOG6);
    q = fma_rn(f, q, LOG5);
    q = fma_rn(f, q, LOG4);
    q = fma_rn(f, q, LOG3);
    q = fma_rn(f, q, LOG2);
    q = fma_rn(f, q, LOG1);
    q = fma_rn(f, q, LOG0);
    return fma_rn(e, LN2, fma_rn(f * f, q, fma_rn(e, LN2_LOW, f)));
  }

  // e^(t²/2)·Φ(−t), t ≥ 0.
  WEFT_METHOD static Real scaledTail(Real t) {
    Real w = 1 / (t + TAIL_CENTRE);
    Real y = fma_rn(2, t * w, -1);  // no difference of rounded terms
    Real p = fma_rn(y, TAIL21, TAIL20);
    p = fma_rn(y, p, TAIL19);
    p = fma_rn(y, p, TAIL18);
    p = fma_rn(y, p, TAIL17);
    p = fma_rn(y, p, TAIL16);
    p = fma_rn(y, p, TAIL15);
    p = fma_rn(y, p, TAIL14);
    p = fma_rn(y, p, TAIL13);
    p = fma_rn(y, p, TAIL12);
    p = fma_rn(y, p, TAIL11);
    p = fma_rn(y, p, TAIL10);
    p = fma_rn(y, p, TAIL9);
    p = fma_rn(y, p, TAIL8);
    p = fma_rn(y, p, TAIL7);
    p = fma_rn(y, p, TAIL6);
    p = fma_rn(y, p, TAIL5);
    p = fma_rn(y, p, TAIL4);
    p = fma_rn(y, p, TAIL3);
    p = fma_rn(y, p, TAIL2);
    p = fma_rn(y, p, TAIL1);
    p = fma_rn(y, p, TAIL0);
    return w * p;
  }
};

template <class T>
struct Maths {
  typedef ::Real<T> Real;
  typedef Polynomials<T> P;

  // eˣ for x ≤ 0: 0 where it would be subnormal.
  WEFT_METHOD static Real exp(Real x) {
    Real k = fma_rn(x, P::LOG2E, P::MAGIC);
    Real n = k - P::MAGIC;
    Real r = fma_rn(n, -P::LN2, x);  // exact
    r = fma_rn(n, -P::LN2_LOW, r);
    Real s = P::power(k);
    Real y = fma_rn(s, P::expm1OfRest(r), s);
    return x < P::EXP_MIN ? 0 : y;
  }

  // e^(x + low) for x ≤ 0 and a low part far smaller.
  WEFT_METHOD static Real exp(Real x, Real low) {
    Real k = fma_rn(x, P::LOG2E, P::MAGIC);
    Real n = k - P::MAGIC;
    Real r = fma_rn(n, -P::LN2, x) + fma_rn(n, -P::LN2_LOW, low);
    Real s = P::power(k);
    Real y = fma_rn(s, P::expm1OfRest(r), s);
    return x < P::EXP_MIN ? 0 : y;
  }

  // eˣ − 1 for x ≤ 0.
  WEFT_METHOD static Real expm1(Real x) {
    Real v = x < P::EXPM1_MIN ? P::EXPM1_MIN : x;
    Real k = fma_rn(v, P::LOG2E, P::MAGIC);
    Real n = k - P::MAGIC;
    Real r = fma_rn(n, -P::LN2, v);
    r = fma_rn(n, -P::LN2_LOW, r);
    Real s = P::power(k);
    return fma_rn(s, P::expm1OfRest(r), s - 1);
  }

  // ln(1 + t), 0 ≤ t ≤ 1.
  WEFT_METHOD static Real log1p(Real t) {
    bool halved = t > 0.5f;
    Real f = halved ? fma_rn(t, 0.5f, -0.5f) : t;  // exact
    Real e = halved ? 1 : 0;
    return P::log(e, f);
  }

  // ln x of a normal, finite x > 0, in f64.
  WEFT_METHOD static Real log(Real x) {
    i64 bits = __double_as_longlong(x.v);
    i64 exponent = (bits - P::LOG_BASE) & (i64)0xFFF0000000000000ull;  // e·2⁵², x = m·2ᵉ
    return P::log(__ll2double_rn(exponent >> 52), Real(__longlong_as_double(bits - exponent)) - 1);
  }

  // e^(−t²/2), with both parts of t².
  WEFT_METHOD static Real expOfHalfSquare(Real t) {
    Real h = t * t;
    return exp(-0.5f * h, -0.5f * fma_rn(t, t, -h));
  }
};
