// Attention of the softmax family, forward: in one sweep over the keys (online softmax, f32 accumulation), or, where a weight depends on
// the sum over all of them, in two.
//
// A work-group owns ROWS query rows of one (batch, query head) and one slice of the value dim. Work-item (tx, ty) owns ITEM_ROWS
// neighbouring rows in both products, blocks of four keys of a tile in the first and of four columns of the slice in the second, so that
// maximum, sum and rescale factor of a row never leave its registers.
#include "storage.clh"
#include "numerics.clh"
#include "arguments.clh"
#include "keys.clh"
#include "verdicts.clh"
#include "expressions.clh"
#include "tiles.clh"
#include "staging.clh"
#include "products.clh"

// slot in the tile of a work-item's key; keys and positions of its columns of scores
#define SLOT(J) (4 * tx + COLUMNS * j + J)
#if SELECTION == SELECTION_ALL && !POSITIONS
#define AT(C, J)                \
  at.k = key0 + SLOT(J);        \
  at.kpos = at.k;
#else
#define AT(C, J)                \
  at.k = tile_keys[j].C;        \
  at.kpos = tile_positions[j].C;
#endif

// What a masked key has for a weight where products have to be selected: no arithmetic gives this NaN.
#define NO_WEIGHT as_float(0x7fc0facd)
#define HAS_WEIGHT(p) (as_int(p) != 0x7fc0facd)

// Index of a row's number in an output [B, Hq, Sq].
#define AT_ROW(P) (a.P.offset + QUERY_BATCH(b) * a.P.batch + h * a.P.head + (first_query + row + i) * a.P.row)

#define EACH_OF_FOUR(X) X(x, 0) X(y, 1) X(z, 2) X(w, 3)
#define EACH_KEY(X)                                              \
  _Pragma("unroll") for (int j = 0; j < KEY_BLOCKS; j++) {       \
    EACH_OF_FOUR(X)                                              \
  }

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
// A row of an item's numbers into the scores output, if they are what it is for.
#if SCORES
#define WRITE_STAGE(STAGE, NUMBERS)                                                               \
  if (write_stage == STAGE && row + i <= last) {                                                  \
    _Pragma("unroll") for (int j = 0; j < KEY_BLOCKS; j++) {                                      \
      const int key = key0 + SLOT(0);                                                             \
      __global float *const at_row = scores + (row + i) * a.scores.row;                           \
      write_scores((NUMBERS)[j], at_row + key * a.scores_key, a.scores_key, keys - key);          \
    }                                                                                             \
  }
static void write_scores(float4 x, __global float *p, long step, int n) {
  if (n > 0) p[0] = x.x;
  if (n > 1) p[step] = x.y;
  if (n > 2) p[2 * step] = x.z;
  if (n > 3) p[3 * step] = x.w;
}
#else
#define WRITE_STAGE(STAGE, NUMBERS)
#endif

#if NATIVE_EXP2
#define WEIGHT_OF(x) fast_exp2((x) * LOG2E)
#else
#define WEIGHT_OF(x) exp_nonpositive(x)
#endif

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void attention(
    __global const element *restrict q, __global const kv_element *k, __global const kv_element *v,
    __global const kv_element *past_k, __global const kv_element *past_v, __global out_element *restrict o,
    __global const int *lengths, __global const int *offsets, __global const float *sinks, __global float *lse,
    __global float *scores, __global float *maxima, __global float *sums, struct attention_block a KEY_PARAMETERS
    EXTRA_PARAMETERS) {
  __local float4 local_memory[(Q_FLOATS + SHARED_FLOATS + P_FLOATS + FLAG_FLOATS) / 4];
  __local float *const q_tile = (__local float *)local_memory;
  __local float *const shared = q_tile + Q_FLOATS;
  __local float *const p_tile = shared + SHARED_FLOATS;
  __local float *const k_tile = shared + (RESIDENT ? 0 : DEPTH * ROWS), *const v_tile = shared + AHEAD * DEPTH * KEYS;

  const int tid = get_local_id(0), tx = tid % COLUMN_GROUPS, ty = tid / COLUMN_GROUPS;
  long group = get_group_id(0);
#if SELECTION == SELECTION_ALL
  const int tiles = (a.queries + ROWS - 1) / ROWS;
  const int tile_of_head = next_in_turn(&group, tiles, a.band_right < a.keys);
  // the last queries see the most keys under a causal mask: they start first
  const int first = (tiles - 1 - tile_of_head) * ROWS;
#else
  // rows that share a list
  const int tiles_of_block = (tables.query_block + ROWS - 1) / ROWS;
  const int tiles = (a.queries + tables.query_block - 1) / tables.query_block * tiles_of_block;
  const int tile_of_head = next_in_turn(&group, tiles, 0), query_block = tile_of_head / tiles_of_block;
  const int first = query_block * tables.query_block + tile_of_head % tiles_of_block * ROWS;
#endif
  const int slice = (int)(group % a.slices);
  group /= a.slices;
  const int h = (int)(group % a.heads), b = (int)(group / a.heads);
  const int hk = h / a.key_group, hv = h / a.value_group, column = slice * SLICE;

  const int queries = query_count(b, a.queries KEY_ARGUMENTS), start = key_start(b KEY_ARGUMENTS);
  const long first_query = query_start(b KEY_ARGUMENTS);
  q += a.q.offset + QUERY_BATCH(b) * a.q.batch + h * a.q.head + first_query * a.q.row;
  k += head_of_keys(a.k, b, hk);
  v += head_of_keys(a.v, b, hv) + KV_COLUMN(column);
#if PAST
  past_k += a.past_k.offset + b * a.past_k.batch + hk * a.past_k.head;
  past_v += a.past_v.offset + b * a.past_v.batch + hv * a.past_v.head + column;
#endif
  o += a.o.offset + QUERY_BATCH(b) * a.o.batch + h * a.o.head + first_query * a.o.row + column;
#if SCORES
  scores += a.scores.offset + b * a.scores.batch + h * a.scores.head;
#endif

  const int keys = key_count(b, a.keys KEY_ARGUMENTS);
  const int length = a.has_lengths ? lengths[a.lengths_offset + b * a.lengths_batch + hk * a.lengths_head] : keys;
  int offset = a.offset_constant + (a.offset_by_length ? length + a.queries - queries : 0);
  if (a.offset_given) offset += offsets[a.offsets_offset + b * a.offsets_batch + hk * a.offsets_head];
#if SELECTION == SELECTION_ALL
  const int last = min(first + ROWS, queries) - 1;
#else
  const int last = min(min(first + ROWS, (query_block + 1) * tables.query_block), queries) - 1;
#endif
  const int row = first + ITEM_ROWS * ty;
  const int active = row <= last;
  struct pair sequence = {b, h, hk, 0, 0, 0, 0, queries, length, 0};

#if SELECTION == SELECTION_ALL
  // with a scores output every pair is looked at
  int from = 0, to = keys;
  const int key_limit = keys;
#if !SCORES
#if !POSITIONS
  from = max(0, offset + first - a.band_left) & ~(KEYS - 1);
  to = min(length - 1, offset + last + a.band_right) + 1;
#else
  to = length;
#endif
#endif
  if (first > last) to = 0;
#else
  const int from = 0, to = first > last || length == 0 ? 0 : selected_slots(b, h, first KEY_ARGUMENTS), key_limit = length;
  __global const int *const list = selected_list(b, h, min(first, a.queries - 1) KEY_ARGUMENTS);
#endif
#if SCORES
  const int write_stage = slice == 0 ? a.stage : 0;
#endif

  const int key_bits = VECTOR_K + PAST * VECTOR_PAST_K, value_bits = VECTOR_V + PAST * VECTOR_PAST_V;
  const int any_key = length > 0 && !(KEY_TABLES && PAST);
  const int query_vectors = !ROTARY && (a.vectors & VECTOR_Q) && a.head_dim % 4 == 0 && first <= last;
  const int key_vectors = !ROTARY && (a.vectors & key_bits) == key_bits && a.head_dim % 4 == 0 && any_key;
  const int value_vectors = (a.vectors & value_bits) == value_bits && a.value_dim % 4 == 0 && any_key;

#if RESIDENT
  for (int d0 = 0; d0 < RESIDENT; d0 += 32) {
    STAGE_QUERIES(q_tile + d0 * ROWS)
  }
#endif

  const float sink = a.has_sinks ? sinks[a.sinks_offset + h * a.sinks_head] : -INFINITY;
#if SWEEPS == 2
  float m[ITEM_ROWS], l[ITEM_ROWS];
#pragma unroll UNROLL
  for (int i = 0; i < ITEM_ROWS; i++) {
    m[i] = -INFINITY;
    l[i] = 0.0f;
  }
#endif

  // The fast phase multiplies masked weights, which are 0, into the values. If that lets a NaN or an infinity of a masked value
  // through, a NaN shows up in the output, and the careful phase selects instead.
  for (int phase = SWEEPS == 2 ? PHASE_SUMS : PHASE_FAST; phase < PHASE_NONE;) {
    const int careful = phase == PHASE_CAREFUL;
#if SWEEPS == 1
    float m[ITEM_ROWS], l[ITEM_ROWS];
#endif
    float4 acc[ITEM_ROWS][BLOCKS];
#pragma unroll UNROLL
    for (int i = 0; i < ITEM_ROWS; i++) {
#if SWEEPS == 1
      m[i] = -INFINITY;
      l[i] = 0.0f;
#endif
#pragma unroll UNROLL
      for (int j = 0; j < BLOCKS; j++) acc[i][j] = (float4)(0.0f);
    }

    __local int *const outgrown = (__local int *)(p_tile + FLAGS + 1);
#if VERDICTS
    // Work-item i judges the tile i + 1 after this one, and the first that something can be visible in comes next. Before the first tile,
    // and where none of those judged is, there is a tile with nothing in it: it passes the barriers as all do.
    __local int *const next_tile = (__local int *)(p_tile + FLAGS);
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
    COPY_KEYS(from < to ? from : NO_TILE)
    for (int key0 = from; key0 < to; key0 += KEYS) {
#endif
      float4 s[ITEM_ROWS][KEY_BLOCKS];
#pragma unroll UNROLL
      for (int i = 0; i < ITEM_ROWS; i++) {
#pragma unroll UNROLL
        for (int j = 0; j < KEY_BLOCKS; j++) s[i][j] = (float4)(0.0f);
      }
      for (int depth = 0; depth < (RESIDENT == DEPTH ? 1 : a.head_dim); depth += DEPTH) {
        AWAIT_READERS_OF_SHARED  // and of p_tile
#if VERDICTS
        if (tid == 0) *next_tile = NO_TILE;
#endif
#if LAGS
        if (tid == 0) *outgrown = 0;
#endif
        for (int d0 = depth; d0 < (depth + DEPTH) * LIVE; d0 += 32) {
#if !RESIDENT
          STAGE_QUERIES(shared + (d0 - depth) * ROWS)
#endif
          STAGE_KEYS(k_tile + (d0 - depth) * KEYS)
        }
        WAIT_FOR_KEYS
        barrier(CLK_LOCAL_MEM_FENCE);
        COPY_VALUES(LIVE && phase != PHASE_SUMS)
        if (ACTIVE) {
          const int deep = min(DEPTH, a.head_dim - depth);
          __local const float *const q_chunk = RESIDENT ? q_tile + depth * ROWS : shared;
          int d0 = 0;
          for (; UNROLL > 1 && d0 + STEPS <= deep; d0 += STEPS) {
            ADD_STEPS(s, KEY_BLOCKS, LOAD_SCORES)
          }
          for (int n = 0; n < deep - d0; n++) {
            float4 x[1][ROW_BLOCKS], y[1][KEY_BLOCKS];
            LOAD_SCORES(n, 0)
            ADD_STEP(0, s, KEY_BLOCKS)
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
          const int found = verdict == MAYBE_TRUE ? TILE_LIVE + TILE_WHOLE : TILE_LIVE;
          if ((verdict & MAYBE_TRUE) || SCORES) atomic_min(next_tile, at_key + found);
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
      int4 tile_keys[KEY_BLOCKS], tile_positions[KEY_BLOCKS];
#define FIND_KEY(C, J)                          \
  tile_keys[j].C = KEY_IN(key0 + SLOT(J));      \
  tile_positions[j].C = key_position(clamp(tile_keys[j].C, 0, length - 1), b, hk KEY_ARGUMENTS);
      EACH_KEY(FIND_KEY)
#endif
#if LAGS
      float highest[ITEM_ROWS];
      int above = 0;
#endif
      if (ACTIVE) {
        struct pair at = sequence;
#pragma unroll UNROLL
        for (int i = 0; i < ITEM_ROWS; i++) {
          at.q = row + i;
          at.qpos = offset + row + i;
#define SCALE(C, J) s[i][j].C *= a.scale;
#define CAP(C, J) AT(C, J) s[i][j].C = cap_expression(s[i][j].C, at EXTRA_ARGUMENTS);
#define SCORE(C, J) AT(C, J) s[i][j].C = score_expression(s[i][j].C, at EXTRA_ARGUMENTS);
#if STORAGE != STORAGE_F32
          EACH_KEY(SCALE)
#endif
          WRITE_STAGE(STAGE_RAW, s[i])
          EACH_KEY(CAP)
          WRITE_STAGE(STAGE_CAPPED, s[i])
          EACH_KEY(SCORE)
        }
        if (!whole) {
#pragma unroll UNROLL
          for (int i = 0; i < ITEM_ROWS; i++) {
            at.q = row + i;
            at.qpos = offset + row + i;
#define MASK(C, J) AT(C, J) s[i][j].C = (at.k < length) & mask_expression(at EXTRA_ARGUMENTS) ? s[i][j].C : -INFINITY;
            EACH_KEY(MASK)
          }
        }
#pragma unroll UNROLL
        for (int i = 0; i < ITEM_ROWS; i++) {
          WRITE_STAGE(STAGE_MASKED, s[i])
          float4 x = s[i][0];
#pragma unroll UNROLL
          for (int j = 1; j < KEY_BLOCKS; j++) x = fmax(x, s[i][j]);
          const float of_row = fmax(fmax(x.x, x.y), fmax(x.z, x.w));
#if LAGS
          highest[i] = of_row;
          above |= of_row > m[i] + LAG;
#else
          p_tile[i * THREADS + tid] = of_row;
#endif
        }
#if LAGS
        if (above) atomic_or(outgrown, 1);
#endif
      }
      barrier(CLK_LOCAL_MEM_FENCE);  // row maxima in place or not needed, nobody reads k_tile any more
#if VERDICTS
      const int next = *next_tile;
      COPY_KEYS(next)
#elif AHEAD
      // elsewhere no variable, not even one that nobody uses: PoCL 3.1's optimiser gives wrong sums where keys are turned on load then
      const int next = key0 + KEYS < to ? key0 + KEYS : NO_TILE;
      COPY_KEYS(next)
#endif
#if NORMALISER == SOFTMAX
#if LAGS
      const int rescaled = *outgrown;
      if (rescaled) {
        if (ACTIVE) {
#pragma unroll UNROLL
          for (int i = 0; i < ITEM_ROWS; i++) p_tile[i * THREADS + tid] = highest[i];
        }
        barrier(CLK_LOCAL_MEM_FENCE);  // row maxima in place
      }
#else
      const int rescaled = SWEEPS == 1 || UNROLL == 1 || phase == PHASE_SUMS;  // PoCL 3.1 loses maxima where it is by the phase
#endif
      if (ACTIVE && rescaled) {
#pragma unroll UNROLL
        for (int i = 0; i < ITEM_ROWS; i++) {
          const float now = fmax(m[i], highest_of(p_tile + i * THREADS + COLUMN_GROUPS * ty));
          const float rescale = exp_nonpositive(m[i] - reference_of(now));
          m[i] = now;
          l[i] *= rescale;
#if SWEEPS == 1
#pragma unroll UNROLL
          for (int j = 0; j < BLOCKS; j++) acc[i][j] *= rescale;
#endif
        }
      }
#endif

      if (ACTIVE) {
#if WEIGHTED
        struct pair at = sequence;
#endif
        // Marks are set behind the loop, since a branch for each row would take registers. PoCL 3.1 gives wrong results for that.
#if UNROLL > 1
#define BIT_OF(J) (1ul << (4 * KEY_BLOCKS * i + 4 * j + J))
        ulong masked = 0;
        if (careful) {
#pragma unroll UNROLL
          for (int i = 0; i < ITEM_ROWS; i++) {
#define FIND_MASKED(C, J) masked |= s[i][j].C == -INFINITY ? BIT_OF(J) : 0;
            EACH_KEY(FIND_MASKED)
          }
        }
#endif
#pragma unroll UNROLL
        for (int i = 0; i < ITEM_ROWS; i++) {
          float4 p[KEY_BLOCKS];
#if NORMALISER == SOFTMAX
          const float reference = reference_of(m[i]);
#define EXPONENTIAL(C, J) p[j].C = WEIGHT_OF(s[i][j].C - reference);
          EACH_KEY(EXPONENTIAL)
#define SUM_TERM(j) ((p[j].x + p[j].y) + (p[j].z + p[j].w))
#else
#define PLAIN(C, J) p[j].C = s[i][j].C == -INFINITY ? 0.0f : s[i][j].C;
          EACH_KEY(PLAIN)
#define SUM_TERM(j) ((fabs(p[j].x) + fabs(p[j].y)) + (fabs(p[j].z) + fabs(p[j].w)))
#endif
          if (SWEEPS == 1 || phase == PHASE_SUMS) {
#pragma unroll UNROLL
            for (int j = 0; j < KEY_BLOCKS; j++) l[i] += SUM_TERM(j);
          } else {
#pragma unroll UNROLL
            for (int j = 0; j < KEY_BLOCKS; j++) p[j] = NORMALISER != SOFTMAX && l[i] == 0.0f ? (float4)(0.0f) : p[j] / l[i];
          }
#if WEIGHTED
          at.q = row + i;
          at.qpos = offset + row + i;
#define WEIGH(C, J) AT(C, J) p[j].C = s[i][j].C == -INFINITY ? 0.0f : weight_expression(p[j].C, s[i][j].C, at EXTRA_ARGUMENTS);
          EACH_KEY(WEIGH)
#elif SWEEPS == 2
          // 0 over a sum that is NaN or 0
#define WEIGH(C, J) p[j].C = s[i][j].C == -INFINITY ? 0.0f : p[j].C;
          EACH_KEY(WEIGH)
#endif
#if SWEEPS == 2 || NORMALISER == IDENTITY
          if (phase != PHASE_SUMS) {
            WRITE_STAGE(STAGE_WEIGHTS, p)
          }
#endif
#if UNROLL == 1
#define MARK_AT_ONCE(C, J) p[j].C = s[i][j].C == -INFINITY ? NO_WEIGHT : p[j].C;
          if (careful) {
            EACH_KEY(MARK_AT_ONCE)
          }
#endif
#pragma unroll UNROLL
          for (int j = 0; j < KEY_BLOCKS; j++) s[i][j] = p[j];
        }
#if UNROLL > 1
        if (careful) {
#pragma unroll UNROLL
          for (int i = 0; i < ITEM_ROWS; i++) {
#define MARK(C, J) s[i][j].C = masked & BIT_OF(J) ? NO_WEIGHT : s[i][j].C;
            EACH_KEY(MARK)
          }
        }
#endif
      }
      const int present = min(KEYS, to - key0);
// always unrolled: PoCL 3.1 gives wrong results for a short loop around barriers in a loop around barriers
#pragma unroll 16
      for (int part = 0; part < KEYS; part += VALUE_KEYS) {
        AWAIT_READERS_OF_P  // what stood in p_tile, or the part before, has been read
        if (part == 0 && ACTIVE) {
#pragma unroll UNROLL
          for (int i = 0; i < ROW_BLOCKS; i++) {
            __local float *const to_p = p_tile + 4 * tx * ROWS + 4 * ((ROW_BLOCKS * ty + i) ^ ROW_SWIZZLE(tx));
#define PUT(C, J)                                                                                                     \
  F4(to_p + (COLUMNS * j + J) * ROWS) = (float4)(s[4 * i][j].C, s[4 * i + 1][j].C, s[4 * i + 2][j].C, s[4 * i + 3][j].C);
            EACH_KEY(PUT)
          }
        }
        if (phase != PHASE_SUMS && LIVE) {
          STAGE_VALUES
        }
        WAIT_FOR_VALUES
        barrier(CLK_LOCAL_MEM_FENCE);
        const int here = min(VALUE_KEYS, present - part);
        if (ACTIVE && phase == PHASE_FAST) {
          int key = 0;
          for (; UNROLL > 1 && key + STEPS <= here; key += STEPS) {
            ADD_STEPS(acc, BLOCKS, LOAD_VALUES)
          }
          for (int n = 0; n < here - key; n++) {
            float4 x[1][ROW_BLOCKS], y[1][BLOCKS];
            LOAD_VALUES(n, 0)
            ADD_STEP(0, acc, BLOCKS)
          }
        }
        if (ACTIVE && careful) {
          for (int key = 0; key < here; key++) {
            const int swizzle = ROW_SWIZZLE((part + key) >> 2);
#pragma unroll UNROLL
            for (int i = 0; i < ROW_BLOCKS; i++) {
              const float4 p = F4(p_tile + (part + key) * ROWS + 4 * ((ROW_BLOCKS * ty + i) ^ swizzle));
#pragma unroll UNROLL
              for (int j = 0; j < BLOCKS; j++) {
                const float4 y = F4(v_tile + key * SLICE + 4 * tx + COLUMNS * j);
#define ADD_SELECTED(C, J) acc[4 * i + J][j] = HAS_WEIGHT(p.C) ? FMA((float4)(p.C), y, acc[4 * i + J][j]) : acc[4 * i + J][j];
                EACH_OF_FOUR(ADD_SELECTED)
              }
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
    for (int i = 0; i < ITEM_ROWS; i++) p_tile[i * THREADS + tid] = l[i];
    if (tid == 0) *outgrown = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (phase == PHASE_FAST) {
      float sum = 0.0f;
#pragma unroll UNROLL
      for (int i = 0; i < ITEM_ROWS; i++) {
        float of_row = 0.0f;
#pragma unroll UNROLL
        for (int j = 0; j < BLOCKS; j++) {
          const float4 x = acc[i][j];
          of_row += (x.x + x.y) + (x.z + x.w);
        }
        if (row + i <= last) sum += of_row;
      }
      if (isnan(sum)) atomic_or(outgrown, 1);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const int again = *outgrown;
#if SWEEPS == 2
    if (phase == PHASE_SUMS) {
#pragma unroll UNROLL
      for (int i = 0; i < ITEM_ROWS; i++) {
        const float sum = sum_of(p_tile + i * THREADS + COLUMN_GROUPS * ty);
        const float highest = fmax(m[i], sink);
        const float reference = reference_of(highest);
        l[i] = NORMALISER == SOFTMAX ? FMA(sum, exp_nonpositive(m[i] - reference),
                                           exp_nonpositive(sink - reference))
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
      for (int i = 0; i < ITEM_ROWS; i++) {
        if (row + i <= last) {
          float highest = m[i], factor = 1.0f;
#if SWEEPS == 2
          const float sum = l[i];
#else
          float sum = sum_of(p_tile + i * THREADS + COLUMN_GROUPS * ty);
#if NORMALISER == SOFTMAX
          float rescale = 1.0f;
          if (a.has_sinks) {
            highest = fmax(m[i], sink);
            const float reference = reference_of(highest);
            rescale = exp_nonpositive(m[i] - reference);
            sum = FMA(sum, rescale, exp_nonpositive(sink - reference));
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
            const int c = 4 * tx + COLUMNS * j, left = a.value_dim - column - c;
#if NORMALISER == SOFTMAX
            float4 out = m[i] == -INFINITY && !isnan(sum) ? (float4)(0.0f) : acc[i][j] * factor;
#else
            float4 out = acc[i][j] * factor;
#endif
#if SHAPED
#define SHAPE(C, J)            \
  at.d = column + c + J;       \
  out.C = output_expression(out.C, at EXTRA_ARGUMENTS);
            EACH_OF_FOUR(SHAPE)
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
