// Whether matrix unit, copies and exchanges between lanes do what mma.clh says. Small whole numbers, so that every sum is exact.
#include "mma.clh"
#include "numerics.clh"

#define COLUMNS 64
#define VALUE_COLUMNS 32
#define CHUNKS (COLUMNS / 8)
#define VALUE_CHUNKS (VALUE_COLUMNS / 8)
// More than the device says that it has, as the kernels take it.
#define LOCAL_BYTES (96 << 10)
// The last row is not copied, and has to be zeros.
#define PRESENT(r) ((r) < 15)

static float number(int i, int range) {
  uint x = (uint)i * 2654435761u;
  x = (x ^ (x >> 15)) * 2246822519u;
  return (float)((int)((x ^ (x >> 13)) % (2 * range + 1)) - range);
}

static float query(int r, int c) { return PRESENT(r) ? number(r * COLUMNS + c, 1) : 0.0f; }

static float key(int r, int c) { return number(5000 + r * COLUMNS + c, 1); }

static float value(int r, int c) { return number(9000 + r * VALUE_COLUMNS + c, 8); }

static float score(int row, int key_row) {
  float sum = 0.0f;
  for (int c = 0; c < COLUMNS; c++) sum += query(row, c) * key(key_row, c);
  return sum;
}

static float output(int row, int column) {
  float sum = 0.0f;
  for (int i = 0; i < 16; i++) sum += score(row, i) * value(i, column);
  return sum;
}

// rows: of the operands, 16 each; wrong: how many numbers are
__kernel __attribute__((reqd_work_group_size(WARP, 1, 1))) void mma_test(__global element *rows, __global int *wrong) {
  __local uchar local_memory[LOCAL_BYTES] __attribute__((aligned(128)));
  const int lane = get_local_id(0);
  __global element *const keys = rows + 16 * COLUMNS, *const values = keys + 16 * COLUMNS;
  for (int i = lane; i < 16 * COLUMNS; i += WARP) {
    STORE1(number(i, 1), rows + i);
    STORE1(number(5000 + i, 1), keys + i);
    if (i < 16 * VALUE_COLUMNS) STORE1(number(9000 + i, 8), values + i);
  }
  barrier(CLK_GLOBAL_MEM_FENCE);

  const uint q_at = local_address(local_memory), k_at = q_at + 32 * COLUMNS, v_at = q_at + LOCAL_BYTES - 32 * VALUE_COLUMNS;
  for (int i = lane; i < 16 * CHUNKS; i += WARP) {
    const int r = i / CHUNKS, c = i % CHUNKS, to = 16 * (r * CHUNKS + (c ^ SWIZZLE(CHUNKS, r)));
    copy_chunk(q_at + to, rows + 8 * i, PRESENT(r));
    copy_chunk(k_at + to, keys + 8 * i, 1);
  }
  for (int i = lane; i < 16 * VALUE_CHUNKS; i += WARP) {
    const int r = i / VALUE_CHUNKS, c = i % VALUE_CHUNKS;
    copy_chunk(v_at + 16 * (r * VALUE_CHUNKS + (c ^ SWIZZLE(VALUE_CHUNKS, r))), values + 8 * i, 1);
  }
  copies_done();
  barrier(CLK_LOCAL_MEM_FENCE);

  const uint q_row = q_at + lane % 16 * 2 * COLUMNS, q_x = 16 * (lane / 16 ^ SWIZZLE(CHUNKS, lane % 16));
  const uint k_row = k_at + (lane % 8 + lane / 16 * 8) * 2 * COLUMNS, k_x = 16 * (lane / 8 % 2 ^ SWIZZLE(CHUNKS, lane % 8));
  const uint v_row = v_at + lane % 16 * 2 * VALUE_COLUMNS, v_x = 16 * (lane / 16 ^ SWIZZLE(VALUE_CHUNKS, lane % 16));
  float s[2][4] = {{0.0f}}, out[VALUE_COLUMNS / 8][4] = {{0.0f}};
#pragma unroll
  for (int step = 0; step < COLUMNS / 16; step++) {
    const uint4 x = blocks_at(q_row + CHUNK_PAIR(step, q_x)), y = blocks_at(k_row + CHUNK_PAIR(step, k_x));
    MMA(s[0], x, y.x, y.y);
    MMA(s[1], x, y.z, y.w);
  }
  const uint4 p = (uint4)(packed(s[0][0], s[0][1]), packed(s[0][2], s[0][3]), packed(s[1][0], s[1][1]), packed(s[1][2], s[1][3]));
#pragma unroll
  for (int n = 0; n < VALUE_COLUMNS / 16; n++) {
    const uint4 y = transposed_blocks_at(v_row + CHUNK_PAIR(n, v_x));
    MMA(out[2 * n], p, y.x, y.y);
    MMA(out[2 * n + 1], p, y.z, y.w);
  }

  int bad = 0;
#pragma unroll
  for (int e = 0; e < 4; e++) {
    const int row = lane / 4 + e / 2 * 8, column = lane % 4 * 2 + e % 2;
#pragma unroll
    for (int n = 0; n < 2; n++) bad += s[n][e] != score(row, 8 * n + column);
#pragma unroll
    for (int n = 0; n < VALUE_COLUMNS / 8; n++) bad += out[n][e] != output(row, 8 * n + column);
  }
  bad += fast_exp2(-INFINITY) != 0.0f;
  bad += !isnan(fast_exp2(NAN));
  const float x = -0.37f * (float)lane, exact = exp2_nonpositive(x);
  bad += fabs(fast_exp2(x) - exact) > 4e-7f * exact;
  bad += row_sum((float)lane) != (float)(lane / 4 * 16 + 6);
  bad += row_maximum((float)lane) != (float)(lane | 3);
  bad += warp_sum((float)lane) != 496.0f;
  bad += warp_maximum((float)lane) != 31.0f;
  bad += from_lane((float)lane, 5) != 5.0f;
  bad += ballot(lane % 3 == 0) != 0x49249249u;
  bad += (int)work_item_again() != lane || work_group_again() != 0u;
  const uint own = lane / 4 * 8 + lane % 4 * 2, turned = lane % 4 * 16 + lane / 4;
  bad += transposed(own | (own + 1) << 16) != (turned | (turned + 8) << 16);
  const float all = warp_sum((float)bad);
  if (lane == 0) *wrong = (int)all;
}
