// fill_shim.cpp — fill.cu on the host: a launch is a loop over the grid. Compiled by FillKernelsOnHost with the kernels' folder as
// an include path.
#include "cuda_shim.h"

#include "fill.cu"

#include <cstddef>
#include <type_traits>
#include <utility>

// The offsets that FillPlan.java writes to.
static_assert(offsetof(FillPlan, seed) == 24, "layout");
static_assert(offsetof(FillPlan, truncated64) == 64, "layout");
static_assert(offsetof(FillPlan, extent) == 296, "layout");
static_assert(offsetof(FillPlan, stride) == 616, "layout");
static_assert(offsetof(FillPlan, axes) == 936, "layout");
static_assert(offsetof(FillPlan, scale32) == 944, "layout");
static_assert(offsetof(FillPlan, truncated32) == 960, "layout");
static_assert(offsetof(FillPlan, roundKeys) == 1032, "layout");

namespace {

template <class... A, std::size_t... I>
void run(void (*kernel)(A...), unsigned grid, unsigned block, void** arguments, std::index_sequence<I...>) {
  gridDim = {grid, 1, 1};
  blockDim = {block, 1, 1};
  for (unsigned b = grid; b-- > 0;) {  // in an order that no kernel may rely on
    blockIdx = {b, 0, 0};
    for (unsigned t = 0; t < block; t++) {
      threadIdx = {t, 0, 0};
      kernel(*static_cast<std::remove_cv_t<A>*>(arguments[I])...);
    }
  }
}

template <class... A>
void run(void (*kernel)(A...), unsigned grid, unsigned block, void** arguments) {
  run(kernel, grid, block, arguments, std::index_sequence_for<A...>());
}

struct Kernel {
  const char* name;
  void (*launch)(unsigned grid, unsigned block, void** arguments);
};

#define KERNEL(name) \
  { #name, [](unsigned grid, unsigned block, void** arguments) { run(name, grid, block, arguments); } }
#define KIND(kind) KERNEL(weft_##kind##_f32), KERNEL(weft_##kind##_f64), KERNEL(weft_##kind##_f16), KERNEL(weft_##kind##_bf16)
#define SIZES(name) KERNEL(weft_##name##_2), KERNEL(weft_##name##_4), KERNEL(weft_##name##_8)

const Kernel KERNELS[] = {KIND(bits),      KIND(uniform),   KIND(normal), KIND(truncated_normal),
                          SIZES(constant), SIZES(identity), SIZES(dirac), SIZES(sparse_zeros)};

}  // namespace

// Launches a kernel as cuLaunchKernel would; arguments as there. 0, or 1 if there is no such kernel.
extern "C" int weft_shim_launch(const char* name, unsigned grid, unsigned block, void** arguments) {
  for (const Kernel& kernel : KERNELS) {
    if (std::strcmp(kernel.name, name) == 0) {
      kernel.launch(grid, block, arguments);
      return 0;
    }
  }
  return 1;
}

extern "C" unsigned weft_shim_half(unsigned bits) { return weft_half_bits(bits); }
