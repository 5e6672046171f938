// fake_curand.cpp — a stand-in for libcurand.so.10 beside fake_driver.cpp: as much of it as the backend calls. Like the real one it
// finds the driver by its name, needs a current context, and writes on the generator's stream. Words are weft's CURAND order only in
// LEGACY ordering; in any other they differ. Shares no code with weft's kernels.
#include <dlfcn.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <string>

namespace {

constexpr int NOT_INITIALIZED = 101, TYPE_ERROR = 103, OUT_OF_RANGE = 104, PREEXISTING_FAILURE = 202, INITIALIZATION_FAILED = 203;
constexpr int IGNORED = -1;  // planted by a test: a call that does nothing and says success
constexpr int PHILOX4_32_10 = 161, DEFAULT = 101, LEGACY = 103;

struct Generator {
  void* stream = nullptr;
  int ordering = DEFAULT;
  uint64_t seed = 0;
  uint64_t offset = 0;
};

std::recursive_mutex lock;
std::set<Generator*> generators;
std::map<std::string, long> calls;
std::string failing;
int fail_after = 0;
int fail_status = 0;

template <class F>
F driver(const char* name) {
  static void* library = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
  return library == nullptr ? nullptr : (F)dlsym(library, name);
}

int enter(const char* call, Generator* generator) {
  calls[call]++;
  if (failing == call && fail_after-- <= 0) {
    return fail_status;
  }
  if (generator != nullptr && generators.count(generator) == 0) {
    return NOT_INITIALIZED;
  }
  auto get_current = driver<int (*)(void**)>("cuCtxGetCurrent");
  void* context = nullptr;
  return get_current == nullptr || get_current(&context) != 0 || context == nullptr ? INITIALIZATION_FAILED : 0;
}

// The block of words 4q to 4q + 3.
void philox(uint64_t seed, uint64_t q, uint32_t c[4]) {
  uint32_t k[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  c[0] = (uint32_t)(q / 65536);
  c[1] = (uint32_t)(q / 65536 >> 32);
  c[2] = (uint32_t)(q % 65536);
  c[3] = 0;
  for (int round = 0; round < 10; round++) {
    uint64_t a = 0xD2511F53ull * c[0];
    uint64_t b = 0xCD9E8D57ull * c[2];
    uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ k[0], (uint32_t)b, (uint32_t)(a >> 32) ^ c[3] ^ k[1], (uint32_t)a};
    std::memcpy(c, next, sizeof next);
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
}

struct Work {
  uint64_t seed, first, count;
  uint32_t flip;  // what other orderings change
  uint32_t* out;
};

void write(void* data) {
  Work* work = static_cast<Work*>(data);
  uint32_t block[4];
  for (uint64_t i = 0; i < work->count; i++) {
    uint64_t word = work->first + i;
    if (i == 0 || word % 4 == 0) {
      philox(work->seed, word / 4, block);
    }
    work->out[i] = block[word % 4] ^ work->flip;
  }
  delete work;
}

int generate(Generator* generator, unsigned* out, size_t count, void (*work)(void*)) {
  auto on_device = driver<int (*)(const char*, size_t)>("fake_on_device");
  if ((uintptr_t)out % 16 != 0 || !on_device((const char*)out, count * 4)) {
    return OUT_OF_RANGE;
  }
  if (generator->stream == nullptr) {
    return PREEXISTING_FAILURE;  // it would not wait for weft's stream, nor weft's for it
  }
  auto launch = driver<int (*)(void*, void (*)(void*), void*)>("cuLaunchHostFunc");
  Work* data = new Work{generator->seed, generator->offset, count, generator->ordering == LEGACY ? 0u : ~0u, out};
  generator->offset += count;
  return launch(generator->stream, work, data) == 0 ? 0 : PREEXISTING_FAILURE;
}

}  // namespace

#define CALL(name, generator)                             \
  std::lock_guard<std::recursive_mutex> guard(lock);      \
  if (int status = enter(name, generator)) return status == IGNORED ? 0 : status

extern "C" {

// What tests set and ask.

long fake_curand_reset() {
  std::lock_guard<std::recursive_mutex> guard(lock);
  failing.clear();
  calls.clear();
  return 0;
}
long fake_curand_fail(const char* call, int after, int status) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  failing = call;
  fail_after = after;
  fail_status = status;
  return 0;
}
long fake_curand_calls(const char* call) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  return calls[call];
}
long fake_curand_held() {
  std::lock_guard<std::recursive_mutex> guard(lock);
  return (long)generators.size();
}
long fake_curand_forget() {
  std::lock_guard<std::recursive_mutex> guard(lock);
  for (Generator* generator : generators) {
    delete generator;
  }
  generators.clear();
  return 0;
}

// cuRAND.

int curandCreateGenerator(Generator** generator, int type) {
  CALL("curandCreateGenerator", nullptr);
  if (type != PHILOX4_32_10) {
    return TYPE_ERROR;
  }
  *generator = new Generator;
  generators.insert(*generator);
  return 0;
}
int curandDestroyGenerator(Generator* generator) {
  CALL("curandDestroyGenerator", generator);
  generators.erase(generator);
  delete generator;
  return 0;
}
int curandSetStream(Generator* generator, void* stream) {
  CALL("curandSetStream", generator);
  generator->stream = stream;
  return 0;
}
int curandSetGeneratorOrdering(Generator* generator, int ordering) {
  CALL("curandSetGeneratorOrdering", generator);
  generator->ordering = ordering;
  return 0;
}
int curandSetPseudoRandomGeneratorSeed(Generator* generator, unsigned long long seed) {
  CALL("curandSetPseudoRandomGeneratorSeed", generator);
  generator->seed = seed;
  generator->offset = 0;
  return 0;
}
int curandSetGeneratorOffset(Generator* generator, unsigned long long offset) {
  CALL("curandSetGeneratorOffset", generator);
  generator->offset = offset;
  return 0;
}
int curandGenerate(Generator* generator, unsigned* out, size_t count) {
  CALL("curandGenerate", generator);
  return generate(generator, out, count, write);
}
int curandGenerateUniform(Generator* generator, float* out, size_t count) {
  CALL("curandGenerateUniform", generator);
  return generate(generator, (unsigned*)out, count, [](void* data) {
    Work work = *static_cast<Work*>(data);
    write(data);
    for (uint64_t i = 0; i < work.count; i++) {
      ((float*)work.out)[i] = work.out[i] * 0x1p-32f + 0x1p-33f;
    }
  });
}
int curandGenerateNormal(Generator* generator, float* out, size_t count, float mean, float stddev) {
  CALL("curandGenerateNormal", generator);
  if (mean != 0 || stddev != 1) {
    return OUT_OF_RANGE;
  }
  return generate(generator, (unsigned*)out, count, [](void* data) {
    Work work = *static_cast<Work*>(data);
    write(data);
    for (uint64_t i = 0; i + 1 < work.count; i += 2) {
      double r = std::sqrt(-2 * std::log(work.out[i] * 0x1p-32 + 0x1p-33));
      double angle = work.out[i + 1] * (0x1p-31 * 3.14159265358979323846);
      ((float*)work.out)[i] = (float)(r * std::sin(angle));
      ((float*)work.out)[i + 1] = (float)(r * std::cos(angle));
    }
  });
}

}  // extern "C"
