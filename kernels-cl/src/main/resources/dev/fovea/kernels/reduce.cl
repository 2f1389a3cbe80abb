// The last axis brought down to one number (ReduceSpec): a.lanes work-items a row, and a fixed tree over what each of them found.
#include "operands.clh"
#include "numerics.clh"
#include "views.clh"

#define RULE_SUM 0
#define RULE_MEAN 1
#define RULE_MAX 2
#define RULE_MIN 3
#define RULE_ARGMAX 4
#define RULE_ARGMIN 5
#ifndef RULE
#define RULE RULE_SUM
#endif
#ifndef REDUCE_THREADS
#define REDUCE_THREADS 128
#endif
#ifndef INPUT
#define INPUT F32
#endif
#ifndef OUTPUT
#define OUTPUT F32
#endif
#if REDUCE_THREADS & (REDUCE_THREADS - 1)
#error "REDUCE_THREADS is a power of two"
#endif
#define GIVES_INDEX (RULE == RULE_ARGMAX || RULE == RULE_ARGMIN)
#if !IS_FLOATS(INPUT)
#error "INPUT is F32, F16 or BF16"
#endif
#if GIVES_INDEX ? !IS_INTEGERS(OUTPUT) : !IS_FLOATS(OUTPUT)
#error "OUTPUT is I32 for an index, else F32, F16 or BF16"
#endif

// ReduceBlock.java writes the same layout.
struct reduce_block {
  struct view input, output;
  struct rows rows;
  uint count;              // rows
  int columns;
  int lanes;               // a power of two up to REDUCE_THREADS
  int lane_step, row_step; // between work-items of neighbouring lanes, and of neighbouring rows
};

// Four sums, so that additions need not wait for each other and the error grows with a quarter of the length.
static float sum_of(__global const TYPE_OF(INPUT) *x, long stride, int from, int to, int step) {
  float4 s = (float4)(0.0f);
  int i = from;
  for (; i < to - 3 * step; i += 4 * step) {
    s.x += LOAD_OF(INPUT, x + i * stride);
    s.y += LOAD_OF(INPUT, x + (i + step) * stride);
    s.z += LOAD_OF(INPUT, x + (i + 2 * step) * stride);
    s.w += LOAD_OF(INPUT, x + (i + 3 * step) * stride);
  }
  for (; i < to; i += step) s.x += LOAD_OF(INPUT, x + i * stride);
  return (s.x + s.y) + (s.z + s.w);
}

__kernel __attribute__((reqd_work_group_size(REDUCE_THREADS, 1, 1))) void reduce(
    __global const TYPE_OF(INPUT) *input, __global TYPE_OF(OUTPUT) *output, struct reduce_block a) {
  __local float values[REDUCE_THREADS];
#if GIVES_INDEX
  __local int indices[REDUCE_THREADS];
#endif
  const int tid = get_local_id(0), rows = REDUCE_THREADS / a.lanes;
  const int lane = tid / a.lane_step % a.lanes;
  const uint row = (uint)get_group_id(0) * rows + (uint)(tid / a.row_step % rows);
  const struct place p = place_of(min(row, a.count - 1), a.rows);
  const int columns = row < a.count ? a.columns : 0;
  input += row_at(a.input, p);
#if RULE == RULE_SUM || RULE == RULE_MEAN
  float value = sum_of(input, a.input.d, lane, columns, a.lanes);
#elif RULE == RULE_MAX || RULE == RULE_MIN
  float value = RULE == RULE_MAX ? -INFINITY : INFINITY;
  for (int d = lane; d < columns; d += a.lanes) {
    const float x = LOAD_OF(INPUT, input + d * a.input.d);
    value = RULE == RULE_MAX ? maximum(value, x) : minimum(value, x);
  }
#else
  float value = -INFINITY;
  int index = -1;
  for (int d = lane; d < columns; d += a.lanes) {
    const float x = LOAD_OF(INPUT, input + d * a.input.d), signed_x = RULE == RULE_ARGMAX ? x : -x;
    if (signed_x > value) {
      value = signed_x;
      index = d;
    }
  }
  indices[tid] = index;
#endif
  values[tid] = value;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int n = a.lanes / 2; n > 0; n /= 2) {
    if (lane < n) {
      const int other = tid + n * a.lane_step;
#if RULE == RULE_SUM || RULE == RULE_MEAN
      values[tid] += values[other];
#elif RULE == RULE_MAX
      values[tid] = maximum(values[tid], values[other]);
#elif RULE == RULE_MIN
      values[tid] = minimum(values[tid], values[other]);
#else
      const float mine = values[tid], its = values[other];
      const int i = indices[tid], j = indices[other];
      if (its > mine || (its == mine && (uint)j < (uint)i)) {  // -1, nothing, is above all indices
        values[tid] = its;
        indices[tid] = j;
      }
#endif
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  if (lane == 0 && row < a.count) {
    output += row_at(a.output, p);
#if GIVES_INDEX
    STORE_OF(OUTPUT, indices[tid], output);
#elif RULE == RULE_MEAN
    STORE_OF(OUTPUT, values[tid] / (float)a.columns, output);
#else
    STORE_OF(OUTPUT, values[tid], output);
#endif
  }
}
