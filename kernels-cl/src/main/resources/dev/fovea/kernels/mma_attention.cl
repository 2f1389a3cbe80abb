// Attention of the softmax family, forward, on NVIDIA's matrix unit: one sweep over the keys, f16 or bf16 storage, f32 sums.
//
// A work-group owns ROWS query rows of one (batch, query head), a warp of it WARP_ROWS. Scores, weights and output of a warp's rows stay
// in its registers; the queries and two or more tiles of keys and of values lie in local memory, one of which is used while others are copied.
#include "mma_tiles.clh"
#include "numerics.clh"
#include "arguments.clh"
#include "keys.clh"
#include "verdicts.clh"
#include "expressions.clh"
#include "mma_copies.clh"

#if SELECTION != SELECTION_ALL || KV_FORMAT != STORAGE || ROTARY
#error "lists of keys, quantised keys and turning on load are not made for tiles that are copied whole"
#endif

// Whether every pair of a warp's rows and a tile is known to be visible, and whether any can be.
#if VERDICTS
#define WHOLE(t) ((t) & TILE_WHOLE)
#else
#define WHOLE(t)                                                                                                          \
  (!POSITIONS && a.band_exact && (t) + KEYS <= length && (t) >= offset + row + WARP_ROWS - 1 - a.band_left &&              \
   (t) + KEYS - 1 <= offset + row + a.band_right)
#endif
#define SEEN(t)                                                                                                           \
  (POSITIONS || (TILE_KEY(t) <= offset + row + WARP_ROWS - 1 + a.band_right &&                                            \
                 TILE_KEY(t) + KEYS - 1 >= offset + row - a.band_left))

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
#define LAG (PARTIALS || WEIGHTED ? 0.0f : 8.0f)

#define EACH_PLANE _Pragma("unroll") for (int plane = 0; plane < PLANES; plane++)
#define EACH_BLOCK _Pragma("unroll") for (int r = 0; r < ROW_BLOCKS; r++)
#define EACH_ROW _Pragma("unroll") for (int i = 0; i < OWN_ROWS; i++)
// Row i of a lane's own ones, from the first of the warp.
#define OWN_ROW(i) (16 * ((i) / 2) + 8 * ((i) % 2) + lane / 4)
// Key j, 0 or 1, of block n of a lane's own ones, from the first of the tile.
#define OWN_KEY(n, j) (8 * (n) + lane % 4 * 2 + (j))
// The pair that expressions are evaluated for
#define AT_KEY(key)                                                                      \
  at.k = key;                                                                            \
  at.kpos = POSITIONS ? key_position(min(at.k, length - 1), b, hk KEY_ARGUMENTS) : at.k;
#define AT_QUERY(query) \
  at.q = query;         \
  at.qpos = offset + at.q;
// The sum that a lane has of its row i and column j, 0 or 1, in block n of columns.
#define SUM(s, i, n, j) s[(i) / 2][n][(i) % 2 * 2 + (j)]

typedef float sums[4];
typedef sums scores_t[ROW_BLOCKS][KEYS / 8];
typedef sums out_t[ROW_BLOCKS][V_DIM / 8];

// Which lane this is, and where the rows of its warp begin.
#define FIND_LANE                                                                                                         \
  const uint item = work_item_again();                                                                                    \
  const int lane = item % WARP, row = first + (int)(item / WARP) * WARP_ROWS;
// Where it fetches operands: its row of 16, its choice of two chunks.
#define FIND_OPERANDS                                                                                                     \
  FIND_LANE                                                                                                               \
  const uint q_row = q_at + (item / WARP * WARP_ROWS + item % 16) * QK_PITCH;                                             \
  const uint q_x = 16 * (item / 16 % 2 ^ SWIZZLE(QK_CHUNKS, item % 16));                                                  \
  const uint k_row = k_at + (item % 8 + item / 16 % 2 * 8) * QK_PITCH;                                                    \
  const uint k_x = 16 * (item / 8 % 2 ^ SWIZZLE(QK_CHUNKS, item % 8));                                                    \
  const uint v_row = v_at + item % 16 * V_PITCH;                                                                          \
  const uint v_x = 16 * (item / 16 % 2 ^ SWIZZLE(V_CHUNKS, item % 16));
// c += the product of the 16 x 16 block x[..][r] by a 16 x 8 block, whose halves are FIRST and SECOND of y[..]
#if PLANES == 3
// Products of planes up to third order, the small ones first. The sums of the matrix unit are truncated: they start from zero, and are
// added up by ordinary additions.
#define ADD_PRODUCT(c, x, y, FIRST, SECOND)                                                                               \
  {                                                                                                                       \
    sums t = {0.0f, 0.0f, 0.0f, 0.0f};                                                                                    \
    MMA(t, x(2), y[0].FIRST, y[0].SECOND);                                                                                \
    MMA(t, x(0), y[2].FIRST, y[2].SECOND);                                                                                \
    MMA(t, x(1), y[1].FIRST, y[1].SECOND);                                                                                \
    MMA(t, x(1), y[0].FIRST, y[0].SECOND);                                                                                \
    MMA(t, x(0), y[1].FIRST, y[1].SECOND);                                                                                \
    MMA(t, x(0), y[0].FIRST, y[0].SECOND);                                                                                \
    _Pragma("unroll") for (int i = 0; i < 4; i++) (c)[i] += t[i];                                                         \
  }
#else
#define ADD_PRODUCT(c, x, y, FIRST, SECOND) MMA(c, x(0), y[0].FIRST, y[0].SECOND);
#endif
// What 16 columns of queries and keys add to the scores.
#define QUERY_BLOCK(plane) x[plane][r]
#define ADD_SCORES(s, step, n_buffer)                                                                                     \
  {                                                                                                                       \
    uint4 x[PLANES][ROW_BLOCKS], y[PLANES];                                                                               \
    EACH_PLANE EACH_BLOCK x[plane][r] = blocks_at(q_row + (plane * ROWS + r * 16) * QK_PITCH + CHUNK_PAIR(step, q_x));    \
    _Pragma("unroll") for (int n = 0; n < KEYS / 16; n++) {                                                               \
      EACH_PLANE y[plane] = blocks_at(k_row + (n_buffer) * K_BYTES + (plane * KEYS + n * 16) * QK_PITCH + CHUNK_PAIR(step, k_x)); \
      EACH_BLOCK {                                                                                                        \
        ADD_PRODUCT(s[r][2 * n], QUERY_BLOCK, y, x, y)                                                                    \
        ADD_PRODUCT(s[r][2 * n + 1], QUERY_BLOCK, y, z, w)                                                                \
      }                                                                                                                   \
    }                                                                                                                     \
  }
// The weights of 16 keys from their scores
#define WEIGH(s, step, t)                                                                                                 \
  EACH_ROW {                                                                                                              \
    _Pragma("unroll") for (int n = 2 * (step); n < 2 * (step) + 2; n++) {                                                 \
      _Pragma("unroll") for (int j = 0; j < 2; j++) {                                                                     \
        float x = fast_exp2(EXPONENT(SUM(s, i, n, j), REFERENCE(m[i])));                                                    \
        l[i] += x;                                                                                                        \
        ADJUST(x, SUM(s, i, n, j), TILE_KEY(t) + OWN_KEY(n, j), row + OWN_ROW(i))                                         \
        SUM(s, i, n, j) = x;                                                                                              \
      }                                                                                                                   \
    }                                                                                                                     \
  }                                                                                                                       \
  EACH_PLANE EACH_BLOCK {                                                                                                 \
    p[plane][r] = (uint4)(PACKED(2 * (step), 0), PACKED(2 * (step), 2), PACKED(2 * (step) + 1, 0), PACKED(2 * (step) + 1, 2)); \
    if (plane + 1 < PLANES) {                                                                                             \
      TAKE_OFF(2 * (step), 0, p[plane][r].x)                                                                              \
      TAKE_OFF(2 * (step), 2, p[plane][r].y)                                                                              \
      TAKE_OFF(2 * (step) + 1, 0, p[plane][r].z)                                                                          \
      TAKE_OFF(2 * (step) + 1, 2, p[plane][r].w)                                                                          \
    }                                                                                                                     \
  }
#define PACKED(n, i) packed(s[r][n][i], s[r][n][i + 1])
// What two bf16 numbers leave of those that they were rounded from.
#define TAKE_OFF(n, i, pair)                      \
  s[r][n][i] -= as_float((pair) << 16);           \
  s[r][n][i + 1] -= as_float((pair)&0xffff0000u);
#if WEIGHTED
#define ADJUST(x, s, key, query) \
  AT_KEY(key)                    \
  AT_QUERY(query)                \
  x = s == -INFINITY ? 0.0f : weight_expression(x, s, at EXTRA_ARGUMENTS);
#else
#define ADJUST(x, s, key, query)
#endif
// What 16 keys and 16 columns of values add to the output.
#define WEIGHT_BLOCK(plane) p[plane][r]
#define ADD_OUTPUT(step, n, n_buffer)                                                                                     \
  {                                                                                                                       \
    uint4 y[PLANES];                                                                                                      \
    EACH_PLANE y[plane] =                                                                                                 \
        transposed_blocks_at(v_row + (n_buffer) * V_BYTES + (plane * KEYS + (step) * 16) * V_PITCH + CHUNK_PAIR(n, v_x)); \
    EACH_BLOCK {                                                                                                          \
      ADD_PRODUCT(out[r][2 * (n)], WEIGHT_BLOCK, y, x, y)                                                                 \
      ADD_PRODUCT(out[r][2 * (n) + 1], WEIGHT_BLOCK, y, z, w)                                                             \
    }                                                                                                                     \
  }

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
#else
#define ROW_RESULTS(i, highest, sum) \
  if (a.has_lse) lse[AT_ROW(lse, i)] = highest + log(sum);
#endif

// Which rows these are, and which keys they may see. Found twice, since the sums leave no registers to keep it in: before the loop over the
// keys and, from ids that the compiler takes for others, behind it.
#define FIND_PLACE(work_group)                                                                                            \
  const int tiles = (a.queries + ROWS - 1) / ROWS, head_of_batch = (work_group) / tiles;                                  \
  const int first = (tiles - 1 - (work_group) % tiles) * ROWS;                                                            \
  const int h = head_of_batch % a.heads, b = head_of_batch / a.heads, hk = h / a.key_group, hv = h / a.value_group;       \
  const int queries = query_count(b, a.queries KEY_ARGUMENTS), last = min(first + ROWS, queries) - 1;                     \
  const int start = key_start(b KEY_ARGUMENTS), keys = key_count(b, a.keys KEY_ARGUMENTS);                                \
  const int length = a.has_lengths ? lengths[a.lengths_offset + b * a.lengths_batch + hk * a.lengths_head] : keys;        \
  const int offset = a.offset_constant + (a.offset_by_length ? length + a.queries - queries : 0) +                        \
                     (a.offset_given ? offsets[a.offsets_offset + b * a.offsets_batch + hk * a.offsets_head] : 0);        \
  const int from = POSITIONS ? 0 : max(0, offset + first - a.band_left) / KEYS * KEYS;                                    \
  const int to = POSITIONS ? length : min(length - 1, offset + last + a.band_right) + 1;                                  \
  const long first_query = query_start(b KEY_ARGUMENTS);                                                                  \
  struct pair at = {b, h, hk, 0, 0, 0, 0, queries, length, 0};                                                            \
  __global const element *const q_of_head = q + a.q.offset + QUERY_BATCH(b) * a.q.batch + h * a.q.head + first_query * a.q.row; \
  __global const kv_element *const k_of_head = k + head_of_keys(a.k, b, hk);                                              \
  __global const kv_element *const v_of_head = v + head_of_keys(a.v, b, hv);                                              \
  __global const kv_element *const past_k_of_head = past_k + a.past_k.offset + b * a.past_k.batch + hk * a.past_k.head;   \
  __global const kv_element *const past_v_of_head = past_v + a.past_v.offset + b * a.past_v.batch + hv * a.past_v.head;

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void mma_attention(
    PLANES_PARAMETERS __global const element *q, __global const kv_element *k, __global const kv_element *v, __global const kv_element *past_k,
    __global const kv_element *past_v, __global out_element *o, __global const int *lengths, __global const int *offsets,
    __global const float *sinks, __global float *lse, __global float *scores, __global float *maxima, __global float *row_sums,
    struct attention_block a KEY_PARAMETERS EXTRA_PARAMETERS) {
  __local uchar local_memory[Q_BYTES + STAGES * (K_BYTES + V_BYTES)] __attribute__((aligned(128)));
#if VERDICTS
  __local uint judged[2 * WARPS];
#endif
  const uint q_at = local_address(local_memory), k_at = q_at + Q_BYTES, v_at = k_at + STAGES * K_BYTES;
#if DRIFT
  __local ulong barriers[2 * STAGES] __attribute__((aligned(128)));
  const uint barriers_at = local_address(barriers);
#endif

  const float log2_scale = a.scale * LOG2E;
  // The maximum of a row that its weights are relative to, and the sum of those that this lane has.
  float m[OWN_ROWS], l[OWN_ROWS];
  out_t out;
  {
  // the last queries see the most keys under a causal mask: they start first
  FIND_PLACE((int)get_group_id(0))
  FIND_PLANES
  if (first > last) return;

#if VERDICTS
  // Each work-item judges one tile of a window of THREADS; two bits a tile say whether something, and whether all, of it is visible.
  int window = from, turn = 0;
#define JUDGE                                                                                     \
  {                                                                                               \
    FIND_LANE                                                                                     \
    const int at_key = window + KEYS * (int)item;                                                       \
    int verdict = MAYBE_FALSE;                                                                    \
    if (at_key < to) {                                                                            \
      struct tile of = {b, h, hk, queries, length};                                               \
      of.q = (int2)(first, last);                                                                 \
      of.k = (int2)(at_key, min(at_key + KEYS, to) - 1);                                          \
      of.qpos = of.q + offset;                                                                    \
      of.kpos = POSITIONS ? UNKNOWN : of.k;                                                       \
      verdict = mask_verdict(of EXTRA_ARGUMENTS);                                                 \
    }                                                                                             \
    const uint some = ballot(verdict & MAYBE_TRUE), all = ballot(verdict == MAYBE_TRUE);          \
    barrier(CLK_LOCAL_MEM_FENCE); /* nobody looks at the window before any more */                \
    if (lane == 0) {                                                                              \
      judged[2 * (item / WARP)] = some;                                                               \
      judged[2 * (item / WARP) + 1] = all;                                                                 \
    }                                                                                             \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                 \
  }
#define NEXT_TILE(t)                                                                              \
  t = NO_TILE;                                                                                    \
  while (t == NO_TILE && window < to) {                                                           \
    if (turn == THREADS) {                                                                        \
      turn = 0;                                                                                   \
      window += THREADS * KEYS;                                                                   \
      JUDGE                                                                                       \
    } else {                                                                                      \
      const uint left = judged[turn / WARP * 2] & (~0u << turn % WARP);                           \
      const int n = 31 - (int)clz(left & (0u - left)), key0 = window + (turn / WARP * WARP + n) * KEYS; \
      const uint whole = judged[turn / WARP * 2 + 1] >> (n & 31) & 1 & (key0 + KEYS <= min(length, to)); \
      if (left) t = key0 | (whole ? TILE_WHOLE : 0);                                              \
      turn = turn / WARP * WARP + (left ? n + 1 : WARP);                                          \
    }                                                                                             \
  }
  JUDGE
#else
  int ahead = from;
#define NEXT_TILE(t)                 \
  t = ahead < to ? ahead : NO_TILE;  \
  ahead += KEYS;
#endif

  const float lag = FOLDED ? fmin(LAG / log2_scale, 0x1p100f) : LAG / LOG2E;
  scores_t s;
  EACH_ROW {
    m[i] = -INFINITY;
    l[i] = 0.0f;
  }
#define CLEAR(s, COUNT)                                                                                                   \
  _Pragma("unroll") for (int n = 0; n < (COUNT); n++) {                                                                   \
    EACH_BLOCK s[r][n][0] = s[r][n][1] = s[r][n][2] = s[r][n][3] = 0.0f;                                                  \
  }
  CLEAR(out, V_DIM / 8)

// X for each score of the tile, key after key
#define EACH_SCORE(s, X)                                                                                                  \
  _Pragma("unroll") for (int n = 0; n < KEYS / 8; n++) {                                                                  \
    _Pragma("unroll") for (int j = 0; j < 2; j++) {                                                                       \
      AT_KEY(key0 + OWN_KEY(n, j))                                                                                        \
      EACH_ROW {                                                                                                          \
        AT_QUERY(row + OWN_ROW(i))                                                                                        \
        X(SUM(s, i, n, j))                                                                                                \
      }                                                                                                                   \
    }                                                                                                                     \
  }
#define SCORE(x) x = score_expression(cap_expression(x * a.scale, at EXTRA_ARGUMENTS), at EXTRA_ARGUMENTS);
#define MASK(x) x = (at.k < length) & mask_expression(at EXTRA_ARGUMENTS) ? x : -INFINITY;
// From products to scores; sums are rescaled where a maximum has grown.
#define FINISH_SCORES(s, t)                                                                                               \
  {                                                                                                                       \
    const int key0 = TILE_KEY(t);                                                                                         \
    if (!FOLDED) {                                                                                                        \
      EACH_SCORE(s, SCORE)                                                                                                \
    }                                                                                                                     \
    if (!WHOLE(t)) {                                                                                                      \
      EACH_SCORE(s, MASK)                                                                                                 \
    }                                                                                                                     \
    float highest[OWN_ROWS];                                                                                              \
    int grown = 0;                                                                                                        \
    EACH_ROW {                                                                                                            \
      highest[i] = fmax(SUM(s, i, 0, 0), SUM(s, i, 0, 1));                                                                \
      _Pragma("unroll") for (int n = 1; n < KEYS / 8; n++)                                                                \
        highest[i] = fmax(highest[i], fmax(SUM(s, i, n, 0), SUM(s, i, n, 1)));                                            \
      grown |= highest[i] > m[i] + lag;                                                                                   \
    }                                                                                                                     \
    if (ballot(grown)) {                                                                                                  \
      EACH_ROW {                                                                                                          \
        const float x = fmax(m[i], row_maximum(highest[i]));                                                              \
        const float rescale = m[i] == -INFINITY ? 0.0f : fast_exp2((REFERENCE(m[i]) - REFERENCE(x)) * TO_LOG2);           \
        m[i] = x;                                                                                                         \
        l[i] *= rescale;                                                                                                  \
        _Pragma("unroll") for (int n = 0; n < V_DIM / 8; n++) {                                                           \
          SUM(out, i, n, 0) *= rescale;                                                                                   \
          SUM(out, i, n, 1) *= rescale;                                                                                   \
        }                                                                                                                 \
      }                                                                                                                   \
    }                                                                                                                     \
  }

#if DRIFT
  if (get_local_id(0) == 0) {
    for (int n = 0; n < STAGES; n++) {
      barrier_init(FULL(n), THREADS);
      barrier_init(READ(n), WARPS);
    }
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  int tile, next, after;
  COPY_QUERIES
  NEXT_TILE(tile)
  START_COPY(tile, 0)
  NEXT_TILE(next)
  START_COPY(next, 1)
  for (int n = 0; tile != NO_TILE; tile = next, next = after, n++) {
    const int buffer = n % STAGES;
    if (n > 0) arrive_as_warp(READ((n - 1) % STAGES), work_item_again() % WARP);
    NEXT_TILE(after)
    wait_for_phase(FULL(buffer), n / STAGES & 1);
    warp_barrier();
// behind the scores, when other warps are likely to have read what it overwrites
#define COPY_AHEAD START_COPY(after, n + 2)
#else
#define COPY_AHEAD
  int tile, next;
  COPY_QUERIES
  NEXT_TILE(tile)
  if (tile != NO_TILE) {
    COPY_KEYS_AND_VALUES(tile, 0)
  }
  for (int buffer = 0; tile != NO_TILE; tile = next, buffer ^= 1) {
    NEXT_TILE(next)
    copies_done();
    barrier(CLK_LOCAL_MEM_FENCE);  // everybody's copies are there, nobody reads the other buffers
    if (next != NO_TILE) {
      COPY_KEYS_AND_VALUES(next, buffer ^ 1)
    }
#endif
    FIND_OPERANDS
    if (SEEN(tile)) {
      CLEAR(s, KEYS / 8)
#pragma unroll
      for (int step = 0; step < QK_DIM / 16; step++) ADD_SCORES(s, step, buffer)
      FINISH_SCORES(s, tile)
      COPY_AHEAD
#pragma unroll
      for (int step = 0; step < KEYS / 16; step++) {
        uint4 p[PLANES][ROW_BLOCKS];
        WEIGH(s, step, tile)
#pragma unroll
        for (int c = 0; c < V_DIM / 16; c++) ADD_OUTPUT(step, c, buffer)
      }
    } else {
      COPY_AHEAD
    }
  }
  }

  barrier(CLK_LOCAL_MEM_FENCE);  // nobody reads the queries any more
  FIND_PLACE((int)work_group_again())
  FIND_LANE
  o += a.o.offset + QUERY_BATCH(b) * a.o.batch + h * a.o.head + first_query * a.o.row;
  const float sink = a.has_sinks ? sinks[a.sinks_offset + h * a.sinks_head] : -INFINITY;
  int spoilt = 0;
  EACH_ROW {
    l[i] = row_sum(l[i]);
    float x = l[i];
#pragma unroll
    for (int n = 0; n < V_DIM / 8; n++) x += SUM(out, i, n, 0) + SUM(out, i, n, 1);
    spoilt |= row + OWN_ROW(i) <= last && (isnan(x) || FAR(m[i]));
  }
  if (!ballot(spoilt)) {
    __local uchar *const staged = local_memory + (row - first) * V_PITCH;
    EACH_ROW {
      float highest = m[i], exact = 1.0f;
#if FOLDED
      if (m[i] != -INFINITY) {
        highest *= a.scale;
        exact = exp2_nonpositive(-EXPONENT(m[i], REFERENCE(m[i])));
      }
#endif
      float sum = l[i] * exact;
      const float factor = exact * closing_factor(&highest, &sum, sink);
      AT_QUERY(row + OWN_ROW(i))
      if (lane % 4 == 0 && at.q <= last) {
        ROW_RESULTS(at.q, highest, sum)
      }
#pragma unroll
      for (int n = 0; n < V_DIM / 8; n++) {
        float x = SUM(out, i, n, 0) * factor, y = SUM(out, i, n, 1) * factor;
        const int column = 8 * n + lane % 4 * 2;
#if SHAPED
        at.d = column;
        x = output_expression(x, at EXTRA_ARGUMENTS);
        at.d = column + 1;
        y = output_expression(y, at EXTRA_ARGUMENTS);
#endif
#if F32_OUTPUT
        if (at.q <= last && column < a.value_dim) {
          *(__global float2 *)(o + (index_t)at.q * (index_t)a.o.row + column) = (float2)(x, y);
        }
#else
        *(__local uint *)(staged + OWN_ROW(i) * V_PITCH + 16 * (n ^ SWIZZLE(V_CHUNKS, lane / 4)) + lane % 4 * 4) = packed(x, y);
#endif
      }
    }
#if !F32_OUTPUT
    warp_barrier();
#pragma unroll
    for (int i = 0; i < WARP_ROWS * V_CHUNKS; i += WARP) {
      const int r = (i + lane) / V_CHUNKS, c = (i + lane) % V_CHUNKS;
      if (row + r <= last && 8 * c < a.value_dim) {
        *(__global uint4 *)(o + (index_t)(row + r) * (index_t)a.o.row + 8 * c) =
            *(__local const uint4 *)(staged + r * V_PITCH + 16 * (c ^ SWIZZLE(V_CHUNKS, r)));
      }
    }
#endif
    return;
  }

  // A NaN, or an infinity against a weight of 0, may be that of a masked key or value: the rows of this warp once more, one by one and
  // in f32, where what is masked enters no sum.
  for (int r = row; r <= min(row + WARP_ROWS - 1, last); r++) {
    __global const element *const q_of_row = q_of_head + (index_t)r * (index_t)a.q.row;
    AT_QUERY(r)
    float highest = -INFINITY, sum = 0.0f, of_columns[V_DIM / WARP];
#pragma unroll
    for (int c = 0; c < V_DIM / WARP; c++) of_columns[c] = 0.0f;
    for (int key0 = from; key0 < to; key0 += WARP) {
      AT_KEY(key0 + lane)
      float x = -INFINITY;
      if (at.k < length && mask_expression(at EXTRA_ARGUMENTS)) {
        __global const kv_element *const k_of_row = KEY_ROW(k, k_of_head, past_k, past_k_of_head, at.k);
        float product = 0.0f;
#if PLANES == 3
        for (int d = 0; d < a.head_dim; d++) product = FMA(q_of_row[d], k_of_row[d], product);
#else
#pragma unroll 1
        for (int d = 0; d < a.head_dim; d += 4) {
          const float4 y = LOAD4(q_of_row + d), z = LOAD4(k_of_row + d);
          product += (y.x * z.x + y.y * z.y) + (y.z * z.z + y.w * z.w);
        }
#endif
        x = score_expression(cap_expression(product * a.scale, at EXTRA_ARGUMENTS), at EXTRA_ARGUMENTS);
      }
      const float now = fmax(highest, warp_maximum(x)), reference_now = reference_of(now);
      const float rescale = exp2_nonpositive((highest - reference_now) * LOG2E);
      float p = exp2_nonpositive((x - reference_now) * LOG2E);
      sum = FMA(sum, rescale, warp_sum(p));
      highest = now;
#if WEIGHTED
      p = x == -INFINITY ? 0.0f : weight_expression(p, x, at EXTRA_ARGUMENTS);
#endif
#pragma unroll
      for (int c = 0; c < V_DIM / WARP; c++) of_columns[c] *= rescale;
      for (int j = 0; j < WARP; j++) {
        const float weight = from_lane(p, j);
        if (from_lane(x, j) != -INFINITY) {
          __global const kv_element *const v_of_row = KEY_ROW(v, v_of_head, past_v, past_v_of_head, key0 + j) + lane;
#pragma unroll
          for (int c = 0; c < V_DIM / WARP; c++) {
            if (c * WARP + lane < a.value_dim) of_columns[c] = FMA(weight, LOAD1(v_of_row + c * WARP), of_columns[c]);
          }
        }
      }
    }
    const int empty = highest == -INFINITY && !isnan(sum);
    const float factor = closing_factor(&highest, &sum, sink);
    if (lane == 0) {
      ROW_RESULTS(r, highest, sum)
    }
#pragma unroll
    for (int c = 0; c < V_DIM / WARP; c++) {
      float x = empty ? 0.0f : of_columns[c] * factor;
      at.d = c * WARP + lane;
#if SHAPED
      x = output_expression(x, at EXTRA_ARGUMENTS);
#endif
      if (at.d < a.value_dim) {
#if PARTIALS
        o[(index_t)r * (index_t)a.o.row + at.d] = x;
#else
        STORE1(x, o + (index_t)r * (index_t)a.o.row + at.d);
#endif
      }
    }
  }
}
