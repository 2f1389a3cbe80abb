// Attention of the softmax family, forward: in one sweep over the keys (online softmax, f32 accumulation), or, where a weight depends on
// the sum over all of them, in two.
//
// A work-group owns ROWS query rows of one (batch, query head) and one slice of the value dim. Work-item (tx, ty) owns rows
// 4 ty .. 4 ty + 3 in both products, keys 4 tx .. 4 tx + 3 of a tile in the first, columns 4 tx + 32 j of the slice in the
// second, so that maximum, sum and rescale factor of a row never leave its registers.
#include "storage.clh"
#include "numerics.clh"
#include "arguments.clh"
#include "expressions.clh"

// Queries stay in local memory for head dims up to this, a multiple of 32; 0: any head dim, queries staged anew for each tile.
#ifndef RESIDENT
#define RESIDENT 64
#endif
// Columns of the value dim that a work-group accumulates.
#ifndef SLICE
#define SLICE 64
#endif
#ifndef ROW_GROUPS
#define ROW_GROUPS 16
#endif
#ifndef LOCAL_FLOATS
#define LOCAL_FLOATS 8192
#endif
// Registers hold arrays only when the loops over them are unrolled. A CPU has no use for that and compiles several times faster
// without.
#ifndef UNROLL
#define UNROLL 4
#endif
#if UNROLL > 1
#define UNROLL_DEPTH 2
#else
#define UNROLL_DEPTH 1
#endif
#define SOFTMAX 0
#define L1 1
#define IDENTITY 2
#ifndef NORMALISER
#define NORMALISER SOFTMAX
#endif
// 2: the first sweep over the keys finds the sums of the rows, the second the weights.
#ifndef SWEEPS
#define SWEEPS 1
#endif
#if SWEEPS == 2 && NORMALISER == IDENTITY
#error "identity has no sum to wait for"
#endif
#define COLUMN_GROUPS 8
#define THREADS (COLUMN_GROUPS * ROW_GROUPS)
#define ROWS (4 * ROW_GROUPS)
#define KEYS (4 * COLUMN_GROUPS)
#define BLOCKS (SLICE / 32)

#if RESIDENT
#define DEPTH RESIDENT
#define Q_FLOATS (DEPTH * ROWS)
#define STAGED 64
#define SHARED_FLOATS (DEPTH > STAGED ? DEPTH * KEYS : STAGED * KEYS)
#else
#define DEPTH 32
#define Q_FLOATS 0
#define STAGED SLICE
#define SHARED_FLOATS (DEPTH * (ROWS + KEYS) > STAGED * KEYS ? DEPTH * (ROWS + KEYS) : STAGED * KEYS)
#endif
#define P_FLOATS (KEYS * ROWS)
#define STAGED_BLOCKS (STAGED / 32)
// Chunks of four rows, keys or probabilities are permuted by the depth they belong to: transposing stores and the reads of both
// products are then free of bank conflicts.
#define ROW_SWIZZLE(c) ((c) & (ROW_GROUPS < 8 ? ROW_GROUPS - 1 : 7))
#define KEY_SWIZZLE(c) ((c) & 7)

#if SLICE % 32 || SLICE < 32 || SLICE > 128
#error "SLICE is a multiple of 32 up to 128: each of 8 columns of work-items takes four neighbours, and registers are bounded"
#endif
#if RESIDENT % 32
#error "RESIDENT is a multiple of 32: queries are staged 32 deep"
#endif
#if ROW_GROUPS & (ROW_GROUPS - 1) || ROW_GROUPS < 2 || ROW_GROUPS > 32
#error "ROW_GROUPS is a power of two from 2 to 32: the swizzle permutes within it"
#endif
#if SLICE % STAGED
#error "the value slice is staged in equal parts: with resident queries it is 64 or 128"
#endif
#if 4 * THREADS > P_FLOATS
#error "row maxima are exchanged through the buffer of the probabilities"
#endif
#if Q_FLOATS + SHARED_FLOATS + P_FLOATS > LOCAL_FLOATS
#error "the tiles do not fit the local memory"
#endif

#define F4(p) (*(__local float4 *)(p))

// rows x 32 elements from d0 on, transposed: to[d][row ^ swizzle]. Eight lanes read 32 neighbours of a row.
#define STAGE_TRANSPOSED(TO, COUNT, WIDTH, SWIZZLE, ROW_POINTER, VECTOR)                   \
  for (int i = 0; i < (COUNT) * 8; i += THREADS) {                                         \
    const int at = i + tid, r = at >> 3, c = at & 7, d = d0 + 4 * c;                       \
    const float4 x = load4((ROW_POINTER) + d, limit(r, d), (VECTOR));                      \
    __local float *to = (TO) + 4 * c * (WIDTH) + 4 * ((r >> 2) ^ SWIZZLE(c)) + (r & 3);    \
    to[0] = x.x;                                                                           \
    to[WIDTH] = x.y;                                                                       \
    to[2 * (WIDTH)] = x.z;                                                                 \
    to[3 * (WIDTH)] = x.w;                                                                 \
  }

// What a masked key has for a weight where products have to be selected: no arithmetic gives this NaN.
#define NO_WEIGHT as_float(0x7fc0facd)
#define HAS_WEIGHT(p) (as_int(p) != 0x7fc0facd)

// The sum of a row out of those of its work-items, always in the same order.
#define ROW_SUM                                                                     \
  __local const float *const parts = p_tile + i * THREADS + COLUMN_GROUPS * ty;     \
  const float4 of_x = F4(parts), of_y = F4(parts + 4);                              \
  float sum = ((of_x.x + of_x.y) + (of_x.z + of_x.w)) + ((of_y.x + of_y.y) + (of_y.z + of_y.w));

#define EACH_KEY(X) X(x, 0) X(y, 1) X(z, 2) X(w, 3)

// Over all keys, values multiplied, or products of masked keys left out
#define PHASE_SUMS 0
#define PHASE_FAST 1
#define PHASE_CAREFUL 2
#define PHASE_NONE 3

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void attention(
    __global const element *restrict q, __global const element *k, __global const element *v, __global const element *past_k,
    __global const element *past_v, __global element *restrict o, __global const int *lengths, __global const int *offsets,
    __global const float *sinks, __global float *lse, __global float *scores, __global float *partial_o, __global float *maxima,
    __global float *sums, struct attention_block a EXTRA_PARAMETERS) {
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
  const int tiles = (a.queries + ROWS - 1) / ROWS;
  long group = get_group_id(0);
  // the last queries see the most keys under a causal mask: they start first
  const int first = (tiles - 1 - (int)(group % tiles)) * ROWS;
  group /= tiles;
  const int slice = (int)(group % a.slices);
  group /= a.slices;
  const int h = (int)(group % a.heads), b = (int)(group / a.heads);
  const int hk = h / a.key_group, hv = h / a.value_group, column = slice * SLICE;

  q += a.q.offset + b * a.q.batch + h * a.q.head;
  k += a.k.offset + b * a.k.batch + hk * a.k.head;
  v += a.v.offset + b * a.v.batch + hv * a.v.head + column;
  past_k += a.past_k.offset + b * a.past_k.batch + hk * a.past_k.head;
  past_v += a.past_v.offset + b * a.past_v.batch + hv * a.past_v.head + column;
  o += a.o.offset + b * a.o.batch + h * a.o.head + column;
  partial_o += a.o.offset + b * a.o.batch + h * a.o.head + column;
  if (a.stage) scores += a.scores.offset + b * a.scores.batch + h * a.scores.head;

  const int length = a.has_lengths ? lengths[a.lengths_offset + b * a.lengths_batch + hk * a.lengths_head] : a.keys;
  int offset = a.offset_constant + (a.offset_by_length ? length : 0);
  if (a.offset_given) offset += offsets[a.offsets_offset + b * a.offsets_batch + hk * a.offsets_head];
  const int last = min(first + ROWS, a.queries) - 1;
  const int row = first + 4 * ty;
  const int active = row <= last;

  struct pair sequence = {b, h, hk, 0, 0, 0, 0, a.queries, length, 0};

  // with a scores output every pair is looked at
  int from = 0, to = a.keys;
  if (!a.stage) {
    from = max(0, offset + first - a.band_left) & ~(KEYS - 1);
    to = min(length - 1, offset + last + a.band_right) + 1;
  }
  const int write_stage = slice == 0 ? a.stage : 0;

#if RESIDENT
#define limit(r, d) (first + (r) <= last ? a.head_dim - (d) : 0)
  for (int d0 = 0; d0 < DEPTH; d0 += 32) {
    STAGE_TRANSPOSED(q_tile + d0 * ROWS, ROWS, ROWS, ROW_SWIZZLE, q + (index_t)(first + r) * (index_t)a.q.row, a.vectors & VECTOR_Q)
  }
#undef limit
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

    for (int key0 = from; key0 < to; key0 += KEYS) {
      float4 s[4];
#pragma unroll UNROLL
      for (int i = 0; i < 4; i++) s[i] = (float4)(0.0f);
      for (int depth = 0; depth < (RESIDENT ? 1 : a.head_dim); depth += DEPTH) {
        barrier(CLK_LOCAL_MEM_FENCE);  // nobody reads the shared buffer or p_tile any more
#if !RESIDENT
        {
          const int d0 = depth;
#define limit(r, d) (first + (r) <= last ? a.head_dim - (d) : 0)
          STAGE_TRANSPOSED(shared, ROWS, ROWS, ROW_SWIZZLE, q + (index_t)(first + r) * (index_t)a.q.row, a.vectors & VECTOR_Q)
#undef limit
        }
#endif
#define limit(r, d) (key0 + (r) < a.keys ? a.head_dim - (d) : 0)
#define key_row(r)                                                                        \
  (key0 + (r) < a.past ? past_k + (index_t)(key0 + (r)) * (index_t)a.past_k.row           \
                       : k + (index_t)(key0 + (r) - a.past) * (index_t)a.k.row)
        for (int d0 = depth; d0 < depth + DEPTH; d0 += 32) {
          STAGE_TRANSPOSED(k_tile + (d0 - depth) * KEYS, KEYS, KEYS, KEY_SWIZZLE, key_row(r),
                           a.vectors & (key0 + r < a.past ? VECTOR_PAST_K : VECTOR_K))
        }
#undef limit
#undef key_row
        barrier(CLK_LOCAL_MEM_FENCE);
        if (active) {
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

      // every pair of the tile is known to be visible
      const int whole = a.band_exact && key0 + KEYS <= length && key0 >= offset + last - a.band_left &&
                        key0 + KEYS - 1 <= offset + first + a.band_right;
      if (active) {
        struct pair at = sequence;
#pragma unroll UNROLL
        for (int i = 0; i < 4; i++) {
          at.q = row + i;
          at.qpos = offset + row + i;
          s[i] *= a.scale;
#define WRITE_SCORE(C, J)                                                                 \
  if (row + i <= last && key0 + 4 * tx + J < a.keys) \
    scores[(row + i) * a.scores.row + (key0 + 4 * tx + J) * a.scores_key] = s[i].C;
#define AT(J)                                                                             \
  at.k = key0 + 4 * tx + J;                                                               \
  at.kpos = at.k;
#define CAP(C, J) AT(J) s[i].C = cap_expression(s[i].C, at EXTRA_ARGUMENTS);
#define SCORE(C, J) AT(J) s[i].C = score_expression(s[i].C, at EXTRA_ARGUMENTS);
#define MASK(C, J) AT(J) s[i].C = (at.k < length) & mask_expression(at EXTRA_ARGUMENTS) ? s[i].C : -INFINITY;
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

      if (active) {
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
#define WEIGH(C, J) AT(J) p.C = s[i].C == -INFINITY ? 0.0f : weight_expression(p.C, s[i].C, at EXTRA_ARGUMENTS);
          EACH_KEY(WEIGH)
#elif SWEEPS == 2
          // 0 over a sum that is NaN or 0
#define WEIGH(C, J) p.C = s[i].C == -INFINITY ? 0.0f : p.C;
          EACH_KEY(WEIGH)
#endif
#define MARK(C, J) p.C = s[i].C == -INFINITY ? NO_WEIGHT : p.C;
#define WRITE_WEIGHT(C, J)                            \
  if (row + i <= last && key0 + 4 * tx + J < a.keys) \
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
        if (part == 0 && active) {
          __local float *const to_p = p_tile + 4 * tx * ROWS + 4 * (ty ^ ROW_SWIZZLE(tx));
#define PUT(C, J) F4(to_p + J * ROWS) = (float4)(s[0].C, s[1].C, s[2].C, s[3].C);
          EACH_KEY(PUT)
        }
        for (int i = 0; i < (phase == PHASE_SUMS ? 0 : STAGED / 4 * KEYS); i += THREADS) {
          const int at = i + tid, r = at / (STAGED / 4), c = part * STAGED + 4 * (at % (STAGED / 4)), key = key0 + r;
          const int left = key < length ? a.value_dim - column - c : 0;
          F4(shared + 4 * at) = load4((key < a.past ? past_v + (index_t)key * (index_t)a.past_v.row
                                                    : v + (index_t)(key - a.past) * (index_t)a.v.row) + c,
                                      left, a.vectors & (key < a.past ? VECTOR_PAST_V : VECTOR_V));
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        if (active && phase == PHASE_FAST) {
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
        if (active && careful) {
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
            store_floats(out, partial_o + at_row, left);
#else
            store4(out, o + at_row, left, a.vectors & VECTOR_O);
#endif
          }
#if PARTIALS
          if (slice == 0 && tx == 0) {
            maxima[a.maxima.offset + b * a.maxima.batch + h * a.maxima.head + (row + i) * a.maxima.row] =
                NORMALISER == SOFTMAX ? m[i] : 0.0f;
            sums[a.sums.offset + b * a.sums.batch + h * a.sums.head + (row + i) * a.sums.row] = sum;
          }
#else
          if (a.has_lse && slice == 0 && tx == 0) {
            lse[a.lse.offset + b * a.lse.batch + h * a.lse.head + (row + i) * a.lse.row] = highest + log(sum);
          }
#endif
        }
      }
    }
  }
}
