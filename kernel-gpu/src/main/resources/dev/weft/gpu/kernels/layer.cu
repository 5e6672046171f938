// layer.cu — the operations of layers beside their products. One-dimensional grids and blocks; threads own elements, columns or lanes of
// rows, grid-stride. No local memory, no atomics: the bits are the CPU's, for any grid.
#include "activation.cuh"
#include "pack.cuh"
#include "rows.cuh"

// Rows whose sum begins with 0 before it is added to that of the rows before: Gemm.KC.
#define WEFT_SUMMED_ROWS 256

// Functions whose values and derivatives are one comparison: elements of a pack are computed side by side, others one after another.
WEFT_DEVICE bool is_plain(u32 kind) { return kind <= LEAKY_RELU; }

template <class T>
WEFT_DEVICE T plain_value(u32 kind, T x, T alpha) {
  T below = kind == LINEAR ? x : kind == RELU ? 0 : mul_rn(alpha, x);
  return x < 0 ? below : x;
}

template <class T>
WEFT_DEVICE T plain_derivative(u32 kind, T saved, T alpha) {
  T below = kind == LINEAR ? 1 : kind == RELU ? 0 : alpha;
  return saved > 0 ? 1 : below;
}

// z = in + bias, out = f(z) + residual, for a row-major matrix. bias is one element a column; it, z and residual may be null, out may be in.
// Reads and writes an element of each.
template <class T>
struct Activate {
  T* out;
  const T* in;
  T* z;
  const T* bias;
  const T* residual;
  u64 columns;
  u32 kind;
  T alpha;
  Items<T> items;
  bool biasPacks;  // a pack has the columns of one row, and so of one pack of bias

  WEFT_METHOD void finish(u64 item, Pack<T> x) const {
    constexpr u32 SIZE = Pack<T>::SIZE;
    u64 at = items.at(item);
    u32 size = items.size(item);
    Pack<T> r = {};
    if (residual != nullptr) {
      r = items.load(residual, item);
    }
    u64 column = bias == nullptr ? 0 : remainder_of(at, columns);
    Pack<T> b = {};
    if (biasPacks && size == SIZE) {
      b = *(const Pack<T>*)(bias + column);
    }
    Pack<T> kept = {};
    if (is_plain(kind) && size == SIZE && (bias == nullptr || biasPacks)) {
#pragma unroll
      for (u32 i = 0; i < SIZE; i++) {
        T v = bias == nullptr ? x.v[i] : add_rn(x.v[i], b.v[i]);
        kept.v[i] = v;
        v = plain_value(kind, v, alpha);
        x.v[i] = residual == nullptr ? v : add_rn(v, r.v[i]);
      }
    } else {
#pragma unroll 1
      for (u32 i = 0; i < size; i++) {
        T v = x.v[0];
        if (bias != nullptr) {
          v = add_rn(v, biasPacks && size == SIZE ? b.v[0] : bias[column]);
          column = column + 1 == columns ? 0 : column + 1;
        }
        kept.turn(v);
        v = Activation<T>::value(kind, v, alpha).v;
        x.turn(residual == nullptr ? v : add_rn(v, r.v[0]));
        r.turn(0);
        b.turn(0);
      }
    }
    if (z != nullptr) {
      items.store(z, item, kept);
    }
    items.store(out, item, x);
  }

  WEFT_METHOD void run() const {
    u64 step = thread_count();
    for (u64 item = thread_index(); item < items.count; item += 2 * step) {
      u64 other = item + step;  // two are read before the first is used
      u32 count = other < items.count ? 2 : 1;
      Pack<T> first = items.load(in, item);
      Pack<T> second = {};
      if (count == 2) {
        second = items.load(in, other);
      }
#pragma unroll 1
      for (u32 i = 0; i < count; i++) {
        finish(i == 0 ? item : other, first);
        first = second;
      }
    }
  }
};

template <class T>
WEFT_DEVICE void activate(T* out, const T* in, T* z, const T* bias, const T* residual, u64 count, u64 columns, u32 kind, T alpha) {
  Items<T> items(count, (u64)out | (u64)in | (u64)z | (u64)residual);
  bool biasPacks = bias != nullptr && ((u64)bias & 15) == 0 && columns % Pack<T>::SIZE == 0;
  Activate<T>{out, in, z, bias, residual, columns, kind, alpha, items, biasPacks}.run();
}

// dz[i] = dy[i] f'(saved[i]); dz may be dy. Reads two elements and writes one.
template <class T>
WEFT_DEVICE void activate_gradient(T* dz, const T* dy, const T* saved, u64 count, u32 kind, T alpha) {
  Items<T> items(count, (u64)dz | (u64)dy | (u64)saved);
  for (u64 item = thread_index(); item < items.count; item += thread_count()) {
    u32 size = items.size(item);
    Pack<T> d = items.load(dy, item);
    Pack<T> s = items.load(saved, item);
    if (is_plain(kind) && size == Pack<T>::SIZE) {
#pragma unroll
      for (u32 i = 0; i < Pack<T>::SIZE; i++) {
        d.v[i] = mul_rn(d.v[i], plain_derivative(kind, s.v[i], alpha));
      }
    } else {
#pragma unroll 1
      for (u32 i = 0; i < size; i++) {
        d.turn(mul_rn(d.v[0], Activation<T>::derivative(kind, s.v[0], alpha).v));
        s.turn(0);
      }
    }
    items.store(dz, item, d);
  }
}

// The same, and the sums of dz's columns, block of rows by block: a thread owns a column of a block. sums[b][j] is that of column j of
// block b; where there is one block, db is written instead, or added to. saved is not read if f is linear.
template <class T>
WEFT_DEVICE void gradient_sums(T* dz, const T* dy, const T* saved, T* sums, T* db, u64 rows, u64 columns, u32 kind, T alpha,
                               u32 accumulate) {
  u64 blocks = (rows + WEFT_SUMMED_ROWS - 1) / WEFT_SUMMED_ROWS;
  constexpr u32 STEP = 8;  // rows on their way at once
  bool linear = kind == LINEAR;
  bool plain = is_plain(kind);
  for (u64 item = thread_index(); item < blocks * columns; item += thread_count()) {
    u64 block = item / columns;
    u64 column = item - block * columns;
    u64 end = block + 1 == blocks ? rows : (block + 1) * WEFT_SUMMED_ROWS;
    T sum = 0;
    for (u64 row = block * WEFT_SUMMED_ROWS; row < end; row += STEP) {
      u64 at = row * columns + column;
      u32 size = end - row < STEP ? (u32)(end - row) : (u32)STEP;
      Several<T, STEP> d = {};
      Several<T, STEP> s = {};
#pragma unroll
      for (u32 i = 0; i < STEP; i++) {
        if (i < size) {
          d.v[i] = dy[at + i * columns];
          s.v[i] = linear ? 0 : saved[at + i * columns];
        }
      }
      if (plain && size == STEP) {
#pragma unroll
        for (u32 i = 0; i < STEP; i++) {
          T v = mul_rn(d.v[i], plain_derivative(kind, s.v[i], alpha));
          if (!linear || dz != dy) {
            dz[at + i * columns] = v;
          }
          sum = add_rn(sum, v);
        }
      } else {
#pragma unroll 1
        for (u32 i = 0; i < size; i++) {
          T v = linear ? d.v[0] : mul_rn(d.v[0], Activation<T>::derivative(kind, s.v[0], alpha).v);
          if (!linear || dz != dy) {
            dz[at + i * columns] = v;
          }
          sum = add_rn(sum, v);
          d.turn(0);
          s.turn(0);
        }
      }
    }
    if (blocks == 1) {
      db[column] = accumulate != 0 ? add_rn(db[column], sum) : sum;
    } else {
      sums[item] = sum;
    }
  }
}

// db[j] = sums[0][j] + sums[1][j] + ..., or that added to it block by block; a thread owns a column.
template <class T>
WEFT_DEVICE void sum_blocks(T* db, const T* sums, u64 blocks, u64 columns, u32 accumulate) {
  for (u64 column = thread_index(); column < columns; column += thread_count()) {
    bool first = accumulate == 0 && blocks != 0;
    T sum = first ? sums[column] : accumulate != 0 ? db[column] : 0;
    for (u64 block = first ? 1 : 0; block < blocks; block++) {
      sum = add_rn(sum, sums[block * columns + column]);
    }
    db[column] = sum;
  }
}

// SoftmaxTask.Pass; NnLaunch has these numbers.
enum SoftmaxPass : u32 { SOFTMAX, LOG_SOFTMAX, SOFTMAX_GRADIENT, LOG_SOFTMAX_GRADIENT };

// Softmax of rows, its logarithm, and their gradients from y and dy; out may be x or dy. Reads x three times, or x and dy twice.
template <class T>
WEFT_DEVICE void softmax(T* out, const T* x, const T* dy, u64 rows, u64 columns, u32 pass, T* shared) {
  RowLanes<T> lanes{shared};
  u64 together = blockDim.x / WEFT_LANES;
  for (u64 first = blockIdx.x * together; first < rows; first += gridDim.x * together) {
    Row<T> row(first + threadIdx.x / WEFT_LANES, rows, columns);
    if (pass == SOFTMAX) {
      T max = row.max(x, lanes);
      T sum = row.exp_sum(x, max, out, lanes);
      T factor = rounded<T>(div_rn(1.0, (double)sum));
      for (u64 j = row.lane; j < row.columns; j += WEFT_LANES) {
        out[row.at + j] = mul_rn(out[row.at + j], factor);
      }
    } else if (pass == LOG_SOFTMAX) {
      T max = row.max(x, lanes);
      T sum = row.exp_sum(x, max, nullptr, lanes);
      T log = rounded<T>(log_of_sum(sum));
      for (u64 j = row.lane; j < row.columns; j += WEFT_LANES) {
        out[row.at + j] = sub_rn(sub_rn(x[row.at + j], max), log);
      }
    } else if (pass == SOFTMAX_GRADIENT) {
      T dot = row.dot(x, 0, dy, lanes);
      for (u64 j = row.lane; j < row.columns; j += WEFT_LANES) {
        out[row.at + j] = mul_rn(sub_rn(dy[row.at + j], dot), x[row.at + j]);
      }
    } else {
      T sum = row.sum(dy, 0, lanes);
      for (u64 j = row.lane; j < row.columns; j += WEFT_LANES) {
        T e = Maths<T>::exp(x[row.at + j]).v;
        out[row.at + j] = fma_rn(-sum, e, dy[row.at + j]);
      }
    }
  }
}

#define WEFT_LAYER(name, type)                                                                                                      \
  WEFT_KERNEL weft_activate_##name(type* out, const type* in, type* z, const type* bias, const type* residual, u64 count,           \
                                   u64 columns, u32 kind, type alpha) {                                                             \
    activate<type>(out, in, z, bias, residual, count, columns, kind, alpha);                                                        \
  }                                                                                                                                 \
  WEFT_KERNEL weft_activate_gradient_##name(type* dz, const type* dy, const type* saved, u64 count, u32 kind, type alpha) {         \
    activate_gradient<type>(dz, dy, saved, count, kind, alpha);                                                                     \
  }                                                                                                                                 \
  WEFT_KERNEL weft_gradient_sums_##name(type* dz, const type* dy, const type* saved, type* sums, type* db, u64 rows, u64 columns,   \
                                        u32 kind, type alpha, u32 accumulate) {                                                     \
    gradient_sums<type>(dz, dy, saved, sums, db, rows, columns, kind, alpha, accumulate);                                           \
  }                                                                                                                                 \
  WEFT_KERNEL weft_sum_blocks_##name(type* db, const type* sums, u64 blocks, u64 columns, u32 accumulate) {                         \
    sum_blocks<type>(db, sums, blocks, columns, accumulate);                                                                        \
  }                                                                                                                                 \
  WEFT_KERNEL weft_softmax_##name(type* out, const type* x, const type* dy, u64 rows, u64 columns, u32 pass) {                      \
    __shared__ type shared[WEFT_ROW_THREADS];                                                                                       \
    softmax<type>(out, x, dy, rows, columns, pass, shared);                                                                         \
  }

WEFT_LAYER(f32, float)
WEFT_LAYER(f64, double)
