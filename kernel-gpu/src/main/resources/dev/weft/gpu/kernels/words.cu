// words.cu — random fills of words that lie in memory, as cuRAND writes them: whole groups of a region of one run. Bits equal those of
// fill.cu's kernels of the same kind and type.
//
// Assumes: words aligned to 16 bytes, the blocks of group g at words[g], or at words[2g] and words[2g + 1] for 16-bit types; out
// aligned to one element. words may be out itself for 32 and 64 bits, where a group has as many bytes of words as of elements: a
// thread reads what it overwrites, before it does, and no other touches it. One-dimensional grid and blocks of at most 256 threads,
// any number of them. No shared memory, no synchronization, no local memory; the plan is in constant memory, and its region is not
// looked at.
#include "ieee.cuh"
#include "plan.cuh"
#include "store.cuh"
#include "stream.cuh"

struct Stored {
  const uint4* words;

  WEFT_METHOD uint4 block(const FillPlan&, u64 q) const { return words[q]; }
};

// Thread t owns groups t, t + threads, ... of `groups`: 16 bytes written and 16 read, 32 for 16-bit types.
template <Kind K, class T>
WEFT_DEVICE void transform(char* out, const FillPlan& p, const uint4* words, u64 groups) {
  Ends<typename T::Value> ends;
  find_ends<K>(p, ends);
  Stored stored{words};
  bool aligned = is_aligned(out);
  for (u64 g = thread_index(); g < groups; g += thread_count()) {
    store<T::BYTES>(out + g * 16, T::template group<K>(p, ends, stored, g), aligned);
  }
}

#define WEFT_WORDS(name, kind, type)                                                                                     \
  WEFT_KERNEL weft_words_##name(char* out, const __grid_constant__ FillPlan plan, const uint4* words, u64 groups) {     \
    transform<kind, type>(out, plan, words, groups);                                                                    \
  }

WEFT_WORDS(bits_f32, BITS, F32)
WEFT_WORDS(bits_f64, BITS, F64)
WEFT_WORDS(bits_f16, BITS, F16)
WEFT_WORDS(bits_bf16, BITS, BF16)
WEFT_WORDS(uniform_f32, UNIFORM, F32)
WEFT_WORDS(uniform_f64, UNIFORM, F64)
WEFT_WORDS(uniform_f16, UNIFORM, F16)
WEFT_WORDS(uniform_bf16, UNIFORM, BF16)
WEFT_WORDS(normal_f32, NORMAL, F32)
WEFT_WORDS(normal_f64, NORMAL, F64)
WEFT_WORDS(normal_f16, NORMAL, F16)
WEFT_WORDS(normal_bf16, NORMAL, BF16)
WEFT_WORDS(truncated_normal_f32, TRUNCATED_NORMAL, F32)
WEFT_WORDS(truncated_normal_f64, TRUNCATED_NORMAL, F64)
WEFT_WORDS(truncated_normal_f16, TRUNCATED_NORMAL, F16)
WEFT_WORDS(truncated_normal_bf16, TRUNCATED_NORMAL, BF16)
