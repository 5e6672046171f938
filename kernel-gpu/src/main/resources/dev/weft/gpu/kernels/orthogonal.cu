// orthogonal.cu — what an orthogonal fill needs beside cuBLAS: Cholesky QR twice in f64, dev.weft.gpu.blas.CholeskyQr.
//
// A is m x n by rows, m >= n; G = A^T A is n x n by columns, its lower triangle alone. One-dimensional grids and blocks. No local memory.
#include "ieee.cuh"
#include "plan.cuh"
#include "store.cuh"
#include "stream.cuh"

// WEFT_CHOLESKY: threads of the block that factors, and most columns that it takes. OrthogonalLaunch.BLOCK.
#define WEFT_CHOLESKY 64

// Where elements of a tensor come from in Q [rows, columns], by rows; OrthogonalPlan.java writes it. Element e of the tensor is at
// tap (e / inner) % taps, and within its tap number (e / (inner * taps)) * inner + e % inner. Taps other than `centre` are 0. Number k is
// element k of Q, or of its transpose, times gain.
struct OrthogonalPlan {
  u64 inner, taps, centre;  // offsets 0, 8, 16
  u64 rows, columns;        // 24, 32
  u64 transposed;           // 40: 0 or 1
  double gain;              // 48
};

static_assert(sizeof(OrthogonalPlan) == 56, "layout");

// Normals of f32 to f64, which is exact. Reads 4 bytes and writes 8 an element.
WEFT_KERNEL weft_orthogonal_widen(double* out, const float* in, u64 count) {
  for (u64 i = thread_index(); i < count; i += thread_count()) {
    out[i] = (double)in[i];
  }
}

// The lower triangle of a block [n, n] of G, n <= 64, becomes L, G = L L^T. One block of 64 threads: thread i owns row i, which lies in
// shared memory with the others'; what is above the diagonal is neither read nor written. A pivot that is not positive, a NaN too, sets
// `failed` to 1, and what follows is NaN. n^3 / 3 flop, two barriers a column.
extern "C" __global__ void __launch_bounds__(WEFT_CHOLESKY)
    weft_orthogonal_cholesky(double* g, u64 ld, u32 n, u32* failed) {
  __shared__ double row[WEFT_CHOLESKY][WEFT_CHOLESKY + 1];  // odd, so that a column takes all banks in turn
  u32 i = threadIdx.x;
  bool owner = i < n;
  for (u32 j = 0; owner && j <= i; j++) {
    row[i][j] = g[i + j * ld];
  }
  for (u32 j = 0; j < n; j++) {
    __syncthreads();  // row j is updated
    double pivot = row[j][j];
    double diagonal = sqrt_rn(pivot);
    double mine = 0;
    if (owner && i > j) {
      mine = div_rn(row[i][j], diagonal);
      row[i][j] = mine;
    }
    __syncthreads();  // column j is L's, and everyone has the pivot
    if (i == j) {
      row[j][j] = diagonal;
      if (!(pivot > 0)) {
        *failed = 1;
      }
    }
    for (u32 k = j + 1; owner && k <= i; k++) {
      row[i][k] = fma_rn(-mine, row[k][j], row[i][k]);
    }
  }
  for (u32 j = 0; owner && j <= i; j++) {
    g[i + j * ld] = row[i][j];
  }
}

// Sets `failed` to 1 if an element of G - I, of the lower triangle [n, n], is not within [-most, most]; a NaN is not. Reads 8 bytes an
// element.
WEFT_KERNEL weft_orthogonal_check(const double* g, u64 n, double most, u32* failed) {
  for (u64 item = thread_index(); item < n * n; item += thread_count()) {
    u64 column = item / n;
    u64 i = item - column * n;
    double error = i < column ? 0 : sub_rn(g[item], i == column ? 1 : 0);
    if (!(error <= most && error >= -most)) {
      *failed = 1;
    }
  }
}

// gain * q rounded once to f32 and kept within [-most, most], then to 16 bits; as the CPU rounds what it has in f32.
WEFT_DEVICE u32 rounded32(double value, float most) {
  return __float_as_uint(at_most(at_least(__double2float_rn(value), -most), most));
}

struct RoundedF32 {
  enum { BYTES = 4 };
  WEFT_DEVICE u64 bits(double value) { return rounded32(value, 0x1.fffffep127f); }
};

struct RoundedF64 {
  enum { BYTES = 8 };
  WEFT_DEVICE u64 bits(double value) {
    return (u64)__double_as_longlong(at_most(at_least(value, -0x1.fffffffffffffp1023), 0x1.fffffffffffffp1023));
  }
};

struct RoundedF16 {
  enum { BYTES = 2 };
  WEFT_DEVICE u64 bits(double value) { return halves_f16(rounded32(value, 65504.0f), 0) & 0xFFFFu; }
};

struct RoundedBF16 {
  enum { BYTES = 2 };
  WEFT_DEVICE u64 bits(double value) { return rounded_bf16(rounded32(value, 0x1.fep127f)) >> 16; }
};

// Elements first .. first + count - 1 of a region. A thread owns an element: it reads 8 bytes, `columns` doubles apart where Q is transposed,
// and writes one.
template <class T>
WEFT_DEVICE void write(char* out, const FillPlan& p, const OrthogonalPlan& o, const double* q, u64 first, u64 count) {
  for (u64 item = thread_index(); item < count; item += thread_count()) {
    u64 r = p.runs == 1 ? 0 : (first + item) / p.run;
    u64 e = run_start(p, r) + (first + item - r * p.run);
    u64 outer = e / o.inner;
    u64 group = outer / o.taps;
    double value = 0;
    if (outer - group * o.taps == o.centre) {
      u64 k = group * o.inner + (e - outer * o.inner);
      if (o.transposed != 0) {
        u64 column = k / o.rows;
        k = (k - column * o.rows) * o.columns + column;
      }
      value = mul_rn(o.gain, q[k]);
    }
    put<T::BYTES>(out + item * T::BYTES, T::bits(value));
  }
}

#define WEFT_WRITE(name, type)                                                                                              \
  WEFT_KERNEL weft_orthogonal_##name(char* out, const __grid_constant__ FillPlan plan,                                      \
                                     const __grid_constant__ OrthogonalPlan matrix, const double* q, u64 first, u64 count) { \
    write<type>(out, plan, matrix, q, first, count);                                                                        \
  }

WEFT_WRITE(f32, RoundedF32)
WEFT_WRITE(f64, RoundedF64)
WEFT_WRITE(f16, RoundedF16)
WEFT_WRITE(bf16, RoundedBF16)
