// Attention of the softmax family, forward, in one sweep over the keys, on the matrix units of NVIDIA's sm_90a.
//
// One work-item of a work-group takes work from a counter (ROWS query rows of one head). The first warp feeds the others: it judges the
// tiles of keys and has the copy engine bring queries, keys and values into local memory, STAGES tiles ahead. Each of CONSUMERS groups of
// four warps owns 64 rows: scores, weights and output never leave its registers, the weights of a tile are multiplied into the values
// while the scores of the next are made. Which registers hold what: element i of a thread is row lane / 4 + 8 (i / 2 % 2) of its warp,
// column 8 (i / 4) + 2 (lane % 4) + i % 2; pairs of scores, packed, are in that order the left operand of the product with the values.
#include "storage.clh"
#include "numerics.clh"
#include "arguments.clh"
#include "keys.clh"
#include "verdicts.clh"
#include "expressions.clh"
#include "hopper.clh"
#include "hopper_tiles.clh"
#include "hopper_softmax.clh"

#if PARTIALS || PLANES == 2
#define STORE_PAIR(TO, X, Y) *(__global float2 *)(TO) = (float2)(X, Y)
#else
#define STORE_PAIR(TO, X, Y) *(__global uint *)(TO) = PACK(X, Y)
#endif
#define STORE_OUTPUTS                                                                                                      \
  _Pragma("unroll") for (int i = 0; i < OUTPUTS; i += 2) {                                                                 \
    const int at_row = row + 8 * SECOND(i);                                                                                \
    if (at_row <= last && COLUMN(i) < a.value_dim) STORE_PAIR(out + (long)at_row * a.o.row + COLUMN(i), o[i], o[i + 1]); \
  }
#include "hopper_careful.clh"

struct hopper_block {
  struct tensor_map q, k, v, o;
  int items, items_of_head;  // pieces of work, of ROWS rows each
  int heads, heads_of_section;  // of all sequences; so many whose keys and values fit the cache are worked on together
  int heavy_first;           // later rows see more keys
  int box_rows;              // rows of keys that one copy brings
  int bulk_store;            // the output can be stored by the copy engine
  int wide_store;            // it can be stored by eight bytes
  int planes;                // distance between two planes, along the axis of sequences
  int unused;
  long query_factors, key_factors, value_factors;  // of rows, in floats from the planes; of a head:
  int query_pitch, key_pitch;                      // those of keys and values tile by tile
};

// Tickets.java
#define TICKET_BYTES 65536

// What the copy engine and the consumers are told of a piece of work.
#define WORK_HEAD 0  // -1: there is no more
#define WORK_BATCH 1
#define WORK_FIRST 2
#define WORK_LAST 3
#define WORK_LENGTH 4
#define WORK_OFFSET 5
#define WORK_QUERIES 6
#define WORK_START 7  // index of the first query of the sequence
#define WORK_KEY_HEAD 8
#define WORK_VALUE_HEAD 9
#define WORK_PASSED 10  // by group: of how many tiles, those that come first, its rows see nothing
#define WORK_INTS 13
// A group leaves such tiles to the others. Two groups, which seldom can, are faster for it all the same, by what the compiler makes of it.
#define PASSING (PLANES == 1 && CONSUMERS > 1 && !POSITIONS && !VERDICTS)

#define READ_WORK                                                                                                      \
  const int h = work[WORK_HEAD], b = work[WORK_BATCH], last = work[WORK_LAST], length = work[WORK_LENGTH],             \
            offset = work[WORK_OFFSET], queries = work[WORK_QUERIES], start = work[WORK_START],                        \
            own_first = work[WORK_FIRST] + 64 * group, own_last = own_first + 63, row = own_first + 16 * warp + eighth; \
  const struct pair sequence = {b, h, h / a.key_group, 0, 0, 0, 0, queries, length, 0};

// A tile by its first key, whether the whole of it is known to be visible, and whether another follows.
#define NO_TILE (-4)
#define TILE(KEY, WHOLE) ((KEY) << 2 | (WHOLE) << 1)
#define MORE 1

// Groups of barriers: work full and empty, queries full and empty, keys and values full and empty by stage.
#define WORK_FULL(I) (barriers + 8 * (I))
#define WORK_EMPTY(I) (barriers + 8 * (2 + (I)))
#define QUERY_FULL(I) (barriers + 8 * (4 + (I)))
#define QUERY_EMPTY(I) (barriers + 8 * (6 + (I)))
#define KEY_FULL(S) (barriers + 8 * (8 + (S)))
#define KEY_EMPTY(S) (barriers + 8 * (8 + STAGES + (S)))
#define VALUE_FULL(S) (barriers + 8 * (8 + 2 * STAGES + (S)))
#define VALUE_EMPTY(S) (barriers + 8 * (8 + 3 * STAGES + (S)))
#define BARRIERS (8 + 4 * STAGES)
// Where the queries of a piece of work go, and how often that place was taken before, by its last bit.
#define QUERY_PLACE(TURN) ((TURN) % QUERY_STAGES)
#define QUERY_PARITY(TURN) ((TURN) / QUERY_STAGES & 1)
// Numbered barriers: whose turn it is, and one for each consumer.
#define TURN(W) (1 + (W))
#define OWN(W) (8 + (W))

#define ADVANCE        \
  if (++stage == STAGES) { \
    stage = 0;         \
    phase ^= 1;        \
  }

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void hopper_attention(
    __global const element *q, __global const kv_element *k, __global const kv_element *v, __global out_element *o_tensor,
    __global const int *lengths, __global const int *offsets, __global const float *sinks, __global float *lse,
    __global float *maxima, __global float *sums, __global const uchar *planes, __global uchar *tickets, struct hopper_block x,
    struct attention_block a KEY_PARAMETERS EXTRA_PARAMETERS) {
  __local uchar tiles[LOCAL_BYTES] __attribute__((aligned(1024)));
  __local ulong barrier_words[BARRIERS] __attribute__((aligned(8)));
  __local int work_ints[2 * WORK_INTS];
  // Two for a stage: one warp of four gives a tile back, and another may not have read what is said of it yet. It hung with one.
  __local int tile_ints[2 * STAGES];
  volatile __local int *const tile_of = tile_ints;
  const uint queries_at = ADDRESS(tiles), keys_at = queries_at + QUERY_STAGES * QUERY_BYTES, values_at = keys_at + STAGES * KEY_BYTES,
             barriers = ADDRESS(barrier_words);
  const uint thread = get_local_id(0), lane = thread & 31;
  // counter of pieces of work, and of work-groups that are done; then maps, one set for each work-group
  volatile __global int *const counters = (volatile __global int *)tickets;
  __global uchar *const maps = tickets + TICKET_BYTES + get_group_id(0) * (4 * MAP_BYTES);
  const ulong q_map = (ulong)(size_t)maps, k_map = q_map + MAP_BYTES, v_map = k_map + MAP_BYTES, o_map = v_map + MAP_BYTES;

  // Who takes work does not wait for the maps, which others write meanwhile.
  if (thread < WARPGROUP) {
    REGISTERS_DOWN(FEEDER_REGISTERS);
    if (thread == 32) {
      for (int i = 0; i < 2; i++) {
        barrier_init(WORK_FULL(i), 1);
        barrier_init(WORK_EMPTY(i), 4 * CONSUMERS + 1);
        barrier_init(QUERY_FULL(i), 1);
        barrier_init(QUERY_EMPTY(i), BULK_STORE ? 4 * CONSUMERS : CONSUMERS);
      }
      for (int i = 0; i < STAGES; i++) {
        barrier_init(KEY_FULL(i), 1);
        barrier_init(KEY_EMPTY(i), CONSUMERS);
        barrier_init(VALUE_FULL(i), 1);
        barrier_init(VALUE_EMPTY(i), CONSUMERS);
      }
      fence_barriers();
    }
    if (thread >> 5 == 1) {
      warp_sync();
      all_arrive(THREADS);
    } else {
      all_sync(THREADS);
    }
    if (thread < 32) {
      acquire_map(q_map);
      acquire_map(k_map);
      acquire_map(v_map);
      uint stage = 0, phase = 1;
      for (uint turn = 0;; turn++) {
        volatile __local int *const work = work_ints + WORK_INTS * (turn & 1);
        barrier_wait(WORK_FULL(turn & 1), (turn >> 1) & 1);
        warp_sync();
        const int h = work[WORK_HEAD];
        if (h < 0) break;
        const int b = work[WORK_BATCH], first = work[WORK_FIRST], last = work[WORK_LAST], length = work[WORK_LENGTH],
                  offset = work[WORK_OFFSET], hk = work[WORK_KEY_HEAD], hv = work[WORK_VALUE_HEAD];
        if (lane == 0) {
          const uint at = QUERY_PLACE(turn);
          barrier_wait(QUERY_EMPTY(at), QUERY_PARITY(turn) ^ 1);
          barrier_expect(QUERY_FULL(at), QUERY_BYTES);
          const int query = work[WORK_START] + first, of_batch = QUERY_BATCH(b);
          for (int plane = 0; plane < PLANES; plane++)
            for (int panel = 0; panel < KEY_PANELS; panel++)
              load_box(queries_at + at * QUERY_BYTES + plane * QUERY_PLANE + panel * (ROWS * PANEL_BYTES), q_map, 64 * panel,
                       query, h, of_batch + plane * x.planes, QUERY_FULL(at));
        }
        int from = 0, to = length;
#if !POSITIONS
        from = max(0, offset + first - a.band_left) / KEYS;
        to = min(length - 1, offset + last + a.band_right) + 1;
#endif
        if (first > last) to = 0;
        const int start = key_start(b KEY_ARGUMENTS);
        int upper = (max(to, 0) + KEYS - 1) / KEYS - 1, more = 1;
#if VERDICTS
        int judged_from = 0, held = NO_TILE;
        uint live = 0, whole = 0;
#endif
        // tiles from the last to the first; rows that see nothing see it in the first tile
        for (int begun = 0; more; begun = 1) {
#if VERDICTS
          // 32 are judged at a time; each is told whether another follows, so it waits until that is found
          int next = NO_TILE;
          while (next == NO_TILE && (live != 0 || upper >= from)) {
            if (live != 0) {
              const int i = 31 - (int)clz(live & (0u - live));
              live &= live - 1;
              // what was judged ends where the keys to look at do
              next = TILE((judged_from - i) * KEYS, whole >> i & ((judged_from - i + 1) * KEYS <= to));
            } else {
              const int count = min(upper - from + 1, 32);
              int verdict = MAYBE_FALSE;
              if ((int)lane < count) {
                struct tile judged = {b, h, hk, work[WORK_QUERIES], length};
                judged.q = (int2)(first, last);
                judged.k = (int2)((upper - (int)lane) * KEYS, min((upper - (int)lane + 1) * KEYS, to) - 1);
                judged.qpos = judged.q + offset;
                judged.kpos = POSITIONS ? UNKNOWN : judged.k;
                verdict = mask_verdict(judged EXTRA_ARGUMENTS);
              }
              live = ballot(verdict & MAYBE_TRUE);
              whole = ballot(verdict == MAYBE_TRUE);
              judged_from = upper;
              upper -= 32;
            }
          }
          const int tile = held == NO_TILE ? TILE(0, 0) : held;
          held = next;
          if (!begun && next != NO_TILE) continue;
          more = next != NO_TILE;
#else
          const int tile = TILE(upper < from ? 0 : upper * KEYS, 0);
          more = --upper >= from;
#endif
          const int key0 = tile >> 2;
          if (lane == 0) {
            // the next piece of work is asked for early enough to be known when its first tile can be brought
            if (!more && turn > 0) barrier_arrive(WORK_EMPTY((turn + 1) & 1));
            barrier_wait(KEY_EMPTY(stage), phase);
            tile_of[stage + STAGES * (phase ^ 1)] = tile | more;
            barrier_expect(KEY_FULL(stage), KEY_BYTES + FACTOR_BYTES);
#if PLANES == 2
            const uint factors_at = queries_at + FACTORS_AT + (stage + STAGES * (phase ^ 1)) * FACTOR_BYTES;
            __global const float *const factors = (__global const float *)planes + key0 / KEYS * FACTORS;
            const int of_keys = a.heads / a.key_group, of_values = a.heads / a.value_group;
            load_bytes(factors_at, factors + x.key_factors + (long)(b * of_keys + hk) * x.key_pitch, 4 * FACTORS, KEY_FULL(stage));
            load_bytes(factors_at + 4 * FACTORS, factors + x.value_factors + (long)(b * of_values + hv) * x.key_pitch,
                       4 * FACTORS, KEY_FULL(stage));
#endif
          }
#if LAYOUT == LAYOUT_PAGED
          warp_sync();
          const int boxes = KEYS / x.box_rows;
// pages that hold no key below the length are not looked up: any other does
#define LOAD_TILE(TO, MAP, PANELS, PLANE_BYTES, HEAD, BARRIER)                                                           \
  for (int i = lane; i < (PANELS)*boxes; i += 32) {                                                                      \
    const int panel = i % (PANELS), box = i / (PANELS), key = min(key0 + box * x.box_rows, max(length - 1, 0) & ~(x.box_rows - 1)); \
    const slot_t place = slot_of(key, start, b, hk KEY_ARGUMENTS);                                                       \
    load_box((TO) + panel * (KEYS * PANEL_BYTES) + box * x.box_rows * PANEL_BYTES, MAP, 64 * panel, ROW(place), HEAD,    \
             PAGE(place), BARRIER);                                                                                      \
  }
#else
#define LOAD_TILE(TO, MAP, PANELS, PLANE_BYTES, HEAD, BARRIER)                                               \
  if (lane == 0) {                                                                                           \
    for (int plane = 0; plane < PLANES; plane++)                                                             \
      for (int panel = 0; panel < PANELS; panel++)                                                           \
        load_box((TO) + plane * PLANE_BYTES + panel * (KEYS * PANEL_BYTES), MAP, 64 * panel, start + key0, HEAD, \
                 (LAYOUT == LAYOUT_RAGGED ? 0 : b) + plane * x.planes, BARRIER);                             \
  }
#endif
          LOAD_TILE(keys_at + stage * KEY_BYTES, k_map, KEY_PANELS, KEY_PLANE, hk, KEY_FULL(stage))
          if (lane == 0) {
            barrier_wait(VALUE_EMPTY(stage), phase);
            barrier_expect(VALUE_FULL(stage), VALUE_BYTES);
          }
#if LAYOUT == LAYOUT_PAGED
          warp_sync();
#endif
          LOAD_TILE(values_at + stage * VALUE_BYTES, v_map, VALUE_PANELS, VALUE_PLANE, hv, VALUE_FULL(stage))
          ADVANCE
        }
      }
    } else if (thread == 32) {
      int item = get_group_id(0);
      for (uint turn = 0; item < x.items; turn++) {
        volatile __local int *const work = work_ints + WORK_INTS * (turn & 1);
        barrier_wait(WORK_EMPTY(turn & 1), ((turn >> 1) & 1) ^ 1);
        if (turn > 0) item = atomic_inc(counters) + get_num_groups(0);
        if (item < x.items) {
          const int of_section = x.heads_of_section * x.items_of_head, section = item / of_section,
                    rest = item - section * of_section, first_head = section * x.heads_of_section,
                    heads = min(x.heads_of_section, x.heads - first_head);
          const int head = first_head + (x.heavy_first ? rest % heads : rest / x.items_of_head);
          const int of_head = x.heavy_first ? x.items_of_head - 1 - rest / heads : rest % x.items_of_head;
          const int b = head / a.heads, h = head - b * a.heads, hk = h / a.key_group, hv = h / a.value_group;
          const int queries = query_count(b, a.queries KEY_ARGUMENTS), keys = key_count(b, a.keys KEY_ARGUMENTS);
          const int length = a.has_lengths ? lengths[a.lengths_offset + b * a.lengths_batch + hk * a.lengths_head] : keys;
          int offset = a.offset_constant + (a.offset_by_length ? length + a.queries - queries : 0);
          if (a.offset_given) offset += offsets[a.offsets_offset + b * a.offsets_batch + hk * a.offsets_head];
          // groups that are missing of a whole number of pieces are missing of the first: under a causal mask it has the fewest keys
          const int missing = PASSING && CONSUMERS == 3 ? ((queries + ROWS - 1) / ROWS * ROWS - queries) & ~63 : 0;
          const int first = max(of_head * ROWS - missing, 0), last = min((of_head + 1) * ROWS - missing, queries) - 1;
          work[WORK_HEAD] = h;
          work[WORK_BATCH] = b;
          work[WORK_FIRST] = first;
          work[WORK_LAST] = last;
          work[WORK_LENGTH] = length;
          work[WORK_OFFSET] = offset;
          work[WORK_QUERIES] = queries;
          work[WORK_START] = query_start(b KEY_ARGUMENTS);
          work[WORK_KEY_HEAD] = hk;
          work[WORK_VALUE_HEAD] = hv;
#if PASSING
          // the tiles that the feeder brings; each group takes the last at least, for rows that see nothing to see it there
          const int lowest = max(0, offset + first - a.band_left) / KEYS,
                    highest = (max(min(length - 1, offset + last + a.band_right), -1) + KEYS) / KEYS - 1;
          for (int i = 0; i < CONSUMERS; i++) {
            const int own_first = first + 64 * i,
                      own_highest = own_first > last ? lowest : max(lowest, max(0, offset + own_first + 63 + a.band_right) / KEYS);
            work[WORK_PASSED + i] = first > last ? 0 : max(highest - own_highest, 0);
          }
#endif
        } else {
          work[WORK_HEAD] = -1;
        }
        barrier_arrive(WORK_FULL(turn & 1));
      }
      // the last work-group leaves the counters as it found them
      if (atomic_inc(counters + 1) == (int)get_num_groups(0) - 1) {
        counters[0] = 0;
        counters[1] = 0;
      }
    }
  } else {
    if (lane == 0 && thread < 2 * WARPGROUP) {
      __global const uchar *const from_planes = planes;
      if (thread == WARPGROUP) WRITE_MAP(maps, PLANES == 2 ? from_planes : (__global const uchar *)q, x.q)
      if (thread == WARPGROUP + 32) WRITE_MAP(maps + MAP_BYTES, PLANES == 2 ? from_planes : (__global const uchar *)k, x.k)
      if (thread == WARPGROUP + 64) WRITE_MAP(maps + 2 * MAP_BYTES, PLANES == 2 ? from_planes : (__global const uchar *)v, x.v)
      if (thread == WARPGROUP + 96) WRITE_MAP(maps + 3 * MAP_BYTES, o_tensor, x.o)
      release_maps();
    }
    warp_sync();
    all_sync(THREADS);
    REGISTERS_UP(CONSUMER_REGISTERS);
    const uint group = thread / WARPGROUP - 1, warp = (thread >> 5) & 3, eighth = lane >> 2, quarter = lane & 3;
    const int lead = (thread & (WARPGROUP - 1)) == 0;
    float s[SCORES], o[OUTPUTS], m0, m1, l0, l1, reference0, reference1, rescale0, rescale1;
    uint grown;
#if PLANES == 2
    float part[OUTPUTS], doubt0, doubt1, spread0 = 0.0f, spread1 = 0.0f, tile_factor;
    int even;
    uint p0[SCORES / 2], p1[SCORES / 2];
    EACH_OUTPUT part[i] = 0.0f;
#else
    uint p[SCORES / 2];
#endif
    EACH_SCORE s[i] = 0.0f;
    EACH_OUTPUT o[i] = 0.0f;
#if BULK_STORE
    if (lane == 0) acquire_map(o_map);
#endif
#if CONSUMERS > 1
    if (group == CONSUMERS - 1) GROUP_ARRIVE(TURN(0), 256);
#endif
    uint stage = 0, phase = 0;

    for (uint turn = 0;; turn++) {
      volatile __local int *const work = work_ints + WORK_INTS * (turn & 1);
      barrier_wait(WORK_FULL(turn & 1), (turn >> 1) & 1);
      if (work[WORK_HEAD] < 0) break;
      {
        READ_WORK
        m0 = m1 = -INFINITY;
        l0 = l1 = reference0 = reference1 = 0.0f;
#if PLANES == 2
        doubt0 = doubt1 = 0.0f;
        EACH_OUTPUT o[i] = 0.0f;
#endif
        UNITS
        const ulong q_operand = OPERAND(queries_at + QUERY_PLACE(turn) * QUERY_BYTES + group * (64 * PANEL_BYTES), 16);
#if PASSING
        for (int i = shuffle(work[WORK_PASSED + group], 0); i > 0; i--) {
          barrier_wait(KEY_FULL(stage), phase);
          barrier_wait(VALUE_FULL(stage), phase);  // else the next arrival might count for this one
          GROUP_SYNC(TURN(group), 256);  // before which a warp of four may not have seen the phases that arrivals let end
          barrier_arrive_if(lead, KEY_EMPTY(stage));
          barrier_arrive_if(lead, VALUE_EMPTY(stage));
          ADVANCE
          GROUP_ARRIVE(TURN(group + 1 == CONSUMERS ? 0 : group + 1), 256);
        }
#endif
        barrier_wait(QUERY_FULL(QUERY_PLACE(turn)), QUERY_PARITY(turn));
        // tiles begun before; the values of the first set the outputs, which need not be zero
        int tile = 0, begun = 0;
        for (; !begun || tile & MORE; begun++) {
          const uint last_stage = stage, last_phase = phase;
          if (begun) {
            ADVANCE
          }
          barrier_wait(KEY_FULL(stage), phase);
#if CONSUMERS > 1
          if (begun) GROUP_SYNC(TURN(group), 256);
#endif
          PRODUCTS_FENCE;
          ISSUE_SCORES(stage)
          // a shuffle tells the compiler that a warp agrees: else products are serialised, or their operands leave uniform registers
          tile = shuffle(tile_of[stage + STAGES * phase], 0);
          if (begun) {
            barrier_wait(VALUE_FULL(last_stage), last_phase);
            PRODUCTS_FENCE;  // else the compiler puts one there, and where it cannot it serialises all products
            ISSUE_VALUES(last_stage)
#if CONSUMERS > 1
            GROUP_ARRIVE(TURN(group + 1 == CONSUMERS ? 0 : group + 1), 256);
#endif
            WAIT_SCORES(1);
          } else {
            WAIT_SCORES(0);
#if BULK_STORE
            // from where the queries of the piece before were, outputs have been taken
            STORES_READ;
            barrier_arrive_if(lane == 0 && turn > 0, QUERY_EMPTY(QUERY_PLACE(turn + 1)));
#endif
          }
          barrier_arrive_if(lead, KEY_EMPTY(stage));
#if !BULK_STORE
          barrier_arrive_if(lead && !(tile & MORE), QUERY_EMPTY(QUERY_PLACE(turn)));
#endif
          SHAPE_AND_MASK
          if (begun) {
            WAIT_VALUES;
            barrier_arrive_if(lead, VALUE_EMPTY(last_stage));
            ADD_OUTPUTS
            if (grown) {
              RESCALE_OUTPUTS
            }
          }
          SCORES_TO_WEIGHTS
          PACK_WEIGHTS
          // rows beyond the length may hold anything, and 0 times NaN is NaN
          const int present = length - (tile >> 2);
          if (!begun && present < KEYS && (LAYOUT != LAYOUT_DENSE || length < a.keys)) {
            barrier_wait(VALUE_FULL(stage), phase);
            __local uchar *const rows = tiles + QUERY_STAGES * QUERY_BYTES + STAGES * KEY_BYTES + stage * VALUE_BYTES;
            for (int i = thread & (WARPGROUP - 1); i < (KEYS - present) * (PANEL_BYTES / 16); i += WARPGROUP)
              for (int panel = 0; panel < VALUE_PANELS * PLANES; panel++)
                *(__local uint4 *)(rows + panel * (KEYS * PANEL_BYTES) + present * PANEL_BYTES + 16 * i) = (uint4)(0);
            fence_stores();
            GROUP_SYNC(OWN(group), 128);
          }
        }
        barrier_wait(VALUE_FULL(stage), phase);
        PRODUCTS_FENCE;
        ISSUE_VALUES(stage)
      }

      // read again, so that little of it has to stay in registers all the time
      READ_WORK
      barrier_arrive_if(lane == 0, WORK_EMPTY(turn & 1));
      float factor0, factor1;
      UNITS
      FINISH_ROW(m0, l0, factor0, row, unit0, power0)
      FINISH_ROW(m1, l1, factor1, row + 8, unit1, power1)
      WAIT_VALUES;
      barrier_arrive_if(lead, VALUE_EMPTY(stage));
      ADD_OUTPUTS
      ADVANCE
      struct pair at = sequence;
      float nan0 = 0.0f, nan1 = 0.0f;
      const int doubtful0 = DOUBTFUL(m0, l0, doubt0, row, unit0), doubtful1 = DOUBTFUL(m1, l1, doubt1, row + 8, unit1);
      _Pragma("unroll") for (int i = 0; i < OUTPUTS; i += 4) {
        o[i] *= factor0;
        o[i + 1] *= factor0;
        o[i + 2] *= factor1;
        o[i + 3] *= factor1;
        nan0 += o[i] + o[i + 1];
        nan1 += o[i + 2] + o[i + 3];
        SHAPE(o[i], row, COLUMN(i))
        SHAPE(o[i + 1], row, COLUMN(i + 1))
        SHAPE(o[i + 2], row + 8, COLUMN(i))
        SHAPE(o[i + 3], row + 8, COLUMN(i + 1))
      }
      const int unknown0 = (isnan(nan0) || doubtful0 || is_far(reference_of(m0) * power0)) && row <= last && !SEES_FEW(row),
                unknown1 = (isnan(nan1) || doubtful1 || is_far(reference_of(m1) * power1)) && row + 8 <= last && !SEES_FEW(row + 8);
      const int few = FEW_OF_GROUP;
      // a shuffle for the same reason as above
      const uint careful = shuffle(quads_of(ballot(unknown0)) | quads_of(ballot(unknown1)) << 8, 0);
      __global out_element *const out =
          o_tensor + a.o.offset + QUERY_BATCH(b) * a.o.batch + h * a.o.head + (long)start * a.o.row;
#if BULK_STORE
      // rows of the next sequence lie behind those of a packed one, and a warp may have no rows; a shuffle for the same reason as above
      const int warp_first = own_first + 16 * warp, bulk = x.bulk_store && shuffle(warp_first + (PACKED_QUERIES ? 15 : 0) <= last, 0);
#else
      const int bulk = 0;
#endif
      if (careful || few) {
#if PLANES == 2
        STORE_OUTPUTS
        // what follows writes over what other lanes have written, and where few keys are seen other warps: each makes every fourth such row
        if (few) GROUP_SYNC(OWN(group), 128);
        warp_sync();
#endif
        for (int of_group = few; of_group >= 0; of_group--) {
          int i = lane & 15;
          asm volatile("" : "+r"(i));
          const int step = of_group ? 4 : 1, of_warp = own_first + (of_group ? 1 : 16) * (int)warp, own = of_warp + step * i;
          const uint rows = ballot(own <= last && (of_group ? SEES_FEW(own) : PLANES == 1 || careful >> i & 1)) & 0xffffu;
          careful_rows(rows, of_warp, step, q + a.q.offset + QUERY_BATCH(b) * a.q.batch + h * a.q.head + (long)start * a.q.row, k, v,
                       out, sinks, lse + AT_ROW(lse, 0), maxima + AT_ROW(maxima, 0), sums + AT_ROW(sums, 0), a, sequence,
                       offset KEY_ARGUMENTS EXTRA_ARGUMENTS);
        }
        warp_sync();  // to the compiler the warp is apart until here, and after it no number would be uniform
      } else if (bulk) {
#if BULK_STORE
        // a lane names row lane % 16 of a chunk of eight columns, or of the next one
        const uint from = queries_at + QUERY_PLACE(turn) * QUERY_BYTES + (group * 64 + warp * 16) * PANEL_BYTES,
                   to = from + (lane & 15) * PANEL_BYTES, at_chunk = ((lane >> 4) ^ (lane & 7)) << 4;
        _Pragma("unroll") for (int i = 0; i < OUTPUTS; i += 8)
            store_squares(to + i / 32 * (ROWS * PANEL_BYTES) + (at_chunk ^ (i / 4 % 8 << 4)), PACK(o[i], o[i + 1]),
                          PACK(o[i + 2], o[i + 3]), PACK(o[i + 4], o[i + 5]), PACK(o[i + 6], o[i + 7]));
        fence_stores();
        warp_sync();
        if (lane == 0) {
          for (int panel = 0; panel < VALUE_PANELS; panel++)
            store_box(o_map, 64 * panel, start + warp_first, h, QUERY_BATCH(b), from + panel * (ROWS * PANEL_BYTES));
          STORES_COMMIT;
        }
        warp_sync();
#endif
#if PLANES == 1 && !PARTIALS && !BULK_STORE
      } else if (x.wide_store) {
        const int odd = quarter & 1, column = 2 * quarter + 6 * odd;
        __global out_element *const to = out + (long)row * a.o.row + column, *const to_second = to + 8 * a.o.row;
        _Pragma("unroll") for (int i = 0; i < OUTPUTS; i += 8) {
          const int fits = 2 * i + 48 <= VALUE_DIM || column + 2 * i < a.value_dim;
          store_four(row <= last && fits, to + 2 * i, odd, PACK(o[i], o[i + 1]), PACK(o[i + 4], o[i + 5]));
          store_four(row + 8 <= last && fits, to_second + 2 * i, odd, PACK(o[i + 2], o[i + 3]), PACK(o[i + 6], o[i + 7]));
        }
#endif
      } else {
        STORE_OUTPUTS
      }
    }
#if BULK_STORE
    if (lane == 0) STORES_DONE;
#endif
  }
}
