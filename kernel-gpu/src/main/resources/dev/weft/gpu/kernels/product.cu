// product.cu — matrix products in the CPU's order, and what cuBLAS is not asked for. Matrices lie anywhere, element (i, j) at
// i * rowStride + j * columnStride. No atomics: the bits do not depend on the grid.
#include "pack.cuh"

// Columns of A whose products are one chain of fma: Gemm.KC.
#define WEFT_CHAIN 256

// The tile of C of a block of 256 threads, 4 by 4 elements a thread, and the columns of A that are in shared memory at once.
#define WEFT_TILE 64
#define WEFT_DEPTH 16

struct Matrix {
  u64 batchStride, rowStride, columnStride;
};

static_assert(sizeof(Matrix) == 24, "layout");

// C = beta C; 0 whatever C held if beta is 0. A thread owns elements. The batch has `batch` matrices [rows, columns].
template <class T>
WEFT_DEVICE void scale(T* c, const Matrix& m, u64 batch, u64 rows, u64 columns, T beta) {
  for (u64 item = thread_index(); item < batch * rows * columns; item += thread_count()) {
    u64 row = item / columns;
    u64 index = row / rows;
    T* at = c + index * m.batchStride + (row - index * rows) * m.rowStride + (item - row * columns) * m.columnStride;
    *at = beta == 0 ? 0 : mul_rn(beta, *at);
  }
}

// f32 of f16, exact.
WEFT_DEVICE float widened_f16(u32 bits) {
  u32 magnitude = bits & 0x7FFFu;
  float value = mul_rn(__uint_as_float(magnitude << 13), 0x1p112f);
  if (magnitude >= 0x7C00u) {
    value = __uint_as_float(magnitude << 13 | 0x7F800000u);
  }
  return __uint_as_float(__float_as_uint(value) | (bits & 0x8000u) << 16);
}

struct F16Bits {
  unsigned short bits;
};

struct BF16Bits {
  unsigned short bits;
};

WEFT_DEVICE void convert(F16Bits x, float& to) { to = widened_f16(x.bits); }
WEFT_DEVICE void convert(BF16Bits x, float& to) { to = __uint_as_float((u32)x.bits << 16); }
WEFT_DEVICE void convert(float x, float& to) { to = x; }
WEFT_DEVICE void convert(double x, double& to) { to = x; }

// To nearest, ties to even; beyond the largest infinite.
WEFT_DEVICE void convert(float x, F16Bits& to) {
#ifdef __CUDACC__
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(to.bits) : "f"(x));
#else
  to.bits = x != x ? 0x7FFF : weft_half_bits(__float_as_uint(x));
#endif
}

WEFT_DEVICE void convert(float x, BF16Bits& to) {
#ifdef __CUDACC__
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(to.bits) : "f"(x));
#else
  u32 bits = __float_as_uint(x);
  to.bits = x != x ? 0x7FFF : (unsigned short)((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
#endif
}

template <class T>
struct alignas(4 * sizeof(T)) Quad {
  T v[4];
};

// Lines of `inner` elements, to another type, without gaps: line (b, o) begins at b * batchStride + o * outerStride.
template <class T, class From>
WEFT_DEVICE void copy(T* out, const From* in, u64 batch, u64 outer, u64 inner, u64 batchStride, u64 outerStride) {
  bool quads = (inner | batchStride | outerStride) % 4 == 0 && (u64)in % sizeof(Quad<From>) == 0 && (u64)out % sizeof(Quad<T>) == 0;
  u64 length = quads ? inner / 4 : inner;
  for (u64 item = thread_index(); item < batch * outer * length; item += thread_count()) {
    u64 line = quotient_of(item, length);
    u64 index = quotient_of(line, outer);
    const From* from = in + index * batchStride + (line - index * outer) * outerStride;
    u64 at = item - line * length;
    if (quads) {
      Quad<From> x = ((const Quad<From>*)from)[at];
      Quad<T> y;
#pragma unroll
      for (u32 i = 0; i < 4; i++) {
        convert(x.v[i], y.v[i]);
      }
      ((Quad<T>*)out)[item] = y;
    } else {
      convert(from[at], out[item]);
    }
  }
}

// C = alpha A B + beta C: for each 256 columns of A a chain of fma from 0, which is then added to C by one fma, as the CPU does it. A block
// owns tiles of C. 2 flop a byte of shared memory: not the fastest, but with the CPU's bits, and on every GPU.
template <class T>
WEFT_DEVICE void product(T* c, const T* a, const T* b, const Matrix& mc, const Matrix& ma, const Matrix& mb, u64 batch, u64 m, u64 n,
                         u64 k, T alpha, T beta, T (*as)[WEFT_TILE + 4], T (*bs)[WEFT_TILE + 4]) {
  u64 down = (m + WEFT_TILE - 1) / WEFT_TILE;
  u64 across = (n + WEFT_TILE - 1) / WEFT_TILE;
  u32 tx = threadIdx.x % 16;
  u32 ty = threadIdx.x / 16;
  for (u64 tile = blockIdx.x; tile < batch * down * across; tile += gridDim.x) {
    u64 strip = tile / across;
    u64 index = strip / down;
    u64 row = (strip - index * down) * WEFT_TILE;
    u64 column = (tile - strip * across) * WEFT_TILE;
    const T* ta = a + index * ma.batchStride + row * ma.rowStride;
    const T* tb = b + index * mb.batchStride + column * mb.columnStride;
    T* tc = c + index * mc.batchStride + row * mc.rowStride + column * mc.columnStride;
    T sum[4][4];
#pragma unroll
    for (u32 i = 0; i < 4; i++) {
#pragma unroll
      for (u32 j = 0; j < 4; j++) {
        u64 r = ty + 16 * i;
        u64 q = tx + 16 * j;
        bool old = beta != 0 && row + r < m && column + q < n;
        sum[i][j] = old ? mul_rn(beta, tc[r * mc.rowStride + q * mc.columnStride]) : 0;
      }
    }
    for (u64 chain = 0; chain < k; chain += WEFT_CHAIN) {
      u64 end = k - chain < WEFT_CHAIN ? k : chain + WEFT_CHAIN;
      T acc[4][4] = {};
      for (u64 first = chain; first < end; first += WEFT_DEPTH) {
        u32 depth = end - first < WEFT_DEPTH ? (u32)(end - first) : WEFT_DEPTH;
        __syncthreads();  // the last part has been read
#pragma unroll
        for (u32 i = 0; i < 4; i++) {  // neighbours read neighbours
          u32 item = threadIdx.x + 256 * i;
          u32 ar = ma.columnStride == 1 ? item / WEFT_DEPTH : item % WEFT_TILE;
          u32 ak = ma.columnStride == 1 ? item % WEFT_DEPTH : item / WEFT_TILE;
          as[ak][ar] = ak < depth && row + ar < m ? ta[ar * ma.rowStride + (first + ak) * ma.columnStride] : 0;
          u32 bc = mb.rowStride == 1 ? item / WEFT_DEPTH : item % WEFT_TILE;
          u32 bk = mb.rowStride == 1 ? item % WEFT_DEPTH : item / WEFT_TILE;
          bs[bk][bc] = bk < depth && column + bc < n ? tb[(first + bk) * mb.rowStride + bc * mb.columnStride] : 0;
        }
        __syncthreads();
#pragma unroll 2
        for (u32 l = 0; l < depth; l++) {
          T x[4];
          T y[4];
#pragma unroll
          for (u32 i = 0; i < 4; i++) {
            x[i] = as[l][ty + 16 * i];
            y[i] = bs[l][tx + 16 * i];
          }
#pragma unroll
          for (u32 i = 0; i < 4; i++) {
#pragma unroll
            for (u32 j = 0; j < 4; j++) {
              acc[i][j] = fma_rn(x[i], y[j], acc[i][j]);
            }
          }
        }
      }
      bool fresh = beta == 0 && chain == 0;
#pragma unroll
      for (u32 i = 0; i < 4; i++) {
#pragma unroll
        for (u32 j = 0; j < 4; j++) {
          sum[i][j] = fresh ? mul_rn(alpha, acc[i][j]) : fma_rn(alpha, acc[i][j], sum[i][j]);
        }
      }
    }
#pragma unroll
    for (u32 i = 0; i < 4; i++) {
#pragma unroll
      for (u32 j = 0; j < 4; j++) {
        u64 r = ty + 16 * i;
        u64 q = tx + 16 * j;
        if (row + r < m && column + q < n) {
          tc[r * mc.rowStride + q * mc.columnStride] = sum[i][j];
        }
      }
    }
  }
}

#define WEFT_PRODUCT(name, type)                                                                                                    \
  WEFT_KERNEL weft_scale_##name(type* c, const __grid_constant__ Matrix m, u64 batch, u64 rows, u64 columns, type beta) {           \
    scale<type>(c, m, batch, rows, columns, beta);                                                                                  \
  }                                                                                                                                 \
  WEFT_KERNEL weft_product_##name(type* c, const type* a, const type* b, const __grid_constant__ Matrix mc,                         \
                                  const __grid_constant__ Matrix ma, const __grid_constant__ Matrix mb, u64 batch, u64 m, u64 n,    \
                                  u64 k, type alpha, type beta) {                                                                   \
    __shared__ type as[WEFT_DEPTH][WEFT_TILE + 4];                                                                                  \
    __shared__ type bs[WEFT_DEPTH][WEFT_TILE + 4];                                                                                  \
    product<type>(c, a, b, mc, ma, mb, batch, m, n, k, alpha, beta, as, bs);                                                        \
  }

WEFT_PRODUCT(f32, float)
WEFT_PRODUCT(f64, double)

#define WEFT_COPY(name, type, from)                                                                                                 \
  WEFT_KERNEL weft_copy_##name(type* out, const from* in, u64 batch, u64 outer, u64 inner, u64 batchStride, u64 outerStride) {      \
    copy<type, from>(out, in, batch, outer, inner, batchStride, outerStride);                                                       \
  }

WEFT_COPY(f32, float, float)
WEFT_COPY(f64, double, double)
WEFT_COPY(f16, float, F16Bits)
WEFT_COPY(bf16, float, BF16Bits)
WEFT_COPY(to_f16, F16Bits, float)
WEFT_COPY(to_bf16, BF16Bits, float)
