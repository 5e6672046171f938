// pack.cuh — elements of an array, 16 bytes at a time where they are aligned to that, and one by one where not and at the end.
#pragma once
#include "plan.cuh"

template <class T, u32 N>
struct Several {
  T v[N];

  // Takes the first out and puts another behind the last. Constant indices: no local memory, and one copy of what is done with an element.
  WEFT_METHOD void turn(T last) {
#pragma unroll
    for (u32 i = 0; i + 1 < N; i++) {
      v[i] = v[i + 1];
    }
    v[N - 1] = last;
  }
};

template <class T>
struct alignas(16) Pack : Several<T, 16 / sizeof(T)> {
  static constexpr u32 SIZE = 16 / sizeof(T);
};

// How an array is cut into items: whole packs, then single elements.
template <class T>
struct Items {
  u64 packs;
  u64 count;

  // `addresses` is the bitwise or of all that will be read and written.
  WEFT_METHOD Items(u64 elements, u64 addresses)
      : packs((addresses & 15) == 0 ? elements / Pack<T>::SIZE : 0), count(packs + (elements - packs * Pack<T>::SIZE)) {}

  WEFT_METHOD u64 at(u64 item) const {
    return item < packs ? item * Pack<T>::SIZE : packs * Pack<T>::SIZE + (item - packs);
  }

  WEFT_METHOD u32 size(u64 item) const { return item < packs ? Pack<T>::SIZE : 1; }

  WEFT_METHOD Pack<T> load(const T* in, u64 item) const {
    if (item < packs) {
      return *(const Pack<T>*)(in + at(item));
    }
    Pack<T> one = {};
    one.v[0] = in[at(item)];
    return one;
  }

  // After size(item) turns.
  WEFT_METHOD void store(T* out, u64 item, const Pack<T>& pack) const {
    if (item < packs) {
      *(Pack<T>*)(out + at(item)) = pack;
    } else {
      out[at(item)] = pack.v[Pack<T>::SIZE - 1];
    }
  }
};

// n / d, by 32 bits where they do.
WEFT_DEVICE u64 quotient_of(u64 n, u64 d) { return ((n | d) >> 32) == 0 ? (u32)n / (u32)d : n / d; }

// n mod d, likewise.
WEFT_DEVICE u64 remainder_of(u64 n, u64 d) { return ((n | d) >> 32) == 0 ? (u32)n % (u32)d : n % d; }
