// philox.cuh — Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011), as in dev.weft.random.Philox4x32.
#pragma once
#include "plan.cuh"

// Each round is two wide multiplications and two three-way xors; the keys are operands in constant memory.
WEFT_DEVICE uint4 philox_rounds(const FillPlan& p, u32 x, u32 y, u32 z, u32 w) {
#pragma unroll
  for (int round = 0; round < 10; round++) {
    u64 p0 = (u64)0xD2511F53u * x;
    u64 p1 = (u64)0xCD9E8D57u * z;
    x = (u32)(p1 >> 32) ^ y ^ p.roundKeys[2 * round];
    y = (u32)p1;
    z = (u32)(p0 >> 32) ^ w ^ p.roundKeys[2 * round + 1];
    w = (u32)p0;
  }
  return make_uint4(x, y, z, w);
}

// The block of four words at (x, y) = q >> subsequenceBits, (z, w) = the bits below. w is 0: subsequenceBits <= 32.
WEFT_DEVICE uint4 philox(const FillPlan& p, u64 q) {
  u64 xy = q >> p.subsequenceBits;
  u32 x = (u32)xy;
  u32 y = (u32)(xy >> 32);
  u32 z = (u32)q & ((1u << p.subsequenceBits) - 1);
  u32 w = 0;
  return philox_rounds(p, x, y, z, w);
}

// What the first two rounds of blocks with one y and z have in common, whatever x is.
struct Column {
  u32 x, z, w;
};

WEFT_DEVICE Column philox_column(const FillPlan& p, u32 y, u32 z) {
  u64 p1 = (u64)0xCD9E8D57u * z;
  u64 p0 = (u64)0xD2511F53u * ((u32)(p1 >> 32) ^ y ^ p.roundKeys[0]);
  return {(u32)p1 ^ p.roundKeys[2], (u32)(p0 >> 32) ^ p.roundKeys[3], (u32)p0};
}

// What the first two rounds of blocks with one x have in common, whatever y and z are; w is 0 as above.
struct BlockRow {
  u32 x, y, z;
};

WEFT_DEVICE BlockRow philox_row(const FillPlan& p, u32 x) {
  u64 p0 = (u64)0xD2511F53u * x;
  u64 p1 = (u64)0xCD9E8D57u * ((u32)(p0 >> 32) ^ p.roundKeys[1]);
  return {(u32)(p1 >> 32), (u32)p1, (u32)p0};
}

// Rounds R to 9. As a loop, even unrolled, they take more registers (uniform 16-bit types on sm_90: 70, not 64).
template <int R>
WEFT_DEVICE uint4 philox_rounds_from(const FillPlan& p, uint4 words) {
  u64 p0 = (u64)0xD2511F53u * words.x;
  u64 p1 = (u64)0xCD9E8D57u * words.z;
  words = make_uint4((u32)(p1 >> 32) ^ words.y ^ p.roundKeys[2 * R], (u32)p1,
                     (u32)(p0 >> 32) ^ words.w ^ p.roundKeys[2 * R + 1], (u32)p0);
  if constexpr (R < 9) {
    return philox_rounds_from<R + 1>(p, words);
  }
  return words;
}

// The block where they cross: sixteen multiplications.
WEFT_DEVICE uint4 philox_crossing(const FillPlan& p, const Column& column, const BlockRow& row) {
  return philox_rounds_from<2>(p, make_uint4(row.x ^ column.x, row.y, row.z ^ column.z, column.w));
}
