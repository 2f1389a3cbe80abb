// Whether a device does what hopper.clh and wgmma.clh take for granted: encoding of tensor maps, zeros outside a tensor, swizzle, layout of
// operands and accumulators, subnormal f16. One warpgroup computes O = (Q K') V over small integers, which is exact; HopperCheck.java compares.
#include "hopper.clh"
#include "wgmma.clh"

#ifndef KEYS
#define KEYS 128
#endif
#ifndef COLUMNS
#define COLUMNS 128
#endif
#ifndef PACK
#define PACK pack_bf16
#endif
#ifndef RESULT_SCALE
#define RESULT_SCALE 1.0f
#endif
#define ROWS 64
#define PANEL_BYTES 128
#define QUERY_BYTES (ROWS * COLUMNS * 2)
#define KEY_BYTES (KEYS * COLUMNS * 2)

struct check_block {
  struct tensor_map q, k, v, o;
};

__kernel __attribute__((reqd_work_group_size(WARPGROUP, 1, 1))) void hopper_check(__global const ushort *q, __global const ushort *k,
                                                                                __global const ushort *v, __global ushort *output,
                                                                                __global uchar *maps, struct check_block x) {
  __local uchar tiles[QUERY_BYTES + 2 * KEY_BYTES] __attribute__((aligned(1024)));
  __local ulong barrier_word[1];
  const uint thread = get_local_id(0), warp = thread >> 5, lane = thread & 31, eighth = lane >> 2, quarter = lane & 3;
  const uint queries_at = ADDRESS(tiles), keys_at = queries_at + QUERY_BYTES, values_at = keys_at + KEY_BYTES,
             barrier_at = ADDRESS(barrier_word);
  const ulong q_map = (ulong)(size_t)maps, k_map = q_map + MAP_BYTES, v_map = k_map + MAP_BYTES, o_map = v_map + MAP_BYTES;
  if (thread == 0) {
    barrier_init(barrier_at, 1);
    fence_barriers();
    WRITE_MAP(maps, q, x.q)
    WRITE_MAP(maps + MAP_BYTES, k, x.k)
    WRITE_MAP(maps + 2 * MAP_BYTES, v, x.v)
    WRITE_MAP(maps + 3 * MAP_BYTES, output, x.o)
    release_maps();
    acquire_map(q_map);
    acquire_map(k_map);
    acquire_map(v_map);
    acquire_map(o_map);
    barrier_expect(barrier_at, QUERY_BYTES + 2 * KEY_BYTES);
    for (int panel = 0; panel < COLUMNS / 64; panel++) {
      load_box(queries_at + panel * (ROWS * PANEL_BYTES), q_map, 64 * panel, 0, 1, 1, barrier_at);
      load_box(keys_at + panel * (KEYS * PANEL_BYTES), k_map, 64 * panel, 0, 1, 1, barrier_at);
      load_box(values_at + panel * (KEYS * PANEL_BYTES), v_map, 64 * panel, 0, 1, 1, barrier_at);
    }
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  barrier_wait(barrier_at, 0);
  float s[KEYS / 2], o[COLUMNS / 2];
  uint p[KEYS / 4];
  _Pragma("unroll") for (int i = 0; i < KEYS / 2; i++) s[i] = 0.0f;
  _Pragma("unroll") for (int i = 0; i < COLUMNS / 2; i++) o[i] = 0.0f;
  PRODUCTS_FENCE;
  _Pragma("unroll") for (int i = 0; i < COLUMNS / 16; i++)
      MULTIPLY_SCORES(OPERAND(queries_at, 16) + (ulong)(i / 4 * (ROWS * 8) + i % 4 * STEP_COLUMNS),
                      OPERAND(keys_at, 16) + (ulong)(i / 4 * (KEYS * 8) + i % 4 * STEP_COLUMNS), i != 0);
  PRODUCTS_COMMIT;
  WAIT_SCORES(0);
  _Pragma("unroll") for (int i = 0; i < KEYS / 4; i++) p[i] = PACK(s[2 * i], s[2 * i + 1]);
  PRODUCTS_FENCE;
  _Pragma("unroll") for (int i = 0; i < KEYS / 16; i++)
      MULTIPLY_VALUES(o, p, i, OPERAND(values_at, KEYS * PANEL_BYTES) + (ulong)(i * STEP_ROWS), 1);
  PRODUCTS_COMMIT;
  WAIT_OUTPUTS(o, 0);
  _Pragma("unroll") for (int i = 0; i < COLUMNS / 2; i++) o[i] *= RESULT_SCALE;
  // the queries are no longer needed
  const uint to = queries_at + (warp * 16 + eighth) * PANEL_BYTES + quarter * 4;
  _Pragma("unroll") for (int i = 0; i < COLUMNS / 2; i += 4) {
    const uint at_chunk = to + i / 32 * (ROWS * PANEL_BYTES) + ((i / 4 % 8 ^ eighth) << 4);
    asm volatile("st.shared.b32 [%0], %1;" ::"r"(at_chunk), "r"(PACK(o[i], o[i + 1])) : "memory");
    asm volatile("st.shared.b32 [%0], %1;" ::"r"(at_chunk + 8 * PANEL_BYTES), "r"(PACK(o[i + 2], o[i + 3])) : "memory");
  }
  fence_stores();
  barrier(CLK_LOCAL_MEM_FENCE);
  if (thread == 0) {
    for (int panel = 0; panel < COLUMNS / 64; panel++)
      store_box(o_map, 64 * panel, 0, 1, 1, queries_at + panel * (ROWS * PANEL_BYTES));
    STORES_COMMIT;
    STORES_DONE;
  }
}
