// The vectors of fills.c: 512 bits where the compiler may use AVX-512 F, BW, DQ and VL, else 256 bits of AVX2 and FMA.
//
//   V  integers: BLOCKS lanes of 64 bits (names in 64), or LANES of 32 bits (names in 32)
//   F  LANES lanes of f32
#include <immintrin.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

#ifdef __AVX512F__

#define BLOCKS 8
#define LANES 16
typedef __m512i V;
typedef __m512 F;

INLINE V all64(uint64_t x) { return _mm512_set1_epi64((long long)x); }
INLINE V all32(uint32_t x) { return _mm512_set1_epi32((int)x); }
INLINE F all(float x) { return _mm512_set1_ps(x); }
INLINE void store(float *to, F x) { _mm512_storeu_ps(to, x); }

// Places of blocks in 64-bit lanes, such that low64, high64, low32 and high32 leave elements in the stream's order.
INLINE V order(void) { return _mm512_set_epi64(7, 3, 6, 2, 5, 1, 4, 0); }

INLINE V add64(V a, V b) { return _mm512_add_epi64(a, b); }
INLINE V mul(V a, V b) { return _mm512_mul_epu32(a, b); } // of the lower halves
INLINE V xor(V a, V b) { return _mm512_xor_si512(a, b); }
INLINE V xor3(V a, V b, V c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
INLINE V high(V a) { return _mm512_srli_epi64(a, 32); }
INLINE V low64(V a, V b) { return _mm512_unpacklo_epi64(a, b); }
INLINE V high64(V a, V b) { return _mm512_unpackhi_epi64(a, b); }
INLINE F low32(F a, F b) { return _mm512_unpacklo_ps(a, b); }
INLINE F high32(F a, F b) { return _mm512_unpackhi_ps(a, b); }

// The lower halves of a and b as one 64-bit lane, a's below.
INLINE V pair(V a, V b) { return _mm512_mask_shuffle_epi32(a, 0xAAAA, b, _MM_PERM_CCAA); }

// The same without the low byte of each word, in one operation; unit24 makes of such words k * 2^-24.
INLINE V pair24(V a, V b) {
  const V bytes = _mm512_set4_epi32(0x0B0A09FF, -1, 0x030201FF, -1);
  return _mm512_mask_shuffle_epi8(a, 0xF1F1F1F1F1F1F1F1, b, bytes);
}
INLINE F unit24(V a) { return _mm512_mul_ps(_mm512_cvtepu32_ps(a), all(0x1p-32f)); }

INLINE V add32(V a, V b) { return _mm512_add_epi32(a, b); }
INLINE V sub32(V a, V b) { return _mm512_sub_epi32(a, b); }
INLINE V and32(V a, V b) { return _mm512_and_si512(a, b); }
INLINE V or32(V a, V b) { return _mm512_or_si512(a, b); }
INLINE V shl32(V a, int n) { return _mm512_slli_epi32(a, (unsigned)n); }

// The distance of a word from the middle word, both ways from 0: its lower 31 bits, inverted below the middle.
INLINE V from_middle(V a) {
  return _mm512_ternarylogic_epi32(_mm512_srai_epi32(a, 31), a, all32(0x7fffffff), 0x82); // ~(x ^ a) & c
}

INLINE V bits(F a) { return _mm512_castps_si512(a); }
INLINE F floats(V a) { return _mm512_castsi512_ps(a); }
INLINE F from_signed(V a) { return _mm512_cvtepi32_ps(a); }
INLINE F from_unsigned(V a) { return _mm512_cvtepu32_ps(a); }
INLINE F addf(F a, F b) { return _mm512_add_ps(a, b); }
INLINE F subf(F a, F b) { return _mm512_sub_ps(a, b); }
INLINE F mulf(F a, F b) { return _mm512_mul_ps(a, b); }
INLINE F madd(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }  // a * b + c
INLINE F nmadd(F a, F b, F c) { return _mm512_fnmadd_ps(a, b, c); } // c - a * b
INLINE F root(F a) { return _mm512_sqrt_ps(a); }
INLINE F least(F a, F b) { return _mm512_min_ps(a, b); }

// b where bit 30 of k is set, else a.
INLINE F by_bit30(V k, F a, F b) { return _mm512_mask_blend_ps(_mm512_test_epi32_mask(k, all32(0x40000000)), a, b); }
// a with its sign changed where the top bit of k is set, or is not.
INLINE F flip(F a, V k) { return floats(_mm512_ternarylogic_epi32(bits(a), k, all32(0x80000000), 0x78)); }
INLINE F flip_unless(F a, V k) { return floats(_mm512_ternarylogic_epi32(bits(a), k, all32(0x80000000), 0xD2)); }

#else

#define BLOCKS 4
#define LANES 8
typedef __m256i V;
typedef __m256 F;

INLINE V all64(uint64_t x) { return _mm256_set1_epi64x((long long)x); }
INLINE V all32(uint32_t x) { return _mm256_set1_epi32((int)x); }
INLINE F all(float x) { return _mm256_set1_ps(x); }
INLINE void store(float *to, F x) { _mm256_storeu_ps(to, x); }

INLINE V order(void) { return _mm256_set_epi64x(3, 1, 2, 0); }

INLINE V add64(V a, V b) { return _mm256_add_epi64(a, b); }
INLINE V mul(V a, V b) { return _mm256_mul_epu32(a, b); }
INLINE V xor(V a, V b) { return _mm256_xor_si256(a, b); }
INLINE V xor3(V a, V b, V c) { return xor(xor(b, c), a); } // a comes last: its shift does
INLINE V high(V a) { return _mm256_srli_epi64(a, 32); }
INLINE V low64(V a, V b) { return _mm256_unpacklo_epi64(a, b); }
INLINE V high64(V a, V b) { return _mm256_unpackhi_epi64(a, b); }
INLINE F low32(F a, F b) { return _mm256_unpacklo_ps(a, b); }
INLINE F high32(F a, F b) { return _mm256_unpackhi_ps(a, b); }

INLINE V pair(V a, V b) { return _mm256_blend_epi32(a, _mm256_slli_epi64(b, 32), 0xAA); }
INLINE V pair24(V a, V b) { return pair(a, b); } // AVX2 has no conversion of unsigned words: unit24 shifts them
INLINE F unit24(V a) { return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_srli_epi32(a, 8)), all(0x1p-24f)); }

INLINE V add32(V a, V b) { return _mm256_add_epi32(a, b); }
INLINE V sub32(V a, V b) { return _mm256_sub_epi32(a, b); }
INLINE V and32(V a, V b) { return _mm256_and_si256(a, b); }
INLINE V or32(V a, V b) { return _mm256_or_si256(a, b); }
INLINE V shl32(V a, int n) { return _mm256_slli_epi32(a, n); }
INLINE V from_middle(V a) { return _mm256_andnot_si256(xor(_mm256_srai_epi32(a, 31), a), all32(0x7fffffff)); }

INLINE V bits(F a) { return _mm256_castps_si256(a); }
INLINE F floats(V a) { return _mm256_castsi256_ps(a); }
INLINE F from_signed(V a) { return _mm256_cvtepi32_ps(a); }
INLINE F addf(F a, F b) { return _mm256_add_ps(a, b); }
INLINE F subf(F a, F b) { return _mm256_sub_ps(a, b); }
INLINE F mulf(F a, F b) { return _mm256_mul_ps(a, b); }
INLINE F madd(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
INLINE F nmadd(F a, F b, F c) { return _mm256_fnmadd_ps(a, b, c); }
INLINE F root(F a) { return _mm256_sqrt_ps(a); }
INLINE F least(F a, F b) { return _mm256_min_ps(a, b); }

// Both halves are exact, and one rounding remains.
INLINE F from_unsigned(V a) {
  F upper = from_signed(_mm256_srli_epi32(a, 16));
  F lower = from_signed(_mm256_blend_epi16(a, _mm256_setzero_si256(), 0xAA));
  return madd(upper, all(0x1p16f), lower);
}

INLINE F by_bit30(V k, F a, F b) { return _mm256_blendv_ps(a, b, floats(_mm256_slli_epi32(k, 1))); }
INLINE F flip(F a, V k) { return _mm256_xor_ps(a, floats(and32(k, all32(0x80000000)))); }
INLINE F flip_unless(F a, V k) { return _mm256_xor_ps(a, _mm256_andnot_ps(floats(k), all(-0.f))); }

#endif
