package dev.weft.gpu.cuda;

/** NVIDIA's libraries that are no part of the driver, by the names that JCuda's own ask for. */
enum CudaLibrary {
  /** cuRAND: one name in CUDA 11, 12 and 13. */
  CURAND(
      "libcurand.so.10",
      "curandGenerate",
      "org.bytedeco:cuda-redist:12.9-9.10-1.5.12:linux-x86_64 (362 MB)"),
  /** What cuBLAS is built on, to be loaded before it. */
  CUBLAS_LT(
      "libcublasLt.so.12",
      "cublasLtCreate",
      "org.bytedeco:cuda:12.6-9.5-1.5.11:linux-x86_64-redist (2 GB)"),
  /** cuBLAS of CUDA 12. */
  CUBLAS(
      "libcublas.so.12",
      "cublasCreate_v2",
      "org.bytedeco:cuda:12.6-9.5-1.5.11:linux-x86_64-redist (2 GB)");

  private final String file;
  private final String function;
  private final String jar;

  CudaLibrary(String file, String function, String jar) {
    this.file = file;
    this.function = function;
    this.jar = jar;
  }

  /** Its file, and its name for the linker. */
  String file() {
    return file;
  }

  /** A function that it has: a call of one that is missing would end the process. */
  String function() {
    return function;
  }

  /** {@code libcurand.so}: what its other versions begin with. */
  String stem() {
    return file.substring(0, file.lastIndexOf('.'));
  }

  /** The jar of Maven Central that holds it. */
  String jar() {
    return jar;
  }
}
