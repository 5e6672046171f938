// The yardstick of the CPU fills: f32 fills of one thread by hand-written C, with vectors of 512 bits (AVX-512) or
// 256 bits (AVX2), as vectors.h says. Every bit equals weft's own; the bench checks that before it times anything.
//
//   uniform_G           G = 1 … 8: element i = (word i >> 8) * 2^-24, in [0, 1)
//   normal_G            Box-Muller of the words 2j and 2j + 1, as in class NormalF32: elements r*sin and r*cos
//   truncated_normal_G  the standard normal cut at [-2, 2], from word i alone, as in class TruncatedNormalF32
//   store_f32           one value by plain stores
//   fma_f32             twelve independent chains of fused multiply-adds, 24 * LANES flop a step
//
// Words: Philox4x32-10 (Salmon et al. 2011, https://doi.org/10.1145/2063384.2063405) in cuRAND's order: block q is that
// of the counter (x, y) = q >> 16, (z, w) = q & 0xFFFF. out: n elements of 4 bytes, any n, any alignment.
//
// G groups of BLOCKS blocks go through the rounds side by side: the chain of one group, ten times a multiplication, a
// shift and an exclusive or, leaves a core idle, and those of G groups fill it until its registers run out. Which G is
// best depends on the processor, so all are compiled, and the bench tries them. Rounds 1 to 3 are folded: x, y and w
// are constant along RUN blocks, so round 1's product of z is an addition, and half of rounds 2 and 3 is constant.
//
// Cost of a group in vector operations, with AVX-512: 55 for the words, and for their 4 * BLOCKS elements 10 more for
// uniforms, 46 for normals, 54 for truncated normals, two stores among them; a root counts as one and takes longer.
//
// -ffp-contract=off: a product and a sum stay two roundings unless the text says madd.
//
//   gcc -O3 -march=native -ffp-contract=off -shared -fPIC fills.c -o fills-avx512.so
//   gcc -O3 -march=native -mno-avx512f -ffp-contract=off -shared -fPIC fills.c -o fills-avx2.so
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "vectors.h"

#define RUN 65536 // blocks with the same x, y and w
#define MOST 8    // groups side by side
#define EACH _Pragma("GCC unroll 8") for (int u = 0; u < groups; u++)

static const uint32_t M0 = 0xD2511F53, M1 = 0xCD9E8D57, W0 = 0x9E3779B9, W1 = 0xBB67AE85;

enum law { UNIFORM, NORMAL, TRUNCATED_NORMAL };

// ---- Words ----

// What is constant along a run: the round keys, and what is left of rounds 1 to 3.
typedef struct {
  V key0[10], key1[10];
  V x2, z2, x3; // mixed into x and z in round 2, and into x in round 3
} Run;

INLINE void begin(Run *run, uint64_t seed) {
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  for (int r = 0; r < 10; r++, k0 += W0, k1 += W1) {
    run->key0[r] = all64(k0);
    run->key1[r] = all64(k1);
  }
}

// x < 2^32, so y = 0: memory ends before.
INLINE void enter(Run *run, uint64_t seed, uint32_t x) {
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  uint64_t p = (uint64_t)M0 * x;                           // round 1's product of x
  uint64_t q = (uint64_t)M1 * ((uint32_t)(p >> 32) ^ k1); // round 2's product of z
  run->x2 = all64((uint32_t)(q >> 32) ^ (k0 + W0));
  run->z2 = all64((uint32_t)p ^ (k1 + W1));
  run->x3 = all64((uint32_t)q ^ (k0 + 2 * W0));
}

// The words (a, b, c, d) of blocks whose M1 * z is p[u], in the lower halves of 64-bit lanes; the upper halves are of
// no use.
INLINE void words(const Run *run, const int groups, const V p[], V a[], V b[], V c[], V d[]) {
  const V m0 = all64(M0), m1 = all64(M1);
  EACH {
    V s = mul(m0, xor(high(p[u]), run->key0[0]));             // round 2, whose other product is constant
    a[u] = xor(p[u], run->x2);
    c[u] = xor(high(s), run->z2);
    V t = mul(m0, a[u]);
    b[u] = mul(m1, c[u]);
    a[u] = xor(high(b[u]), run->x3);
    c[u] = xor3(high(t), s, run->key1[2]);
    d[u] = t;
  }
  _Pragma("GCC unroll 7") for (int r = 3; r < 10; r++) {
    EACH {
      V s = mul(m0, a[u]), t = mul(m1, c[u]);
      a[u] = xor3(high(t), b[u], run->key0[r]);
      b[u] = t;
      c[u] = xor3(high(s), d[u], run->key1[r]);
      d[u] = s;
    }
  }
}

// ---- Elements: each writes the 4 * BLOCKS of one group ----

INLINE void uniform(float *to, V a, V b, V c, V d) {
  V ab = pair24(a, b), cd = pair24(c, d);
  store(to, unit24(low64(ab, cd)));
  store(to + LANES, unit24(high64(ab, cd)));
}

// sqrt(-2 ln u), u = (x + 1/2) * 2^-32 rounded.
INLINE F radius(V x) {
  F u = madd(from_unsigned(x), all(0x1p-32f), all(0x1p-33f));
  V e = and32(sub32(bits(u), all32(0x3f2aaaab)), all32(0xff800000)); // u = m * 2^e, m in [2/3, 4/3)
  F h = nmadd(all(2), floats(sub32(bits(u), e)), all(2));            // 2 - 2m
  F q = madd(h, all(0x1.32f19ep-11f), all(0x1.3a24e6p-10f));
  q = madd(h, q, all(0x1.19df38p-9f));
  q = madd(h, q, all(0x1.507eap-8f));
  q = madd(h, q, all(0x1.9a319cp-7f));
  q = madd(h, q, all(0x1.001108p-5f));
  q = madd(h, q, all(0x1.5553dep-4f));
  q = madd(h, q, all(0x1.ffffeep-3f));
  return root(madd(from_signed(e), all(-0x1.62e43p-23f), madd(mulf(h, h), q, h)));
}

INLINE void normal(float *to, V a, V b, V c, V d) {
  V x = pair(a, c), y = pair(b, d); // of the two normals' pairs of a block
  F r = radius(x);
  F t = from_signed(or32(shl32(y, 2), all32(2))); // the angle less its nearest quarter turn is pi/4 * t * 2^-31
  F s = mulf(mulf(t, all(0x1p-62f)), t);
  F p = madd(s, all(-0x1.2db5ccp-46f), all(0x1.465facp-40f));
  p = madd(s, p, all(-0x1.4abbbep-35f));
  p = madd(s, p, all(-0x1.777a5cp-57f));
  F sine = madd(t, all(0x1.921fb6p-32f), mulf(t, p));
  F q = madd(s, all(-0x1.4e78bep-12f), all(0x1.03b058p-6f));
  q = madd(s, q, all(-0x1.3bd39cp-2f));
  F cosine = madd(s, q, all(1));
  V k = add32(y, all32(0x20000000)); // its two top bits count the quarter turns
  F even = flip(by_bit30(k, sine, cosine), k);
  F odd = flip(by_bit30(k, cosine, sine), add32(k, all32(0x40000000)));
  even = madd(r, even, all(0)); // + 0: a negative zero becomes 0, as in scale * z + shift
  odd = madd(r, odd, all(0));
  store(to, low32(even, odd));
  store(to + LANES, high32(even, odd));
}

// z = q * R(sqrt(p - p^2)): p is the probability beyond |z|, q = 1/2 - p.
INLINE F cut_normal(V word) {
  V inner = from_middle(word), outer = xor(inner, all32(0x7fffffff)); // words to the mean, and to the end
  F p = madd(from_signed(outer), all(0x1.e8b43p-33f), all(0x1.74bcf8p-6f));
  F q = madd(from_signed(inner), all(0x1.e8b43p-33f), all(0x1.e8b43p-34f));
  F v = subf(root(nmadd(p, p, p)), all(0x1.4bee5cp-2f));
  F s = madd(v, all(-0x1.89aeacp15f), all(0x1.274efap14f));
  s = madd(v, s, all(-0x1.dca202p10f));
  s = madd(v, s, all(0x1.4ca0c2p9f));
  s = madd(v, s, all(-0x1.bad034p8f));
  s = madd(v, s, all(0x1.5c59aep7f));
  s = madd(v, s, all(-0x1.0e8afcp6f));
  s = madd(v, s, all(0x1.d44aeap4f));
  s = madd(v, s, all(-0x1.b8b622p3f));
  s = madd(v, s, all(0x1.ccb48p2f));
  s = madd(v, s, all(-0x1.13648ep2f));
  s = madd(v, s, all(0x1.8c3b08p1f));
  return flip_unless(least(mulf(q, s), all(2)), word); // the polynomial may pass 2 by an ulp
}

INLINE void truncated_normal(float *to, V a, V b, V c, V d) {
  V ab = pair(a, b), cd = pair(c, d);
  store(to, cut_normal(low64(ab, cd)));
  store(to + LANES, cut_normal(high64(ab, cd)));
}

// ---- The loop ----

INLINE void fill(const enum law law, const int groups, float *out, size_t n, uint64_t seed) {
  Run run;
  begin(&run, seed);
  const size_t turn = (size_t)4 * BLOCKS * groups;
  V offset[MOST];
  EACH offset[u] = all64((uint64_t)M1 * BLOCKS * u);
  const V step = all64((uint64_t)M1 * BLOCKS * groups);
  for (size_t first = 0; first < n; first += 4 * RUN) {
    size_t end = n - first < 4 * RUN ? n : first + 4 * RUN;
    enter(&run, seed, (uint32_t)(first / (4 * RUN)));
    V z = mul(all64(M1), order());
    for (size_t i = first; i < end; i += turn, z = add64(z, step)) {
      V p[MOST], a[MOST], b[MOST], c[MOST], d[MOST];
      EACH p[u] = add64(z, offset[u]);
      words(&run, groups, p, a, b, c, d);
      float rest[4 * BLOCKS * MOST]; // of the last turn of a run, which may pass its end
      float *to = end - i < turn ? rest : out + i;
      EACH {
        float *at = to + 4 * BLOCKS * u;
        if (law == UNIFORM) uniform(at, a[u], b[u], c[u], d[u]);
        if (law == NORMAL) normal(at, a[u], b[u], c[u], d[u]);
        if (law == TRUNCATED_NORMAL) truncated_normal(at, a[u], b[u], c[u], d[u]);
      }
      if (to == rest) memcpy(out + i, rest, (end - i) * sizeof(float));
    }
  }
}

#define FILL(groups) \
  void uniform_##groups(float *out, size_t n, uint64_t seed) { fill(UNIFORM, groups, out, n, seed); } \
  void normal_##groups(float *out, size_t n, uint64_t seed) { fill(NORMAL, groups, out, n, seed); } \
  void truncated_normal_##groups(float *out, size_t n, uint64_t seed) { fill(TRUNCATED_NORMAL, groups, out, n, seed); }

FILL(1)
FILL(2)
FILL(3)
FILL(4)
FILL(5)
FILL(6)
FILL(7)
FILL(8)

// Of the vectors that this was compiled for.
int vector_bits(void) { return 32 * LANES; }

// ---- Roofs ----

// n is a multiple of 64.
void store_f32(float *out, size_t n, float value) {
  const F v = all(value);
  for (size_t i = 0; i < n; i += 4 * LANES) {
    for (int u = 0; u < 4; u++) store(out + i + u * LANES, v);
  }
}

// c = c/2 + 1, steps times, in twelve chains; returns their sum.
float fma_f32(size_t steps) {
  const F a = all(0.5f), b = all(1);
  F c[12];
  for (int i = 0; i < 12; i++) c[i] = all((float)i);
  for (size_t s = 0; s < steps; s++) {
    _Pragma("GCC unroll 12") for (int i = 0; i < 12; i++) c[i] = madd(c[i], a, b);
  }
  float lanes[LANES], sum = 0;
  for (int i = 1; i < 12; i++) c[0] = addf(c[0], c[i]);
  store(lanes, c[0]);
  for (int l = 0; l < LANES; l++) sum += lanes[l];
  return sum;
}
