// normal.cuh — two standard normals from two words by Box–Muller: dev.weft.cpu.scalar.NormalF32 (32-bit words) and NormalF64
// (64-bit words), operation for operation; there are the formulas, intervals and errors. One reduced angle and its square
// serve sine and cosine, and one radius serves both elements.
#pragma once
#include "ieee.cuh"

// h + h*h*(LOG1 + LOG2*h + ...) + e*LOG_EXPONENT for u = m*2^(e/2^23), m in [2/3, 4/3): -2 ln(u * 2^-k).
WEFT_DEVICE float minus_two_ln(int bits, int exponent, float e) {
  float m = __int_as_float(bits - exponent);
  float h = fma_rn(-2.0f, m, 2.0f);  // exact
  float q = fma_rn(h, 0x1.32f19ep-11f, 0x1.3a24e6p-10f);
  q = fma_rn(h, q, 0x1.19df38p-9f);
  q = fma_rn(h, q, 0x1.507eap-8f);
  q = fma_rn(h, q, 0x1.9a319cp-7f);
  q = fma_rn(h, q, 0x1.001108p-5f);
  q = fma_rn(h, q, 0x1.5553dep-4f);
  q = fma_rn(h, q, 0x1.ffffeep-3f);
  return fma_rn(e, -0x1.62e43p-23f, fma_rn(mul_rn(h, h), q, h));
}

#define WEFT_LOG_BASE_F32 0x3f2aaaab

WEFT_DEVICE float minus_two_ln(float u, float k) {
  int bits = __float_as_int(u);
  int exponent = (int)((u32)(bits - WEFT_LOG_BASE_F32) & 0xff800000u);
  return minus_two_ln(bits, exponent, sub_rn(__int2float_rn(exponent), mul_rn(k, 0x1p23f)));
}

// (a, b) = (sine, cosine), turned by a quarter if bit 30 is set.
WEFT_DEVICE void turned(u32 quarter, float sine, float cosine, float& a, float& b) {
#if defined(__CUDACC__)
  asm("{\n.reg .pred p;\n.reg .b32 t;\nand.b32 t, %2, 0x40000000;\nsetp.ne.s32 p, t, 0;\nselp.f32 %0, %4, %3, p;\n"
      "selp.f32 %1, %5, %4, p;\n}"
      : "=&f"(a), "=f"(b)
      : "r"(quarter), "f"(sine), "f"(cosine), "f"(-sine));
#else
  bool swap = (quarter & 0x40000000u) != 0;
  a = swap ? cosine : sine;
  b = swap ? -sine : cosine;
#endif
}

// (even, odd) = r * (sin, cos) of words x = 2j and y = 2j + 1. r is made as r/8, below 1, and sine and cosine as 8 times theirs: scaled by
// powers of two alone, all is rounded as NormalF32 rounds it.
WEFT_DEVICE void normal_pair(u32 x, u32 y, float& even, float& odd) {
  float u = fma_rn(__uint2float_rn(x), 0x1p-32f, 0x1p-33f);
  int bits = __float_as_int(u);
  int exponent = (int)((u32)(bits - WEFT_LOG_BASE_F32) & 0xff800000u);
  float m = __int_as_float(bits - exponent);
  float h = fma_rn(-0x1p-5f, m, 0x1p-5f);  // exact; (2 - 2m)/64
  float q = fma_rn(h, 0x1.32f19ep37f, 0x1.3a24e6p32f);
  q = fma_rn(h, q, 0x1.19df38p27f);
  q = fma_rn(h, q, 0x1.507eap22f);
  q = fma_rn(h, q, 0x1.9a319cp17f);
  q = fma_rn(h, q, 0x1.001108p13f);
  q = fma_rn(h, q, 0x1.5553dep8f);
  q = fma_rn(h, q, 0x1.ffffeep3f);
  float r = sqrt_below_1(fma_rn(__int2float_rn(exponent), -0x1.62e43p-29f, fma_rn(mul_rn(h, h), q, h)));
  float t = __int2float_rn((int)(y * 4u + 2u));  // the angle less its nearest quarter turn, pi/4 * t * 2^-31
  float s = mul_rn(mul_rn(t, 0x1p-62f), t);
  float sine = fma_rn(s, -0x1.2db5ccp-43f, 0x1.465facp-37f);
  float cosine = fma_rn(s, -0x1.4e78bep-9f, 0x1.03b058p-3f);
  sine = fma_rn(s, sine, -0x1.4abbbep-32f);
  cosine = fma_rn(s, cosine, -0x1.3bd39cp1f);
  sine = fma_rn(s, sine, -0x1.777a5cp-54f);
  cosine = fma_rn(s, cosine, 8.0f);
  sine = fma_rn(t, 0x1.921fb6p-29f, mul_rn(t, sine));
  u32 quarter = y + 0x20000000u;  // its two top bits count quarter turns
  r = __uint_as_float(__float_as_uint(r) ^ (quarter & 0x80000000u));
  turned(quarter, sine, cosine, even, odd);
  even = mul_rn(r, even);
  odd = mul_rn(r, odd);
}

WEFT_DEVICE double minus_two_ln(double u, double k) {
  i64 bits = __double_as_longlong(u);
  i64 exponent = (i64)((u64)(bits - 0x3fe5555555555555ll) & 0xfff0000000000000ull);  // e * 2^52
  double e = sub_rn(__int2double_rn((int)(exponent >> 52)), k);
  double m = __longlong_as_double(bits - exponent);
  double h = fma_rn(-2.0, m, 2.0);  // exact
  double q = fma_rn(h, 0x1.7ed925e09c96fp-23, 0x1.6d8d9fb0161a2p-22);
  q = fma_rn(h, q, 0x1.5550ee2e934dbp-22);
  q = fma_rn(h, q, 0x1.937922cb13b07p-21);
  q = fma_rn(h, q, 0x1.09c2a6a980d3p-19);
  q = fma_rn(h, q, 0x1.1675249b25666p-18);
  q = fma_rn(h, q, 0x1.238cebe42a9b9p-17);
  q = fma_rn(h, q, 0x1.3aa3ad0b97eaep-16);
  q = fma_rn(h, q, 0x1.5566bb495b147p-15);
  q = fma_rn(h, q, 0x1.74629e3ff1349p-14);
  q = fma_rn(h, q, 0x1.9998dcfa09027p-13);
  q = fma_rn(h, q, 0x1.c71c4836c41f4p-12);
  q = fma_rn(h, q, 0x1.000002727e9e2p-10);
  q = fma_rn(h, q, 0x1.2492497aba234p-9);
  q = fma_rn(h, q, 0x1.5555554c3a90dp-8);
  q = fma_rn(h, q, 0x1.99999998f5a5ep-7);
  q = fma_rn(h, q, 0x1.0000000007c0dp-5);
  q = fma_rn(h, q, 0x1.55555555557edp-4);
  q = fma_rn(h, q, 0x1.fffffffffffccp-3);
  return fma_rn(e, -0x1.62e42fefa39efp0, fma_rn(mul_rn(h, h), q, h));
}

WEFT_DEVICE void normal_pair(u64 x, u64 y, double& even, double& odd) {
  double low = fma_rn(__uint2double_rn((u32)x), 0x1p-64, 0x1p-65);  // exact
  double u = fma_rn(__uint2double_rn((u32)(x >> 32)), 0x1p-32, low);
  double r = sqrt_rn(minus_two_ln(u, 0.0));
  double t = __ll2double_rn((i64)(y << 2 | 2u));
  double s = mul_rn(mul_rn(t, 0x1p-126), t);
  double sine = fma_rn(s, 0x1.e3fd92a9a2cb3p-101, -0x1.e30093f006562p-93);
  sine = fma_rn(s, sine, 0x1.507830070ece1p-85);
  sine = fma_rn(s, sine, -0x1.32d2cce31eaa9p-78);
  sine = fma_rn(s, sine, 0x1.466bc67758c61p-72);
  sine = fma_rn(s, sine, -0x1.4abbce625be46p-67);
  sine = fma_rn(s, sine, 0x1.1a62633145c07p-118);
  sine = fma_rn(t, 0x1.921fb54442d18p-64, mul_rn(t, sine));
  double cosine = fma_rn(s, 0x1.f3dc4b88cf09dp-34, -0x1.a6c9c89438586p-26);
  cosine = fma_rn(s, cosine, 0x1.e1f4fb80ae046p-19);
  cosine = fma_rn(s, cosine, -0x1.55d3c7dc3a658p-12);
  cosine = fma_rn(s, cosine, 0x1.03c1f081b0df8p-6);
  cosine = fma_rn(s, cosine, -0x1.3bd3cc9be459dp-2);
  cosine = fma_rn(s, cosine, 1.0);
  u64 quarter = y + 0x2000000000000000ull;
  bool swap = (quarter & 0x4000000000000000ull) != 0;
  double a = swap ? cosine : sine;
  double b = swap ? sine : cosine;
  u64 minus = 0x8000000000000000ull;
  even = mul_rn(r, __longlong_as_double(__double_as_longlong(a) ^ (i64)(quarter & minus)));
  odd = mul_rn(r, __longlong_as_double(__double_as_longlong(b) ^ (i64)((quarter + 0x4000000000000000ull) & minus)));
}
