// Whether a matrix unit and its sub-groups do what its header says. Small whole numbers, so that every sum is exact; each sub-group has
// numbers of its own.
#include "engine.clh"

#define SUB_GROUPS 2
#define THREADS (LANES * SUB_GROUPS)
#define QK_COLUMNS 64
#define KEYS 32
#define V_COLUMNS 32
#define K_PITCH (QK_COLUMNS + 8)
#define V_PITCH (KEYS + 4)
// The last eight columns of the queries are said not to be there.
#define PRESENT 56

static float number(int i, int range) {
  uint x = (uint)i * 2654435761u;
  x = (x ^ (x >> 15)) * 2246822519u;
  return (float)((int)((x ^ (x >> 13)) % (uint)(2 * range + 1)) - range);
}

static int index_of_query(int group, int r, int c) { return (group * BLOCK_COLUMNS + r) * QK_COLUMNS + c; }

static float query(int group, int r, int c) { return c < PRESENT ? number(index_of_query(group, r, c), 1) : 0.0f; }

static float key(int r, int c) { return number(5000 + r * QK_COLUMNS + c, 1); }

static float value(int r, int c) { return number(9000 + r * V_COLUMNS + c, 8); }

static float score(int group, int key_row, int q_row) {
  float sum = 0.0f;
  for (int c = 0; c < QK_COLUMNS; c++) sum += query(group, q_row, c) * key(key_row, c);
  return sum;
}

static float output(int group, int column, int q_row) {
  float sum = 0.0f;
  for (int i = 0; i < KEYS; i++) sum += score(group, i, q_row) * value(i, column);
  return sum;
}

// queries: room for those of all sub-groups; wrong: how many numbers are
__kernel SUB_GROUP_SIZE __attribute__((reqd_work_group_size(THREADS, 1, 1))) void tile_test(__global element *queries, __global int *wrong) {
  __local ushort k_tile[KEYS * K_PITCH] __attribute__((aligned(16)));
  __local ushort v_tile[V_COLUMNS * V_PITCH] __attribute__((aligned(16)));
  __local int wrong_of[THREADS];
  ENGINE_MEMORY(SUB_GROUPS)
  const int item = get_local_id(0), lane = lane_now(), group = sub_group_now();
  for (int i = item; i < SUB_GROUPS * BLOCK_COLUMNS * QK_COLUMNS; i += THREADS) STORE1(number(i, 1), queries + i);
  for (int i = item; i < KEYS * QK_COLUMNS; i += THREADS) {
    k_tile[i / QK_COLUMNS * K_PITCH + i % QK_COLUMNS] = rounded(key(i / QK_COLUMNS, i % QK_COLUMNS));
  }
  for (int i = item; i < KEYS * V_COLUMNS; i += THREADS) {
    v_tile[i % V_COLUMNS * V_PITCH + i / V_COLUMNS] = rounded(value(i / V_COLUMNS, i % V_COLUMNS));
  }
  barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);

  int bad = 0;
  const int column = SUM_COLUMN(lane);
  __global const element *const own = queries + index_of_query(group, column, 0);
  sums_t s[KEYS / BLOCK_ROWS], out[V_COLUMNS / BLOCK_ROWS];
  UNROLLED for (int n = 0; n < KEYS / BLOCK_ROWS; n++) {
    s[n] = (sums_t)(0.0f);
    UNROLLED for (int step = 0; step < QK_COLUMNS / BLOCK_DEPTH; step++) {
      const left_t x = load_left(k_tile + n * BLOCK_ROWS * K_PITCH + step * BLOCK_DEPTH, K_PITCH, lane);
      s[n] = multiply(x, load_right(own + step * BLOCK_DEPTH, PRESENT - step * BLOCK_DEPTH, lane), s[n] ENGINE_ARGUMENTS);
    }
    UNROLLED for (int i = 0; i < OWN_SUMS; i++) bad += SUM(s[n], i) != score(group, n * BLOCK_ROWS + SUM_ROW(lane, i), column);
  }
  UNROLLED for (int n = 0; n < V_COLUMNS / BLOCK_ROWS; n++) {
    out[n] = (sums_t)(0.0f);
    UNROLLED for (int step = 0; step < KEYS / BLOCK_DEPTH; step++) {
      const left_t x = load_left(v_tile + n * BLOCK_ROWS * V_PITCH + step * BLOCK_DEPTH, V_PITCH, lane);
      out[n] = multiply(x, weights(s + step * WEIGHT_BLOCKS, lane ENGINE_ARGUMENTS), out[n] ENGINE_ARGUMENTS);
    }
    UNROLLED for (int i = 0; i < OWN_SUMS; i++) bad += SUM(out[n], i) != output(group, n * BLOCK_ROWS + SUM_ROW(lane, i), column);
  }

#define MARK(lane) (float)((group * LANES + (lane)) * (group * LANES + (lane)) % 101)
  const float marked = MARK(lane);
  float most = 0.0f, all = 0.0f;
  for (int i = 0; i < LANES; i++) {
    if (SUM_COLUMN(i) == column) {
      most = fmax(most, MARK(i));
      all += MARK(i);
    }
  }
  bad += column_maximum(marked ENGINE_ARGUMENTS) != most;
  bad += column_sum(marked ENGINE_ARGUMENTS) != all;

  bad += fast_exp2(-INFINITY) != 0.0f;
  bad += !isnan(fast_exp2(NAN));
  const float x = -0.37f * (float)lane, exact = exp2_nonpositive(x);
  bad += fabs(fast_exp2(x) - exact) > 4e-7f * exact;

#if STORAGE == STORAGE_F16
  // Weights far below the largest are subnormal: a unit that takes them for zeros loses them.
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int i = item; i < KEYS * K_PITCH; i += THREADS) k_tile[i] = 0x0010;
  barrier(CLK_LOCAL_MEM_FENCE);
  sums_t large[WEIGHT_BLOCKS], small[WEIGHT_BLOCKS], product = (sums_t)(0.0f);
  UNROLLED for (int n = 0; n < WEIGHT_BLOCKS; n++) {
    large[n] = (sums_t)(1.0f);
    small[n] = (sums_t)(0x1p-20f);
  }
  product = multiply(load_left(k_tile, K_PITCH, lane), weights(large, lane ENGINE_ARGUMENTS), product ENGINE_ARGUMENTS);
  UNROLLED for (int i = 0; i < OWN_SUMS; i++) bad += SUM(product, i) != 0x1p-16f;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int i = item; i < KEYS * K_PITCH; i += THREADS) k_tile[i] = rounded(1.0f);
  barrier(CLK_LOCAL_MEM_FENCE);
  product = multiply(load_left(k_tile, K_PITCH, lane), weights(small, lane ENGINE_ARGUMENTS), product ENGINE_ARGUMENTS);
  UNROLLED for (int i = 0; i < OWN_SUMS; i++) bad += SUM(product, i) != 0x1p-15f;
#endif

  wrong_of[item] = bad;
  barrier(CLK_LOCAL_MEM_FENCE);
  if (item == 0) {
    for (int i = 1; i < THREADS; i++) bad += wrong_of[i];
    *wrong = bad;
  }
}
