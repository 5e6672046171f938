// truncated.cuh — a normal cut at the bounds of its plan, from one word: dev.weft.cpu.scalar.TruncatedNormalF32 (32-bit words) and
// TruncatedNormalF64 (64-bit words), operation for operation. z may pass a bound by a few ulp; whoever writes it clamps.
// A warp takes both branches only where the plan has tails, and looks for them only there.
#pragma once
#include "normal.cuh"
#include "plan.cuh"

// ratio(p) by the root of p - p^2.
WEFT_DEVICE float ratio_of_root(float root) {
  float v = sub_rn(root, 0x1.4bee5cp-2f);
  float s = fma_rn(v, -0x1.89aeacp15f, 0x1.274efap14f);
  s = fma_rn(v, s, -0x1.dca202p10f);
  s = fma_rn(v, s, 0x1.4ca0c2p9f);
  s = fma_rn(v, s, -0x1.bad034p8f);
  s = fma_rn(v, s, 0x1.5c59aep7f);
  s = fma_rn(v, s, -0x1.0e8afcp6f);
  s = fma_rn(v, s, 0x1.d44aeap4f);
  s = fma_rn(v, s, -0x1.b8b622p3f);
  s = fma_rn(v, s, 0x1.ccb48p2f);
  s = fma_rn(v, s, -0x1.13648ep2f);
  s = fma_rn(v, s, 0x1.8c3b08p1f);
  return s;
}

WEFT_DEVICE float ratio(float p) { return ratio_of_root(sqrt_rn(fma_rn(-p, p, p))); }

WEFT_DEVICE double ratio(double p) {
  double v = sub_rn(sqrt_rn(sqrt_rn(fma_rn(-p, p, p))), 0x1.179af075e448bp-1);
  double s = fma_rn(v, -0x1.d79b791bf7cedp13, 0x1.e9fdb5f9f5b26p12);
  s = fma_rn(v, s, -0x1.af93dee231e8fp10);
  s = fma_rn(v, s, 0x1.188a48910fcd2p10);
  s = fma_rn(v, s, -0x1.b59dc2d6fcdacp9);
  s = fma_rn(v, s, 0x1.fe37e829fd148p8);
  s = fma_rn(v, s, -0x1.235c1a2ea86e4p8);
  s = fma_rn(v, s, 0x1.574ba8dd9e5eap7);
  s = fma_rn(v, s, -0x1.9c3c930b8c206p6);
  s = fma_rn(v, s, 0x1.0159daa05ccf1p6);
  s = fma_rn(v, s, -0x1.4fc5ce6ddacf6p5);
  s = fma_rn(v, s, 0x1.b7aa4a3e489bdp4);
  s = fma_rn(v, s, -0x1.0d519813cdc85p4);
  s = fma_rn(v, s, 0x1.23c04826cd07p3);
  s = fma_rn(v, s, -0x1.2a91c550aebdcp2);
  s = fma_rn(v, s, 0x1.b5369e1c4aa5ep1);
  s = fma_rn(v, s, -0x1.0efddf417f96dp2);
  s = fma_rn(v, s, 0x1.542a24cec3ee1p2);
  s = fma_rn(v, s, -0x1.48f7b7b844a84p2);
  s = fma_rn(v, s, 0x1.9b28deb1f1be1p1);
  return s;
}

// z = r + T(sqrt r), r = sqrt(-2 ln p).
template <class Plan, class T>
WEFT_DEVICE T tail(const Plan& plan, T p) {
  constexpr int terms = sizeof(plan.tail) / sizeof(T);
  T r = sqrt_rn(minus_two_ln(p, plan.k));
  T t = sub_rn(sqrt_rn(r), plan.tailCentre);
  T s = plan.tail[terms - 1];
#pragma unroll
  for (int i = terms - 2; i >= 0; i--) {
    s = fma_rn(t, s, plan.tail[i]);
  }
  return add_rn(r, s);
}

WEFT_DEVICE float word_value(u32 word) { return __uint2float_rn(word); }
WEFT_DEVICE double word_value(u64 word) { return __ull2double_rn(word); }

// Whether some word is in a tail: p is least where its integer is 0.
template <class Plan>
WEFT_DEVICE bool has_tails(const Plan& plan) {
  return plan.tailBelow < plan.cut || plan.tailAbove < plan.cut;
}

template <class Plan, class W, class T>
WEFT_DEVICE T inverse(const Plan& plan, bool tails, W word, T) {
  W x = word ^ (W)plan.flip;
  bool above = x >= (W)plan.split;
  T p = fma_rn(word_value((W)(above ? ~x : x)), plan.width, above ? plan.tailAbove : plan.tailBelow);
  T z;
  if (tails && p < plan.cut) {
    z = tail(plan, p);
  } else {
    W fromSplit = above ? x - (W)plan.split : (W)plan.split + ~x;
    T q = fma_rn(word_value(fromSplit), plan.width, above ? plan.middleAbove : plan.middleBelow);
    z = mul_rn(q, ratio(p));
  }
  return above == (plan.flip == 0) ? z : -z;
}

// inverse() of a plan that is symmetric and without tails: the top bit of a word is its side, and the counts of words from either end are
// below 2^31.
WEFT_DEVICE float truncated_symmetric(const TruncatedF32& plan, u32 word) {
  u32 above = (u32)((int)word >> 31);
  float p = fma_rn(__int2float_rn((int)(word ^ above)), plan.width, plan.tailBelow);
  float q = fma_rn(__int2float_rn((int)(word ^ above ^ 0x7FFFFFFFu)), plan.width, plan.middleBelow);
  float s = ratio_of_root(sqrt_of_positive(fma_rn(-p, p, p)));
  return __uint_as_float(__float_as_uint(mul_rn(q, s)) ^ (~word & 0x80000000u));
}

// Whether truncated_symmetric does; the square root is of a number that is not tiny.
template <class Plan>
WEFT_DEVICE bool is_symmetric(const Plan& plan) {
  return plan.split == 0x80000000u && plan.flip == 0 && plan.tailBelow == plan.tailAbove && plan.middleBelow == plan.middleAbove &&
         plan.tailBelow >= 0x1p-30f;
}

WEFT_DEVICE float truncated_normal(const FillPlan& p, bool tails, u32 word) { return inverse(p.truncated32, tails, word, 0.0f); }
WEFT_DEVICE double truncated_normal(const FillPlan& p, bool tails, u64 word) { return inverse(p.truncated64, tails, word, 0.0); }
