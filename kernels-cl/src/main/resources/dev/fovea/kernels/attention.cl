// Attention of the softmax family, forward: in one sweep over the keys (online softmax, f32 accumulation), or, where a weight depends on
// the sum over all of them, in two.
//
// A work-group owns ROWS query rows of one (batch, query head) and one slice of the value dim. Work-item (tx, ty) owns rows
// 4 ty .. 4 ty + 3 in both products, keys 4 tx .. 4 tx + 3 of a tile in the first, columns 4 tx + 32 j of the slice in the
// second, so that maximum, sum and rescale factor of a row never leave its registers.
#include "storage.clh"
#include "numerics.clh"
#include "arguments.clh"
#include "keys.clh"
#include "verdicts.clh"
#include "expressions.clh"
#include "tiles.clh"

// rows x 32 elements from d0 on, transposed: to[d][row ^ swizzle]. Eight lanes read 32 neighbours of a row; READ is a statement that
// sets x to the four elements from d on of row r.
#define STAGE_TRANSPOSED(TO, COUNT, WIDTH, SWIZZLE, READ)                                  \
  for (int i = 0; i < (COUNT) * 8; i += THREADS) {                                         \
    const int at = i + tid, r = at >> 3, c = at & 7, d = d0 + 4 * c;                       \
    float4 x = (float4)(0.0f);                                                             \
    READ                                                                                   \
    __local float *to = (TO) + 4 * c * (WIDTH) + 4 * ((r >> 2) ^ SWIZZLE(c)) + (r & 3);    \
    to[0] = x.x;                                                                           \
    to[WIDTH] = x.y;                                                                       \
    to[2 * (WIDTH)] = x.z;                                                                 \
    to[3 * (WIDTH)] = x.w;                                                                 \
  }

#if !ROTARY
#define READ_QUERY                                                                                                        \
  x = load4(q + (index_t)(first + r) * (index_t)a.q.row + d, first + r <= last ? a.head_dim - d : 0, a.vectors & VECTOR_Q);
#else
#define READ_QUERY                                                                                    \
  if (first + r <= last) {                                                                            \
    __global const element *const at_row = q + (index_t)(first + r) * (index_t)a.q.row;               \
    x = load4(at_row + d, a.head_dim - d, a.vectors & VECTOR_Q);                                      \
    x = turned_query4(x, at_row, d, a.vectors & VECTOR_Q, offset + first + r KEY_ARGUMENTS);          \
  }
#endif

// x: four columns from c on of the key or value in slot t of the keys that this work-group looks at, if it is below LIMIT
#if !KEY_TABLES
// without a branch, which costs registers
#define READ_ROW(K, HEAD, PAST, SCALING, T, C, LIMIT, COLUMNS, BIT, PAST_BIT)                                             \
  const int key = KEY_IN(T);                                                                                              \
  x = kv_load4((key < a.past ? PAST + (index_t)key * (index_t)a.PAST.row                                                  \
                             : K + (index_t)(key - a.past) * (index_t)a.K.row) + (C),                                     \
               key < (LIMIT) ? (COLUMNS) : 0, a.vectors & (key < a.past ? PAST_BIT : BIT), no_scaling());
#else
#define READ_ROW(K, HEAD, PAST, SCALING, T, C, LIMIT, COLUMNS, BIT, PAST_BIT)                                             \
  const int key = KEY_IN(T);                                                                                              \
  if (key < (LIMIT)) {                                                                                                    \
    if (key < a.past) {                                                                                                   \
      x = kv_load4(PAST + (index_t)key * (index_t)a.PAST.row + (C), COLUMNS, a.vectors & PAST_BIT, no_scaling());         \
    } else {                                                                                                              \
      const slot_t place = slot_of(key - a.past, start, b, hk KEY_ARGUMENTS);                                             \
      x = kv_load4(K + ROW_OF(a.K, place) + KV_COLUMN(C), COLUMNS, a.vectors & BIT, SCALING(place, HEAD));                \
    }                                                                                                                     \
  }
#endif
#if !ROTARY
#define READ_KEY READ_ROW(k, hk, past_k, KEY_SCALING, key0 + r, d, key_limit, a.head_dim - d, VECTOR_K, VECTOR_PAST_K)
#else
#define READ_KEY                                                                                      \
  const int key = KEY_IN(key0 + r);                                                                   \
  if (key < key_limit) {                                                                              \
    __global const kv_element *at_row;                                                                \
    scaling_t z = no_scaling();                                                                       \
    int vector = a.vectors & VECTOR_PAST_K;                                                           \
    if (key < a.past) {                                                                               \
      at_row = past_k + (index_t)key * (index_t)a.past_k.row;                                         \
    } else {                                                                                          \
      const slot_t place = slot_of(key - a.past, start, b, hk KEY_ARGUMENTS);                         \
      at_row = k + ROW_OF(a.k, place);                                                                \
      z = KEY_SCALING(place, hk);                                                                     \
      vector = a.vectors & VECTOR_K;                                                                  \
    }                                                                                                 \
    x = kv_load4(at_row + KV_COLUMN(d), a.head_dim - d, vector, z);                                   \
    x = turned_key4(x, at_row, d, vector, z, key_position(key, b, hk KEY_ARGUMENTS) KEY_ARGUMENTS);   \
  }
#endif
#define READ_VALUE \
  READ_ROW(v, hv, past_v, VALUE_SCALING, key0 + r, c, length, a.value_dim - column - c, VECTOR_V, VECTOR_PAST_V)

#if SELECTION == SELECTION_ALL
#define KEY_IN(t) (t)
#else
// beyond the list as beyond the keys
#define KEY_IN(t) ((t) < to ? selected_key(list, t KEY_ARGUMENTS) : INT_MAX)
#endif
// keys and positions of a work-item's four columns of scores
#if SELECTION == SELECTION_ALL && !POSITIONS
#define AT(C, J)                \
  at.k = key0 + 4 * tx + J;     \
  at.kpos = at.k;
#else
#define AT(C, J)                \
  at.k = tile_keys.C;           \
  at.kpos = tile_positions.C;
#endif

// What a masked key has for a weight where products have to be selected: no arithmetic gives this NaN.
#define NO_WEIGHT as_float(0x7fc0facd)
#define HAS_WEIGHT(p) (as_int(p) != 0x7fc0facd)

// Index of a row's number in an output [B, Hq, Sq].
#define AT_ROW(P) (a.P.offset + QUERY_BATCH(b) * a.P.batch + h * a.P.head + (first_query + row + i) * a.P.row)

// The sum of a row out of those of its work-items, always in the same order.
#define ROW_SUM                                                                     \
  __local const float *const parts = p_tile + i * THREADS + COLUMN_GROUPS * ty;     \
  const float4 of_x = F4(parts), of_y = F4(parts + 4);                              \
  float sum = ((of_x.x + of_x.y) + (of_x.z + of_x.w)) + ((of_y.x + of_y.y) + (of_y.z + of_y.w));

#define EACH_KEY(X) X(x, 0) X(y, 1) X(z, 2) X(w, 3)

#define NO_TILE INT_MAX
// Whether there is anything in the tile; for a work-item: whether it has rows, too.
#if VERDICTS
#define TILE_LIVE 1
#define TILE_WHOLE 2
#define LIVE (tile & TILE_LIVE)
#define ACTIVE (active & tile)
#else
#define LIVE 1
#define ACTIVE active
#endif
// What a sweep over the keys is for: the sums of the rows, products, or products with those of masked keys left out.
#define PHASE_SUMS 0
#define PHASE_FAST 1
#define PHASE_CAREFUL 2
#define PHASE_NONE 3

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void attention(
    __global const element *restrict q, __global const kv_element *k, __global const kv_element *v,
    __global const kv_element *past_k, __global const kv_element *past_v, __global out_element *restrict o,
    __global const int *lengths, __global const int *offsets, __global const float *sinks, __global float *lse,
    __global float *scores, __global float *maxima, __global float *sums, struct attention_block a KEY_PARAMETERS
    EXTRA_PARAMETERS) {
  __local float4 local_memory[(Q_FLOATS + SHARED_FLOATS + P_FLOATS) / 4];
  __local float *const q_tile = (__local float *)local_memory;
  __local float *const shared = q_tile + Q_FLOATS;
  __local float *const p_tile = shared + SHARED_FLOATS;
#if RESIDENT
  __local float *const k_tile = shared;
#else
  __local float *const k_tile = shared + DEPTH * ROWS;
#endif

  const int tid = get_local_id(0), tx = tid % COLUMN_GROUPS, ty = tid / COLUMN_GROUPS;
  long group = get_group_id(0);
#if SELECTION == SELECTION_ALL
  const int tiles = (a.queries + ROWS - 1) / ROWS;
  // the last queries see the most keys under a causal mask: they start first
  const int first = (tiles - 1 - (int)(group % tiles)) * ROWS;
#else
  // rows that share a list
  const int tiles_of_block = (tables.query_block + ROWS - 1) / ROWS;
  const int tiles = (a.queries + tables.query_block - 1) / tables.query_block * tiles_of_block;
  const int tile = (int)(group % tiles), query_block = tile / tiles_of_block;
  const int first = query_block * tables.query_block + tile % tiles_of_block * ROWS;
#endif
  group /= tiles;
  const int slice = (int)(group % a.slices);
  group /= a.slices;
  const int h = (int)(group % a.heads), b = (int)(group / a.heads);
  const int hk = h / a.key_group, hv = h / a.value_group, column = slice * SLICE;

  const int queries = query_count(b, a.queries KEY_ARGUMENTS), start = key_start(b KEY_ARGUMENTS);
  const long first_query = query_start(b KEY_ARGUMENTS);
  q += a.q.offset + QUERY_BATCH(b) * a.q.batch + h * a.q.head + first_query * a.q.row;
  k += head_of_keys(a.k, b, hk);
  v += head_of_keys(a.v, b, hv) + KV_COLUMN(column);
  past_k += a.past_k.offset + b * a.past_k.batch + hk * a.past_k.head;
  past_v += a.past_v.offset + b * a.past_v.batch + hv * a.past_v.head + column;
  o += a.o.offset + QUERY_BATCH(b) * a.o.batch + h * a.o.head + first_query * a.o.row + column;
  if (a.stage) scores += a.scores.offset + b * a.scores.batch + h * a.scores.head;

  const int keys = key_count(b, a.keys KEY_ARGUMENTS);
  const int length = a.has_lengths ? lengths[a.lengths_offset + b * a.lengths_batch + hk * a.lengths_head] : keys;
  int offset = a.offset_constant + (a.offset_by_length ? length + a.queries - queries : 0);
  if (a.offset_given) offset += offsets[a.offsets_offset + b * a.offsets_batch + hk * a.offsets_head];
#if SELECTION == SELECTION_ALL
  const int last = min(first + ROWS, queries) - 1;
#else
  const int last = min(min(first + ROWS, (query_block + 1) * tables.query_block), queries) - 1;
#endif
  const int row = first + 4 * ty;
  const int active = row <= last;
  struct pair sequence = {b, h, hk, 0, 0, 0, 0, queries, length, 0};

#if SELECTION == SELECTION_ALL
  // with a scores output every pair is looked at
  int from = 0, to = keys;
  const int key_limit = keys;
  if (!a.stage) {
#if !POSITIONS
    from = max(0, offset + first - a.band_left) & ~(KEYS - 1);
    to = min(length - 1, offset + last + a.band_right) + 1;
#else
    to = length;
#endif
  }
  if (first > last) to = 0;
#else
  const int from = 0, to = first > last || length == 0 ? 0 : selected_slots(b, h, first KEY_ARGUMENTS), key_limit = length;
  __global const int *const list = selected_list(b, h, min(first, a.queries - 1) KEY_ARGUMENTS);
#endif
  const int write_stage = slice == 0 ? a.stage : 0;

#if RESIDENT
  for (int d0 = 0; d0 < DEPTH; d0 += 32) {
#if ROTARY
#pragma unroll 1
#endif
    STAGE_TRANSPOSED(q_tile + d0 * ROWS, ROWS, ROWS, ROW_SWIZZLE, READ_QUERY)
  }
#endif

  const float sink = a.has_sinks ? sinks[a.sinks_offset + h * a.sinks_head] : -INFINITY;
#if SWEEPS == 2
  float m[4], l[4];
#pragma unroll UNROLL
  for (int i = 0; i < 4; i++) {
    m[i] = -INFINITY;
    l[i] = 0.0f;
  }
#endif

  // The fast phase multiplies masked weights, which are 0, into the values. If that lets a NaN or an infinity of a masked
  // value through, a NaN shows up in the output, and the careful phase selects instead.
  for (int phase = SWEEPS == 2 ? PHASE_SUMS : PHASE_FAST; phase < PHASE_NONE;) {
    const int careful = phase == PHASE_CAREFUL;
#if SWEEPS == 1
    float m[4], l[4];
#endif
    float4 acc[4][BLOCKS];
#pragma unroll UNROLL
    for (int i = 0; i < 4; i++) {
#if SWEEPS == 1
      m[i] = -INFINITY;
      l[i] = 0.0f;
#endif
#pragma unroll UNROLL
      for (int j = 0; j < BLOCKS; j++) acc[i][j] = (float4)(0.0f);
    }

#if VERDICTS
    // Work-item i judges the tile i + 1 after this one, and the first that something can be visible in comes next. Before the first tile,
    // and where none of those judged is, there is a tile with nothing in it: it passes the barriers as all do.
    __local int *const next_tile = (__local int *)(p_tile + 4 * THREADS);
    // What is known of a tile stands in the low bits of its first key.
    int tile = from - KEYS;
#if UNROLL > 1
    while ((tile & ~(KEYS - 1)) < to) {
#else
    // PoCL 3.1 hangs where the end of a loop around barriers depends on local memory: as many turns as there are tiles then, the last
    // ones with nothing in them.
    for (int turn = from - KEYS; turn < to; turn += KEYS) {
#endif
      const int key0 = tile & ~(KEYS - 1);
#else
    for (int key0 = from; key0 < to; key0 += KEYS) {
#endif
      float4 s[4];
#pragma unroll UNROLL
      for (int i = 0; i < 4; i++) s[i] = (float4)(0.0f);
      for (int depth = 0; depth < (RESIDENT ? 1 : a.head_dim); depth += DEPTH) {
        barrier(CLK_LOCAL_MEM_FENCE);  // nobody reads the shared buffer or p_tile any more
#if VERDICTS
        if (tid == 0) *next_tile = NO_TILE;
#endif
#if !RESIDENT
        if (LIVE) {
          const int d0 = depth;
#if ROTARY
#pragma unroll 1
#endif
          STAGE_TRANSPOSED(shared, ROWS, ROWS, ROW_SWIZZLE, READ_QUERY)
        }
#endif
        for (int d0 = depth; d0 < (depth + DEPTH) * LIVE; d0 += 32) {
#if ROTARY
#pragma unroll 1
#endif
          STAGE_TRANSPOSED(k_tile + (d0 - depth) * KEYS, KEYS, KEYS, KEY_SWIZZLE, READ_KEY)
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        if (ACTIVE) {
          const int deep = min(DEPTH, a.head_dim - depth);
#if RESIDENT
          __local const float *const q_chunk = q_tile;
#else
          __local const float *const q_chunk = shared;
#endif
#pragma unroll UNROLL_DEPTH
          for (int d = 0; d < deep; d += 4) {
            __local const float *qd = q_chunk + d * ROWS + 4 * (ty ^ ROW_SWIZZLE(d >> 2));
            __local const float *kd = k_tile + d * KEYS + 4 * (tx ^ KEY_SWIZZLE(d >> 2));
#pragma unroll UNROLL
            for (int e = 0; e < 4; e++) {
              const float4 x = F4(qd + e * ROWS), y = F4(kd + e * KEYS);
              s[0] = FMA((float4)(x.x), y, s[0]);
              s[1] = FMA((float4)(x.y), y, s[1]);
              s[2] = FMA((float4)(x.z), y, s[2]);
              s[3] = FMA((float4)(x.w), y, s[3]);
            }
          }
        }
      }

#if VERDICTS
      {
        const int at_key = key0 + KEYS * (1 + tid);
        if (at_key < to) {
          struct tile at = {b, h, hk, queries, length};
          at.q = (int2)(first, last);
          at.k = (int2)(at_key, min(at_key + KEYS, to) - 1);
          at.qpos = at.q + offset;
          at.kpos = POSITIONS ? UNKNOWN : at.k;
          const int verdict = mask_verdict(at EXTRA_ARGUMENTS);
          if ((verdict & MAYBE_TRUE) || a.stage) atomic_min(next_tile, at_key + (verdict == MAYBE_TRUE ? TILE_LIVE + TILE_WHOLE : TILE_LIVE));
        }
      }
      // what was judged ends where the keys to look at do
      const int whole = (tile & TILE_WHOLE) && key0 + KEYS <= min(length, to);
#elif SELECTION == SELECTION_ALL && !POSITIONS
      // every pair of the tile is known to be visible
      const int whole = a.band_exact && key0 + KEYS <= length && key0 >= offset + last - a.band_left &&
                        key0 + KEYS - 1 <= offset + first + a.band_right;
#else
      const int whole = 0;
#endif
#if SELECTION != SELECTION_ALL || POSITIONS
      int4 tile_keys, tile_positions;
#define FIND_KEY(C, J)                       \
  tile_keys.C = KEY_IN(key0 + 4 * tx + J);   \
  tile_positions.C = key_position(clamp(tile_keys.C, 0, length - 1), b, hk KEY_ARGUMENTS);
      EACH_KEY(FIND_KEY)
#endif
      if (ACTIVE) {
        struct pair at = sequence;
#pragma unroll UNROLL
        for (int i = 0; i < 4; i++) {
          at.q = row + i;
          at.qpos = offset + row + i;
          s[i] *= a.scale;
#define WRITE_SCORE(C, J)                                                                 \
  if (row + i <= last && key0 + 4 * tx + J < keys) \
    scores[(row + i) * a.scores.row + (key0 + 4 * tx + J) * a.scores_key] = s[i].C;
#define CAP(C, J) AT(C, J) s[i].C = cap_expression(s[i].C, at EXTRA_ARGUMENTS);
#define SCORE(C, J) AT(C, J) s[i].C = score_expression(s[i].C, at EXTRA_ARGUMENTS);
#define MASK(C, J) AT(C, J) s[i].C = (at.k < length) & mask_expression(at EXTRA_ARGUMENTS) ? s[i].C : -INFINITY;
          if (write_stage == STAGE_RAW) {
            EACH_KEY(WRITE_SCORE)
          }
          EACH_KEY(CAP)
          if (write_stage == STAGE_CAPPED) {
            EACH_KEY(WRITE_SCORE)
          }
          EACH_KEY(SCORE)
          if (!whole) {
            EACH_KEY(MASK)
          }
          if (write_stage == STAGE_MASKED) {
            EACH_KEY(WRITE_SCORE)
          }
          p_tile[i * THREADS + tid] = fmax(fmax(s[i].x, s[i].y), fmax(s[i].z, s[i].w));
        }
      }
      barrier(CLK_LOCAL_MEM_FENCE);  // row maxima in place, nobody reads k_tile any more
#if VERDICTS
      const int next = *next_tile;
#endif

      if (ACTIVE) {
#if WEIGHTED
        struct pair at = sequence;
#endif
#pragma unroll UNROLL
        for (int i = 0; i < 4; i++) {
          float4 p;
#if NORMALISER == SOFTMAX
#if SWEEPS == 2
          if (phase != PHASE_SUMS) {
            p = exp2_nonpositive4((s[i] - reference_of(m[i])) * LOG2E) / l[i];
          } else
#endif
          {
            __local const float *const highest_of = p_tile + i * THREADS + COLUMN_GROUPS * ty;
            const float4 x = fmax(F4(highest_of), F4(highest_of + 4));
            const float highest = fmax(m[i], fmax(fmax(x.x, x.y), fmax(x.z, x.w)));
            const float reference = reference_of(highest);
            const float rescale = exp2_nonpositive((m[i] - reference) * LOG2E);
            m[i] = highest;
            p = exp2_nonpositive4((s[i] - reference) * LOG2E);
            l[i] = FMA(l[i], rescale, (p.x + p.y) + (p.z + p.w));
#if SWEEPS == 1
#pragma unroll UNROLL
            for (int j = 0; j < BLOCKS; j++) acc[i][j] *= rescale;
#endif
          }
#else
          p = s[i] == (float4)(-INFINITY) ? (float4)(0.0f) : s[i];
          if (SWEEPS == 1 || phase == PHASE_SUMS) {
            l[i] += (fabs(p.x) + fabs(p.y)) + (fabs(p.z) + fabs(p.w));
          } else {
            p = l[i] == 0.0f ? (float4)(0.0f) : p / l[i];
          }
#endif
#if WEIGHTED
          at.q = row + i;
          at.qpos = offset + row + i;
#define WEIGH(C, J) AT(C, J) p.C = s[i].C == -INFINITY ? 0.0f : weight_expression(p.C, s[i].C, at EXTRA_ARGUMENTS);
          EACH_KEY(WEIGH)
#elif SWEEPS == 2
          // 0 over a sum that is NaN or 0
#define WEIGH(C, J) p.C = s[i].C == -INFINITY ? 0.0f : p.C;
          EACH_KEY(WEIGH)
#endif
#define MARK(C, J) p.C = s[i].C == -INFINITY ? NO_WEIGHT : p.C;
#define WRITE_WEIGHT(C, J)                            \
  if (row + i <= last && key0 + 4 * tx + J < keys) \
    scores[(row + i) * a.scores.row + (key0 + 4 * tx + J) * a.scores_key] = p.C;
#if SWEEPS == 2 || NORMALISER == IDENTITY
          if (write_stage == STAGE_WEIGHTS && phase != PHASE_SUMS) {
            EACH_KEY(WRITE_WEIGHT)
          }
#endif
          if (careful) {
            EACH_KEY(MARK)
          }
          s[i] = p;
        }
      }
      const int present = min(KEYS, to - key0);
// always unrolled: PoCL 3.1 gives wrong results for a short loop around barriers in a loop around barriers
#pragma unroll 4
      for (int part = 0; part < SLICE / STAGED; part++) {
        barrier(CLK_LOCAL_MEM_FENCE);  // row maxima, or the part before, have been read
        if (part == 0 && ACTIVE) {
          __local float *const to_p = p_tile + 4 * tx * ROWS + 4 * (ty ^ ROW_SWIZZLE(tx));
#define PUT(C, J) F4(to_p + J * ROWS) = (float4)(s[0].C, s[1].C, s[2].C, s[3].C);
          EACH_KEY(PUT)
        }
        for (int i = 0; i < (phase == PHASE_SUMS ? 0 : STAGED / 4 * KEYS) * LIVE; i += THREADS) {
          const int at = i + tid, r = at / (STAGED / 4), c = part * STAGED + 4 * (at % (STAGED / 4));
          float4 x = (float4)(0.0f);
          READ_VALUE
          F4(shared + 4 * at) = x;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        if (ACTIVE && phase == PHASE_FAST) {
          for (int key = 0; key < present; key += 4) {
            __local const float *const ps = p_tile + key * ROWS + 4 * (ty ^ ROW_SWIZZLE(key >> 2));
            __local const float *const vs = shared + key * STAGED + 4 * tx;
#pragma unroll UNROLL
            for (int e = 0; e < 4; e++) {
              const float4 p = F4(ps + e * ROWS);
#pragma unroll UNROLL
              for (int j = 0; j < STAGED_BLOCKS; j++) {
                const int t = part * STAGED_BLOCKS + j;
                const float4 y = F4(vs + e * STAGED + 32 * j);
                acc[0][t] = FMA((float4)(p.x), y, acc[0][t]);
                acc[1][t] = FMA((float4)(p.y), y, acc[1][t]);
                acc[2][t] = FMA((float4)(p.z), y, acc[2][t]);
                acc[3][t] = FMA((float4)(p.w), y, acc[3][t]);
              }
            }
          }
        }
        if (ACTIVE && careful) {
          for (int key = 0; key < present; key++) {
            const float4 p = F4(p_tile + key * ROWS + 4 * (ty ^ ROW_SWIZZLE(key >> 2)));
#pragma unroll UNROLL
            for (int j = 0; j < STAGED_BLOCKS; j++) {
              const int t = part * STAGED_BLOCKS + j;
              const float4 y = F4(shared + key * STAGED + 4 * tx + 32 * j);
              acc[0][t] = HAS_WEIGHT(p.x) ? FMA((float4)(p.x), y, acc[0][t]) : acc[0][t];
              acc[1][t] = HAS_WEIGHT(p.y) ? FMA((float4)(p.y), y, acc[1][t]) : acc[1][t];
              acc[2][t] = HAS_WEIGHT(p.z) ? FMA((float4)(p.z), y, acc[2][t]) : acc[2][t];
              acc[3][t] = HAS_WEIGHT(p.w) ? FMA((float4)(p.w), y, acc[3][t]) : acc[3][t];
            }
          }
        }
      }
#if VERDICTS
      tile = next != NO_TILE ? next : key0 + (key0 < to ? KEYS * THREADS : 0);
#endif
    }

    barrier(CLK_LOCAL_MEM_FENCE);  // nobody reads p_tile any more
#pragma unroll UNROLL
    for (int i = 0; i < 4; i++) p_tile[i * THREADS + tid] = l[i];
    __local int *const found_nan = (__local int *)(shared);
    if (tid == 0) *found_nan = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (phase == PHASE_FAST) {
      float sum = 0.0f;
#pragma unroll UNROLL
      for (int i = 0; i < 4; i++) {
        float of_row = 0.0f;
#pragma unroll UNROLL
        for (int j = 0; j < BLOCKS; j++) {
          const float4 x = acc[i][j];
          of_row += (x.x + x.y) + (x.z + x.w);
        }
        if (row + i <= last) sum += of_row;
      }
      if (isnan(sum)) atomic_or(found_nan, 1);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const int again = *found_nan;
#if SWEEPS == 2
    if (phase == PHASE_SUMS) {
#pragma unroll UNROLL
      for (int i = 0; i < 4; i++) {
        ROW_SUM
        const float highest = fmax(m[i], sink);
        const float reference = reference_of(highest);
        l[i] = NORMALISER == SOFTMAX ? FMA(sum, exp2_nonpositive((m[i] - reference) * LOG2E),
                                           exp2_nonpositive((sink - reference) * LOG2E))
                                     : sum;
        m[i] = highest;
      }
    }
#endif
    if (again || phase == PHASE_SUMS) {
      phase++;
    } else {
      phase = PHASE_NONE;
#pragma unroll UNROLL
      for (int i = 0; i < 4; i++) {
        if (row + i <= last) {
          float highest = m[i], factor = 1.0f;
#if SWEEPS == 2
          const float sum = l[i];
#else
          ROW_SUM
#if NORMALISER == SOFTMAX
          float rescale = 1.0f;
          if (a.has_sinks) {
            highest = fmax(m[i], sink);
            const float reference = reference_of(highest);
            rescale = exp2_nonpositive((m[i] - reference) * LOG2E);
            sum = FMA(sum, rescale, exp2_nonpositive((sink - reference) * LOG2E));
          }
          factor = PARTIALS ? 1.0f : sum == 0.0f ? 0.0f : rescale / sum;
#elif NORMALISER == L1
          factor = PARTIALS ? 1.0f : sum == 0.0f ? 0.0f : 1.0f / sum;
#endif
#endif
#if SHAPED
          struct pair at = sequence;
          at.q = row + i;
          at.qpos = offset + row + i;
#endif
#pragma unroll UNROLL
          for (int j = 0; j < BLOCKS; j++) {
            const int c = 4 * tx + 32 * j, left = a.value_dim - column - c;
#if NORMALISER == SOFTMAX
            float4 out = m[i] == -INFINITY && !isnan(sum) ? (float4)(0.0f) : acc[i][j] * factor;
#else
            float4 out = acc[i][j] * factor;
#endif
#if SHAPED
#define SHAPE(C, J)            \
  at.d = column + c + J;       \
  out.C = output_expression(out.C, at EXTRA_ARGUMENTS);
            EACH_KEY(SHAPE)
#endif
            const index_t at_row = (index_t)(row + i) * (index_t)a.o.row + c;
#if PARTIALS
            store_floats(out, o + at_row, left);
#else
            store4(out, o + at_row, left, a.vectors & VECTOR_O);
#endif
          }
#if PARTIALS
          if (slice == 0 && tx == 0) {
            maxima[AT_ROW(maxima)] =
                NORMALISER == SOFTMAX ? m[i] : 0.0f;
            sums[AT_ROW(sums)] = sum;
          }
#else
          if (a.has_lse && slice == 0 && tx == 0) {
            lse[AT_ROW(lse)] = highest + log(sum);
          }
#endif
        }
      }
    }
  }
}
