// Products of matrices (MatMulSpec), summed in f32. matmul: a work-group makes a tile, each work-item blocks of four by four.
// matmul_rows, for few rows: a work-group makes ROW_BLOCK rows of some columns, and its lanes share the inner axis.
#include "operands.clh"
#include "numerics.clh"
#include "views.clh"

#ifndef LEFT
#define LEFT F32
#endif
#ifndef RIGHT
#define RIGHT F32
#endif
#ifndef OUTPUT
#define OUTPUT F32
#endif
#if !IS_FLOATS(LEFT) || !IS_FLOATS(RIGHT) || !IS_FLOATS(OUTPUT)
#error "LEFT, RIGHT and OUTPUT are F32, F16 or BF16"
#endif
// A work-group is GROUP_ROWS by GROUP_COLUMNS work-items; each has BLOCKS by BLOCKS blocks of the tile.
#ifndef GROUP_ROWS
#define GROUP_ROWS 16
#endif
#ifndef GROUP_COLUMNS
#define GROUP_COLUMNS 16
#endif
#ifndef BLOCKS
#define BLOCKS 1
#endif
#define STEP 16  // of the inner axis, that is in local memory at a time
#define THREADS (GROUP_ROWS * GROUP_COLUMNS)
#define TILE_ROWS (4 * BLOCKS * GROUP_ROWS)
#define TILE_COLUMNS (4 * BLOCKS * GROUP_COLUMNS)
#define LEFT_LOADS (TILE_ROWS * STEP / THREADS)
#define RIGHT_LOADS (TILE_COLUMNS * STEP / THREADS)
#define ROW_BLOCK 4
#define ROW_NEIGHBOURS 32
#if TILE_ROWS * STEP % THREADS || TILE_COLUMNS * STEP % THREADS
#error "the loads of a tile divide evenly among the work-items"
#endif
#if THREADS % STEP || THREADS % ROW_NEIGHBOURS || THREADS % TILE_ROWS || THREADS % TILE_COLUMNS
#error "a work-item stays in its line of the tiles"
#endif

// MatMulBlock.java writes the same layout. left: q rows, d inner; right: q inner, d columns.
struct matmul_block {
  struct view left, right, output;
  int heads, rows, columns, inner;
  int row_tiles, column_tiles;
  int left_by_inner, right_by_inner;  // whether neighbours along the inner axis are the nearer ones in memory
};

// What a work-item loads of a tile: its first element, and the way to the next ones; across: along the other axis of the operand.
struct walk {
  long at, step;
  int across, inner, across_step, inner_step;
};

static struct walk walk_of(int by_inner, int tile, long across_stride, long inner_stride) {
  struct walk w;
  const int tid = get_local_id(0);
  w.inner = by_inner ? tid % STEP : tid / tile;
  w.across = by_inner ? tid / STEP : tid % tile;
  w.inner_step = by_inner ? 0 : THREADS / tile;
  w.across_step = by_inner ? THREADS / STEP : 0;
  w.at = w.across * across_stride + w.inner * inner_stride;
  w.step = w.across_step * across_stride + w.inner_step * inner_stride;
  return w;
}

#define FETCH(T, TO, LOADS, P, W, ACROSS, INNER)                                                             \
  _Pragma("unroll") for (int i = 0; i < LOADS; i++) {                                                        \
    const int inside = W.across + i * W.across_step < (ACROSS) && W.inner + i * W.inner_step < (INNER);      \
    TO[i] = inside ? LOAD_OF(T, P + i * W.step) : 0.0f;                                                      \
  }

#define KEEP(FROM, LOADS, TILE, LINE, W) \
  _Pragma("unroll") for (int i = 0; i < LOADS; i++) TILE[(W.inner + i * W.inner_step) * (LINE) + W.across + i * W.across_step] = FROM[i];

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void matmul(
    __global const TYPE_OF(LEFT) *left, __global const TYPE_OF(RIGHT) *right, __global TYPE_OF(OUTPUT) *output, struct matmul_block a) {
  // lines of four more, so that stores along a line and across it meet different banks
  __local float4 lefts[STEP * (TILE_ROWS + 4) / 4], rights[STEP * (TILE_COLUMNS + 4) / 4];
  const int tid = get_local_id(0), my_row = tid / GROUP_COLUMNS, my_column = tid % GROUP_COLUMNS;
  int group = get_group_id(0);
  const int column0 = group % a.column_tiles * TILE_COLUMNS;
  group /= a.column_tiles;
  const int row0 = group % a.row_tiles * TILE_ROWS;
  group /= a.row_tiles;
  const int h = group % a.heads, b = group / a.heads;
  const struct walk l = walk_of(a.left_by_inner, TILE_ROWS, a.left.q, a.left.d);
  const struct walk r = walk_of(a.right_by_inner, TILE_COLUMNS, a.right.d, a.right.q);
  left += a.left.offset + b * a.left.b + h * a.left.h + row0 * a.left.q + l.at;
  right += a.right.offset + b * a.right.b + h * a.right.h + column0 * a.right.d + r.at;
  output += a.output.offset + b * a.output.b + h * a.output.h;

  float4 sums[BLOCKS][BLOCKS][4];
#pragma unroll
  for (int i = 0; i < BLOCKS * BLOCKS * 4; i++) sums[i / (4 * BLOCKS)][i / 4 % BLOCKS][i % 4] = (float4)(0.0f);
  float next_left[LEFT_LOADS], next_right[RIGHT_LOADS];
  FETCH(LEFT, next_left, LEFT_LOADS, left, l, a.rows - row0, a.inner)
  FETCH(RIGHT, next_right, RIGHT_LOADS, right, r, a.columns - column0, a.inner)
  for (int at = 0; at < a.inner; at += STEP) {
    KEEP(next_left, LEFT_LOADS, ((__local float *)lefts), TILE_ROWS + 4, l)
    KEEP(next_right, RIGHT_LOADS, ((__local float *)rights), TILE_COLUMNS + 4, r)
    barrier(CLK_LOCAL_MEM_FENCE);
    left += STEP * a.left.d;
    right += STEP * a.right.q;
    FETCH(LEFT, next_left, LEFT_LOADS, left, l, a.rows - row0, a.inner - at - STEP)
    FETCH(RIGHT, next_right, RIGHT_LOADS, right, r, a.columns - column0, a.inner - at - STEP)
#pragma unroll
    for (int k = 0; k < STEP; k++) {
#pragma unroll
      for (int i = 0; i < BLOCKS; i++) {
        const float4 x = lefts[k * (TILE_ROWS / 4 + 1) + i * GROUP_ROWS + my_row];
#pragma unroll
        for (int j = 0; j < BLOCKS; j++) {
          const float4 y = rights[k * (TILE_COLUMNS / 4 + 1) + j * GROUP_COLUMNS + my_column];
          sums[i][j][0] = FMA((float4)(x.x), y, sums[i][j][0]);
          sums[i][j][1] = FMA((float4)(x.y), y, sums[i][j][1]);
          sums[i][j][2] = FMA((float4)(x.z), y, sums[i][j][2]);
          sums[i][j][3] = FMA((float4)(x.w), y, sums[i][j][3]);
        }
      }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
#pragma unroll
  for (int i = 0; i < BLOCKS * BLOCKS * 4; i++) {
    const int row = row0 + 4 * (i / (4 * BLOCKS) * GROUP_ROWS + my_row) + i % 4;
    const int column = column0 + 4 * (i / 4 % BLOCKS * GROUP_COLUMNS + my_column);
    const float4 s = sums[i / (4 * BLOCKS)][i / 4 % BLOCKS][i % 4];
    if (row < a.rows) {
      __global TYPE_OF(OUTPUT) *to = output + row * a.output.q + column * a.output.d;
      if (column < a.columns) STORE_OF(OUTPUT, s.x, to);
      if (column + 1 < a.columns) STORE_OF(OUTPUT, s.y, to + a.output.d);
      if (column + 2 < a.columns) STORE_OF(OUTPUT, s.z, to + 2 * a.output.d);
      if (column + 3 < a.columns) STORE_OF(OUTPUT, s.w, to + 3 * a.output.d);
    }
  }
}

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void matmul_rows(
    __global const TYPE_OF(LEFT) *left, __global const TYPE_OF(RIGHT) *right, __global TYPE_OF(OUTPUT) *output, struct matmul_block a) {
  __local float parts[ROW_BLOCK * THREADS];
  const int tid = get_local_id(0);
  const int lanes = a.right_by_inner ? ROW_NEIGHBOURS : THREADS / ROW_NEIGHBOURS, columns = THREADS / lanes;
  const int lane = a.right_by_inner ? tid % lanes : tid / columns, mine = a.right_by_inner ? tid / lanes : tid % columns;
  int group = get_group_id(0);
  const int column = group % a.column_tiles * columns + mine;
  group /= a.column_tiles;
  const int row0 = group % a.row_tiles * ROW_BLOCK;
  group /= a.row_tiles;
  const int h = group % a.heads, b = group / a.heads;
  left += a.left.offset + b * a.left.b + h * a.left.h + row0 * a.left.q;
  right += a.right.offset + b * a.right.b + h * a.right.h + min(column, a.columns - 1) * a.right.d;
  const int rows = min(ROW_BLOCK, a.rows - row0);
  // rows beyond the last one repeat it
  const long row1 = min(1, rows - 1) * a.left.q, row2 = min(2, rows - 1) * a.left.q, row3 = min(3, rows - 1) * a.left.q;
#define LEFT_ROWS(P) (float4)(LOAD_OF(LEFT, (P)), LOAD_OF(LEFT, (P) + row1), LOAD_OF(LEFT, (P) + row2), LOAD_OF(LEFT, (P) + row3))
  float4 sums = (float4)(0.0f);
  int k = lane;
  for (; k < a.inner - 3 * lanes; k += 4 * lanes) {  // four loads in flight
    const float y0 = LOAD_OF(RIGHT, right + k * a.right.q), y1 = LOAD_OF(RIGHT, right + (k + lanes) * a.right.q);
    const float y2 = LOAD_OF(RIGHT, right + (k + 2 * lanes) * a.right.q), y3 = LOAD_OF(RIGHT, right + (k + 3 * lanes) * a.right.q);
    __global const TYPE_OF(LEFT) *const x = left + k * a.left.d;
    const long next = lanes * a.left.d;
    sums = FMA(LEFT_ROWS(x), (float4)(y0), sums);
    sums = FMA(LEFT_ROWS(x + next), (float4)(y1), sums);
    sums = FMA(LEFT_ROWS(x + 2 * next), (float4)(y2), sums);
    sums = FMA(LEFT_ROWS(x + 3 * next), (float4)(y3), sums);
  }
  for (; k < a.inner; k += lanes) {
    const float y = LOAD_OF(RIGHT, right + k * a.right.q);
    sums = FMA(LEFT_ROWS(left + k * a.left.d), (float4)(y), sums);
  }
  const int slot = mine * lanes + lane;
  parts[slot] = sums.x;
  parts[THREADS + slot] = sums.y;
  parts[2 * THREADS + slot] = sums.z;
  parts[3 * THREADS + slot] = sums.w;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int e = tid; e < rows * columns; e += THREADS) {
    const int i = e / columns, c = e % columns;
    const int to = column - mine + c;
    float sum = 0.0f;
    for (int j = 0; j < lanes; j++) sum += parts[i * THREADS + c * lanes + j];
    if (to < a.columns) STORE_OF(OUTPUT, sum, output + (a.output.offset + b * a.output.b + h * a.output.h + (row0 + i) * a.output.q + to * a.output.d));
  }
}
