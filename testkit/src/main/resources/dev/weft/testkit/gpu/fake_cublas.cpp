// fake_cublas.cpp — a stand-in for libcublas.so.12 beside fake_driver.cpp: as much of it as the backend calls, by plain loops. Like the
// real one it finds the driver by its name, needs a current context, forgets its workspace when its stream is set, and works on that
// stream. Matrices are stored by columns.
#include <dlfcn.h>

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>

namespace {

constexpr int NOT_INITIALIZED = 1, INVALID_VALUE = 7, MAPPING_ERROR = 11, EXECUTION_FAILED = 13;
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

bool on_device(const double* at, int64_t rows, int64_t columns, int64_t ld) {
  return driver<int (*)(const char*, size_t)>("fake_on_device")((const char*)at, (size_t)(ld * (columns - 1) + rows) * 8) != 0;
}

void run(void* data) {
  auto* work = static_cast<std::function<void()>*>(data);
  (*work)();
  delete work;
}

int launch(Handle* handle, std::function<void()> work) {
  if (handle->stream == nullptr || !handle->workspace) {
    return EXECUTION_FAILED;  // it would not wait for weft's stream, or allocate on its own
  }
  auto later = driver<int (*)(void*, void (*)(void*), void*)>("cuLaunchHostFunc");
  return later(handle->stream, run, new std::function<void()>(std::move(work))) == 0 ? 0 : EXECUTION_FAILED;
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

}  // extern "C"
