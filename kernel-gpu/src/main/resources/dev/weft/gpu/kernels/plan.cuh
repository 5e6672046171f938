// plan.cuh — what a launch is told: the region to write and the numbers of its fill, one struct by value.
// Java writes it off-heap: the offsets are part of the interface, and fill_shim.cpp asserts them. Fields of 8 bytes come first.
#pragma once
#include "ieee.cuh"

// An entry point, for blocks of at most 256 threads.
#define WEFT_KERNEL extern "C" __global__ void __launch_bounds__(256)

// No region has more axes outside its runs once those of one element are dropped and those that follow on are merged: all but the
// outermost are cut from dimensions of 3 or more, and 2 * 3^39 * 2 is beyond 2^63 elements.
#define WEFT_MAX_AXES 40

// A normal cut at one pair of bounds, dev.weft.spi.fill.TruncatedNormalPlanF64 and F32. Zeros for other fills.
struct TruncatedF64 {
  u64 flip, split;
  double width, tailBelow, tailAbove, middleBelow, middleAbove, cut, k, tailCentre;
  double tail[19];
};

struct TruncatedF32 {
  u32 flip, split;
  float width, tailBelow, tailAbove, middleBelow, middleAbove, cut, k, tailCentre;
  float tail[8];
};

struct FillPlan {
  // The region: output element r * run + i is logical element start(r) + i, where start(r) is origin plus the digits of firstRun + r in the
  // mixed radix extent[0], ..., extent[axes - 1] (the last varies fastest), each times its stride. run, runs >= 1.
  u64 origin;  // offset 0
  u64 run;     // 8: elements of a run
  u64 runs;    // 16: number of runs, the product of the extents
  // The stream and what becomes of z: fma(z, scale, shift), kept within [least, most], values of the type written.
  u64 seed;  // 24: the Philox key, k0 in the low word
  double scale64, shift64, least64, most64;  // 32, 40, 48, 56
  TruncatedF64 truncated64;                  // 64
  u64 extent[WEFT_MAX_AXES];                 // 296
  u64 stride[WEFT_MAX_AXES];                 // 616
  u32 axes;                                  // 936
  u32 subsequenceBits;                       // 940: 16 in CURAND order, 0 in SEQUENTIAL order
  float scale32, shift32, least32, most32;   // 944, 948, 952, 956
  TruncatedF32 truncated32;                  // 960
  u32 roundKeys[20];                         // 1032: k0 + i * W0 and k1 + i * W1 of Philox's rounds i = 0, ..., 9, in turn
  u64 firstRun;                              // 1112: of the region's runs, the one that is run 0 of this launch
};

static_assert(sizeof(FillPlan) == 1120, "layout");

// The first logical element of run r. The outermost digit needs no division, so neither does a matrix.
WEFT_DEVICE u64 run_start(const FillPlan& p, u64 r) {
  u64 first = p.origin;
  r += p.firstRun;
#pragma unroll 1
  for (u32 a = p.axes; a > 1; a--) {
    u64 extent = p.extent[a - 1];
    u64 quotient = ((r | extent) >> 32) == 0 ? (u32)r / (u32)extent : r / extent;
    first += (r - quotient * extent) * p.stride[a - 1];
    r = quotient;
  }
  return p.axes == 0 ? first : first + r * p.stride[0];
}

// This thread's place in the grid, and the grid's size: 64 bits, one dimension.
WEFT_DEVICE u64 thread_index() { return (u64)blockIdx.x * blockDim.x + threadIdx.x; }
WEFT_DEVICE u64 thread_count() { return (u64)gridDim.x * blockDim.x; }
