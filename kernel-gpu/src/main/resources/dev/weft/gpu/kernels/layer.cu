// layer.cu — element-wise operations of layers. One-dimensional grids and blocks; a thread owns elements, grid-stride. No local memory.
#include "activation.cuh"
#include "plan.cuh"

// out[i] = f(in[i]); out may be in. Reads and writes an element each. Bits of ActivationF32, ActivationF64.
template <class T>
WEFT_DEVICE void activate(T* out, const T* in, u64 count, u32 kind, T alpha) {
  for (u64 i = thread_index(); i < count; i += thread_count()) {
    out[i] = Activation<T>::value(kind, in[i], alpha).v;
  }
}

// dz[i] = dy[i] f'(saved[i]); dz may be dy. Reads two elements and writes one.
template <class T>
WEFT_DEVICE void activate_gradient(T* dz, const T* dy, const T* saved, u64 count, u32 kind, T alpha) {
  for (u64 i = thread_index(); i < count; i += thread_count()) {
    dz[i] = mul_rn(dy[i], Activation<T>::derivative(kind, saved[i], alpha).v);
  }
}

#define WEFT_LAYER(name, type)                                                                                                      \
  WEFT_KERNEL weft_activate_##name(type* out, const type* in, u64 count, u32 kind, type alpha) {                                    \
    activate<type>(out, in, count, kind, alpha);                                                                                    \
  }                                                                                                                                 \
  WEFT_KERNEL weft_activate_gradient_##name(type* dz, const type* dy, const type* saved, u64 count, u32 kind, type alpha) {         \
    activate_gradient<type>(dz, dy, saved, count, kind, alpha);                                                                     \
  }

WEFT_LAYER(f32, float)
WEFT_LAYER(f64, double)
