// real.cuh — a number whose operators are those of ieee.cuh: formulas read as in Java and have its bits.
#pragma once
#include "ieee.cuh"

template <class T>
struct Real {
  T v;

  WEFT_METHOD Real(T value) : v(value) {}

  friend WEFT_METHOD Real operator+(Real a, Real b) { return add_rn(a.v, b.v); }
  friend WEFT_METHOD Real operator-(Real a, Real b) { return sub_rn(a.v, b.v); }
  friend WEFT_METHOD Real operator*(Real a, Real b) { return mul_rn(a.v, b.v); }
  friend WEFT_METHOD Real operator/(Real a, Real b) { return div_rn(a.v, b.v); }
  friend WEFT_METHOD Real operator-(Real a) { return -a.v; }
  friend WEFT_METHOD Real fma_rn(Real a, Real b, Real c) { return ::fma_rn(a.v, b.v, c.v); }
  friend WEFT_METHOD bool operator<(Real a, Real b) { return a.v < b.v; }
  friend WEFT_METHOD bool operator>(Real a, Real b) { return a.v > b.v; }
  friend WEFT_METHOD bool operator<=(Real a, Real b) { return a.v <= b.v; }
  friend WEFT_METHOD bool operator>=(Real a, Real b) { return a.v >= b.v; }
};

WEFT_DEVICE Real<float> magnitude(Real<float> a) { return __uint_as_float(__float_as_uint(a.v) & 0x7FFFFFFFu); }
WEFT_DEVICE Real<double> magnitude(Real<double> a) {
  return __longlong_as_double(__double_as_longlong(a.v) & 0x7FFFFFFFFFFFFFFFll);
}

// |a| with the sign of b.
WEFT_DEVICE Real<float> with_sign(Real<float> a, Real<float> b) {
  return __uint_as_float(__float_as_uint(magnitude(a).v) | (__float_as_uint(b.v) & 0x80000000u));
}
WEFT_DEVICE Real<double> with_sign(Real<double> a, Real<double> b) {
  i64 sign = __double_as_longlong(b.v) & (i64)0x8000000000000000ull;
  return __longlong_as_double(__double_as_longlong(magnitude(a).v) | sign);
}
