// stream.cuh — 16 bytes of a random fill: from blocks of the stream to elements of every type, dev.weft.cpu.scalar.ScalarFillKernels.
#pragma once
#include "normal.cuh"
#include "philox.cuh"
#include "plan.cuh"
#include "truncated.cuh"

// dev.weft.spi.fill.StreamFill.Kind.
enum Kind { BITS, UNIFORM, NORMAL, TRUNCATED_NORMAL };

// What a thread finds out once about a uniform fill, and for a truncated normal whether it has tails. Uniform values rise with k, so
// its two ends tell whether a bound is touched.
template <class T>
struct Ends {
  bool low, high;   // whether least, whether most can be passed; by ulps in any truncated normal
  bool folded;      // whether the unit of k can go into the scale without rounding
  bool zero;        // whether a bound that can be passed is 0: maximum and minimum may choose another sign than comparisons
  bool tails;
  bool symmetric;   // whether the truncated normal is, and has no tails
  T scale, shift;   // those of k, if folded
};

template <Kind K>
WEFT_DEVICE void find_ends(const FillPlan& p, Ends<float>& ends) {
  float last = fma_rn(0x1.fffffep-1f, p.scale32, p.shift32);
  ends.low = K == TRUNCATED_NORMAL || p.shift32 < p.least32;
  ends.high = K == TRUNCATED_NORMAL || last > p.most32;
  ends.folded = p.scale32 >= 0x1p-102f;
  ends.zero = (ends.low && p.least32 == 0.0f) || (ends.high && p.most32 == 0.0f);
  ends.tails = has_tails(p.truncated32);
  ends.symmetric = false;
  ends.scale = mul_rn(p.scale32, 0x1p-24f);
  ends.shift = p.shift32;
}

template <Kind K>
WEFT_DEVICE void find_ends(const FillPlan& p, Ends<double>& ends) {
  double last = fma_rn(0x1.fffffffffffffp-1, p.scale64, p.shift64);
  ends.low = K == TRUNCATED_NORMAL || p.shift64 < p.least64;
  ends.high = K == TRUNCATED_NORMAL || last > p.most64;
  ends.folded = p.scale64 >= 0x1p-969;
  ends.zero = (ends.low && p.least64 == 0.0) || (ends.high && p.most64 == 0.0);
  ends.tails = has_tails(p.truncated64);
  ends.symmetric = false;
  ends.scale = mul_rn(p.scale64, 0x1p-53);
  ends.shift = p.shift64;
}

// Where the blocks of a stream come from: block(p, q) is the words of block q. They are computed one by one, or as below, in turn, or lie
// in memory (words.cu).
struct Computed {
  WEFT_METHOD uint4 block(const FillPlan& p, u64 q) const { return philox(p, q); }
};

// Groups of one row, and of those a multiple of 65536 blocks after it, in CURAND order: what their blocks have in common is computed once
// for a column, and once for a row. Group j begins with block q + 32 * BLOCKS * j.
template <int BLOCKS, int GROUPS>
struct Columns {
  enum { COUNT = GROUPS * BLOCKS };
  Column column[COUNT];
  BlockRow row;
  u32 x, down;
  int at;  // a constant wherever it is used

  WEFT_METHOD Columns(const FillPlan& p, u64 q, u32 step) : x((u32)(q >> 16)), down(step), at(0) {
#pragma unroll
    for (int i = 0; i < COUNT; i++) {
      column[i] = philox_column(p, (u32)(q >> 48), ((u32)q & 0xFFFFu) + i / BLOCKS * 32 * BLOCKS + i % BLOCKS);
    }
    row = philox_row(p, x);
  }

  WEFT_METHOD uint4 block(const FillPlan& p, u64) {
    uint4 words = philox_crossing(p, column[at], row);
    at = (at + 1) % COUNT;
    if (at == 0) {
      x += down;
      row = philox_row(p, x);
    }
    return words;
  }
};

// The f32 values of a block as bits, or its words.
template <Kind K>
WEFT_DEVICE uint4 values32(const FillPlan& p, const Ends<float>& ends, uint4 words) {
  if (K == BITS) {
    return words;
  }
  float v0, v1, v2, v3;
  if (K == UNIFORM) {
    v0 = __uint2float_rn(words.x >> 8);
    v1 = __uint2float_rn(words.y >> 8);
    v2 = __uint2float_rn(words.z >> 8);
    v3 = __uint2float_rn(words.w >> 8);
    if (ends.folded) {
      v0 = fma_rn(v0, ends.scale, ends.shift);
      v1 = fma_rn(v1, ends.scale, ends.shift);
      v2 = fma_rn(v2, ends.scale, ends.shift);
      v3 = fma_rn(v3, ends.scale, ends.shift);
    } else {
      v0 = fma_rn(mul_rn(v0, 0x1p-24f), p.scale32, p.shift32);
      v1 = fma_rn(mul_rn(v1, 0x1p-24f), p.scale32, p.shift32);
      v2 = fma_rn(mul_rn(v2, 0x1p-24f), p.scale32, p.shift32);
      v3 = fma_rn(mul_rn(v3, 0x1p-24f), p.scale32, p.shift32);
    }
  } else {
    if (K == NORMAL) {
      normal_pair(words.x, words.y, v0, v1);
      normal_pair(words.z, words.w, v2, v3);
    } else if (ends.symmetric) {
      v0 = truncated_symmetric(p.truncated32, words.x);
      v1 = truncated_symmetric(p.truncated32, words.y);
      v2 = truncated_symmetric(p.truncated32, words.z);
      v3 = truncated_symmetric(p.truncated32, words.w);
    } else {
      v0 = truncated_normal(p, ends.tails, words.x);
      v1 = truncated_normal(p, ends.tails, words.y);
      v2 = truncated_normal(p, ends.tails, words.z);
      v3 = truncated_normal(p, ends.tails, words.w);
    }
    v0 = fma_rn(v0, p.scale32, p.shift32);
    v1 = fma_rn(v1, p.scale32, p.shift32);
    v2 = fma_rn(v2, p.scale32, p.shift32);
    v3 = fma_rn(v3, p.scale32, p.shift32);
  }
  // A normal's own check keeps it finite: |mean| + 6.77 stddev is at most the type's largest value.
  if ((K == UNIFORM || K == TRUNCATED_NORMAL) && ends.zero) {
    v0 = at_most(at_least(v0, p.least32), p.most32);
    v1 = at_most(at_least(v1, p.least32), p.most32);
    v2 = at_most(at_least(v2, p.least32), p.most32);
    v3 = at_most(at_least(v3, p.least32), p.most32);
  } else if (K == UNIFORM || K == TRUNCATED_NORMAL) {
    if (ends.low) {
      v0 = fmaxf(v0, p.least32);
      v1 = fmaxf(v1, p.least32);
      v2 = fmaxf(v2, p.least32);
      v3 = fmaxf(v3, p.least32);
    }
    if (ends.high) {
      v0 = fminf(v0, p.most32);
      v1 = fminf(v1, p.most32);
      v2 = fminf(v2, p.most32);
      v3 = fminf(v3, p.most32);
    }
  }
  return make_uint4(__float_as_uint(v0), __float_as_uint(v1), __float_as_uint(v2), __float_as_uint(v3));
}

// Group g of a type is 16 bytes, ELEMENTS elements from ELEMENTS * g on, in memory order: of BLOCKS blocks of the stream.
struct F32 {
  enum { BYTES = 4, BLOCKS = 1 };
  typedef float Value;
  template <Kind K, class Source>
  WEFT_DEVICE uint4 group(const FillPlan& p, const Ends<float>& ends, Source& source, u64 g) {
    return values32<K>(p, ends, source.block(p, g));
  }
};

// Two upper halves of words, the first below.
WEFT_DEVICE u32 upper_halves(u32 first, u32 second) { return __byte_perm(first, second, 0x7632); }

// Rounds to the upper half, to nearest even; no NaN comes here.
WEFT_DEVICE u32 rounded_bf16(u32 bits) { return bits + 0x7FFFu + (bits >> 16 & 1u); }

// Two f32 rounded to bf16, to nearest even, the first below. Subnormal results are kept; no NaN comes here.
WEFT_DEVICE u32 halves_bf16(u32 first, u32 second) {
#ifdef __CUDACC__
  u32 both;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(__uint_as_float(second)), "f"(__uint_as_float(first)));
  return both;
#else
  return upper_halves(rounded_bf16(first), rounded_bf16(second));
#endif
}

// Two f32 rounded to f16, to nearest even, the first below. Subnormal results are kept.
WEFT_DEVICE u32 halves_f16(u32 first, u32 second) {
#ifdef __CUDACC__
  u32 both;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(__uint_as_float(second)), "f"(__uint_as_float(first)));
  return both;
#else
  return (u32)weft_half_bits(first) | (u32)weft_half_bits(second) << 16;
#endif
}

template <bool BF16>
struct Sixteen {
  enum { BYTES = 2, BLOCKS = 2 };
  typedef float Value;

  template <Kind K>
  WEFT_DEVICE u32 two(u32 first, u32 second) {
    if (K == BITS) {
      return upper_halves(first, second);
    }
    return BF16 ? halves_bf16(first, second) : halves_f16(first, second);
  }

  template <Kind K, class Source>
  WEFT_DEVICE uint4 group(const FillPlan& p, const Ends<float>& ends, Source& source, u64 g) {
    uint4 a = values32<K>(p, ends, source.block(p, 2 * g));
    uint4 b = values32<K>(p, ends, source.block(p, 2 * g + 1));
    return make_uint4(two<K>(a.x, a.y), two<K>(a.z, a.w), two<K>(b.x, b.y), two<K>(b.z, b.w));
  }
};

typedef Sixteen<false> F16;
typedef Sixteen<true> BF16;

struct F64 {
  enum { BYTES = 8, BLOCKS = 1 };
  typedef double Value;

  template <Kind K>
  WEFT_DEVICE double transformed(const FillPlan& p, const Ends<double>& ends, u64 word) {
    double v;
    if (K == UNIFORM) {
      v = __ull2double_rn(word >> 11);
      v = ends.folded ? fma_rn(v, ends.scale, ends.shift) : fma_rn(mul_rn(v, 0x1p-53), p.scale64, p.shift64);
      v = ends.low ? at_least(v, p.least64) : v;
      return ends.high ? at_most(v, p.most64) : v;
    }
    v = fma_rn(truncated_normal(p, ends.tails, word), p.scale64, p.shift64);
    return at_most(at_least(v, p.least64), p.most64);
  }

  template <Kind K>
  WEFT_DEVICE uint4 values(const FillPlan& p, const Ends<double>& ends, uint4 words) {
    if (K == BITS) {
      return words;
    }
    u64 first = words.x | (u64)words.y << 32;
    u64 second = words.z | (u64)words.w << 32;
    double v0, v1;
    if (K == NORMAL) {
      normal_pair(first, second, v0, v1);
      v0 = fma_rn(v0, p.scale64, p.shift64);
      v1 = fma_rn(v1, p.scale64, p.shift64);
    } else {
      v0 = transformed<K>(p, ends, first);
      v1 = transformed<K>(p, ends, second);
    }
    u64 bits0 = (u64)__double_as_longlong(v0);
    u64 bits1 = (u64)__double_as_longlong(v1);
    return make_uint4((u32)bits0, (u32)(bits0 >> 32), (u32)bits1, (u32)(bits1 >> 32));
  }

  template <Kind K, class Source>
  WEFT_DEVICE uint4 group(const FillPlan& p, const Ends<double>& ends, Source& source, u64 g) {
    return values<K>(p, ends, source.block(p, g));
  }
};
