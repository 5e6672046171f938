// training.cu — losses and their gradients, sums of squares, and the steps of optimizers. Sums are cut and ordered as the CPU's are: the
// bits are the same, for any grid. No local memory, no atomics.
#include "activation.cuh"
#include "pack.cuh"
#include "rows.cuh"

// Partial sums of a chunk: SumTask.LANES.
#define WEFT_CHUNK_LANES 8

WEFT_DEVICE bool is_finite(double value) { return magnitude(Real<double>(value)) <= 0x1.fffffffffffffp1023; }

// The sum of (keep q + spread)(x - max) of a row once more, where it is not finite: 0 times infinity is 0, and halves of finite numbers do not
// overflow in f64. By one thread; CrossEntropyTask.carefulHit.
template <class T>
WEFT_DEVICE double careful_hit(const T* x, const T* target, u64 at, u64 columns, u64 label, T max, double keep, double spread) {
  double sum = 0;
  for (u64 j = 0; j < columns; j++) {
    double q = target != nullptr ? (double)target[at + j] : j == label ? 1 : 0;
    double weight = fma_rn(keep, q, spread);
    if (weight != 0) {
      sum = fma_rn(weight, sub_rn(mul_rn(0.5, (double)x[at + j]), mul_rn(0.5, (double)max)), sum);
    }
  }
  return mul_rn(2.0, sum);
}

// Softmax cross-entropy of rows, in f64, one a row, and its gradient by x; CrossEntropyTask. Either labels or target is null; gradient may be
// null or x. Reads x three times, and once more where a logit is infinite or a difference overflows.
template <class T>
WEFT_DEVICE void cross_entropy(const T* x, const int* labels, const T* target, T* gradient, double* losses, double smoothing, u64 rows,
                               u64 columns, T* shared) {
  typedef Real<double> R;
  RowLanes<T> lanes{shared};
  u64 together = blockDim.x / WEFT_LANES;
  for (u64 first = blockIdx.x * together; first < rows; first += gridDim.x * together) {
    u64 index = first + threadIdx.x / WEFT_LANES;
    Row<T> row(index, rows, columns);
    bool here = index < rows;
    u64 label = labels != nullptr && here ? (u64)labels[index] : 0;
    T labelled = labels != nullptr && here ? x[row.at + label] : 0;  // before the gradient may overwrite it
    T max = row.max(x, lanes);
    R hit = R(labelled) - R(max);  // sum of q (x - max) of the target
    R mass = 1;                    // its sum of q
    if (labels == nullptr) {
      hit = (double)row.dot(x, max, target, lanes);
      mass = (double)row.sum(target, 0, lanes);
    }
    R keep = R(1) - R(smoothing);
    R spread = R(smoothing) / R(__ull2double_rn(columns));
    hit = hit * keep;
    mass = keep * mass + R(smoothing);
    if (smoothing > 0) {
      hit = hit + spread * R((double)row.sum(x, max, lanes));
    }
    if (here && row.lane == 0 && !is_finite(hit.v)) {
      hit = careful_hit(x, target, row.at, row.columns, label, max, keep.v, spread.v);
    }
    __syncthreads();  // the gradient may overwrite x
    R sum = (double)row.exp_sum(x, max, gradient, lanes);
    if (gradient != nullptr) {
      R batch = __ull2double_rn(rows);
      T factor = rounded<T>((mass / (sum * batch)).v);
      T less = rounded<T>((spread / batch).v);
      R kept = keep / batch;
      T scale = rounded<T>(-kept.v);
      for (u64 j = row.lane; j < row.columns; j += WEFT_LANES) {
        T g = mul_rn(gradient[row.at + j], factor);
        if (smoothing > 0) {
          g = sub_rn(g, less);
        }
        if (labels == nullptr) {
          g = fma_rn(scale, target[row.at + j], g);
        } else if (j == label) {
          g = rounded<T>((R((double)g) - kept).v);
        }
        gradient[row.at + j] = g;
      }
    }
    if (here && row.lane == 0) {
      losses[index] = (mass * R(log_of_sum(sum.v)) - hit).v;
    }
  }
}

// The losses of single elements; ElementLossTask. NnLaunch.elementLosses has these numbers.
enum ElementLoss : u32 { SIGMOID_CROSS_ENTROPY, MEAN_SQUARED_ERROR, MEAN_ABSOLUTE_ERROR, HUBER };

WEFT_DEVICE Real<double> sign_of(Real<double> d) { return d > 0 ? 1 : d < 0 ? -1 : d; }

// The loss of one element; its derivative times `scale` goes to x.
WEFT_DEVICE Real<double> element_loss(u32 kind, Real<double>& x, Real<double> t, double delta, double scale) {
  typedef Activation<double> A;
  if (kind == SIGMOID_CROSS_ENTROPY) {
    Real<double> loss = fma_rn(-t, x, A::value(SOFTPLUS, x, 0));
    if (magnitude(x) > 0x1.fffffffffffffp1023) {  // (1 - t) or t times infinity, with 0 times infinity = 0
      Real<double> weight = x > 0 ? 1 - t : -t;
      loss = weight.v == 0 ? Real<double>(0) : weight * x;
    }
    x = (A::value(SIGMOID, x, 0) - t) * scale;
    return loss;
  }
  Real<double> d = x - t;
  if (kind == MEAN_SQUARED_ERROR) {
    x = d * (2 * Real<double>(scale));  // 2 d could overflow
    return d * d;
  }
  if (kind == MEAN_ABSOLUTE_ERROR) {
    x = sign_of(d) * scale;
    return magnitude(d);
  }
  Real<double> size = magnitude(d);
  bool near = size <= delta;
  x = (near ? d : delta * sign_of(d)) * scale;
  return near ? 0.5 * d * d : delta * (size - Real<double>(0.5) * delta);
}

// The losses of `count` elements, summed in f64 by chunks of `chunk` elements in 8 lanes each: element i of a chunk belongs to lane i mod 8, and
// a thread owns a lane. The gradient, unless null, is rounded once; it may be x. sums has 8 lanes a chunk.
template <class T>
WEFT_DEVICE void element_losses(const T* x, const T* target, T* gradient, double* sums, u64 count, u64 chunk, u32 kind, double delta) {
  double scale = div_rn(1.0, __ull2double_rn(count));
  u64 items = (count + chunk - 1) / chunk * WEFT_CHUNK_LANES;
  for (u64 item = thread_index(); item < items; item += thread_count()) {
    u64 from = item / WEFT_CHUNK_LANES * chunk;
    u64 end = count - from < chunk ? count : from + chunk;
    double sum = 0;
    for (u64 i = from + item % WEFT_CHUNK_LANES; i < end; i += WEFT_CHUNK_LANES) {
      Real<double> value = (double)x[i];
      sum = add_rn(sum, element_loss(kind, value, (double)target[i], delta, scale).v);
      if (gradient != nullptr) {
        gradient[i] = rounded<T>(value.v);
      }
    }
    sums[item] = sum;
  }
}

// NnEngine.SHRINK, GROW and LEAST_SQUARES.
#define WEFT_SHRINK 0x1p-600
#define WEFT_GROW 0x1p600
#define WEFT_LEAST_SQUARES 0x1p-900

// Sums of squares in f64, by the same chunks and lanes; SquaresTask. For f64 also those of the elements times SHRINK and GROW, each with lanes
// of its own.
template <class T>
WEFT_DEVICE void squares(const T* x, double* sums, u64 count, u64 chunk) {
  u64 items = (count + chunk - 1) / chunk * WEFT_CHUNK_LANES;
  for (u64 item = thread_index(); item < items; item += thread_count()) {
    u64 from = item / WEFT_CHUNK_LANES * chunk;
    u64 end = count - from < chunk ? count : from + chunk;
    double sum = 0;
    double shrunk = 0;
    double grown = 0;
#pragma unroll 8
    for (u64 i = from + item % WEFT_CHUNK_LANES; i < end; i += WEFT_CHUNK_LANES) {
      double value = (double)x[i];
      sum = add_rn(sum, mul_rn(value, value));
      if (sizeof(T) == 8) {
        double less = mul_rn(value, WEFT_SHRINK);
        double more = mul_rn(value, WEFT_GROW);
        shrunk = add_rn(shrunk, mul_rn(less, less));
        grown = add_rn(grown, mul_rn(more, more));
      }
    }
    sums[item] = sum;
    if (sizeof(T) == 8) {
      sums[items + item] = shrunk;
      sums[2 * items + item] = grown;
    }
  }
}

// The sum of `count` terms: groups of `group` in order, then the groups in order. out = sum / divisor, or that added to it. The first
// block does it: its threads own a group each in turn, and the first of them adds those.
WEFT_KERNEL weft_total(double* out, const double* terms, u64 count, u64 group, double divisor, u32 accumulate) {
  __shared__ double sums[256];
  if (blockIdx.x != 0) {
    return;
  }
  u64 groups = (count + group - 1) / group;
  double total = 0;
  for (u64 first = 0; first < groups; first += blockDim.x) {
    u64 mine = first + threadIdx.x;
    double sum = 0;
    if (mine < groups) {
      u64 from = mine * group;
      u64 end = count - from < group ? count : from + group;
#pragma unroll 8
      for (u64 i = from; i < end; i++) {
        sum = add_rn(sum, terms[i]);
      }
    }
    sums[threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
      u64 n = groups - first < blockDim.x ? groups - first : blockDim.x;
      for (u64 i = 0; i < n; i++) {
        total = add_rn(total, sums[i]);
      }
    }
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    double mean = div_rn(total, divisor);
    *out = accumulate != 0 ? add_rn(*out, mean) : mean;
  }
}

// NnLaunch.update has these numbers.
enum OptimizerRule : u32 { SGD, MOMENTUM, NESTEROV, ADAM, ADAM_W, RMS_PROP };

// The numbers of a step, dev.weft.spi.OptimizerRates; NnLaunch.update writes them off-heap.
struct Rates {
  double step;     // offset 0
  double keep;     // 8
  double keep2;    // 16
  double unbias;   // 24
  double epsilon;  // 32
  double decay;    // 40
};

static_assert(sizeof(Rates) == 48, "layout");

WEFT_DEVICE float exact_root(float a) { return __fsqrt_rn(a); }  // sqrt_rn is not for all sizes
WEFT_DEVICE double exact_root(double a) { return sqrt_rn(a); }

// One step of a rule on parameters w and its slots; UpdateF32, UpdateF64.
template <class T>
struct Update {
  typedef ::Real<T> Real;
  u32 rule;
  Real step, keep, fresh, keep2, fresh2, unbias, epsilon, decay;

  WEFT_METHOD Update(u32 rule, const Rates& r)
      : rule(rule),
        step(rounded<T>(-r.step)),
        keep(rounded<T>(r.keep)),
        fresh(rounded<T>(sub_rn(1.0, r.keep))),
        keep2(rounded<T>(r.keep2)),
        fresh2(rounded<T>(sub_rn(1.0, r.keep2))),
        unbias(rounded<T>(r.unbias)),
        epsilon(rounded<T>(r.epsilon)),
        decay(rounded<T>(-r.decay)) {}

  WEFT_METHOD Real next(Real w, Real g, Real& slot1, Real& slot2) const {
    switch (rule) {
      case SGD:
        return fma_rn(step, g, w);
      case MOMENTUM:
        slot1 = fma_rn(keep, slot1, g);
        return fma_rn(step, slot1, w);
      case NESTEROV:
        slot1 = fma_rn(keep, slot1, g);
        return fma_rn(step, fma_rn(keep, slot1, g), w);
      case RMS_PROP:
        slot1 = fma_rn(fresh * g, g, keep * slot1);
        return fma_rn(step, g / (Real(exact_root(slot1.v)) + epsilon), w);
      default:
        break;
    }
    if (rule == ADAM_W) {
      w = fma_rn(decay, w, w);
    }
    slot1 = fma_rn(fresh, g, keep * slot1);
    slot2 = fma_rn(fresh2 * g, g, keep2 * slot2);
    return fma_rn(step, slot1 / fma_rn(Real(exact_root(slot2.v)), unbias, epsilon), w);
  }
};

// How gradients are scaled so that their norm is at most a limit; Clip.java. squares are the sums of squares(), or null.
template <class T>
struct Clip {
  typedef ::Real<double> R;
  T factor = 1;
  bool scaling = false;
  bool dividing = false;
  double unit = 1;
  double norm = 0;
  double limit;

  WEFT_METHOD Clip(const double* squares, double limit) : limit(limit) {
    if (squares == nullptr) {
      return;
    }
    double sum = squares[0];
    if (sizeof(T) == 8) {
      if (sum > 0x1.fffffffffffffp1023) {
        unit = WEFT_SHRINK;
        sum = squares[1];
      } else if (sum < WEFT_LEAST_SQUARES) {
        unit = WEFT_GROW;
        sum = squares[2];
      }
    }
    norm = sqrt_rn(sum);
    if (norm > mul_rn(limit, unit)) {
      double quotient = div_rn(limit, norm);
      scaling = quotient != 1;
      factor = rounded<T>(quotient);
      dividing = unit != 1 || quotient < (sizeof(T) == 4 ? 0x1p-126 : 0x1p-1022);
    }
  }

  WEFT_METHOD T operator()(T g) const {
    if (dividing) {
      return rounded<T>((R((double)g) * R(unit) / R(norm) * R(limit)).v);
    }
    return scaling ? mul_rn(g, factor) : g;
  }
};

// w and the slots after a step with gradients g. squares, unless null, are sums of the gradients' squares, whose norm is scaled down to limit.
// Slots that the rule does not have are null. The step's numbers are an argument, or in memory where a recorded launch finds newer ones.
template <class T>
WEFT_DEVICE void take_step(T* w, const T* g, T* slot1, T* slot2, const double* squares, double limit, u64 count, u32 rule,
                        const Rates& given, const Rates* newer) {
  Rates rates = given;
  if (newer != nullptr) {
    rates = {newer->step, newer->keep, newer->keep2, newer->unbias, newer->epsilon, newer->decay};
  }
  Clip<T> clip(squares, limit);
  Update<T> update(rule, rates);
  Items<T> items(count, (u64)w | (u64)g | (u64)slot1 | (u64)slot2);
  for (u64 item = thread_index(); item < items.count; item += thread_count()) {
    u32 size = items.size(item);
    Pack<T> weights = items.load(w, item);
    Pack<T> gradients = items.load(g, item);
    Pack<T> first = {};
    Pack<T> second = {};
    if (slot1 != nullptr) {
      first = items.load(slot1, item);
    }
    if (slot2 != nullptr) {
      second = items.load(slot2, item);
    }
#pragma unroll 1
    for (u32 i = 0; i < size; i++) {
      Real<T> s1 = first.v[0];
      Real<T> s2 = second.v[0];
      weights.turn(update.next(weights.v[0], clip(gradients.v[0]), s1, s2).v);
      gradients.turn(0);
      first.turn(s1.v);
      second.turn(s2.v);
    }
    items.store(w, item, weights);
    if (slot1 != nullptr) {
      items.store(slot1, item, first);
    }
    if (slot2 != nullptr) {
      items.store(slot2, item, second);
    }
  }
}

#define WEFT_TRAINING(name, type)                                                                                                   \
  WEFT_KERNEL weft_cross_entropy_##name(const type* x, const int* labels, const type* target, type* gradient, double* losses,       \
                                        double smoothing, u64 rows, u64 columns) {                                                  \
    __shared__ type shared[WEFT_ROW_THREADS];                                                                                       \
    cross_entropy<type>(x, labels, target, gradient, losses, smoothing, rows, columns, shared);                                     \
  }                                                                                                                                 \
  WEFT_KERNEL weft_element_losses_##name(const type* x, const type* target, type* gradient, double* sums, u64 count, u64 chunk,     \
                                         u32 kind, double delta) {                                                                  \
    element_losses<type>(x, target, gradient, sums, count, chunk, kind, delta);                                                     \
  }                                                                                                                                 \
  WEFT_KERNEL weft_squares_##name(const type* x, double* sums, u64 count, u64 chunk) { squares<type>(x, sums, count, chunk); }      \
  WEFT_KERNEL weft_update_##name(type* w, const type* g, type* slot1, type* slot2, const double* squares, double clip, u64 count,   \
                                 u32 rule, const __grid_constant__ Rates rates, const Rates* newer) {                               \
    take_step<type>(w, g, slot1, slot2, squares, clip, count, rule, rates, newer);                                                  \
  }

WEFT_TRAINING(f32, float)
WEFT_TRAINING(f64, double)
