// store.cuh — 16 bytes, a group of elements, to memory that is aligned to its elements and perhaps to no more.
#pragma once
#include "ieee.cuh"

WEFT_DEVICE bool is_aligned(const char* at) { return ((u64)at & 15) == 0; }

// Element i of a group, in the low bits. i is a constant wherever this is called: no local memory.
template <int BYTES>
WEFT_DEVICE u64 element(uint4 v, int i) {
  int word = i * BYTES / 4;
  u32 low = word == 0 ? v.x : word == 1 ? v.y : word == 2 ? v.z : v.w;
  if (BYTES == 2) {
    return i % 2 == 0 ? low & 0xFFFFu : low >> 16;
  }
  return BYTES == 4 ? (u64)low : low | (u64)(word == 0 ? v.y : v.w) << 32;
}

// The low BYTES bytes of bits.
template <int BYTES>
WEFT_DEVICE void put(char* at, u64 bits) {
  if (BYTES == 2) {
    *(unsigned short*)at = (unsigned short)bits;
  } else if (BYTES == 4) {
    *(u32*)at = (u32)bits;
  } else {
    *(u64*)at = bits;
  }
}

// Elements from .. to - 1 of a group whose element 0 belongs at `at`.
template <int BYTES>
WEFT_DEVICE void store_some(char* at, uint4 v, int from, int to) {
#pragma unroll
  for (int i = 0; i < 16 / BYTES; i++) {
    if (i >= from && i < to) {
      put<BYTES>(at + i * BYTES, element<BYTES>(v, i));
    }
  }
}

template <int BYTES>
WEFT_DEVICE void store(char* at, uint4 v, bool aligned) {
  if (aligned) {
    *(uint4*)at = v;
  } else {
    store_some<BYTES>(at, v, 0, 16 / BYTES);
  }
}
