// Attention of the softmax family, forward, on the matrix units of AMD and Intel: one sweep over the keys, f16 or bf16 storage, f32 sums.
//
// A work-group owns ROWS query rows of one (batch, query head), a sub-group of it SUB_GROUP_ROWS. Both products are made transposed, keys
// times queries and values times weights: a lane then has sums of one query only, whose maximum, sum and scale are single numbers, and
// the scores of a tile become the right operand of the second product without leaving the registers. Keys, and values transposed, lie
// in local memory.
#include "tile_shape.clh"
#include "numerics.clh"
#include "arguments.clh"
#include "keys.clh"
#include "verdicts.clh"
#include "expressions.clh"

#if SELECTION != SELECTION_ALL || KV_FORMAT != STORAGE || ROTARY
#error "lists of keys, quantised keys and turning on load are not made for tiles that are copied whole"
#endif

// A row of the keys or values, given that it is below the length.
#if PAST
#define KEY_ROW(P, BASE, PAST_P, PAST_BASE, key)                              \
  ((key) < a.past ? (PAST_BASE) + (index_t)(key) * (index_t)a.PAST_P.row \
                  : (BASE) + (index_t)((key) - a.past) * (index_t)a.P.row)
#elif LAYOUT == LAYOUT_PAGED
#define KEY_ROW(P, BASE, PAST_P, PAST_BASE, key) ((BASE) + ROW_OF(a.P, slot_of(key, start, b, hk KEY_ARGUMENTS)))
#else
#define KEY_ROW(P, BASE, PAST_P, PAST_BASE, key) ((BASE) + (index_t)(start + (key)) * (index_t)a.P.row)
#endif
#define K_ROW(key) KEY_ROW(k, k_of_head, past_k, past_k_of_head, key)
#define V_ROW(key) KEY_ROW(v, v_of_head, past_v, past_v_of_head, key)

// Absent keys and values are zeros, so that what lies there cannot spoil a sum.
#define CHUNK_OF(ROW, key, c, COLUMNS) \
  ((key) < length && 8 * (c) < (COLUMNS) ? *(__global const uint4 *)(ROW(min(key, length - 1)) + 8 * (c)) : (uint4)(0u))
#define COPY_KEYS(key0)                                                                               \
  UNROLLED for (int i = 0; i < KEYS * QK_CHUNKS; i += THREADS) {                                      \
    const int at = i + item, r = at / QK_CHUNKS, c = at % QK_CHUNKS;                                  \
    if (KEYS * QK_CHUNKS % THREADS == 0 || r < KEYS) {                                                \
      *(__local uint4 *)(k_tile + r * K_PITCH + 8 * c) = CHUNK_OF(K_ROW, key0 + r, c, a.head_dim);    \
    }                                                                                                 \
  }
// Two keys at a time, whose numbers in one column become neighbours.
#define COPY_VALUES(key0)                                                                             \
  UNROLLED for (int i = 0; i < KEYS / 2 * V_CHUNKS; i += THREADS) {                                   \
    const int at = i + item, r = at / 4 % (KEYS / 2) * 2, c = at / (2 * KEYS) * 4 + at % 4;           \
    if (KEYS / 2 * V_CHUNKS % THREADS == 0 || c < V_CHUNKS) {                                         \
      const uint4 x = CHUNK_OF(V_ROW, key0 + r, c, a.value_dim), y = CHUNK_OF(V_ROW, key0 + r + 1, c, a.value_dim); \
      const uint4 low = (x & 0xffffu) | y << 16, high = x >> 16 | (y & 0xffff0000u);                  \
      __local uint *const to = (__local uint *)(v_tile + 8 * c * V_PITCH + r);                        \
      to[0] = low.x;                                                                                  \
      to[V_PITCH / 2] = high.x;                                                                       \
      to[2 * V_PITCH / 2] = low.y;                                                                    \
      to[3 * V_PITCH / 2] = high.y;                                                                   \
      to[4 * V_PITCH / 2] = low.z;                                                                    \
      to[5 * V_PITCH / 2] = high.z;                                                                   \
      to[6 * V_PITCH / 2] = low.w;                                                                    \
      to[7 * V_PITCH / 2] = high.w;                                                                   \
    }                                                                                                 \
  }

// Whether any pair of a sub-group's rows and a tile can be visible. Emulated, all sub-groups go the same way.
#define SEEN(key0)                                                                              \
  (EMULATED || POSITIONS || ((key0) <= offset + row + SUB_GROUP_ROWS - 1 + a.band_right &&      \
                             (key0) + KEYS - 1 >= offset + row - a.band_left))
#if !VERDICTS
// Whether every one is known to be.
#define WHOLE(key0)                                                                                                \
  (!POSITIONS && a.band_exact && (key0) + KEYS <= length && (key0) >= offset + row + SUB_GROUP_ROWS - 1 - a.band_left && \
   (key0) + KEYS - 1 <= offset + row + a.band_right)
#endif

// Weights are relative to a maximum that may lag behind by so much, so that sums are rarely rescaled.
// Not where an expression may take them out of the range of f16.
#define LAG (PARTIALS || WEIGHTED ? 0.0f : 5.5f)

#define EACH_QUERY UNROLLED for (int r = 0; r < QUERY_BLOCKS; r++)
// A lane's own scores, of key at.k.
#define EACH_SCORE                                                            \
  UNROLLED for (int n = 0; n < KEY_BLOCKS; n++)                               \
  UNROLLED for (int i = 0; i < OWN_SUMS; i++)
#define SCORE_OF_KEY SUM(s[r][n], i)
// The pair that expressions are evaluated for
#define AT_KEY(key)                                                                      \
  at.k = key;                                                                            \
  at.kpos = POSITIONS ? key_position(min(at.k, length - 1), b, hk KEY_ARGUMENTS) : at.k;
#define OWN_KEY (key0 + n * BLOCK_ROWS + SUM_ROW(lane, i))
#define AT_QUERY(query) \
  at.q = query;         \
  at.qpos = offset + at.q;
#define OWN_QUERY (row + r * BLOCK_COLUMNS + SUM_COLUMN(lane))
#define OWN_COLUMN(n0) (((n0) + n) * BLOCK_ROWS + SUM_ROW(lane, i))
// 16 columns of a lane's own query
#define FETCH_QUERY(step)                                                                                                \
  load_right(q + (index_t)min(OWN_QUERY, last) * (index_t)a.q.row + (step) * BLOCK_DEPTH, a.head_dim - (step) * BLOCK_DEPTH, lane)
#if QUERIES_HELD
#define QUERY(step) held[r][step]
#else
#define QUERY(step) FETCH_QUERY(step)
#endif
// Whether this is the lane, of those that share a column, that writes what there is one of.
#define FIRST_OF_COLUMN (SUM_ROW(lane, 0) == 0)

// What a row of output is to be multiplied by. The maximum and the sum of the weights relative to it, natural units, become those with
// the sink.
static float closing_factor(float *highest, float *sum, float sink) {
  float rescale = 1.0f;
  if (sink != -INFINITY) {
    const float with_sink = fmax(*highest, sink), reference = reference_of(with_sink);
    rescale = exp2_nonpositive((*highest - reference) * LOG2E);
    *sum = FMA(*sum, rescale, exp2_nonpositive((sink - reference) * LOG2E));
    *highest = with_sink;
  }
  return PARTIALS ? 1.0f : *sum == 0.0f ? 0.0f : rescale / *sum;
}

// Index of a row's number in an output [B, Hq, Sq].
#define AT_ROW(P, i) (a.P.offset + QUERY_BATCH(b) * a.P.batch + h * a.P.head + (first_query + (i)) * a.P.row)
#if PARTIALS
#define ROW_RESULTS(i, highest, sum)    \
  maxima[AT_ROW(maxima, i)] = highest;  \
  row_sums[AT_ROW(sums, i)] = sum;
#define PUT(x, p) (*(p) = (x))
#else
#define ROW_RESULTS(i, highest, sum) \
  if (a.has_lse) lse[AT_ROW(lse, i)] = highest + log(sum);
#define PUT(x, p) STORE1(x, p)
#endif
#if SHAPED
#define SHAPE(x) output_expression(x, at EXTRA_ARGUMENTS)
#else
#define SHAPE(x) (x)
#endif
// Columns of a row of the output from their sums, COUNT blocks from block n0 on.
#define WRITE_COLUMNS(sums, n0, COUNT, factor)                                                            \
  UNROLLED for (int n = 0; n < (COUNT); n++) {                                                            \
    UNROLLED for (int i = 0; i < OWN_SUMS; i++) {                                                         \
      at.d = OWN_COLUMN(n0);                                                                              \
      if (at.d < a.value_dim) {                                                                           \
        PUT(SHAPE(SUM((sums)[n], i) * (factor)), o + (index_t)at.q * (index_t)a.o.row + at.d);            \
      }                                                                                                   \
    }                                                                                                     \
  }
// Blocks of columns that the careful code makes at a time, so that it takes no more registers than the rest.
#define CAREFUL_BLOCKS (32 / BLOCK_ROWS)

__kernel SUB_GROUP_SIZE __attribute__((reqd_work_group_size(THREADS, 1, 1))) void tile_attention(
    __global const element *q, __global const kv_element *k, __global const kv_element *v, __global const kv_element *past_k,
    __global const kv_element *past_v, __global out_element *o, __global const int *lengths, __global const int *offsets,
    __global const float *sinks, __global float *lse, __global float *scores, __global float *maxima, __global float *row_sums,
    struct attention_block a KEY_PARAMETERS EXTRA_PARAMETERS) {
  __local ushort k_tile[KEYS * K_PITCH] __attribute__((aligned(16)));
  __local ushort v_tile[V_DIM * V_PITCH] __attribute__((aligned(16)));
  ENGINE_MEMORY(SUB_GROUPS)

  const int item = get_local_id(0), lane = lane_now();
  const int tiles = (a.queries + ROWS - 1) / ROWS, head_of_batch = (int)get_group_id(0) / tiles;
  // the last queries see the most keys under a causal mask: they start first
  const int first = (tiles - 1 - (int)get_group_id(0) % tiles) * ROWS, row = first + sub_group_now() * SUB_GROUP_ROWS;
  const int h = head_of_batch % a.heads, b = head_of_batch / a.heads, hk = h / a.key_group, hv = h / a.value_group;
  const int queries = query_count(b, a.queries KEY_ARGUMENTS), last = min(first + ROWS, queries) - 1;
  if (first > last) return;
  const int start = key_start(b KEY_ARGUMENTS), keys = key_count(b, a.keys KEY_ARGUMENTS);
  const int length = a.has_lengths ? lengths[a.lengths_offset + b * a.lengths_batch + hk * a.lengths_head] : keys;
  const int offset = a.offset_constant + (a.offset_by_length ? length + a.queries - queries : 0) +
                     (a.offset_given ? offsets[a.offsets_offset + b * a.offsets_batch + hk * a.offsets_head] : 0);
  const int from = POSITIONS ? 0 : max(0, offset + first - a.band_left) / KEYS * KEYS;
  const int to = POSITIONS ? length : min(length - 1, offset + last + a.band_right) + 1;
  const long first_query = query_start(b KEY_ARGUMENTS);
  struct pair at = {b, h, hk, 0, 0, 0, 0, queries, length, 0};
  q += a.q.offset + QUERY_BATCH(b) * a.q.batch + h * a.q.head + first_query * a.q.row;
  o += a.o.offset + QUERY_BATCH(b) * a.o.batch + h * a.o.head + first_query * a.o.row;
  __global const kv_element *const k_of_head = k + head_of_keys(a.k, b, hk);
  __global const kv_element *const v_of_head = v + head_of_keys(a.v, b, hv);
  __global const kv_element *const past_k_of_head = past_k + a.past_k.offset + b * a.past_k.batch + hk * a.past_k.head;
  __global const kv_element *const past_v_of_head = past_v + a.past_v.offset + b * a.past_v.batch + hv * a.past_v.head;

  // The maximum of a query that its weights are relative to, and the sum of those that this lane has.
  float m[QUERY_BLOCKS], l[QUERY_BLOCKS];
  sums_t out[QUERY_BLOCKS][V_BLOCKS];
#if QUERIES_HELD
  right_t held[QUERY_BLOCKS][QK_STEPS];
#endif
  EACH_QUERY {
    m[r] = -INFINITY;
    l[r] = 0.0f;
    UNROLLED for (int n = 0; n < V_BLOCKS; n++) out[r][n] = (sums_t)(0.0f);
#if QUERIES_HELD
    UNROLLED for (int step = 0; step < QK_STEPS; step++) held[r][step] = FETCH_QUERY(step);
#endif
  }

  for (int key0 = from; key0 < to; key0 += KEYS) {
#if VERDICTS
    struct tile of = {b, h, hk, queries, length};
    of.q = (int2)(first, last);
    of.k = (int2)(key0, min(key0 + KEYS, to) - 1);
    of.qpos = of.q + offset;
    of.kpos = POSITIONS ? UNKNOWN : of.k;
    const int verdict = mask_verdict(of EXTRA_ARGUMENTS);
    const int whole = verdict == MAYBE_TRUE && key0 + KEYS <= min(length, to);
    if (!(verdict & MAYBE_TRUE)) continue;
#else
    const int whole = WHOLE(key0);
#endif
    barrier(CLK_LOCAL_MEM_FENCE);  // nobody reads the tile before any more
    COPY_KEYS(key0)
    COPY_VALUES(key0)
    barrier(CLK_LOCAL_MEM_FENCE);
    if (SEEN(key0)) {
      sums_t s[QUERY_BLOCKS][KEY_BLOCKS];
      EACH_QUERY {
        UNROLLED for (int n = 0; n < KEY_BLOCKS; n++) s[r][n] = (sums_t)(0.0f);
      }
      UNROLLED for (int step = 0; step < QK_STEPS; step++) {
        right_t y[QUERY_BLOCKS];
        EACH_QUERY y[r] = QUERY(step);
        UNROLLED for (int n = 0; n < KEY_BLOCKS; n++) {
          const left_t x = load_left(k_tile + n * BLOCK_ROWS * K_PITCH + step * BLOCK_DEPTH, K_PITCH, lane);
          EACH_QUERY s[r][n] = multiply(x, y[r], s[r][n] ENGINE_ARGUMENTS);
        }
      }

      right_t p[QUERY_BLOCKS][KEY_STEPS];
      EACH_QUERY {
        AT_QUERY(OWN_QUERY)
        float highest = -INFINITY;
        EACH_SCORE {
          AT_KEY(OWN_KEY)
          SCORE_OF_KEY = score_expression(cap_expression(SCORE_OF_KEY * a.scale, at EXTRA_ARGUMENTS), at EXTRA_ARGUMENTS);
        }
        if (!whole) {
          EACH_SCORE {
            AT_KEY(OWN_KEY)
            SCORE_OF_KEY = (at.k < length) & mask_expression(at EXTRA_ARGUMENTS) ? SCORE_OF_KEY : -INFINITY;
          }
        }
        EACH_SCORE highest = fmax(highest, SCORE_OF_KEY);
        highest = column_maximum(highest ENGINE_ARGUMENTS);
        if (highest > m[r] + LAG) {
          const float rescale = m[r] == -INFINITY ? 0.0f : fast_exp2((m[r] - highest) * LOG2E);
          m[r] = highest;
          l[r] *= rescale;
          UNROLLED for (int n = 0; n < V_BLOCKS; n++) out[r][n] *= rescale;
        }
        const float reference = reference_of(m[r]);
        EACH_SCORE {
          float x = fast_exp2((SCORE_OF_KEY - reference) * LOG2E);
          l[r] += x;
#if WEIGHTED
          AT_KEY(OWN_KEY)
          x = SCORE_OF_KEY == -INFINITY ? 0.0f : weight_expression(x, SCORE_OF_KEY, at EXTRA_ARGUMENTS);
#endif
          SCORE_OF_KEY = x;
        }
        UNROLLED for (int step = 0; step < KEY_STEPS; step++) {
          p[r][step] = weights(s[r] + step * WEIGHT_BLOCKS, lane ENGINE_ARGUMENTS);
        }
      }

      UNROLLED for (int step = 0; step < KEY_STEPS; step++) {
        UNROLLED for (int n = 0; n < V_BLOCKS; n++) {
          const left_t x = load_left(v_tile + n * BLOCK_ROWS * V_PITCH + step * BLOCK_DEPTH, V_PITCH, lane);
          EACH_QUERY out[r][n] = multiply(x, p[r][step], out[r][n] ENGINE_ARGUMENTS);
        }
      }
    }
  }

  const float sink = a.has_sinks ? sinks[a.sinks_offset + h * a.sinks_head] : -INFINITY;
  int spoilt = 0;
  EACH_QUERY {
    float sum = column_sum(l[r] ENGINE_ARGUMENTS), highest = m[r], x = sum;
    UNROLLED for (int n = 0; n < V_BLOCKS; n++) {
      UNROLLED for (int i = 0; i < OWN_SUMS; i++) x += SUM(out[r][n], i);
    }
    AT_QUERY(OWN_QUERY)
    if (at.q <= last) {
      if (isnan(x)) {
        spoilt |= 1 << r;
      } else {
        const float factor = closing_factor(&highest, &sum, sink);
        if (FIRST_OF_COLUMN) {
          ROW_RESULTS(at.q, highest, sum)
        }
        WRITE_COLUMNS(out[r], 0, V_BLOCKS, factor)
      }
    }
  }

  // A NaN, or an infinity against a weight of 0, may be that of a masked key or value: these queries once more, one by one and in f32,
  // where what is masked enters no sum. Lanes that share a query make its columns each on their own, a few at a time.
  for (int r = 0; spoilt >> r; r++) {
    for (int n0 = 0; (spoilt >> r & 1) && n0 < V_BLOCKS; n0 += CAREFUL_BLOCKS) {
      AT_QUERY(OWN_QUERY)
      __global const element *const q_row = q + (index_t)at.q * (index_t)a.q.row;
      float highest = -INFINITY, sum = 0.0f;
      sums_t columns[CAREFUL_BLOCKS];
      UNROLLED for (int n = 0; n < CAREFUL_BLOCKS; n++) columns[n] = (sums_t)(0.0f);
      for (int key = from; key < to; key++) {
        AT_KEY(key)
        if (!mask_expression(at EXTRA_ARGUMENTS)) continue;
        __global const kv_element *const k_row = K_ROW(key), *const v_row = V_ROW(key);
        float x = 0.0f;
        for (int d = 0; d < a.head_dim; d++) x = FMA(LOAD1(q_row + d), LOAD1(k_row + d), x);
        x = score_expression(cap_expression(x * a.scale, at EXTRA_ARGUMENTS), at EXTRA_ARGUMENTS);
        if (x == -INFINITY) continue;
        const float now = fmax(highest, x), rescale = exp2_nonpositive((highest - reference_of(now)) * LOG2E);
        float p = exp2_nonpositive((x - reference_of(now)) * LOG2E);
        highest = now;
        sum = FMA(sum, rescale, p);
#if WEIGHTED
        p = weight_expression(p, x, at EXTRA_ARGUMENTS);
#endif
        UNROLLED for (int n = 0; n < CAREFUL_BLOCKS; n++) {
          UNROLLED for (int i = 0; i < OWN_SUMS; i++) {
            const float y = OWN_COLUMN(n0) < a.value_dim ? LOAD1(v_row + OWN_COLUMN(n0)) : 0.0f;
            SUM(columns[n], i) = FMA(p, y, SUM(columns[n], i) * rescale);
          }
        }
      }
      const float factor = closing_factor(&highest, &sum, sink);
      if (n0 == 0 && FIRST_OF_COLUMN) {
        ROW_RESULTS(at.q, highest, sum)
      }
      WRITE_COLUMNS(columns, n0, CAREFUL_BLOCKS, factor)
    }
  }
}
