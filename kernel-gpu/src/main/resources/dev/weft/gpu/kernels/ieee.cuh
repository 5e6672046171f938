// ieee.cuh — the only arithmetic that these kernels use. Every operation is rounded once, to nearest even, and no compiler may
// contract or reorder it: what is written is what Java's +, *, /, Math.fma and Math.sqrt do, bit for bit, with or without
// --fmad=false. No libm, no fast maths, no flush to zero.
#pragma once

typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#define WEFT_METHOD __device__ __forceinline__
#define WEFT_DEVICE static WEFT_METHOD

WEFT_DEVICE float add_rn(float a, float b) { return __fadd_rn(a, b); }
WEFT_DEVICE float sub_rn(float a, float b) { return __fsub_rn(a, b); }
WEFT_DEVICE float mul_rn(float a, float b) { return __fmul_rn(a, b); }
WEFT_DEVICE float fma_rn(float a, float b, float c) { return __fmaf_rn(a, b, c); }

#ifdef __CUDACC__
WEFT_DEVICE float rsqrt_approx(float a) {
  float y;
  asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(a));
  return y;
}
#endif

// Of 2^-100 to 2^100: sqrt.rn without its branch for the rest. On an H200 all of them equal sqrt.rn.
WEFT_DEVICE float sqrt_of_positive(float a) {
#ifdef __CUDACC__
  float y = rsqrt_approx(a);
  float root = mul_rn(a, y);
  return fma_rn(fma_rn(-root, root, a), mul_rn(y, 0.5f), root);
#else
  return __fsqrt_rn(a);
#endif
}

// The same, and of 0.
WEFT_DEVICE float sqrt_rn(float a) {
#ifdef __CUDACC__
  float y = rsqrt_approx(fmaxf(a, 0x1p-100f));
  float root = mul_rn(a, y);
  return fma_rn(fma_rn(-root, root, a), mul_rn(y, 0.5f), root);
#else
  return __fsqrt_rn(a);
#endif
}

// Of 0 and of 2^-75 to 1: the steps make 0 a NaN, and saturation makes it 0 again.
WEFT_DEVICE float sqrt_below_1(float a) {
#ifdef __CUDACC__
  float y = rsqrt_approx(a);
  float root = mul_rn(a, y);
  float result;
  asm("fma.rn.sat.f32 %0, %1, %2, %3;" : "=f"(result) : "f"(fma_rn(-root, root, a)), "f"(mul_rn(y, 0.5f)), "f"(root));
  return result;
#else
  return __fsqrt_rn(a);
#endif
}

WEFT_DEVICE float div_rn(float a, float b) { return __fdiv_rn(a, b); }

WEFT_DEVICE double add_rn(double a, double b) { return __dadd_rn(a, b); }
WEFT_DEVICE double sub_rn(double a, double b) { return __dsub_rn(a, b); }
WEFT_DEVICE double mul_rn(double a, double b) { return __dmul_rn(a, b); }
WEFT_DEVICE double fma_rn(double a, double b, double c) { return __fma_rn(a, b, c); }
WEFT_DEVICE double div_rn(double a, double b) { return __ddiv_rn(a, b); }
WEFT_DEVICE double sqrt_rn(double a) { return __dsqrt_rn(a); }

// The value of v kept within [least, most], by comparisons as Java writes them: a zero keeps its sign.
template <class T>
WEFT_DEVICE T at_least(T v, T least) { return v < least ? least : v; }
template <class T>
WEFT_DEVICE T at_most(T v, T most) { return v > most ? most : v; }
