// fill.cu — every fill that is defined element by element. Bits equal the scalar CPU backend's for every kind, type, order, region,
// grid and block: an element is a function of the plan and of its logical index alone.
//
// Assumes: out aligned to one element; at least one element to write; one-dimensional grid and blocks of at most 256 threads, any
// number of them; positions in 64 bits. No shared memory, no synchronization, no local memory; the plan is in constant memory.
// Each kernel writes its region once and reads nothing, but for sparse_zeros, identity and dirac, which write single elements over
// what an earlier launch left.
#include "ieee.cuh"
#include "plan.cuh"
#include "store.cuh"
#include "stream.cuh"

// What a thread writes in a turn of the loop below: four blocks, of one row. A tile is that of a warp.
template <class T>
struct Turn {
  enum { GROUPS = 4 / T::BLOCKS, TILE = 32 * GROUPS };
};

// Whether the groups of every thread lie in columns (stream.cuh) of one y, and those of a turn in one row.
template <class T>
WEFT_DEVICE bool in_columns(const FillPlan& p, u64 first, u64 last, u64 threads) {
  return p.subsequenceBits == 16 && threads * (Turn<T>::GROUPS * T::BLOCKS) % 65536 == 0 && threads % 32 == 0 &&
         first + 2 * Turn<T>::TILE <= last && first * T::BLOCKS >> 48 == (last * T::BLOCKS - 1) >> 48;
}

// Groups g, g + 32, ... of this lane in `turns` tiles, to aligned memory. Tile after tile belongs to warp after warp.
template <Kind K, class T, class E>
WEFT_DEVICE void down_columns(char* at, u64 g, u32 turns, u64 threads, const FillPlan& p, const E& ends) {
  constexpr int GROUPS = Turn<T>::GROUPS;
  if (turns == 0) {
    return;
  }
  Columns<T::BLOCKS, GROUPS> columns(p, g * T::BLOCKS, (u32)(threads * (GROUPS * T::BLOCKS) >> 16));
  u64 step = threads * (GROUPS * 16);
#pragma unroll 1
  for (; turns > 0; turns--, at += step) {
#pragma unroll
    for (int j = 0; j < GROUPS; j++) {
      *(uint4*)(at + 512 * j) = T::template group<K>(p, ends, columns, 0);
    }
  }
}

// Whether a fill's loop needs no branch: neither tails, nor zeros whose sign matters, nor units that cannot be folded.
template <Kind K, class E>
WEFT_DEVICE bool is_plain(const E& ends) {
  return K == UNIFORM ? ends.folded && !ends.zero : K == TRUNCATED_NORMAL ? !ends.tails && !ends.zero : true;
}

// down_columns of a plain fill: what is assigned to `known` is a constant of the loop after it.
template <Kind K, class T, class E>
WEFT_DEVICE void columns(char* at, u64 g, u32 turns, u64 threads, const FillPlan& p, const E& ends) {
  E known = ends;
  known.folded = true;
  known.tails = known.zero = known.symmetric = false;
  known.low = known.high = K == TRUNCATED_NORMAL;
  if (K == UNIFORM && ends.low) {
    known.low = known.high = true;
    down_columns<K, T>(at, g, turns, threads, p, known);
  } else if (K == UNIFORM && ends.high) {
    known.high = true;
    down_columns<K, T>(at, g, turns, threads, p, known);
  } else if (K == TRUNCATED_NORMAL && T::BYTES < 8 && is_symmetric(p.truncated32)) {
    known.symmetric = true;
    down_columns<K, T>(at, g, turns, threads, p, known);
  } else {
    down_columns<K, T>(at, g, turns, threads, p, known);
  }
}

// Writes the groups of the stream that the region touches: 16 bytes, ELEMENTS elements from a multiple of ELEMENTS on.
// A region of one run: whole groups in tiles, as above, or thread t owns groups t, t + threads, ..., one 16-byte store each where the output
// is aligned; the first two threads write what is left before and after. Other regions: the groups of one run after the other; a thread finds its
// first one by a division and steps on from there.
template <Kind K, class T>
WEFT_DEVICE void stream(char* out, const FillPlan& p) {
  constexpr int BYTES = T::BYTES;
  constexpr u64 ELEMENTS = 16 / BYTES;
  Ends<typename T::Value> ends;
  find_ends<K>(p, ends);
  Computed computed;
  u64 thread = thread_index();
  u64 threads = thread_count();
  u64 items, perRun, runStep, groupStep;
  u64 r = 0;
  u64 b = 0;
  u64 tail = 0;
  bool single = p.runs == 1;
  bool hasHead = false;
  if (single) {
    u64 end = p.origin + p.run;
    u64 first = (p.origin + ELEMENTS - 1) / ELEMENTS;  // whole groups first .. last - 1
    u64 last = end / ELEMENTS;
    char* base = out - (i64)p.origin * BYTES;  // where element 0 would be
    bool aligned = is_aligned(base);
    u64 from = first;  // whole groups in columns: from .. to - 1
    u64 to = first;
    if (aligned && is_plain<K>(ends) && in_columns<T>(p, first, last, threads)) {
      constexpr u64 TILE = Turn<T>::TILE;
      from = (first + TILE - 1) / TILE * TILE;
      to = last / TILE * TILE;
      u64 tile = from / TILE + thread / 32;
      u64 warps = threads / 32;
      u64 g = tile * TILE + thread % 32;
      u32 turns = tile < to / TILE ? (u32)((to / TILE - tile - 1) / warps) + 1 : 0;
      columns<K, T>(base + (i64)g * 16, g, turns, threads, p, ends);
    }
    for (u64 g = first + thread; g < last - (to - from); g += threads) {
      u64 group = g < from ? g : g + (to - from);
      store<BYTES>(base + (i64)group * 16, T::template group<K>(p, ends, computed, group), aligned);
    }
    u64 head = p.origin / ELEMENTS;
    hasHead = head < first;
    tail = last - head;
    bool hasTail = end % ELEMENTS != 0 && !(hasHead && tail == 0);
    items = (hasHead ? 1 : 0) + (hasTail ? 1 : 0);
    perRun = tail + 1;
    runStep = 0;
    groupStep = 0;
  } else {
    perRun = (p.run + 2 * ELEMENTS - 2) / ELEMENTS;  // the most groups that a run can touch
    items = p.runs * perRun;
    r = thread / perRun;
    b = thread - r * perRun;
    runStep = threads / perRun;
    groupStep = threads - runStep * perRun;
  }
  for (u64 item = thread; item < items; item += threads) {
    if (single) {
      b = item == 0 && hasHead ? 0 : tail;
    }
    u64 start = run_start(p, r);
    u64 g = start / ELEMENTS + b;
    i64 from = (i64)(start - g * ELEMENTS);  // the run's first element, counted in the group
    i64 to = from + (i64)p.run;
    if (to > 0) {
      uint4 v = T::template group<K>(p, ends, computed, g);
      char* at = out + ((i64)(r * p.run) - from) * BYTES;
      if (from <= 0 && to >= (i64)ELEMENTS) {
        store<BYTES>(at, v, is_aligned(at));
      } else {
        store_some<BYTES>(at, v, from > 0 ? (int)from : 0, to < (i64)ELEMENTS ? (int)to : (int)ELEMENTS);
      }
    }
    r += runStep;
    b += groupStep;
    if (b >= perRun) {
      b -= perRun;
      r++;
    }
  }
}

#define WEFT_STREAM(name, kind, type)                                                                  \
  WEFT_KERNEL weft_##name(char* out, const __grid_constant__ FillPlan plan) { stream<kind, type>(out, plan); }

WEFT_STREAM(bits_f32, BITS, F32)
WEFT_STREAM(bits_f64, BITS, F64)
WEFT_STREAM(bits_f16, BITS, F16)
WEFT_STREAM(bits_bf16, BITS, BF16)
WEFT_STREAM(uniform_f32, UNIFORM, F32)
WEFT_STREAM(uniform_f64, UNIFORM, F64)
WEFT_STREAM(uniform_f16, UNIFORM, F16)
WEFT_STREAM(uniform_bf16, UNIFORM, BF16)
WEFT_STREAM(normal_f32, NORMAL, F32)
WEFT_STREAM(normal_f64, NORMAL, F64)
WEFT_STREAM(normal_f16, NORMAL, F16)
WEFT_STREAM(normal_bf16, NORMAL, BF16)
WEFT_STREAM(truncated_normal_f32, TRUNCATED_NORMAL, F32)
WEFT_STREAM(truncated_normal_f64, TRUNCATED_NORMAL, F64)
WEFT_STREAM(truncated_normal_f16, TRUNCATED_NORMAL, F16)
WEFT_STREAM(truncated_normal_bf16, TRUNCATED_NORMAL, BF16)

// count elements, each the low BYTES bytes of bits. Thread t owns 16 bytes t, t + threads, ... of the aligned middle.
template <int BYTES>
WEFT_DEVICE void constant(char* out, u64 count, u64 bits) {
  u64 thread = thread_index();
  u64 threads = thread_count();
  u64 head = ((0 - (u64)out) & 15) / BYTES;  // elements before the first aligned address
  head = head < count ? head : count;
  u64 groups = (count - head) * BYTES / 16;
  u64 rest = count - head - groups * (16 / BYTES);
  u32 low = BYTES == 2 ? (u32)(bits & 0xFFFF) * 0x10001u : (u32)bits;
  u32 high = BYTES == 8 ? (u32)(bits >> 32) : low;
  uint4 v = make_uint4(low, high, low, high);
  uint4* middle = (uint4*)(out + head * BYTES);
  for (u64 g = thread; g < groups; g += threads) {
    middle[g] = v;
  }
  for (u64 i = thread; i < head + rest; i += threads) {
    put<BYTES>(out + (i < head ? i : count - rest + (i - head)) * BYTES, bits);
  }
}

// Positions at which a fill is not zero, in rising order: a thread owns one candidate of one run and writes it if it is there.
// at(n) is logical element of the n-th position, before(e) a lower bound of the n with at(n) >= e, most(run) the largest number of
// n from there on that have to be looked at in a run.
template <int BYTES, class Positions>
WEFT_DEVICE void place(char* out, const FillPlan& p, const Positions& positions, u64 bits) {
  u64 perRun = positions.most(p.run);
  u64 items = p.runs * perRun;
  for (u64 item = thread_index(); item < items; item += thread_count()) {
    u64 r = item / perRun;
    u64 start = run_start(p, r);
    u64 n = positions.before(start) + (item - r * perRun);
    if (n < positions.count) {
      u64 offset = positions.at(n) - start;  // wraps if it lies before the run
      if (offset < p.run) {
        put<BYTES>(out + (r * p.run + offset) * BYTES, bits);
      }
    }
  }
}

// (d, d) of a matrix with this many columns, for d < count: element d * (columns + 1).
struct Diagonal {
  u64 columns, count;

  WEFT_METHOD u64 at(u64 n) const { return n * (columns + 1); }
  WEFT_METHOD u64 before(u64 element) const { return (element + columns) / (columns + 1); }
  WEFT_METHOD u64 most(u64 run) const { return (run - 1) / (columns + 1) + 1; }
};

// dev.weft.spi.fill.DiracPlan in TORCH layout: one candidate for each output channel n.
struct DiracTorch {
  u64 inputs, perGroup, taps, centre, count;

  WEFT_METHOD u64 at(u64 n) const {
    u64 d = n % perGroup;
    return d < inputs ? n * inputs * taps + d * taps + centre : ~0ull;
  }
  WEFT_METHOD u64 before(u64 element) const { return element / (inputs * taps); }
  WEFT_METHOD u64 most(u64 run) const { return least(count, (run - 1) / (inputs * taps) + 2); }
  WEFT_METHOD u64 least(u64 a, u64 b) const { return a < b ? a : b; }
};

// dev.weft.spi.fill.DiracPlan in KERAS layout: n = d * groups + g.
struct DiracKeras {
  u64 outputs, inputs, perGroup, centre, groups, count;

  WEFT_METHOD u64 at(u64 n) const {
    u64 d = n / groups;
    return (centre * inputs + d) * outputs + (n - d * groups) * perGroup + d;
  }
  WEFT_METHOD u64 before(u64 element) const {
    u64 base = centre * inputs * outputs;
    return element > base ? (element - base) / outputs * groups : 0;
  }
  WEFT_METHOD u64 most(u64 run) const {
    u64 rows = (run - 1) / outputs + 2;
    return rows < count / groups ? rows * groups : count;
  }
};

template <int BYTES>
WEFT_DEVICE void dirac(char* out, const FillPlan& p, u32 torch, u64 outputs, u64 inputs, u64 perGroup, u64 taps, u64 centre,
                       u64 bits) {
  if (torch != 0) {
    place<BYTES>(out, p, DiracTorch{inputs, perGroup, taps, centre, outputs}, bits);
  } else {
    u64 groups = outputs / perGroup;
    u64 rows = inputs < perGroup ? inputs : perGroup;
    place<BYTES>(out, p, DiracKeras{outputs, inputs, perGroup, centre, groups, rows * groups}, bits);
  }
}

// dev.weft.spi.fill.SparseColumns: SplitMix64's output function.
WEFT_DEVICE u64 mix(u64 x) {
  u64 z = x + 0x9E3779B97F4A7C15ull;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ z >> 27) * 0x94D049BB133111EBull;
  return z ^ z >> 31;
}

// dev.weft.spi.fill.SparseColumns: a Feistel network on the rows, with cycle walking.
WEFT_DEVICE u64 permute(u64 row, u64 rows, u64 key) {
  int half = (65 - (rows == 1 ? 64 : __clzll((i64)(rows - 1)))) / 2;
  half = half < 1 ? 1 : half;
  u64 mask = (1ull << half) - 1;
  u64 value = row;
  do {
    u64 left = value >> half;
    u64 right = value & mask;
    for (u64 round = 0; round < 6; round++) {
      u64 image = left ^ (mix(key + right + (round << 56)) & mask);
      left = right;
      right = image;
    }
    value = left << half | right;
  } while (value >= rows);
  return value;
}

// Clears the zeros of a sparse fill, over its normals. A thread owns an element. About 400 instructions an element.
template <int BYTES>
WEFT_DEVICE void sparse_zeros(char* out, const FillPlan& p, u64 rows, u64 columns, u64 zeros) {
  u64 seed = mix(p.seed);
  u64 items = p.runs * p.run;
  for (u64 item = thread_index(); item < items; item += thread_count()) {
    u64 r = p.runs == 1 ? 0 : item / p.run;
    u64 e = run_start(p, r) + (item - r * p.run);
    u64 row = e / columns;
    if (permute(row, rows, mix(seed ^ (e - row * columns))) < zeros) {
      put<BYTES>(out + item * BYTES, 0);
    }
  }
}

#define WEFT_ELEMENTS(bytes)                                                                                              \
  WEFT_KERNEL weft_constant_##bytes(char* out, u64 count, u64 bits) { constant<bytes>(out, count, bits); }               \
  WEFT_KERNEL weft_identity_##bytes(char* out, const __grid_constant__ FillPlan plan, u64 columns, u64 diagonal, u64 bits) { \
    place<bytes>(out, plan, Diagonal{columns, diagonal}, bits);                                                           \
  }                                                                                                                       \
  WEFT_KERNEL weft_dirac_##bytes(char* out, const __grid_constant__ FillPlan plan, u64 outputs, u64 inputs, u64 perGroup,  \
                                 u64 taps, u64 centre, u64 bits, u32 torch) {                                             \
    dirac<bytes>(out, plan, torch, outputs, inputs, perGroup, taps, centre, bits);                                        \
  }                                                                                                                       \
  WEFT_KERNEL weft_sparse_zeros_##bytes(char* out, const __grid_constant__ FillPlan plan, u64 rows, u64 columns, u64 zeros) { \
    sparse_zeros<bytes>(out, plan, rows, columns, zeros);                                                                 \
  }

WEFT_ELEMENTS(2)
WEFT_ELEMENTS(4)
WEFT_ELEMENTS(8)
