// Rows of keys or values moved between slots and converted on the way (TransferSpec). A work-group moves the row of one head.
#include "keys.clh"

// KV_FORMAT is the format of the source.
#ifndef TO_FORMAT
#define TO_FORMAT KV_FORMAT
#endif
#define TRANSFER_THREADS 32
#if LAYOUT != LAYOUT_DENSE
#error "slots say where rows are: the layout of transfers is dense"
#endif

// Bytes mean the same wherever they are, so that they move as they are; FP8 does not, since its pages have scales of their own.
#define AS_IT_IS (TO_FORMAT == KV_FORMAT && TO_FORMAT != KV_FP8)
#define TO_POSITIONS (TO_FORMAT == KV_INT8 || TO_FORMAT == KV_INT4)
#define FROM_POSITIONS (KV_FORMAT == KV_INT8 || KV_FORMAT == KV_INT4)

#if TO_FORMAT == KV_F32
typedef float to_element;
#elif TO_FORMAT == KV_F16 || TO_FORMAT == KV_BF16
typedef ushort to_element;
#else
typedef uchar to_element;
#endif

// TransferBlock.java writes the same layout. Planes: page, head, row of the page. Slots: head, entry.
struct transfer_block {
  struct plane from, from_scales, from_zeros, to, to_scales, to_zeros;
  long from_slots, from_slots_head, from_slots_step;
  long to_slots, to_slots_head, to_slots_step;
  int heads, dim, from_elements, from_size, to_size, vectors;
};

static long slot_row(struct plane p, int page, int head, int row) {
  return p.offset + page * p.batch + head * p.head + row * p.row;
}

// To E4M3FN, nearest even, saturating; NaN stays NaN.
static uchar to_fp8(float x) {
  const uint sign = (as_uint(x) >> 24) & 0x80u;
  const float a = fabs(x);
  uint code;
  if (isnan(x)) {
    code = 0x7fu;
  } else if (a < 0x1p-6f) {
    code = (uint)rint(a * 0x1p9f);
  } else if (a >= 448.0f) {
    code = 0x7eu;
  } else {
    const uint u = as_uint(a);
    code = ((u + 0x7ffffu + ((u >> 20) & 1u)) >> 20) - (120u << 3);
    code = min(code, 0x7eu);
  }
  return (uchar)(sign | code);
}

static float rounded_to_half(float x) {
  ushort bits;
  vstore_half_rte(x, 0, (half *)&bits);
  return vload_half(0, (const half *)&bits);
}

#define LEAST (TO_FORMAT == KV_INT8 ? -128.0f : 0.0f)
#define MOST (TO_FORMAT == KV_INT8 ? 127.0f : 15.0f)

static int quantised(float x, float scale, float zero) {
  const float q = rint(x / scale);
  return (int)fmin(fmax((isnan(q) ? 0.0f : q) + zero, LEAST), MOST);
}

static void put4(__global to_element *p, float4 x, int n, float scale, float zero) {
#if TO_FORMAT == KV_INT4
  const int q0 = quantised(x.x, scale, zero), q1 = n > 1 ? quantised(x.y, scale, zero) : 0;
  p[0] = (uchar)(q0 | q1 << 4);
  if (n > 2) {
    const int q2 = quantised(x.z, scale, zero), q3 = n > 3 ? quantised(x.w, scale, zero) : 0;
    p[1] = (uchar)(q2 | q3 << 4);
  }
#else
#if TO_FORMAT == KV_F32
#define PUT(C, I) if (n > I) p[I] = x.C;
#elif TO_FORMAT == KV_F16
#define PUT(C, I) if (n > I) vstore_half_rte(x.C, I, (__global half *)p);
#elif TO_FORMAT == KV_BF16
#define PUT(C, I) if (n > I) p[I] = to_bf16(x.C);
#elif TO_FORMAT == KV_INT8
#define PUT(C, I) if (n > I) p[I] = (uchar)quantised(x.C, scale, zero);
#else
#define PUT(C, I) if (n > I) p[I] = to_fp8(x.C / scale);
#endif
  PUT(x, 0) PUT(y, 1) PUT(z, 2) PUT(w, 3)
#endif
}

__kernel __attribute__((reqd_work_group_size(TRANSFER_THREADS, 1, 1))) void transfer(
    __global const kv_element *from, __global const void *from_scales, __global const half *from_zeros, __global to_element *to,
    __global void *to_scales, __global half *to_zeros, __global const int *from_slots, __global const int *to_slots,
    struct transfer_block a) {
  const int tid = get_local_id(0), head = get_group_id(0) % a.heads, n = get_group_id(0) / a.heads;
  const int source = from_slots[a.from_slots + head * a.from_slots_head + n * a.from_slots_step];
  const int target = to_slots[a.to_slots + head * a.to_slots_head + n * a.to_slots_step];
  const int live = source >= 0 && target >= 0;
  const int from_page = live ? source / a.from_size : 0, from_row = live ? source % a.from_size : 0;
  const int to_page = live ? target / a.to_size : 0, to_row = live ? target % a.to_size : 0;
  from += slot_row(a.from, from_page, head, from_row);
  to += slot_row(a.to, to_page, head, to_row);
#if AS_IT_IS
  if (live) {
    for (int i = tid; i < a.from_elements; i += TRANSFER_THREADS) to[i] = from[i];
#if TO_POSITIONS
    if (tid == 0) {
      ((__global ushort *)to_scales)[slot_row(a.to_scales, to_page, head, to_row)] =
          ((__global const ushort *)from_scales)[slot_row(a.from_scales, from_page, head, from_row)];
      ((__global ushort *)to_zeros)[slot_row(a.to_zeros, to_page, head, to_row)] =
          ((__global const ushort *)from_zeros)[slot_row(a.from_zeros, from_page, head, from_row)];
    }
#endif
  }
#else
  const int dim = live ? a.dim : 0;
  scaling_t z = no_scaling();
#if FROM_POSITIONS
  if (live) z = position_scaling((__global const half *)from_scales, a.from_scales, from_zeros, a.from_zeros, (slot_t)(from_page, from_row), head);
#elif KV_FORMAT == KV_FP8
  if (live) z = page_scaling((__global const float *)from_scales, a.from_scales, (slot_t)(from_page, from_row), head);
#endif
  float scale = 1.0f, zero = 0.0f;
#if TO_POSITIONS
  __local float lowest[TRANSFER_THREADS], highest[TRANSFER_THREADS];
  float lo = 0.0f, hi = 0.0f;
  for (int c = 4 * tid; c < dim; c += 4 * TRANSFER_THREADS) {
    const float4 x = kv_load4(from + KV_COLUMN(c), dim - c, a.vectors, z);
#define RANGE(C)          \
  if (isfinite(x.C)) {    \
    lo = fmin(lo, x.C);   \
    hi = fmax(hi, x.C);   \
  }
    RANGE(x) RANGE(y) RANGE(z) RANGE(w)
  }
  lowest[tid] = lo;
  highest[tid] = hi;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int i = 0; i < TRANSFER_THREADS; i++) {
    lo = fmin(lo, lowest[i]);
    hi = fmax(hi, highest[i]);
  }
  scale = rounded_to_half((hi - lo) / (MOST - LEAST));
  scale = scale == 0.0f ? 1.0f : scale;
  zero = rint(LEAST - lo / scale);
  if (live && tid == 0) {
    vstore_half_rte(scale, slot_row(a.to_scales, to_page, head, to_row), (__global half *)to_scales);
    vstore_half_rte(zero, slot_row(a.to_zeros, to_page, head, to_row), to_zeros);
  }
#elif TO_FORMAT == KV_FP8
  if (live) scale = ((__global const float *)to_scales)[slot_row(a.to_scales, to_page, head, 0)];
#endif
  for (int c = 4 * tid; c < dim; c += 4 * TRANSFER_THREADS) {
    const float4 x = kv_load4(from + KV_COLUMN(c), dim - c, a.vectors, z);
    put4(to + (TO_FORMAT == KV_INT4 ? c / 2 : c), x, dim - c, scale, zero);
  }
#endif
}
