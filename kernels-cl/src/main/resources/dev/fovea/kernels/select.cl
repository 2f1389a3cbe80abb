// The k largest of each row in order (SelectSpec): a work-group a row. Rounds bring out up to SELECT_BLOCK elements each: digits of eight bits
// narrow down the last one of the round, first by score, among equal ones by index; what is before it is collected and ranked by
// counting. A row of at most SELECT_BLOCK elements needs no narrowing.
#include "operands.clh"
#include "views.clh"

#ifndef SELECT_THREADS
#define SELECT_THREADS 128
#endif
#ifndef INPUT
#define INPUT F32
#endif
#if !IS_FLOATS(INPUT)
#error "INPUT is F32, F16 or BF16"
#endif
#define SELECT_BLOCK 1024
#define DIGITS 256

// SelectBlock.java writes the same layout.
struct select_block {
  struct view scores, indices, counts, chosen;
  struct rows rows;
  int columns, slots;
  int has_counts, has_chosen;
};

// Larger for larger scores, 0 for what is never selected. By bits, since a device may take subnormal numbers for 0 in arithmetic.
static uint key_of(float x) {
  const uint u = as_uint(x), magnitude = u & 0x7fffffffu;
  if (magnitude > 0x7f800000u || u == 0xff800000u) return 0u;
  return magnitude == 0u ? 0x80000000u : u ^ (u >> 31 ? 0xffffffffu : 0x80000000u);
}

// Whether (key, index) comes before (other, at) in the order of the output.
static int before(uint key, int index, uint other, int at) { return key > other || (key == other && index < at); }

// Steps of a round: four digits of the key, four of the index, then the collection.
#define STEP_INDEX 4
#define STEP_COLLECT 8
#define STEP_DONE 9

__kernel __attribute__((reqd_work_group_size(SELECT_THREADS, 1, 1))) void top(
    __global const TYPE_OF(INPUT) *scores, __global int *indices, __global int *counts, __global uchar *chosen,
    struct select_block a) {
  __local uint keys[SELECT_BLOCK];
  __local int places[SELECT_BLOCK];
  __local uint histogram[DIGITS];
  __local uint collected, worst_key;
  __local int worst_place;
  const int tid = get_local_id(0);
  const struct place p = place_of(get_group_id(0), a.rows);
  scores += row_at(a.scores, p);
  indices += row_at(a.indices, p);

  // All work-items decide the same, so that the loop is uniform. last_key, last_place: the last one that the rounds before brought out.
  uint last_key = 0xffffffffu;
  int last_place = -1, done = 0;
  uint key = 0, need = 0;  // what the digits so far say of the key, or of the index, of the last one of this round
  int place = 0;
  const int first_step = a.columns <= SELECT_BLOCK ? STEP_COLLECT : 0;
  int step = a.slots == 0 ? STEP_DONE : first_step;
  if (first_step == STEP_COLLECT) place = a.columns;
  while (step != STEP_DONE) {
    const int wanted = min(SELECT_BLOCK, a.slots - done);
    const int shift = 24 - 8 * (step % 4);
    for (int i = tid; i < DIGITS; i += SELECT_THREADS) histogram[i] = 0u;
    if (tid == 0) collected = 0u;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = tid; i < a.columns; i += SELECT_THREADS) {
      const uint x = key_of(LOAD_OF(INPUT, scores + i * a.scores.d));
      if (x != 0u && before(last_key, last_place, x, i)) {
        if (step == STEP_COLLECT) {
          if (x > key || (x == key && i <= place)) {
            const uint slot = atomic_inc(&collected);
            keys[slot] = x;
            places[slot] = i;
          }
        } else if (step < STEP_INDEX) {
          // the digits before this one: none at first, where a shift by 32 would be undefined
          if (((x ^ key) >> shift) >> 8 == 0u) atomic_inc(&histogram[(x >> shift) & (DIGITS - 1)]);
        } else if (x == key && (((uint)(i ^ place) >> shift) >> 8) == 0u) {
          atomic_inc(&histogram[((uint)i >> shift) & (DIGITS - 1)]);
        }
      }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const int n = (int)collected;
    if (step == STEP_COLLECT) {
      for (int e = tid; e < n; e += SELECT_THREADS) {
        const uint x = keys[e];
        const int i = places[e];
        int rank = 0;
        for (int j = 0; j < n; j++) rank += before(keys[j], places[j], x, i);
        if (rank < wanted) indices[(done + rank) * a.indices.d] = i;
        if (rank == min(wanted, n) - 1) {
          worst_key = x;
          worst_place = i;
        }
      }
    } else {
      // how many the histogram holds before each digit, from the best digit on
      uint sum = 0u, at_digit = 0u, total = 0u, digit = 0u;
      if (step == 0) need = (uint)wanted;
      for (int j = 0; j < DIGITS; j++) {
        const uint d = step < STEP_INDEX ? DIGITS - 1 - j : j, more = histogram[d];
        if (total < need && total + more >= need) {
          digit = d;
          sum = total;
          at_digit = more;
        }
        total += more;
      }
      if (step < STEP_INDEX) {
        if (total > need) {
          key |= digit << shift;
          need -= sum;
          total = at_digit;
        }
        if (total <= need) {  // all of the digits so far are in
          place = a.columns;
          step = STEP_COLLECT - 1;
        } else if (step == STEP_INDEX - 1) {
          place = 0;
          step += (int)clz((uint)a.columns) / 8;
        }
      } else {
        place |= (int)(digit << shift);
        need -= sum;
      }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (step == STEP_COLLECT) {
      const int got = min(n, wanted);
      done += got;
      if (got > 0) {
        last_key = worst_key;
        last_place = worst_place;
      }
      key = 0u;
      place = first_step == STEP_COLLECT ? a.columns : 0;
      step = got < wanted || done == a.slots ? STEP_DONE : first_step;
    } else {
      step++;
    }
  }
  for (int i = done + tid; i < a.slots; i += SELECT_THREADS) indices[i * a.indices.d] = -1;
  if (a.has_counts && tid == 0) counts[row_at(a.counts, p)] = done;
  if (a.has_chosen) {
    chosen += row_at(a.chosen, p);
    for (int i = tid; i < a.columns; i += SELECT_THREADS) {
      const uint x = key_of(LOAD_OF(INPUT, scores + i * a.scores.d));
      chosen[i * a.chosen.d] = x != 0u && done > 0 && !before(last_key, last_place, x, i);
    }
  }
}
