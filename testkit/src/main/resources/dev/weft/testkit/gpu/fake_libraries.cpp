// fake_libraries.cpp — a function of each of CUDA's libraries, by which a library is known to be one.
extern "C" int curandGenerate() { return 0; }
extern "C" int cublasLtCreate() { return 0; }
extern "C" int cublasCreate_v2() { return 0; }
