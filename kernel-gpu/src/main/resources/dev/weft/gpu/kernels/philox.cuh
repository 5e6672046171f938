// philox.cuh — Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011), as in dev.weft.random.Philox4x32.
#pragma once
#include "plan.cuh"

// The block of four words at (x, y) = q >> subsequenceBits, (z, w) = the bits below. w is 0: subsequenceBits <= 32.
// About 40 instructions: a round is two wide multiplications and two three-way xors; the keys are operands in constant memory.
WEFT_DEVICE uint4 philox(const FillPlan& p, u64 q) {
  u64 xy = q >> p.subsequenceBits;
  u32 x = (u32)xy;
  u32 y = (u32)(xy >> 32);
  u32 z = (u32)q & ((1u << p.subsequenceBits) - 1);
  u32 w = 0;
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
