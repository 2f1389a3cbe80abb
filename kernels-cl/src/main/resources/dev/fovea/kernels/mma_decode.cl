// Attention of few query rows over many keys on NVIDIA's matrix unit: parts of the keys as in decode.cl, f16 or bf16 products, f32 sums.
//
// The rows that share a key head are the narrow side of the products: scores are K Q^T, the output is V^T P^T. A warp takes tiles of 16
// keys in turn with the other warps of its work-group and has a maximum, sums and an output of its own; they meet once, behind the last
// tile. Keys and values come from global memory straight into the registers that the products read, 16 bytes at a time: which columns and
// keys meet in a product is of no matter as long as both sides agree. So there is neither local memory nor a barrier in the loop, and the
// next keys are on their way while the values are used.
#include "mma_decode_loads.clh"
#include "mma_decode_merge.clh"

#if ROTARY || PAST || NORMALISER != SOFTMAX
#error "turning on load, past keys given apart and other normalisers are decode.cl's"
#endif

// Plain scores are scaled within the exponent.
#define FOLDED (!SCORED && !WEIGHTED)
#if FOLDED
#define EXPONENT(s, reference) FMA(s, log2_scale, -(reference))
// What the exponent subtracts: rounded once, and the same wherever it stands.
#define REFERENCE(m) rounded_product(reference_of(m), log2_scale)
#define FAR(m) is_far(REFERENCE(m))
#define TO_LOG2 1.0f
#else
#define EXPONENT(s, reference) (((s) - (reference)) * LOG2E)
#define REFERENCE(m) reference_of(m)
#define FAR(m) 0
#define TO_LOG2 LOG2E
#endif
// Weights are relative to a maximum that may lag behind by this power of two, so that sums are rarely rescaled.
// Not where an expression may take them out of the range of f16.
#define LAG (PARTIALS || WEIGHTED ? 0.0f : QUANTISED ? 4.0f : 8.0f)

#define EACH_BLOCK _Pragma("unroll") for (int r = 0; r < ROW_BLOCKS; r++)
// Element e of block kb of scores: its key from the first of the tile, its row from the first of the work-group.
#define OWN_KEY(kb, e) (16 * (kb) + lane / 4 + (e) / 2 * 8)
#define OWN_ROW(r, e) (8 * (r) + lane % 4 * 2 + (e) % 2)
#define OUT_BLOCKS (V_DIM / 16)
// Element e of block n of the output: its column from the first of the slice.
#define OWN_COLUMN(n, e) ((n) / (CODES / 2) * 8 * CODES + lane / 4 * CODES + (n) % (CODES / 2) * 2 + (e) / 2)

#if ZEROED
#define RESCALE_ZEROS(r, e, rescale) of_zeros[r][e] *= rescale;
#else
#define RESCALE_ZEROS(r, e, rescale)
#endif
#define RESCALE_ROW(r, e, rescale)                                   \
  RESCALE_ZEROS(r, e, rescale)                                       \
  _Pragma("unroll") for (int n = 0; n < OUT_BLOCKS; n++) {           \
    out[r][n][e] *= rescale;                                         \
    out[r][n][(e) + 2] *= rescale;                                   \
  }

// Local memory: outputs of the warps, their maxima and sums, and whether one of them is spoilt.
#define WARP_FLOATS (ROWS * (V_DIM + 2))
#define LOCAL_FLOATS (WARPS * WARP_FLOATS + 4)

typedef float scores_t[ROW_BLOCKS][KEY_BLOCKS][4];
typedef float out_t[ROW_BLOCKS][OUT_BLOCKS][4];

#if SELECTION == SELECTION_ALL
#define KEY_IN(slot) (slot)
#define KEY_SEEN(slot) (slot)
#else
// The list entry in a slot; of a block it may lie beyond the length.
#define KEY_SEEN(slot) selected_key(list, slot KEY_ARGUMENTS)
#define KEY_IN(slot) min(KEY_SEEN(slot), shared.length - 1)
#endif

// Over the eight lanes that have the same rows.
static float keys_maximum(float x) {
  x = fmax(x, from_lane_xor(x, 4));
  x = fmax(x, from_lane_xor(x, 8));
  return fmax(x, from_lane_xor(x, 16));
}

static float keys_sum(float x) {
  x += from_lane_xor(x, 4);
  x += from_lane_xor(x, 8);
  return x + from_lane_xor(x, 16);
}

// The pair that expressions are evaluated for
#define AT_ROW_OF_GROUP(row)                                       \
  {                                                                \
    const int known = min(shared.first_row + (row), shared.rows - 1); \
    at.h = first_head + known % a.row_heads;                       \
    at.q = shared.set + known / a.row_heads;                       \
    at.qpos = at.q + shared.offset;                                \
  }
#define AT_KEY(key) \
  at.k = key;       \
  at.kpos = POSITIONS ? key_position(min(at.k, shared.length - 1), b, hk KEY_ARGUMENTS) : at.k;

// A part of the keys, into the workspace; nothing where the rows see none of it.
__attribute__((always_inline)) static void attend_part(
    int b, int group, int split, int slice, struct shared_rows shared, __global const element *q, __global const kv_element *k,
    __global const kv_element *v, __global float *work, __local float *local_memory, struct decode_block a KEY_PARAMETERS EXTRA_PARAMETERS) {
  __local int *const any_spoilt = (__local int *)(local_memory + WARPS * WARP_FLOATS);
  const int tid = get_local_id(0), lane = tid % WARP, warp = tid / WARP;
  const int first_head = group * a.row_heads, hk = first_head / a.key_group, hv = first_head / a.value_group;
  const int from = shared.from + split * a.split_length, to = min(shared.to, from + a.split_length);
  if (from >= to) return;
  const int start = key_start(b KEY_ARGUMENTS);
#if SELECTION != SELECTION_ALL
  __global const int *const list = selected_list(b, first_head, min(shared.set, a.queries - 1) KEY_ARGUMENTS);
#endif
  k += head_of_keys(a.k, b, hk);
  v += head_of_keys(a.v, b, hv);
  q += a.q.offset + QUERY_BATCH(b) * a.q.batch + (query_start(b KEY_ARGUMENTS) + shared.set) * a.q.row + first_head * a.q.head;
  const int first_column = slice * V_DIM;
  struct pair at = {b, first_head, hk, 0, 0, 0, 0, shared.queries, shared.length, 0};

  const float log2_scale = a.scale * LOG2E;
  const float lag = FOLDED ? fmin(LAG / log2_scale, 0x1p100f) : LAG / LOG2E;
  // Of rows OWN_ROW(r, 0) and OWN_ROW(r, 1): the maximum that weights are relative to, and the sum of those that this lane has.
  float m[ROW_BLOCKS][2], l[ROW_BLOCKS][2];
  out_t out;
  EACH_BLOCK {
#pragma unroll
    for (int e = 0; e < 2; e++) {
      m[r][e] = -INFINITY;
      l[r][e] = 0.0f;
    }
#pragma unroll
    for (int n = 0; n < OUT_BLOCKS; n++) out[r][n][0] = out[r][n][1] = out[r][n][2] = out[r][n][3] = 0.0f;
  }

  queries_t held[ROW_BLOCKS];
  EACH_BLOCK {
    const int row = min(shared.first_row + 8 * r + lane / 4, shared.rows - 1);
    LOAD_QUERIES(held[r], q + row / a.row_heads * a.q.row + row % a.row_heads * a.q.head)
  }
#if QUANTISED
  float unit = FIRST_UNIT;
  FIND_SCALING
#endif
#if RESCALED_QUERIES
  float of_unit[ROW_BLOCKS][2];
  EACH_BLOCK {
    const float of_row = unit_of_queries(held[r]);
#pragma unroll
    for (int n = 0; n < K_PAIRS; n++) held[r][n] = (uint2)(rescaled(held[r][n].x, of_row), rescaled(held[r][n].y, of_row));
#pragma unroll
    for (int e = 0; e < 2; e++) of_unit[r][e] = 1.0f / from_lane(of_row, 4 * (lane % 4 * 2 + e));
  }
#endif
#if ZEROED
  // what a zero point takes from the scores, and from the output
  float of_query[ROW_BLOCKS][2], of_zeros[ROW_BLOCKS][2];
  EACH_BLOCK {
    const float sum = row_sum(sum_of_queries(held[r]));
#pragma unroll
    for (int e = 0; e < 2; e++) {
      of_query[r][e] = from_lane(sum, 4 * (lane % 4 * 2 + e));
      of_zeros[r][e] = 0.0f;
    }
  }
#endif
#if KV_FORMAT == KV_FP8
  uint nan_codes = 0u;
#endif
  keys_t keys;
  values_t values;
  // Places are found two tiles ahead of the products, scales one: nothing waits for what it has just asked for.
  place_t place, ahead;
  rows_t rows;
  int tile = from + warp * TILE_KEYS;
  if (tile < to) {
    FIND_PLACE(place, tile)
    FIND_PLACE(ahead, tile + WARPS * TILE_KEYS)
    FIND_ROWS(rows, place)
    LOAD_KEYS(keys, rows, tile)
    LOAD_VALUES(values, rows, tile)
  }
#if QUANTISED
  scales_t scale, next_scale;
  if (tile < to) {
    FIND_SCALES(scale, place)
  }
#endif

  while (tile < to) {
    const int next = tile + WARPS * TILE_KEYS;
    MOVE(place, ahead)
    FIND_PLACE(ahead, next + WARPS * TILE_KEYS)
#if QUANTISED
    FIND_SCALES(next_scale, place)
#endif
    scores_t s;
    EACH_BLOCK {
      EACH_KEY_BLOCK {
        s[r][kb][0] = s[r][kb][1] = s[r][kb][2] = s[r][kb][3] = 0.0f;
        MULTIPLY_KEYS(s[r][kb], keys, held[r])
      }
    }
    if (next < to) {
      FIND_ROWS(rows, place)
      LOAD_KEYS(keys, rows, next)
    }
#if QUANTISED
    float value_scale[KEY_BLOCKS][2];
    EACH_KEY_BLOCK {
      const float own_scale = SCALE(scale[kb]);
#if ZEROED
      const float own_zero = ZERO(scale[kb]);
#endif
#pragma unroll
      for (int i = 0; i < 2; i++) {
        const float key_scale = from_lane(own_scale, lane / 4 + 8 * i);
        value_scale[kb][i] = from_lane(own_scale, 16 + lane / 4 + 8 * i);
#if ZEROED
        const float key_zero = from_lane(own_zero, lane / 4 + 8 * i);
#endif
        EACH_BLOCK {
#pragma unroll
          for (int e = 0; e < 2; e++) {
            float x = s[r][kb][2 * i + e];
#if ZEROED
            x = FMA(-key_zero, of_query[r][e], x);
#endif
#if RESCALED_QUERIES
            x *= of_unit[r][e];
#endif
            s[r][kb][2 * i + e] = x * key_scale;
          }
        }
      }
    }
#endif

    int grown = 0;
    EACH_BLOCK {
      EACH_KEY_BLOCK {
#pragma unroll
        for (int e = 0; e < 4; e++) {
          const int slot = tile + OWN_KEY(kb, e);
          float x = s[r][kb][e];
          AT_ROW_OF_GROUP(OWN_ROW(r, e))
          AT_KEY(KEY_SEEN(min(slot, to - 1)))
          if (!FOLDED) x = score_expression(cap_expression(x * a.scale, at EXTRA_ARGUMENTS), at EXTRA_ARGUMENTS);
          const int seen = (slot < to) & (SELECTION == SELECTION_ALL || at.k < shared.length) & mask_expression(at EXTRA_ARGUMENTS);
          s[r][kb][e] = seen ? x : -INFINITY;
          grown |= s[r][kb][e] > m[r][e % 2] + lag;
        }
      }
    }
    if (ballot(grown)) {
      EACH_BLOCK {
#pragma unroll
        for (int e = 0; e < 2; e++) {
          float highest = fmax(s[r][0][e], s[r][0][e + 2]);
#pragma unroll
          for (int kb = 1; kb < KEY_BLOCKS; kb++) highest = fmax(highest, fmax(s[r][kb][e], s[r][kb][e + 2]));
          highest = fmax(m[r][e], keys_maximum(highest));
          const float rescale = m[r][e] == -INFINITY ? 0.0f : fast_exp2((REFERENCE(m[r][e]) - REFERENCE(highest)) * TO_LOG2);
          m[r][e] = highest;
          l[r][e] *= rescale;
          RESCALE_ROW(r, e, rescale)
        }
      }
    }
#if QUANTISED
    float largest = 0.0f;
    EACH_KEY_BLOCK {
#pragma unroll
      for (int i = 0; i < 2; i++) {
        // of a value that no row sees nothing may count
        int seen = 0;
        EACH_BLOCK seen |= s[r][kb][2 * i] != -INFINITY || s[r][kb][2 * i + 1] != -INFINITY;
        value_scale[kb][i] = seen ? value_scale[kb][i] : 0.0f;
        largest = fmax(largest, fabs(value_scale[kb][i]));
      }
    }
    if (ballot(largest * unit > LARGEST_UNITS)) {
      const float smaller = fmin(unit, as_float(as_int(1.0f / keys_maximum(largest)) & 0x7f800000) * USUAL_UNITS);
      const float rescale = smaller / unit;
      unit = smaller;
      EACH_BLOCK {
#pragma unroll
        for (int e = 0; e < 2; e++) {
          RESCALE_ROW(r, e, rescale)
        }
      }
    }
#endif
    uint2 p[ROW_BLOCKS][KEY_BLOCKS];
    EACH_BLOCK {
      EACH_KEY_BLOCK {
#pragma unroll
        for (int e = 0; e < 4; e++) {
          float x = fast_exp2(EXPONENT(s[r][kb][e], REFERENCE(m[r][e % 2])));
          l[r][e % 2] += x;
#if WEIGHTED
          AT_ROW_OF_GROUP(OWN_ROW(r, e))
          AT_KEY(KEY_SEEN(min(tile + OWN_KEY(kb, e), to - 1)))
          x = s[r][kb][e] == -INFINITY ? 0.0f : weight_expression(x, s[r][kb][e], at EXTRA_ARGUMENTS);
#endif
#if QUANTISED
          x *= value_scale[kb][e / 2] * unit;
#endif
          s[r][kb][e] = x;
        }
        const uint low = packed(s[r][kb][0], s[r][kb][1]), high = packed(s[r][kb][2], s[r][kb][3]);
#if ZEROED
        const float own_zero = ZERO(scale[kb]);
        const float zero = from_lane(own_zero, 16 + lane / 4), zero8 = from_lane(own_zero, 24 + lane / 4);
        of_zeros[r][0] += f16_number(low) * zero + f16_number(high) * zero8;
        of_zeros[r][1] += f16_number(low >> 16) * zero + f16_number(high >> 16) * zero8;
#endif
        p[r][kb] = (uint2)(transposed(low), transposed(high));
      }
    }
    EACH_KEY_BLOCK {
      MULTIPLY_VALUES(out, values, p)
    }
    if (next < to) {
      LOAD_VALUES(values, rows, next)
    }
#if QUANTISED
    MOVE(scale, next_scale)
#endif
    tile = next;
  }

#if KV_FORMAT == KV_FP8
  int spoilt = (nan_codes & 0x80808080u) != 0u;
#else
  int spoilt = 0;
#endif
  __local float *const own = local_memory + warp * WARP_FLOATS;
  EACH_BLOCK {
#pragma unroll
    for (int e = 0; e < 2; e++) {
      float x = l[r][e] = keys_sum(l[r][e]);
#pragma unroll
      for (int n = 0; n < OUT_BLOCKS; n++) x += out[r][n][e] + out[r][n][e + 2];
      spoilt |= isnan(x) || FAR(m[r][e]);
      float highest = m[r][e], exact = 1.0f;
#if FOLDED
      if (m[r][e] != -INFINITY) {
        highest *= a.scale;
        exact = exp2_nonpositive(-EXPONENT(m[r][e], REFERENCE(m[r][e])));
      }
#endif
      float of_out = exact;
#if QUANTISED
      of_out /= unit;
#endif
      float zeros = 0.0f;
#if ZEROED
      zeros = keys_sum(of_zeros[r][e]);
#endif
      const int row = OWN_ROW(r, e);
      if (lane / 4 == 0) {
        own[ROWS * V_DIM + row] = highest;
        own[ROWS * V_DIM + ROWS + row] = l[r][e] * exact;
      }
#pragma unroll
      for (int n = 0; n < OUT_BLOCKS; n++) {
        own[row * V_DIM + OWN_COLUMN(n, 0)] = (out[r][n][e] - zeros) * of_out;
        own[row * V_DIM + OWN_COLUMN(n, 2)] = (out[r][n][e + 2] - zeros) * of_out;
      }
    }
  }
  spoilt = ballot(spoilt) != 0u;
  if (tid == 0) *any_spoilt = 0;
  barrier(CLK_LOCAL_MEM_FENCE);
  if (lane == 0 && spoilt) atomic_or(any_spoilt, 1);
  barrier(CLK_LOCAL_MEM_FENCE);

  if (!*any_spoilt) {
    for (int i = tid; i < ROWS * V_DIM / 4; i += THREADS) {
      const int row = i / (V_DIM / 4), c = i % (V_DIM / 4) * 4;
      if (shared.first_row + row >= shared.rows) break;
      float highest = -INFINITY;
#pragma unroll
      for (int w = 0; w < WARPS; w++) highest = fmax(highest, local_memory[w * WARP_FLOATS + ROWS * V_DIM + row]);
      float sum = 0.0f;
      float4 columns = (float4)(0.0f);
#pragma unroll
      for (int w = 0; w < WARPS; w++) {
        __local const float *const of_warp = local_memory + w * WARP_FLOATS;
        const float factor = exp2_nonpositive((of_warp[ROWS * V_DIM + row] - reference_of(highest)) * LOG2E);
        sum = FMA(of_warp[ROWS * V_DIM + ROWS + row], factor, sum);
        columns = FMA(*(__local const float4 *)(of_warp + row * V_DIM + c), (float4)(factor), columns);
      }
      AT_ROW_OF_GROUP(row)
      const long part = part_of(b, at.h, at.q, split, a);
      if (first_column + c < VALUE_DIM) *(__global float4 *)(work + a.work_columns + part * VALUE_DIM + first_column + c) = columns;
      if (c == 0 && slice == 0) {
        work[part] = highest;
        work[a.work_sums + part] = sum;
      }
    }
    return;
  }

  // A NaN, or an infinity against a weight of 0, may be that of a masked key or value: the rows once more, one by one and in f32, where
  // what is masked enters no sum.
  for (int row = warp; row < ROWS && shared.first_row + row < shared.rows; row += WARPS) {
    const int known = shared.first_row + row;
    __global const element *const q_of_row = q + known / a.row_heads * a.q.row + known % a.row_heads * a.q.head;
    AT_ROW_OF_GROUP(row)
    float highest = -INFINITY, sum = 0.0f, of_columns[V_DIM / WARP];
#pragma unroll
    for (int c = 0; c < V_DIM / WARP; c++) of_columns[c] = 0.0f;
    for (int slot0 = from; slot0 < to; slot0 += WARP) {
      AT_KEY(KEY_SEEN(min(slot0 + lane, to - 1)))
      const slot_t slot = slot_of(min(at.k, shared.length - 1), start, b, hk KEY_ARGUMENTS);
      float x = -INFINITY;
      if (slot0 + lane < to && at.k < shared.length && mask_expression(at EXTRA_ARGUMENTS)) {
        __global const kv_element *const k_of_row = k + ROW_OF(a.k, slot);
        const scaling_t z = KEY_SCALING(slot, hk);
        float product = 0.0f;
#pragma unroll 1
        for (int d = 0; d < HEAD_DIM; d += 4) {
          const float4 y = load4(q_of_row + d, 4, a.vectors & VECTOR_Q), w = kv_load4(k_of_row + KV_COLUMN(d), 4, 1, z);
          product += (y.x * w.x + y.y * w.y) + (y.z * w.z + y.w * w.w);
        }
        x = score_expression(cap_expression(product * a.scale, at EXTRA_ARGUMENTS), at EXTRA_ARGUMENTS);
      }
      const float now = fmax(highest, warp_maximum(x)), reference_now = reference_of(now);
      const float rescale = exp2_nonpositive((highest - reference_now) * LOG2E);
      float weight = exp2_nonpositive((x - reference_now) * LOG2E);
      sum = FMA(sum, rescale, warp_sum(weight));
      highest = now;
#if WEIGHTED
      weight = x == -INFINITY ? 0.0f : weight_expression(weight, x, at EXTRA_ARGUMENTS);
#endif
#pragma unroll
      for (int c = 0; c < V_DIM / WARP; c++) of_columns[c] *= rescale;
      for (int j = 0; j < WARP && slot0 + j < to; j++) {
        const float of_key = from_lane(weight, j);
        if (from_lane(x, j) != -INFINITY) {
          const slot_t seen = slot_of(KEY_IN(slot0 + j), start, b, hk KEY_ARGUMENTS);
          __global const kv_element *const v_of_row = v + ROW_OF(a.v, seen);
          const scaling_t z = VALUE_SCALING(seen, hv);
#pragma unroll
          for (int c = 0; c < V_DIM / WARP; c++) {
            const int column = first_column + c * WARP + lane;
            if (column < VALUE_DIM) of_columns[c] = FMA(of_key, kv_load1(v_of_row, column, z), of_columns[c]);
          }
        }
      }
    }
    const long part = part_of(b, at.h, at.q, split, a);
    if (lane == 0 && slice == 0) {
      work[part] = highest;
      work[a.work_sums + part] = sum;
    }
#pragma unroll
    for (int c = 0; c < V_DIM / WARP; c++) {
      const int column = first_column + c * WARP + lane;
      if (column < VALUE_DIM) work[a.work_columns + part * VALUE_DIM + column] = of_columns[c];
    }
  }
}

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void mma_decode(
    __global const element *q, __global const kv_element *k, __global const kv_element *v, __global const int *lengths,
    __global const int *offsets, __global const int *items, __global const float *sinks, __global out_element *o, __global float *lse,
    __global float *maxima, __global float *sums, __global float *work, __global int *tickets,
    struct decode_block a KEY_PARAMETERS EXTRA_PARAMETERS) {
  __local float local_memory[LOCAL_FLOATS] __attribute__((aligned(16)));
  uint at_group = get_group_id(0);
  const int slice = (int)(at_group % (uint)a.slices);
  at_group /= (uint)a.slices;
  const int block = (int)(at_group % (uint)a.blocks);
  at_group /= (uint)a.blocks;
  const int group = (int)(at_group % (uint)a.groups);
  at_group /= (uint)a.groups;
  const int b = a.scheduled ? items[2 * at_group] : (int)(at_group / (uint)a.splits);
  const int split = a.scheduled ? items[2 * at_group + 1] : (int)(at_group % (uint)a.splits);
  struct shared_rows shared;
  rows_of(&shared, b, group, block, lengths, offsets, a KEY_ARGUMENTS);
  attend_part(b, group, split, slice, shared, q, k, v, work, local_memory, a KEY_ARGUMENTS EXTRA_ARGUMENTS);

  if (!a.merged_at_once ||
      !comes_last(tickets + ((long)b * a.groups + group) * a.blocks + block, a.splits * a.slices, (__local int *)local_memory)) {
    return;
  }
  const int parts = (max(0, shared.to - shared.from) + a.split_length - 1) / a.split_length;
  for (int row = get_local_id(0) / WARP; row < ROWS && shared.first_row + row < shared.rows; row += WARPS) {
    const int known = shared.first_row + row, h = group * a.row_heads + known % a.row_heads, at_q = shared.set + known / a.row_heads;
    merge_row(b, h, at_q, part_of(b, h, at_q, 0, a), parts, shared, work, sinks, o, lse, maxima, sums, a KEY_ARGUMENTS EXTRA_ARGUMENTS);
  }
}
