// fake_cublas.cpp — a stand-in for libcublas.so.12 beside fake_driver.cpp: as much of it as the backend calls, by plain loops. Like the
// real one it finds the driver by its name, needs a current context, forgets its workspace when its stream is set, and works on that
// stream. Matrices are stored by columns.
#include <dlfcn.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>

namespace {

constexpr int NOT_INITIALIZED = 1, INVALID_VALUE = 7, MAPPING_ERROR = 11, EXECUTION_FAILED = 13, NOT_SUPPORTED = 15;
constexpr int IGNORED = -1, FLIPPED = -2;  // planted by a test: says success and does nothing, or takes the other operation
constexpr int LEFT = 0, LOWER = 0, N = 0, NON_UNIT = 0;

struct Handle {
  void* stream = nullptr;
  bool workspace = false;
};

std::recursive_mutex lock;
std::set<Handle*> handles;
std::map<std::string, long> calls;
std::string failing;
int fail_after = 0;
int fail_status = 0;

template <class F>
F driver(const char* name) {
  static void* library = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
  return library == nullptr ? nullptr : (F)dlsym(library, name);
}

int enter(const char* call, Handle* handle) {
  calls[call]++;
  if (failing == call && fail_after-- <= 0) {
    return fail_status;
  }
  if (handle != nullptr && handles.count(handle) == 0) {
    return NOT_INITIALIZED;
  }
  auto get_current = driver<int (*)(void**)>("cuCtxGetCurrent");
  void* context = nullptr;
  return get_current == nullptr || get_current(&context) != 0 || context == nullptr ? NOT_INITIALIZED : 0;
}

bool on_device(const void* at, int64_t elements, int64_t size) {
  return driver<int (*)(const char*, size_t)>("fake_on_device")((const char*)at, (size_t)(elements * size)) != 0;
}

bool on_device(const double* at, int64_t rows, int64_t columns, int64_t ld) { return on_device(at, ld * (columns - 1) + rows, 8); }

void run(void* data) {
  auto* work = static_cast<std::function<void()>*>(data);
  (*work)();
  delete work;
}

void run_again(void* data) { (*static_cast<std::function<void()>*>(data))(); }

int launch(Handle* handle, std::function<void()> work) {
  if (handle->stream == nullptr || !handle->workspace) {
    return EXECUTION_FAILED;  // it would not wait for weft's stream, or allocate on its own
  }
  auto later = driver<int (*)(void*, void (*)(void*), void*)>("cuLaunchHostFunc");
  bool recorded = driver<int (*)(void*)>("fake_is_capturing")(handle->stream) != 0;  // then it stays for ever
  return later(handle->stream, recorded ? run_again : run, new std::function<void()>(std::move(work))) == 0 ? 0 : EXECUTION_FAILED;
}

}  // namespace

namespace {

constexpr int F32 = 0, F64 = 1, F16 = 2, BF16 = 14;  // cudaDataType
constexpr int SUMS_F32 = 68, SUMS_F64 = 70, FAST_F16 = 74, FAST_BF16 = 75, FAST_TF32 = 77;  // cublasComputeType_t

int64_t bytes_of(int type) { return type == F64 ? 8 : type == F32 ? 4 : 2; }

float of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

double element(int type, const void* of, int64_t at) {
  if (type == F64) {
    return static_cast<const double*>(of)[at];
  }
  if (type == F32) {
    return static_cast<const float*>(of)[at];
  }
  uint32_t bits = static_cast<const uint16_t*>(of)[at];
  if (type == BF16) {
    return of_bits(bits << 16);
  }
  uint32_t exponent = bits >> 10 & 31;
  uint32_t fraction = bits & 1023;
  double size = exponent == 31 ? (fraction == 0 ? INFINITY : NAN)
                : exponent == 0 ? ldexp(fraction, -24)
                                : ldexp(1024 + fraction, (int)exponent - 25);
  return bits >> 15 != 0 ? -size : size;
}

// To so many significant bits, the nearest, ties to even.
double rounded(double x, int bits) {
  if (x == 0 || !std::isfinite(x)) {
    return x;
  }
  int exponent;
  frexp(x, &exponent);
  return ldexp(nearbyint(ldexp(x, bits - exponent)), exponent - bits);
}

double rounded(int sums, double x) {
  switch (sums) {
    case FAST_TF32: return rounded(x, 11);
    case FAST_F16: return fabs(x) > 65504 ? copysign(INFINITY, x) : rounded(x, 11);
    case FAST_BF16: return rounded(x, 8);
    default: return x;
  }
}

// Sums of even and of odd terms: another order than any of weft's.
template <class S>
void multiply(bool a_columns, bool b_columns, int64_t m, int64_t n, int64_t k, S alpha, const void* a, int type, int64_t lda, const void* b,
              int64_t ldb, S beta, S* c, int64_t ldc, int sums) {
  for (int64_t j = 0; j < n; j++) {
    for (int64_t i = 0; i < m; i++) {
      S sum[2] = {0, 0};
      for (int64_t l = 0; l < k; l++) {
        double x = rounded(sums, element(type, a, a_columns ? i + l * lda : l + i * lda));
        double y = rounded(sums, element(type, b, b_columns ? l + j * ldb : j + l * ldb));
        sum[l % 2] += (S)x * (S)y;
      }
      S old = beta == 0 ? 0 : beta * c[i + j * ldc];  // what C held does not count if beta is 0
      c[i + j * ldc] = alpha * (sum[0] + sum[1]) + old;
    }
  }
}

int gemm(int status, Handle* handle, int opa, int opb, int64_t m, int64_t n, int64_t k, const void* alpha, const void* a, int type,
         int64_t lda, int64_t stride_a, const void* b, int64_t ldb, int64_t stride_b, const void* beta, void* c, int type_c, int64_t ldc,
         int64_t stride_c, int64_t batch, int sums) {
  opa = status == FLIPPED ? 1 - opa : opa;
  int64_t a_rows = opa == N ? m : k, a_columns = opa == N ? k : m;
  int64_t b_rows = opb == N ? k : n, b_columns = opb == N ? n : k;
  if (m <= 0 || n <= 0 || k <= 0 || batch <= 0 || lda < a_rows || ldb < b_rows || ldc < m || stride_a < 0 || stride_b < 0 ||
      (batch > 1 && stride_c < ldc * (n - 1) + m)) {
    return INVALID_VALUE;
  }
  bool f64 = sums == SUMS_F64;
  bool fast = sums == FAST_F16 || sums == FAST_BF16 || sums == FAST_TF32;
  if (f64 ? type != F64 || type_c != F64
          : type_c != F32 || (fast ? type != F32 : sums != SUMS_F32 || (type != F32 && type != F16 && type != BF16))) {
    return NOT_SUPPORTED;
  }
  int64_t size = bytes_of(type), size_c = bytes_of(type_c);
  if (!on_device(a, stride_a * (batch - 1) + lda * (a_columns - 1) + a_rows, size) ||
      !on_device(b, stride_b * (batch - 1) + ldb * (b_columns - 1) + b_rows, size) ||
      !on_device(c, stride_c * (batch - 1) + ldc * (n - 1) + m, size_c)) {
    return MAPPING_ERROR;
  }
  double factor = element(f64 ? F64 : F32, alpha, 0), old = element(f64 ? F64 : F32, beta, 0);
  return launch(handle, [=] {
    for (int64_t i = 0; i < batch; i++) {
      const char* left = (const char*)a + i * stride_a * size;
      const char* right = (const char*)b + i * stride_b * size;
      char* out = (char*)c + i * stride_c * size_c;
      if (f64) {
        multiply<double>(opa == N, opb == N, m, n, k, factor, left, type, lda, right, ldb, old, (double*)out, ldc, sums);
      } else {
        multiply<float>(opa == N, opb == N, m, n, k, (float)factor, left, type, lda, right, ldb, (float)old, (float*)out, ldc, sums);
      }
    }
  });
}

}  // namespace

#define CALL(name, handle)                                 \
  std::lock_guard<std::recursive_mutex> guard(lock);       \
  int status = enter(name, handle);                        \
  if (status != 0 && status != FLIPPED) return status == IGNORED ? 0 : status

extern "C" {

// What tests set and ask.

long fake_cublas_reset() {
  std::lock_guard<std::recursive_mutex> guard(lock);
  failing.clear();
  calls.clear();
  return 0;
}
long fake_cublas_fail(const char* call, int after, int status) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  failing = call;
  fail_after = after;
  fail_status = status;
  return 0;
}
long fake_cublas_calls(const char* call) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  return calls[call];
}
long fake_cublas_held() {
  std::lock_guard<std::recursive_mutex> guard(lock);
  return (long)handles.size();
}
long fake_cublas_forget() {
  std::lock_guard<std::recursive_mutex> guard(lock);
  for (Handle* handle : handles) {
    delete handle;
  }
  handles.clear();
  return 0;
}

// cuBLAS.

int cublasCreate_v2(Handle** handle) {
  CALL("cublasCreate", nullptr);
  *handle = new Handle;
  handles.insert(*handle);
  return 0;
}
int cublasDestroy_v2(Handle* handle) {
  CALL("cublasDestroy", handle);
  handles.erase(handle);
  delete handle;
  return 0;
}
int cublasSetStream_v2(Handle* handle, void* stream) {
  CALL("cublasSetStream", handle);
  handle->stream = stream;
  handle->workspace = false;
  return 0;
}
int cublasSetWorkspace_v2(Handle* handle, const double* workspace, size_t bytes) {
  CALL("cublasSetWorkspace", handle);
  if ((uintptr_t)workspace % 256 != 0 || !on_device(workspace, (int64_t)(bytes / 8), 1, 0)) {
    return INVALID_VALUE;
  }
  handle->workspace = true;
  return 0;
}

// A triangle of C [n, n] becomes alpha op(A) op(A)^T + beta C; the other is not touched.
int cublasDsyrk_v2_64(Handle* handle, int uplo, int trans, int64_t n, int64_t k, const double* alpha, const double* a, int64_t lda,
                      const double* beta, double* c, int64_t ldc) {
  CALL("cublasDsyrk", handle);
  trans = status == FLIPPED ? 1 - trans : trans;
  int64_t rows = trans == N ? n : k;
  int64_t columns = trans == N ? k : n;
  if (n < 0 || k < 0 || lda < rows || ldc < n) {
    return INVALID_VALUE;
  }
  if (!on_device(a, rows, columns, lda) || !on_device(c, n, n, ldc)) {
    return MAPPING_ERROR;
  }
  return launch(handle, [=, alpha = *alpha, beta = *beta] {
    int64_t down = trans == N ? 1 : lda;
    int64_t across = trans == N ? lda : 1;
    for (int64_t j = 0; j < n; j++) {
      int64_t from = uplo == LOWER ? j : 0;
      int64_t to = uplo == LOWER ? n : j + 1;
      for (int64_t i = from; i < to; i++) {
        c[i + j * ldc] = beta == 0 ? 0 : beta * c[i + j * ldc];  // what C held does not count if beta is 0
      }
      for (int64_t l = 0; l < k; l++) {
        double factor = alpha * a[j * down + l * across];
        for (int64_t i = from; i < to; i++) {
          c[i + j * ldc] += a[i * down + l * across] * factor;
        }
      }
    }
  });
}

// B [m, n] becomes alpha op(A)^-1 B, or alpha B op(A)^-1, A a triangle.
int cublasDtrsm_v2_64(Handle* handle, int side, int uplo, int trans, int diag, int64_t m, int64_t n, const double* alpha,
                      const double* a, int64_t lda, double* b, int64_t ldb) {
  CALL("cublasDtrsm", handle);
  trans = status == FLIPPED ? 1 - trans : trans;
  int64_t order = side == LEFT ? m : n;
  if (m < 0 || n < 0 || lda < order || ldb < m) {
    return INVALID_VALUE;
  }
  if (!on_device(a, order, order, lda) || !on_device(b, m, n, ldb)) {
    return MAPPING_ERROR;
  }
  return launch(handle, [=, alpha = *alpha] {
    auto op = [=](int64_t i, int64_t j) { return i == j && diag != NON_UNIT ? 1 : trans == N ? a[i + j * lda] : a[j + i * lda]; };
    bool lower = (uplo == LOWER) == (trans == N);  // op(A)
    for (int64_t j = 0; j < n; j++) {
      for (int64_t i = 0; i < m; i++) {
        b[i + j * ldb] *= alpha;
      }
    }
    if (side == LEFT) {
      for (int64_t j = 0; j < n; j++) {
        double* x = b + j * ldb;
        for (int64_t step = 0; step < m; step++) {
          int64_t k = lower ? step : m - 1 - step;
          x[k] /= op(k, k);
          for (int64_t i = lower ? k + 1 : 0; i < (lower ? m : k); i++) {
            x[i] -= x[k] * op(i, k);
          }
        }
      }
    } else {
      for (int64_t step = 0; step < n; step++) {
        int64_t j = lower ? n - 1 - step : step;
        for (int64_t k = lower ? j + 1 : 0; k < (lower ? n : j); k++) {
          for (int64_t i = 0; i < m; i++) {
            b[i + j * ldb] -= b[i + k * ldb] * op(k, j);
          }
        }
        for (int64_t i = 0; i < m; i++) {
          b[i + j * ldb] /= op(j, j);
        }
      }
    }
  });
}

// C [m, n] becomes alpha op(A) op(B) + beta C.
int cublasGemmEx_64(Handle* handle, int opa, int opb, int64_t m, int64_t n, int64_t k, const void* alpha, const void* a, int type_a,
                    int64_t lda, const void* b, int type_b, int64_t ldb, const void* beta, void* c, int type_c, int64_t ldc, int sums,
                    int algorithm) {
  CALL("cublasGemmEx", handle);
  if (type_a != type_b || algorithm != -1) {
    return NOT_SUPPORTED;
  }
  return gemm(status, handle, opa, opb, m, n, k, alpha, a, type_a, lda, 0, b, ldb, 0, beta, c, type_c, ldc, 0, 1, sums);
}

// The same of f32.
int cublasSgemm_v2_64(Handle* handle, int opa, int opb, int64_t m, int64_t n, int64_t k, const float* alpha, const float* a, int64_t lda,
                      const float* b, int64_t ldb, const float* beta, float* c, int64_t ldc) {
  CALL("cublasSgemm", handle);
  return gemm(status, handle, opa, opb, m, n, k, alpha, a, F32, lda, 0, b, ldb, 0, beta, c, F32, ldc, 0, 1, SUMS_F32);
}

// The same for every matrix of a batch.
int cublasGemmStridedBatchedEx_64(Handle* handle, int opa, int opb, int64_t m, int64_t n, int64_t k, const void* alpha, const void* a,
                                  int type_a, int64_t lda, int64_t stride_a, const void* b, int type_b, int64_t ldb, int64_t stride_b,
                                  const void* beta, void* c, int type_c, int64_t ldc, int64_t stride_c, int64_t batch, int sums,
                                  int algorithm) {
  CALL("cublasGemmStridedBatchedEx", handle);
  if (type_a != type_b || algorithm != -1) {
    return NOT_SUPPORTED;
  }
  return gemm(status, handle, opa, opb, m, n, k, alpha, a, type_a, lda, stride_a, b, ldb, stride_b, beta, c, type_c, ldc, stride_c, batch,
              sums);
}

}  // extern "C"
