// What cuBLAS takes for C = A·B of weft's sizes, called from C: the yardstick of GpuGemm….
//
//   nvcc -O3 -arch=native cublas_gemm.cu -lcublas -o cublas_gemm && ./cublas_gemm [N [ROUNDS]]
//
// N is 8192 if not given. Matrices hold random numbers of (-1, 1): a GPU multiplies zeros faster.
// Like weft it has one stream and a workspace of 32 MiB. Each line is the median of ROUNDS (7)
// rounds of at least 200 ms, timed by events, and the best one.

#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#define CUDA(call)                                                                 \
  do {                                                                             \
    cudaError_t status = (call);                                                   \
    if (status != cudaSuccess) {                                                   \
      std::fprintf(stderr, "%s: %s\n", #call, cudaGetErrorString(status));         \
      std::exit(1);                                                                \
    }                                                                              \
  } while (0)

#define CUBLAS(call)                                                               \
  do {                                                                             \
    cublasStatus_t status = (call);                                                \
    if (status != CUBLAS_STATUS_SUCCESS) {                                         \
      std::fprintf(stderr, "%s: cublasStatus_t %d\n", #call, (int)status);         \
      std::exit(1);                                                                \
    }                                                                              \
  } while (0)

static const size_t WORKSPACE = 32u << 20;

__device__ void put(float* at, float value) { *at = value; }
__device__ void put(__nv_bfloat16* at, float value) { *at = __float2bfloat16(value); }

// Element i is a hash of i and the seed (splitmix64, Steele et al. 2014), in (-1, 1).
template <typename T>
__global__ void fill(T* x, size_t count, unsigned long long seed) {
  for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < count;
       i += (size_t)gridDim.x * blockDim.x) {
    unsigned long long z = seed + (i + 1) * 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    z ^= z >> 31;
    put(x + i, ((float)(z >> 41) + 0.5f) * 0x1p-22f - 1.0f);
  }
}

// Times one kind of product, with A and B of type T and C of type S.
template <typename T, typename S>
static void measure(cublasHandle_t handle, cudaStream_t stream, const char* name, int n, int rounds,
                    cudaDataType type, cudaDataType result, cublasComputeType_t compute) {
  size_t count = (size_t)n * n;
  T *a, *b;
  S* c;
  CUDA(cudaMalloc(&a, count * sizeof(T)));
  CUDA(cudaMalloc(&b, count * sizeof(T)));
  CUDA(cudaMalloc(&c, count * sizeof(S)));
  fill<<<4096, 256, 0, stream>>>(a, count, 1);
  fill<<<4096, 256, 0, stream>>>(b, count, 2);
  CUDA(cudaGetLastError());
  float one = 1, zero = 0;
  auto gemm = [&] {
    CUBLAS(cublasGemmEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, n, n, n, &one, b, type, n, a, type, n,
                        &zero, c, result, n, compute, CUBLAS_GEMM_DEFAULT));
  };
  cudaEvent_t start, end;
  CUDA(cudaEventCreate(&start));
  CUDA(cudaEventCreate(&end));
  auto milliseconds = [&](int calls) {
    CUDA(cudaEventRecord(start, stream));
    for (int i = 0; i < calls; i++) {
      gemm();
    }
    CUDA(cudaEventRecord(end, stream));
    CUDA(cudaEventSynchronize(end));
    float time;
    CUDA(cudaEventElapsedTime(&time, start, end));
    return time;
  };
  milliseconds(2);
  int calls = std::max(1, (int)std::ceil(200 / (milliseconds(3) / 3)));
  milliseconds(calls);
  std::vector<double> rates;
  for (int r = 0; r < rounds; r++) {
    rates.push_back(2.0 * n * n * n * calls / milliseconds(calls) * 1e-9);
  }
  std::sort(rates.begin(), rates.end());
  std::printf("%-34s %8.1f TFLOP/s, best %8.1f\n", name, rates[rounds / 2], rates[rounds - 1]);
  std::fflush(stdout);
  CUDA(cudaEventDestroy(start));
  CUDA(cudaEventDestroy(end));
  CUDA(cudaFree(a));
  CUDA(cudaFree(b));
  CUDA(cudaFree(c));
}

int main(int argc, char** argv) {
  int n = argc > 1 ? std::atoi(argv[1]) : 8192;
  int rounds = argc > 2 ? std::atoi(argv[2]) : 7;
  if (n < 1 || rounds < 1) {
    std::fprintf(stderr, "usage: cublas_gemm [N [ROUNDS]], both at least 1\n");
    return 2;
  }
  cudaDeviceProp device;
  CUDA(cudaGetDeviceProperties(&device, 0));
  cudaStream_t stream;
  CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  cublasHandle_t handle;
  CUBLAS(cublasCreate(&handle));
  CUBLAS(cublasSetStream(handle, stream));
  void* workspace;
  CUDA(cudaMalloc(&workspace, WORKSPACE));
  CUBLAS(cublasSetWorkspace(handle, workspace, WORKSPACE));
  int version;
  CUBLAS(cublasGetVersion(handle, &version));
  std::printf("%s, cuBLAS %d, C = A·B of %d × %d × %d\n", device.name, version, n, n, n);

  measure<float, float>(handle, stream, "FP32", n, rounds, CUDA_R_32F, CUDA_R_32F,
                        CUBLAS_COMPUTE_32F);
  measure<float, float>(handle, stream, "TF32", n, rounds, CUDA_R_32F, CUDA_R_32F,
                        CUBLAS_COMPUTE_32F_FAST_TF32);
  measure<float, float>(handle, stream, "BF16 of FP32 by cuBLAS", n, rounds, CUDA_R_32F, CUDA_R_32F,
                        CUBLAS_COMPUTE_32F_FAST_16BF);
  measure<__nv_bfloat16, float>(handle, stream, "BF16 operands, FP32 result", n, rounds,
                                CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F);
  measure<__nv_bfloat16, __nv_bfloat16>(handle, stream, "BF16 operands, BF16 result", n, rounds,
                                        CUDA_R_16BF, CUDA_R_16BF, CUBLAS_COMPUTE_32F);

  CUBLAS(cublasDestroy(handle));
  CUDA(cudaFree(workspace));
  CUDA(cudaStreamDestroy(stream));
  return 0;
}
