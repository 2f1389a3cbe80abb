// Masked scores into softmax weights, in place: one work-group a row. The maximum is exact and the sum a fixed tree.
#include "numerics.clh"

#ifndef THREADS
#define THREADS 128
#endif
#if THREADS & (THREADS - 1)
#error "THREADS is a power of two: sums are folded by halves"
#endif

// Strides in elements; ProbabilityBlock.java writes the same layout.
struct probability_block {
  long scores_offset, scores_batch, scores_head, scores_row, scores_key;
  long sinks_offset, sinks_head;
  int heads, queries, keys, has_sinks;
};

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void probability(
    __global float *scores, __global const float *sinks, struct probability_block a) {
  __local float folded[THREADS];
  const int tid = get_local_id(0);
  long group = get_group_id(0);
  const int q = (int)(group % a.queries);
  group /= a.queries;
  const int h = (int)(group % a.heads), b = (int)(group / a.heads);
  scores += a.scores_offset + b * a.scores_batch + h * a.scores_head + q * a.scores_row;
  const float sink = a.has_sinks ? sinks[a.sinks_offset + h * a.sinks_head] : -INFINITY;

  float highest = sink;
  for (int k = tid; k < a.keys; k += THREADS) highest = fmax(highest, scores[k * a.scores_key]);
  folded[tid] = highest;
  for (int half_ = THREADS / 2; half_ > 0; half_ >>= 1) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (tid < half_) folded[tid] = fmax(folded[tid], folded[tid + half_]);
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  const float reference = reference_of(folded[0]);
  barrier(CLK_LOCAL_MEM_FENCE);

  float sum = 0.0f;
  for (int k = tid; k < a.keys; k += THREADS) sum += exp2_nonpositive((scores[k * a.scores_key] - reference) * LOG2E);
  folded[tid] = sum;
  for (int half_ = THREADS / 2; half_ > 0; half_ >>= 1) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (tid < half_) folded[tid] += folded[tid + half_];
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  const float total = folded[0] + exp2_nonpositive((sink - reference) * LOG2E);
  for (int k = tid; k < a.keys; k += THREADS) {
    const float s = scores[k * a.scores_key];
    scores[k * a.scores_key] = s == -INFINITY ? 0.0f : exp2_nonpositive((s - reference) * LOG2E) / total;
  }
}
