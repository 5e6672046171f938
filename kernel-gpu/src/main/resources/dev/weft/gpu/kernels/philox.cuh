// philox.cuh — Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011), as in dev.weft.random.Philox4x32.
#pragma once
#include "plan.cuh"

// Rounds FIRST ... 9: each is two wide multiplications and two three-way xors; the keys are operands in constant memory.
template <int FIRST>
WEFT_DEVICE uint4 philox_rounds(const FillPlan& p, u32 x, u32 y, u32 z, u32 w) {
#pragma unroll
  for (int round = FIRST; round < 10; round++) {
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
  return philox_rounds<0>(p, x, y, z, w);
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

// A block of a column: two multiplications less, and w is 0 as above.
WEFT_DEVICE uint4 philox(const FillPlan& p, const Column& column, u32 x) {
  u64 p0 = (u64)0xD2511F53u * x;
  u64 p1 = (u64)0xCD9E8D57u * ((u32)(p0 >> 32) ^ p.roundKeys[1]);
  return philox_rounds<2>(p, (u32)(p1 >> 32) ^ column.x, (u32)p1, column.z ^ (u32)p0, column.w);
}
