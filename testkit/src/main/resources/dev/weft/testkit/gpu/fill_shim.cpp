// fill_shim.cpp — the .cu files on the host: a launch is a loop over the grid. Compiled beside the kernels by HostCompiler.
#include "cuda_shim.h"

#include "fill.cu"
#include "layer.cu"
#include "orthogonal.cu"
#include "product.cu"
#include "training.cu"
#include "words.cu"

#include <ucontext.h>

#include <cstddef>
#include <cstdlib>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

// The offsets that FillPlan.java writes to.
static_assert(offsetof(FillPlan, seed) == 24, "layout");
static_assert(offsetof(FillPlan, truncated64) == 64, "layout");
static_assert(offsetof(FillPlan, extent) == 296, "layout");
static_assert(offsetof(FillPlan, stride) == 616, "layout");
static_assert(offsetof(FillPlan, axes) == 936, "layout");
static_assert(offsetof(FillPlan, scale32) == 944, "layout");
static_assert(offsetof(FillPlan, truncated32) == 960, "layout");
static_assert(offsetof(FillPlan, roundKeys) == 1032, "layout");
static_assert(offsetof(FillPlan, firstRun) == 1112, "layout");

// The offsets that OrthogonalPlan.java writes to.
static_assert(offsetof(OrthogonalPlan, rows) == 24, "layout");
static_assert(offsetof(OrthogonalPlan, transposed) == 40, "layout");
static_assert(offsetof(OrthogonalPlan, gain) == 48, "layout");

namespace {

// The threads of one block as fibers: all run to their next __syncthreads in turn, until all have ended.
struct Fiber {
  ucontext_t start;
  jmp_buf at;
  bool begun;
};

thread_local const std::function<void()>* fiber_body;
thread_local unsigned ended;

void run_fiber() {
  (*fiber_body)();
  ended++;
  _longjmp(weft_block, 1);
}

// Lets a fiber run until it waits or ends.
__attribute__((noinline)) void resume(Fiber& fiber) {
  weft_fiber = &fiber.at;
  if (_setjmp(weft_block) != 0) {
    return;
  }
  if (fiber.begun) {
    _longjmp(fiber.at, 1);
  }
  fiber.begun = true;
  setcontext(&fiber.start);
}

void run_together(unsigned block, const std::function<void()>& body) {
  constexpr size_t STACK = 32 << 10;
  static thread_local std::vector<char> stacks;
  static thread_local std::vector<Fiber> fibers;
  stacks.resize(block * STACK);
  fibers.resize(block);
  fiber_body = &body;
  ended = 0;
  for (unsigned t = 0; t < block; t++) {
    getcontext(&fibers[t].start);
    fibers[t].start.uc_stack.ss_sp = &stacks[t * STACK];
    fibers[t].start.uc_stack.ss_size = STACK;
    fibers[t].start.uc_link = nullptr;
    fibers[t].begun = false;
    makecontext(&fibers[t].start, run_fiber, 0);
  }
  while (ended == 0) {
    for (unsigned t = 0; t < block; t++) {
      threadIdx = {t, 0, 0};
      resume(fibers[t]);
    }
    if (ended != 0 && ended != block) {
      std::abort();  // some wait for those that have ended
    }
  }
}

template <bool TOGETHER, class... A>
void run(void (*kernel)(A...), unsigned grid, unsigned block, const std::tuple<std::remove_cv_t<A>...>& arguments) {
  gridDim = {grid, 1, 1};
  blockDim = {block, 1, 1};
  for (unsigned b = grid; b-- > 0;) {  // in an order that no kernel may rely on
    blockIdx = {b, 0, 0};
    if (TOGETHER) {
      run_together(block, [&] { std::apply(kernel, arguments); });
      continue;
    }
    for (unsigned t = 0; t < block; t++) {
      threadIdx = {t, 0, 0};
      std::apply(kernel, arguments);
    }
  }
}

// A launch with a copy of its arguments, to be run later.
template <bool TOGETHER, class... A, std::size_t... I>
std::function<void()> later(void (*kernel)(A...), unsigned grid, unsigned block, void** arguments, std::index_sequence<I...>) {
  std::tuple<std::remove_cv_t<A>...> copy{*static_cast<std::remove_cv_t<A>*>(arguments[I])...};
  return [=] { run<TOGETHER>(kernel, grid, block, copy); };
}

template <bool TOGETHER, class... A>
std::function<void()> later(void (*kernel)(A...), unsigned grid, unsigned block, void** arguments) {
  return later<TOGETHER>(kernel, grid, block, arguments, std::index_sequence_for<A...>());
}

struct Kernel {
  const char* name;
  std::function<void()> (*later)(unsigned grid, unsigned block, void** arguments);
};

#define KERNEL_OF(name, together) \
  { #name, [](unsigned grid, unsigned block, void** arguments) { return later<together>(name, grid, block, arguments); } }
#define KERNEL(name) KERNEL_OF(name, false)
#define KERNEL_WITH_BARRIERS(name) KERNEL_OF(name, true)
#define KIND(kind) KERNEL(weft_##kind##_f32), KERNEL(weft_##kind##_f64), KERNEL(weft_##kind##_f16), KERNEL(weft_##kind##_bf16)
#define TYPES(name) KERNEL(weft_##name##_f32), KERNEL(weft_##name##_f64)
#define TYPES_WITH_BARRIERS(name) KERNEL_WITH_BARRIERS(weft_##name##_f32), KERNEL_WITH_BARRIERS(weft_##name##_f64)
#define SIZES(name) KERNEL(weft_##name##_2), KERNEL(weft_##name##_4), KERNEL(weft_##name##_8)

const Kernel KERNELS[] = {KIND(bits),       KIND(uniform),       KIND(normal),       KIND(truncated_normal),
                          KIND(words_bits), KIND(words_uniform), KIND(words_normal), KIND(words_truncated_normal),
                          SIZES(constant),  SIZES(identity),     SIZES(dirac),       SIZES(sparse_zeros),
                          KIND(orthogonal), KERNEL(weft_orthogonal_widen), KERNEL(weft_orthogonal_check),
                          KERNEL_WITH_BARRIERS(weft_orthogonal_cholesky),
                          TYPES(activate), TYPES(activate_gradient), TYPES(gradient_sums), TYPES(sum_blocks),
                          TYPES_WITH_BARRIERS(softmax), TYPES_WITH_BARRIERS(cross_entropy), TYPES(element_losses), TYPES(squares),
                          KERNEL_WITH_BARRIERS(weft_total), TYPES(update), TYPES(scale), TYPES_WITH_BARRIERS(product),
                          KIND(copy), KERNEL(weft_copy_to_f16), KERNEL(weft_copy_to_bf16)};

}  // namespace

// A launch of a kernel as cuLaunchKernel would make it, arguments as there, to be run and deleted; null if there is no such kernel.
extern "C" std::function<void()>* weft_shim_bind(const char* name, unsigned grid, unsigned block, void** arguments) {
  for (const Kernel& kernel : KERNELS) {
    if (std::strcmp(kernel.name, name) == 0) {
      return new std::function<void()>(kernel.later(grid, block, arguments));
    }
  }
  return nullptr;
}

// Launches a kernel at once. 0, or 1 if there is no such kernel.
extern "C" int weft_shim_launch(const char* name, unsigned grid, unsigned block, void** arguments) {
  std::function<void()>* launch = weft_shim_bind(name, grid, block, arguments);
  if (launch == nullptr) {
    return 1;
  }
  (*launch)();
  delete launch;
  return 0;
}

extern "C" unsigned weft_shim_half(unsigned bits) { return weft_half_bits(bits); }
