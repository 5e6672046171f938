// Yardstick of the CPU fills: what hand-written AVX-512 does on one thread of this machine.
//
//   philox_uniform_f32  Philox4x32-10 in cuRAND order, element i = (word i >> 8) * 2^-24, two groups of
//                       eight blocks in flight; n is a multiple of 64, any alignment.
//   store_f32           plain 64-byte stores of one value; n is a multiple of 64.
//   fma_f32             twelve independent chains of 16-lane fused multiply-adds, 384 flop a step.
//
// gcc -O3 -mavx512f -mavx512dq -mavx512vl -shared -fPIC philox_avx512.c -o philox_avx512.so
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define GROUPS 2
#define BLOCKS (8 * GROUPS)

void philox_uniform_f32(float *out, size_t n, uint64_t seed) {
  uint32_t k0[10], k1[10];
  uint32_t low = (uint32_t)seed, high = (uint32_t)(seed >> 32);
  for (int r = 0; r < 10; r++) {
    k0[r] = low;
    k1[r] = high;
    low += 0x9E3779B9;
    high += 0xBB67AE85;
  }
  __m512i lanes = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
  __m512i m0 = _mm512_set1_epi64(0xD2511F53), m1 = _mm512_set1_epi64(0xCD9E8D57);
  __m512i first = _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0);
  __m512i second = _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4);
  __m512 scale = _mm512_set1_ps(0x1p-24f);
  for (size_t block = 0; block < n / 4; block += BLOCKS) {
    __m512i c0[GROUPS], c1[GROUPS], c2[GROUPS], c3[GROUPS];
    for (int u = 0; u < GROUPS; u++) {
      size_t q = block + 8 * u;
      c0[u] = _mm512_set1_epi64(q >> 16);
      c1[u] = c3[u] = _mm512_setzero_si512();
      c2[u] = _mm512_add_epi64(lanes, _mm512_set1_epi64(q & 0xFFFF));
    }
#pragma GCC unroll 10
    for (int r = 0; r < 10; r++) {
      __m512i key0 = _mm512_set1_epi64(k0[r]), key1 = _mm512_set1_epi64(k1[r]);
#pragma GCC unroll 2
      for (int u = 0; u < GROUPS; u++) {
        __m512i p0 = _mm512_mul_epu32(m0, c0[u]), p1 = _mm512_mul_epu32(m1, c2[u]);
        c0[u] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(p1, 32), c1[u], key0, 0x96);
        c1[u] = p1;
        c2[u] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(p0, 32), c3[u], key1, 0x96);
        c3[u] = p0;
      }
    }
#pragma GCC unroll 2
    for (int u = 0; u < GROUPS; u++) {
      __m512i x = _mm512_mask_blend_epi32(0xAAAA, c0[u], _mm512_slli_epi64(c1[u], 32));
      __m512i y = _mm512_mask_blend_epi32(0xAAAA, c2[u], _mm512_slli_epi64(c3[u], 32));
      __m512i w0 = _mm512_permutex2var_epi64(x, first, y);
      __m512i w1 = _mm512_permutex2var_epi64(x, second, y);
      float *to = out + (block + 8 * u) * 4;
      _mm512_storeu_ps(to, _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_srli_epi32(w0, 8)), scale));
      _mm512_storeu_ps(to + 16, _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_srli_epi32(w1, 8)), scale));
    }
  }
}

void store_f32(float *out, size_t n, float value) {
  __m512 v = _mm512_set1_ps(value);
  for (size_t i = 0; i < n; i += 64) {
    _mm512_storeu_ps(out + i, v);
    _mm512_storeu_ps(out + i + 16, v);
    _mm512_storeu_ps(out + i + 32, v);
    _mm512_storeu_ps(out + i + 48, v);
  }
}

float fma_f32(size_t steps) {
  __m512 a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(1.0f), c[12];
  for (int i = 0; i < 12; i++) c[i] = _mm512_set1_ps((float)i);
  for (size_t s = 0; s < steps; s++) {
#pragma GCC unroll 12
    for (int i = 0; i < 12; i++) c[i] = _mm512_fmadd_ps(c[i], a, b);
  }
  for (int i = 1; i < 12; i++) c[0] = _mm512_add_ps(c[0], c[i]);
  return _mm512_reduce_add_ps(c[0]);
}
