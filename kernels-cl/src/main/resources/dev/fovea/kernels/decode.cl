// Attention of few query rows over many keys, split along them: each work-group reads K and V of one split once for all rows that share
// a key and a value head, and leaves a partial of each row. decode_merge brings the partials of a row together, in a fixed order.
//
// A tile has four keys for each (work-item, row): first K_LANES work-items take a key's columns, four keys at a time, then each
// work-item has four scores of one row, then V_LANES work-items take a value's columns, again four keys at a time.
#include "keys.clh"

// Rows of a work-group: 1, 2, 4 or 8.
#ifndef ROWS
#define ROWS 4
#endif
// Work-items along the columns of a key and of a value; each takes eight columns at a time, of a value only once.
#ifndef K_LANES
#define K_LANES 8
#endif
#ifndef V_LANES
#define V_LANES 16
#endif
// The head dim, padded to a multiple of 8.
#ifndef QUERY_DIM
#define QUERY_DIM 128
#endif
// Rows of K and V are aligned and multiples of eight columns.
#ifndef ALIGNED
#define ALIGNED 1
#endif
// Whether there are past keys in tensors of their own.
#ifndef PAST
#define PAST 0
#endif
#ifndef UNROLL
#define UNROLL 8
#endif
// Where all lanes have the same number of columns, and so no branch between them, more loads are on their way at a time.
#ifndef EVEN
#define EVEN 0
#endif
#if EVEN
#define HEAD_DIM QUERY_DIM
#else
#define HEAD_DIM a.head_dim
#endif
#if UNROLL > 1
#define UNROLL_LOADS 2
#else
#define UNROLL_LOADS 1
#endif
#if ROTARY
#define UNROLL_KEY_LOADS 1
#else
#define UNROLL_KEY_LOADS UNROLL_LOADS
#endif
#define THREADS 128
#include "decode_parts.clh"

#define UNITS (THREADS / ROWS)  // work-items of a row; each has four keys of a tile
#define TILE (4 * UNITS)
#define KEY_GROUPS (THREADS / K_LANES)
#define PASSES (K_LANES / ROWS)
#define PITCH (4 * K_LANES + 4)  // without bank conflicts: neighbours are four banks apart
#define VALUE_GROUPS (THREADS / V_LANES)
#define ROUND (ROWS < 4 ? ROWS : 4)  // rows whose accumulators are added up at a time
#define SCORE_FLOATS (THREADS * PITCH)
#define SUM_FLOATS (ROUND * THREADS * 8)
#define SHARED_FLOATS (SCORE_FLOATS > SUM_FLOATS ? SCORE_FLOATS : SUM_FLOATS)

#if ROWS & (ROWS - 1) || K_LANES & (K_LANES - 1) || V_LANES & (V_LANES - 1) || ROWS > K_LANES || K_LANES > 8 || V_LANES > THREADS
#error "ROWS, K_LANES and V_LANES are powers of two, K_LANES at most 8 and not below ROWS"
#endif
#if QUERY_DIM % 8 || EVEN && QUERY_DIM % (8 * K_LANES)
#error "QUERY_DIM is a multiple of 8; where EVEN, of what the lanes take at a time, and the head dim itself"
#endif
// some drivers count the memory of all kernels of a program
#if ROWS * QUERY_DIM + SHARED_FLOATS + 5 * THREADS + MERGE_FLOATS + 16 > 8192
#error "the tiles do not fit 32 KiB of local memory"
#endif

#define F4(p) (*(__local float4 *)(p))
#define EACH_KEY(X) X(x, 0) X(y, 1) X(z, 2) X(w, 3)

// What a masked key has for a weight where products have to be selected: no arithmetic gives this NaN.
#define NO_WEIGHT as_float(0x7fc0facd)
#define HAS_WEIGHT(p) (as_int(p) != 0x7fc0facd)

// Only keys below the length are looked at, even where a block of a selection reaches beyond.
#if SELECTION == SELECTION_ALL
#define KEY_IN(i) (i)
#else
#define KEY_IN(i) min(selected_key(list, i KEY_ARGUMENTS), shared.length - 1)
#endif

// row: where the key in slot FIRST + J lies, or that in the last slot if there is none
#if PAST
#define FIND_ROW(ROW, PAST_ROW, HEAD, SCALING, FIRST, J)                                             \
  const int key##J = KEY_IN(min(FIRST + J, to - 1));                                                 \
  const int old##J = key##J < a.past;                                                                \
  const slot_t slot##J = slot_of(old##J ? 0 : key##J - a.past, start, b, hk KEY_ARGUMENTS);     \
  __global const kv_element *const row##J =                                                          \
      old##J ? PAST_ROW + (index_t)key##J * (index_t)a.PAST_ROW.row : ROW + ROW_OF(a.ROW, slot##J);  \
  const scaling_t z##J = no_scaling();
#else
#define FIND_ROW(ROW, PAST_ROW, HEAD, SCALING, FIRST, J)                                             \
  const slot_t slot##J = slot_of(KEY_IN(min(FIRST + J, to - 1)), start, b, hk KEY_ARGUMENTS);   \
  __global const kv_element *const row##J = ROW + ROW_OF(a.ROW, slot##J);                            \
  const scaling_t z##J = SCALING(slot##J, HEAD);
#endif

#if ALIGNED
#define LOAD8(ROW, C, LEFT, Z) kv_vector8(ROW + KV_COLUMN(C), Z)
#else
#define LOAD8(ROW, C, LEFT, Z) kv_load8(ROW + KV_COLUMN(C), LEFT, Z)
#endif

static float dot8(float4 lo, float4 hi, float8 x, float sum) {
  sum = FMA(lo.x, x.s0, sum);
  sum = FMA(lo.y, x.s1, sum);
  sum = FMA(lo.z, x.s2, sum);
  sum = FMA(lo.w, x.s3, sum);
  sum = FMA(hi.x, x.s4, sum);
  sum = FMA(hi.y, x.s5, sum);
  sum = FMA(hi.z, x.s6, sum);
  return FMA(hi.w, x.s7, sum);
}

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void decode(
    __global const element *q, __global const kv_element *k, __global const kv_element *v, __global const kv_element *past_k,
    __global const kv_element *past_v, __global const int *lengths, __global const int *offsets, __global const int *items,
    __global float *work, struct decode_block a KEY_PARAMETERS EXTRA_PARAMETERS) {
  __local float4 local_memory[(ROWS * QUERY_DIM + SHARED_FLOATS + 5 * THREADS) / 4];
#if NORMALISER == SOFTMAX
  __local float factors[ROWS];
#endif
  __local int found_nan;
  __local float *const q_tile = (__local float *)local_memory;
  __local float *const exchange = q_tile + ROWS * QUERY_DIM;
  __local float *const p_tile = exchange + SHARED_FLOATS;
  __local float *const tops = p_tile + 4 * THREADS;

  const int tid = get_local_id(0);
  long at_group = get_group_id(0);
  const int slice = (int)(at_group % a.slices);
  at_group /= a.slices;
  const int block = (int)(at_group % a.blocks);
  at_group /= a.blocks;
  const int group = (int)(at_group % a.groups);
  at_group /= a.groups;
  const int b = a.scheduled ? items[2 * at_group] : (int)(at_group / a.splits);
  const int split = a.scheduled ? items[2 * at_group + 1] : (int)(at_group % a.splits);
  struct shared_rows shared;
  rows_of(&shared, b, group, block, lengths, offsets, a KEY_ARGUMENTS);
  const int first_head = group * a.row_heads, hk = first_head / a.key_group, hv = first_head / a.value_group;
  const int from = shared.from + split * a.split_length, to = min(shared.to, from + a.split_length);
  const int start = key_start(b KEY_ARGUMENTS);
#if SELECTION != SELECTION_ALL
  __global const int *const list = selected_list(b, first_head, min(shared.set, a.queries - 1) KEY_ARGUMENTS);
#endif
  k += head_of_keys(a.k, b, hk);
  v += head_of_keys(a.v, b, hv);
#if PAST
  past_k += a.past_k.offset + b * a.past_k.batch + hk * a.past_k.head;
  past_v += a.past_v.offset + b * a.past_v.batch + hv * a.past_v.head;
#endif

  // Columns c .. c + 3 and c + 4 .. c + 7 of a row lie in its two halves, so that neighbouring lanes read without conflicts. Rows
  // beyond the last one repeat it.
  const long first_query = query_start(b KEY_ARGUMENTS);
  for (int i = tid; i < (from < to ? ROWS * QUERY_DIM / 4 : 0); i += THREADS) {
    const int r = i / (QUERY_DIM / 4), c = i % (QUERY_DIM / 4), row = min(shared.first_row + r, shared.rows - 1);
    const long query = first_query + shared.set + row / a.row_heads;
    const long head = a.q.offset + QUERY_BATCH(b) * a.q.batch + (first_head + row % a.row_heads) * a.q.head;
    float4 x = load4(q + head + query * a.q.row + 4 * c, a.head_dim - 4 * c, a.vectors & VECTOR_Q);
#if ROTARY
    x = turned_query4(x, q + head + query * a.q.row, 4 * c, a.vectors & VECTOR_Q,
                      shared.offset + shared.set + row / a.row_heads KEY_ARGUMENTS);
#endif
    F4(q_tile + r * QUERY_DIM + c % 2 * (QUERY_DIM / 2) + c / 2 * 4) = x;
  }
  barrier(CLK_LOCAL_MEM_FENCE);

  const int key_lane = tid % K_LANES, key_group = tid / K_LANES;
  const int value_lane = tid % V_LANES, value_group = tid / V_LANES;
  const int own_row = tid / UNITS, unit = tid % UNITS;
  const int column = 8 * (slice * V_LANES + value_lane);
  const int loaded_column = column < a.value_dim ? column : 0;
  struct pair at;
  {
    const int row = min(shared.first_row + own_row, max(shared.rows, 1) - 1);
    at.b = b;
    at.h = first_head + row % a.row_heads;
    at.hk = hk;
    at.q = shared.set + row / a.row_heads;
    at.qpos = at.q + shared.offset;
    at.len_q = shared.queries;
    at.len_k = shared.length;
    at.d = 0;
  }

  float m, l;
  float8 acc[ROWS];
  // As in attention.cl: products of masked weights, which are 0, are selected away only where a NaN shows that they have to be.
  for (int phase = 0; phase < 2;) {
    const int careful = phase;
    m = NORMALISER == SOFTMAX ? -INFINITY : 0.0f;
    l = 0.0f;
#pragma unroll UNROLL
    for (int r = 0; r < ROWS; r++) acc[r] = (float8)(0.0f);

    for (int tile = from; tile < to; tile += TILE) {
      for (int pass = 0; pass < PASSES; pass++) {
        const int first = tile + 4 * (pass * KEY_GROUPS + key_group);
        float4 dots[ROWS];
#pragma unroll UNROLL
        for (int r = 0; r < ROWS; r++) dots[r] = (float4)(0.0f);
        if (first < to) {
#define FIND_KEY(C, J) FIND_ROW(k, past_k, hk, KEY_SCALING, first, J)
          EACH_KEY(FIND_KEY)
#if ROTARY
#define FIND_POSITION(C, J) const int position##J = key_position(KEY_IN(min(first + J, to - 1)), b, hk KEY_ARGUMENTS);
          EACH_KEY(FIND_POSITION)
#endif
#pragma unroll UNROLL_KEY_LOADS
          for (int c = key_lane; 8 * c < HEAD_DIM; c += K_LANES) {
#if ROTARY
#define LOAD_KEY(C, J) \
  const float8 x##J =  \
      turned_key8(LOAD8(row##J, 8 * c, a.head_dim - 8 * c, z##J), row##J, 8 * c, ALIGNED, z##J, position##J KEY_ARGUMENTS);
#else
#define LOAD_KEY(C, J) const float8 x##J = LOAD8(row##J, 8 * c, a.head_dim - 8 * c, z##J);
#endif
            EACH_KEY(LOAD_KEY)
#pragma unroll UNROLL
            for (int r = 0; r < ROWS; r++) {
              const float4 lo = F4(q_tile + r * QUERY_DIM + 4 * c), hi = F4(q_tile + r * QUERY_DIM + QUERY_DIM / 2 + 4 * c);
#define DOT(C, J) dots[r].C = dot8(lo, hi, x##J, dots[r].C);
              EACH_KEY(DOT)
            }
          }
        }
#pragma unroll UNROLL
        for (int r = 0; r < ROWS; r++)
          F4(exchange + ((r * PASSES + pass) * KEY_GROUPS + key_group) * PITCH + 4 * key_lane) = dots[r];
      }
      barrier(CLK_LOCAL_MEM_FENCE);

      float4 s = F4(exchange + tid * PITCH);
#pragma unroll UNROLL
      for (int i = 1; i < K_LANES; i++) s += F4(exchange + tid * PITCH + 4 * i);
      s *= a.scale;
#define SCORE(C, J)                                                                                       \
  {                                                                                                       \
    const int slot = tile + 4 * unit + J;                                                                 \
    at.k = KEY_SEEN(slot);                                                                                \
    at.kpos = key_position(min(at.k, shared.length - 1), b, hk KEY_ARGUMENTS);                            \
    s.C = score_expression(cap_expression(s.C, at EXTRA_ARGUMENTS), at EXTRA_ARGUMENTS);                  \
    s.C = (slot < to) & (at.k < shared.length) & mask_expression(at EXTRA_ARGUMENTS) ? s.C : -INFINITY;   \
  }
#if SELECTION == SELECTION_ALL
#define KEY_SEEN(i) (i)
#else
#define KEY_SEEN(i) selected_key(list, min(i, to - 1) KEY_ARGUMENTS)
#endif
      EACH_KEY(SCORE)
      tops[tid] = fmax(fmax(s.x, s.y), fmax(s.z, s.w));
      barrier(CLK_LOCAL_MEM_FENCE);

#if NORMALISER == SOFTMAX
      float4 highest4 = F4(tops + own_row * UNITS);
#pragma unroll UNROLL
      for (int i = 4; i < UNITS; i += 4) highest4 = fmax(highest4, F4(tops + own_row * UNITS + i));
      const float highest = fmax(m, fmax(fmax(highest4.x, highest4.y), fmax(highest4.z, highest4.w)));
      const float reference = reference_of(highest);
      const float rescale = exp2_nonpositive((m - reference) * LOG2E);
      m = highest;
      float4 p = exp2_nonpositive4((s - reference) * LOG2E);
      l = FMA(l, rescale, (p.x + p.y) + (p.z + p.w));
      if (unit == 0) factors[own_row] = rescale;
#else
      float4 p = s == (float4)(-INFINITY) ? (float4)(0.0f) : s;
      l += (fabs(p.x) + fabs(p.y)) + (fabs(p.z) + fabs(p.w));
#endif
#if WEIGHTED
#define WEIGH(C, J)                                                                           \
  {                                                                                           \
    at.k = KEY_SEEN(tile + 4 * unit + J);                                                     \
    at.kpos = key_position(min(at.k, shared.length - 1), b, hk KEY_ARGUMENTS);                \
    p.C = s.C == -INFINITY ? 0.0f : weight_expression(p.C, s.C, at EXTRA_ARGUMENTS);          \
  }
      EACH_KEY(WEIGH)
#endif
#define MARK(C, J) p.C = s.C == -INFINITY ? NO_WEIGHT : p.C;
      if (careful) {
        EACH_KEY(MARK)
      }
      F4(p_tile + 4 * tid) = p;
      barrier(CLK_LOCAL_MEM_FENCE);

#if NORMALISER == SOFTMAX
#pragma unroll UNROLL
      for (int r = 0; r < ROWS; r++) acc[r] *= factors[r];
#endif
      const int present = min(UNITS, (to - tile + 3) / 4);
#pragma unroll UNROLL_LOADS
      for (int quad = value_group; quad < present; quad += VALUE_GROUPS) {
        const int first = tile + 4 * quad;
#define FIND_VALUE(C, J) FIND_ROW(v, past_v, hv, VALUE_SCALING, first, J)
        EACH_KEY(FIND_VALUE)
#define LOAD_VALUE(C, J) const float8 x##J = LOAD8(row##J, loaded_column, a.value_dim - loaded_column, z##J);
        EACH_KEY(LOAD_VALUE)
        if (!careful) {
#pragma unroll UNROLL
          for (int r = 0; r < ROWS; r++) {
            const float4 w = F4(p_tile + 4 * (r * UNITS + quad));
#define ADD(C, J) acc[r] = FMA((float8)(w.C), x##J, acc[r]);
            EACH_KEY(ADD)
          }
        } else {
#pragma unroll UNROLL
          for (int r = 0; r < ROWS; r++) {
            const float4 w = F4(p_tile + 4 * (r * UNITS + quad));
#define ADD_SEEN(C, J) acc[r] = HAS_WEIGHT(w.C) ? FMA((float8)(w.C), x##J, acc[r]) : acc[r];
            EACH_KEY(ADD_SEEN)
          }
        }
      }
    }

    if (tid == 0) found_nan = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (!careful) {
      float8 sum = acc[0];
#pragma unroll UNROLL
      for (int r = 1; r < ROWS; r++) sum += acc[r];
      const float4 four = sum.lo + sum.hi;
      if (isnan((four.x + four.y) + (four.z + four.w))) atomic_or(&found_nan, 1);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    phase = found_nan && !careful ? 1 : 2;
    barrier(CLK_LOCAL_MEM_FENCE);
  }

  tops[tid] = l;
#pragma unroll UNROLL
  for (int round = 0; round < ROWS; round += ROUND) {
    barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll UNROLL
    for (int r = 0; r < ROUND; r++) {
      __local float *const sums = exchange + 4 * (((r * VALUE_GROUPS + value_group) * 2) * V_LANES + value_lane);
      F4(sums) = acc[round + r].lo;
      F4(sums + 4 * V_LANES) = acc[round + r].hi;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = tid; i < ROUND * 2 * V_LANES; i += THREADS) {
      const int r = i / (2 * V_LANES), of_row = i % (2 * V_LANES), row = shared.first_row + round + r;
      const int c = 8 * (slice * V_LANES + of_row % V_LANES) + of_row / V_LANES * 4;
      float4 sum = (float4)(0.0f);
      for (int g = 0; g < VALUE_GROUPS; g++) sum += F4(exchange + 4 * ((r * VALUE_GROUPS + g) * 2 * V_LANES + of_row));
      if (from < to && row < shared.rows) {
        const long part = part_of(b, first_head + row % a.row_heads, shared.set + row / a.row_heads, split, a);
        __global float *const to_columns = work + a.work_columns + part * a.value_dim + c;
        if (c < a.value_dim) to_columns[0] = sum.x;
        if (c + 1 < a.value_dim) to_columns[1] = sum.y;
        if (c + 2 < a.value_dim) to_columns[2] = sum.z;
        if (c + 3 < a.value_dim) to_columns[3] = sum.w;
      }
    }
  }
  if (unit == 0 && slice == 0 && from < to && shared.first_row + own_row < shared.rows) {
    float4 sum = F4(tops + own_row * UNITS);
    for (int i = 4; i < UNITS; i += 4) sum += F4(tops + own_row * UNITS + i);
    const long part = part_of(b, at.h, at.q, split, a);
    work[part] = m;
    work[a.work_sums + part] = (sum.x + sum.y) + (sum.z + sum.w);
  }
}
