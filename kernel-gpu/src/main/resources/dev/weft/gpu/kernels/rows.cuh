// rows.cuh — sums and maxima over rows: 16 threads a row, thread l takes the elements l, l + 16, ...; Rows.java, RowF32.java and RowF64.java,
// operation by operation, so that the bits are the CPU's. All threads of a block come here together.
#pragma once
#include "maths.cuh"

#define WEFT_LANES 16
#define WEFT_ROW_THREADS 256

// What the 16 threads of each row have to say to each other.
template <class T>
struct RowLanes {
  T* shared;  // one of each thread of the block

  WEFT_METHOD const T* share(T mine) const {
    __syncthreads();  // the last values have been read
    shared[threadIdx.x] = mine;
    __syncthreads();
    return shared + threadIdx.x / WEFT_LANES * WEFT_LANES;
  }

  // The largest, in order; NaN is never taken.
  WEFT_METHOD T max(T mine) const {
    const T* lane = share(mine);
    T most = lane[0];
    for (u32 l = 1; l < WEFT_LANES; l++) {
      most = lane[l] > most ? lane[l] : most;
    }
    return most;
  }

  // Their sum, by a tree: 8, 4, 2 and 1 apart.
  WEFT_METHOD T sum(T mine) const {
    const T* lane = share(mine);
    T s[WEFT_LANES / 2];
#pragma unroll
    for (u32 l = 0; l < 8; l++) {
      s[l] = add_rn(lane[l], lane[l + 8]);
    }
#pragma unroll
    for (u32 half = 4; half > 0; half /= 2) {
#pragma unroll
      for (u32 l = 0; l < half; l++) {
        s[l] = add_rn(s[l], s[l + half]);
      }
    }
    return s[0];
  }
};

// One row, or none for threads without one.
template <class T>
struct Row {
  u64 at;       // of its first element
  u64 columns;  // 0 for none
  u32 lane;

  WEFT_METHOD Row(u64 row, u64 rows, u64 width)
      : at(row * width), columns(row < rows ? width : 0), lane(threadIdx.x % WEFT_LANES) {}

  // The largest element; -infinity if all are NaN.
  WEFT_METHOD T max(const T* x, RowLanes<T> lanes) const {
    T most = -__uint_as_float(0x7F800000u);
    for (u64 j = lane; j < columns; j += WEFT_LANES) {
      T value = x[at + j];
      most = value > most ? value : most;
    }
    return lanes.max(most);
  }

  // The sum of e^(x - max), whose terms are written to `out` unless that is null.
  WEFT_METHOD T exp_sum(const T* x, T max, T* out, RowLanes<T> lanes) const {
    T sum = 0;
    for (u64 j = lane; j < columns; j += WEFT_LANES) {
      T e = Maths<T>::exp(sub_rn(x[at + j], max)).v;
      if (out != nullptr) {
        out[at + j] = e;
      }
      sum = add_rn(sum, e);
    }
    return lanes.sum(sum);
  }

  // The sum of (x - shift) y.
  WEFT_METHOD T dot(const T* x, T shift, const T* y, RowLanes<T> lanes) const {
    T sum = 0;
    for (u64 j = lane; j < columns; j += WEFT_LANES) {
      sum = fma_rn(sub_rn(x[at + j], shift), y[at + j], sum);
    }
    return lanes.sum(sum);
  }

  // The sum of x - shift.
  WEFT_METHOD T sum(const T* x, T shift, RowLanes<T> lanes) const {
    T sum = 0;
    for (u64 j = lane; j < columns; j += WEFT_LANES) {
      sum = add_rn(sum, sub_rn(x[at + j], shift));
    }
    return lanes.sum(sum);
  }
};

// ln of a sum, in f64; NaN unless it is positive and finite.
WEFT_DEVICE double log_of_sum(double sum) {
  return sum > 0 && sum <= 0x1.fffffffffffffp1023 ? Maths<double>::log(sum).v : __longlong_as_double(0x7FF8000000000000ll);
}

// A number of f64 rounded to the type.
template <class T>
WEFT_DEVICE T rounded(double value);
template <>
WEFT_METHOD float rounded<float>(double value) { return __double2float_rn(value); }
template <>
WEFT_METHOD double rounded<double>(double value) { return value; }
