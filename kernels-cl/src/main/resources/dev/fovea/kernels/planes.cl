// f32 tensors, each number split into three bf16 numbers whose sum it is (but for what is below bf16's range), for matrix units that
// multiply bf16: queries, keys and values of a run in one launch, four columns a work-item.
#include "storage.clh"
#include "arguments.clh"

#ifndef THREADS
#define THREADS 256
#endif

// PlanesBlock.java writes the same layout. items: work-items; columns: of a row of a plane, padded with zeros
struct planes_part {
  struct plane from;
  long offset, items;
  int heads, rows, dim, columns;
  int vector, unused;
};

struct planes_block {
  struct planes_part part[3];
};

static void split(__global const float *from, __global ushort *to, struct planes_part p, long item) {
  const int of_row = p.columns / 4, c = (int)(item % of_row) * 4;
  long row = item / of_row;
  const long all = p.items / of_row;
  const int r = (int)(row % p.rows), h = (int)(row / p.rows % p.heads);
  const long b = row / p.rows / p.heads;
  float4 x = load4(from + p.from.offset + b * p.from.batch + h * p.from.head + r * p.from.row + c, p.dim - c, p.vector);
  __global ushort *const at = to + p.offset + row * p.columns + c;
#pragma unroll
  for (int i = 0; i < 3; i++) {
    const ushort4 y = (ushort4)(to_bf16(x.x), to_bf16(x.y), to_bf16(x.z), to_bf16(x.w));
    *(__global ushort4 *)(at + i * all * p.columns) = y;
    x -= (float4)(from_bf16(y.x), from_bf16(y.y), from_bf16(y.z), from_bf16(y.w));
  }
}

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void planes(__global const float *q, __global const float *k,
                                                                         __global const float *v, __global ushort *to,
                                                                         struct planes_block a) {
  long item = get_global_id(0);
  if (item < a.part[0].items) {
    split(q, to, a.part[0], item);
    return;
  }
  item -= a.part[0].items;
  if (item < a.part[1].items) {
    split(k, to, a.part[1], item);
    return;
  }
  item -= a.part[1].items;
  if (item < a.part[2].items) split(v, to, a.part[2], item);
}
