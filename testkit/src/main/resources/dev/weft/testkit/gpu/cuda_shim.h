// cuda_shim.h — as much of CUDA C++ as weft's kernels use, in C++: they run on the host, one thread after the other, with
// the bits of a GPU. The threads of a block that wait for each other are fibers, switched at __syncthreads.
// Compile with -ffp-contract=off, and on x86 with -mfma where the processor has it (else fma is a slow call with the same bits).
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include <setjmp.h>

#define __global__
#define __device__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(threads)
#define __grid_constant__
#define __shared__ static thread_local

struct dim3 {
  unsigned x, y, z;
};
static thread_local dim3 blockIdx, blockDim, gridDim, threadIdx;

// Where the loop over a block's threads goes on, and the fiber of the one that runs. Jumps, since swapcontext calls the kernel each time.
static thread_local jmp_buf weft_block;
static thread_local jmp_buf* weft_fiber;
static inline void __syncthreads() {
  if (_setjmp(*weft_fiber) == 0) {
    _longjmp(weft_block, 1);
  }
}

struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

template <class To, class From>
static inline To weft_bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From), "one size");
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fsub_rn(float a, float b) { return a - b; }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
static inline float __fdiv_rn(float a, float b) { return a / b; }
static inline float __fsqrt_rn(float a) { return std::sqrt(a); }
static inline double __dadd_rn(double a, double b) { return a + b; }
static inline double __dsub_rn(double a, double b) { return a - b; }
static inline double __dmul_rn(double a, double b) { return a * b; }
static inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }
static inline double __dsqrt_rn(double a) { return std::sqrt(a); }
static inline double __ddiv_rn(double a, double b) { return a / b; }
static inline float __double2float_rn(double a) { return (float)a; }

static inline float __int2float_rn(int a) { return (float)a; }
static inline float __uint2float_rn(unsigned a) { return (float)a; }
static inline double __int2double_rn(int a) { return (double)a; }
static inline double __uint2double_rn(unsigned a) { return (double)a; }
static inline double __ll2double_rn(long long a) { return (double)a; }
static inline double __ull2double_rn(unsigned long long a) { return (double)a; }

static inline int __float_as_int(float a) { return weft_bit_cast<int>(a); }
static inline unsigned __float_as_uint(float a) { return weft_bit_cast<unsigned>(a); }
static inline float __int_as_float(int a) { return weft_bit_cast<float>(a); }
static inline float __uint_as_float(unsigned a) { return weft_bit_cast<float>(a); }
static inline long long __double_as_longlong(double a) { return weft_bit_cast<long long>(a); }
static inline double __longlong_as_double(long long a) { return weft_bit_cast<double>(a); }

static inline int __clzll(long long a) { return a == 0 ? 64 : __builtin_clzll((unsigned long long)a); }

// Byte i of the result is byte (selector >> 4i & 7) of the eight bytes of high and low.
static inline unsigned __byte_perm(unsigned low, unsigned high, unsigned selector) {
  unsigned long long bytes = low | (unsigned long long)high << 32;
  unsigned result = 0;
  for (int i = 0; i < 4; i++) {
    result |= (unsigned)(bytes >> 8 * (selector >> 4 * i & 7) & 0xFF) << 8 * i;
  }
  return result;
}

// The f16 nearest to the f32 of these bits, ties to even: what cvt.rn.f16.f32 gives. No NaN comes here.
static inline uint16_t weft_half_bits(unsigned bits) {
  unsigned sign = bits >> 16 & 0x8000u;
  unsigned size = bits & 0x7FFFFFFFu;
  if (size >= 0x47800000u) {
    return (uint16_t)(sign | 0x7C00u);  // from 2^16 on
  }
  int exponent = (int)(size >> 23) - 112;  // of an f16, biased
  unsigned significand = (size & 0x7FFFFFu) | 0x800000u;
  int drop = exponent > 0 ? 13 : 14 - exponent;  // bits that do not fit; more for subnormals
  if (drop > 24) {
    return (uint16_t)sign;  // below half of the least f16
  }
  unsigned kept = significand >> drop;
  unsigned rest = significand & ((1u << drop) - 1);
  unsigned half = 1u << (drop - 1);
  kept += rest > half || (rest == half && (kept & 1u) != 0);
  return (uint16_t)(sign | (exponent > 0 ? kept + ((unsigned)(exponent - 1) << 10) : kept));  // a carry goes into the exponent
}
