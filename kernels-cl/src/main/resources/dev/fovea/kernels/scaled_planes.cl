// f32 tensors, each number split into two f16 numbers whose sum it is, times a power of two for its row, to within 2^-23 of the number or
// 2^-35 of the largest of its row: queries, keys and values of a run in one launch, for matrix units that multiply f16 with subnormal
// numbers. A work-group for each block of rows. NVIDIA's only, for its shuffles.
#include "storage.clh"
#include "arguments.clh"
#include "hopper.clh"

#ifndef THREADS
#define THREADS 256
#endif
// Rows of a block at most, and how many a work-item has under way.
#define MOST_ROWS 256
#define AHEAD 4  // what lanes exchange depends on it
// Rows of a block have the same factor where their largest numbers are not further apart than by two to this.
#define APART 4

// ScaledPlanes.java writes the same layout. offset, plane: of the first plane and between two, in elements; factors: of the row factors, in
// floats; pitch: floats of a head; head: of a block, before its row factors, behind which stand the sums of sizes of its rows; columns: of a row of a plane, padded with zeros; lanes: a power
// of two from AHEAD on, which share a row, four columns each; sums: whether sums of sizes are wanted
struct scaled_part {
  struct plane from;
  long offset, plane, factors;
  int groups, blocks_of_head, block, head;
  int heads, rows, pitch, dim, columns, lanes;
  int vector, sums;
};

struct scaled_planes_block {
  struct scaled_part part[3];
};

static int finite_bits(float x) {
  const int bits = as_int(x) & 0x7fffffff;
  return bits > 0x7f7fffff ? 0 : bits;
}

// The exponent field of a factor that brings the largest number between 2^14 and 2^15; where it is below 2^-86, less.
static int factor_exponent(int exponent) { return max(exponent - 14, 27); }

// Of what two lanes have, the one keeping own, the other what this one gives.
#define LARGER(OWN, GIVEN, MASK) max(OWN, as_int(shuffle_xor(as_float(GIVEN), MASK)))

// No less than 2^14 times the factor, as rows have it whose factor is not bounded.
static float size_of(float sum, int exponent) { return fmax(sum, as_float((exponent + 14) << 23)); }

// What is read twice, for the block's largest number and to be split, is in the first-level cache then.
__attribute__((always_inline)) static void split(__global const float *from, __global ushort *to, struct scaled_part p, int group,
                                                 volatile __local int *range, volatile __local int *exponents,
                                                 volatile __local float *sums) {
  const int of_all = group / p.blocks_of_head, at_block = group - of_all * p.blocks_of_head;
  const int b = of_all / p.heads, h = of_all - b * p.heads;
  const int thread = get_local_id(0), lane = thread & (p.lanes - 1), column = 4 * lane, step = THREADS / p.lanes, own = thread / p.lanes,
            first = at_block * p.block, rows = min(p.block, p.rows - first), left = p.dim - column;
  from += p.from.offset + b * p.from.batch + h * p.from.head + first * p.from.row + column;
  __global float *const factors = (__global float *)to + p.factors + (long)of_all * p.pitch + at_block * (p.head + 2 * p.block);
  to += p.offset + ((long)of_all * p.rows + first) * p.columns + column;
  int high = 0, low = 255, most = 0;
  for (int row = own; row - own < p.block; row += AHEAD * step) {
    int largest[AHEAD];
    float sum[AHEAD];
#pragma unroll
    for (int i = 0; i < AHEAD; i++) {
      const int r = row + i * step;
      const float4 x = load4(from + r * p.from.row, r < rows ? left : 0, p.vector);
      const int4 size = (int4)(finite_bits(x.x), finite_bits(x.y), finite_bits(x.z), finite_bits(x.w));
      largest[i] = max(max(size.x, size.y), max(size.z, size.w));
      sum[i] = (as_float(size.x) + as_float(size.y)) + (as_float(size.z) + as_float(size.w));
    }
    // two neighbours have two rows each, four have one each, and that all lanes of the row share then
    const int odd = lane & 1, upper = lane >> 1 & 1, r = row + (2 * odd + upper) * step;
    const int4 bits = (int4)(largest[0], largest[1], largest[2], largest[3]);
    const float4 part = (float4)(sum[0], sum[1], sum[2], sum[3]);
    const int bits0 = LARGER(odd ? bits.z : bits.x, odd ? bits.x : bits.z, 1), bits1 = LARGER(odd ? bits.w : bits.y, odd ? bits.y : bits.w, 1);
    int of_row = LARGER(upper ? bits1 : bits0, upper ? bits0 : bits1, 2);
    float sum_of_row = 0.0f;
    for (int mask = 4; mask < p.lanes; mask *= 2) of_row = LARGER(of_row, of_row, mask);
    if (p.sums) {
      const float part0 = (odd ? part.z : part.x) + shuffle_xor(odd ? part.x : part.z, 1),
                  part1 = (odd ? part.w : part.y) + shuffle_xor(odd ? part.y : part.w, 1);
      sum_of_row = (upper ? part1 : part0) + shuffle_xor(upper ? part0 : part1, 2);
      for (int mask = 4; mask < p.lanes; mask *= 2) sum_of_row += shuffle_xor(sum_of_row, mask);
      sum_of_row = fmin(sum_of_row, MAXFLOAT);
    }
    if (lane < AHEAD && r < p.block) {
      exponents[r] = of_row >> 23;
      sums[r] = sum_of_row;
    }
    most = max(most, as_int(sum_of_row));
    high = max(high, of_row >> 23);
    low = min(low, of_row == 0 ? 255 : of_row >> 23);
  }
  if (lane < AHEAD && p.head > 0) {
    atomic_max(range, high);
    atomic_min(range + 1, low);
    atomic_max(range + 2, most);
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  const int even = p.head > 0 && range[0] - range[1] <= APART, of_block = factor_exponent(range[0]);
  if (thread < p.head) factors[thread] = thread == 1 ? size_of(as_float(range[2]), of_block) : even ? as_float(of_block << 23) : 0.0f;
  for (int row = own; row < p.block; row += AHEAD * step) {
    float4 ahead[AHEAD];
#pragma unroll
    for (int i = 0; i < AHEAD; i++) {
      const int r = row + i * step;
      ahead[i] = load4(from + r * p.from.row, r < rows ? left : 0, p.vector);
    }
#pragma unroll
    for (int i = 0; i < AHEAD; i++) {
      const int r = row + i * step;
      if (r < p.block) {
        const int exponent = even ? of_block : factor_exponent(exponents[r]);
        const float4 x = ahead[i] * as_float((254 - exponent) << 23);
        const uint2 up = (uint2)(pack_f16(x.x, x.y), pack_f16(x.z, x.w));
        const float4 rest = x - (float4)(low_f16(up.x), high_f16(up.x), low_f16(up.y), high_f16(up.y));
        if (r < rows && column < p.columns) {
          __global ushort *const place = to + (long)r * p.columns;
          *(__global uint2 *)place = up;
          *(__global uint2 *)(place + p.plane) = (uint2)(pack_f16(rest.x, rest.y), pack_f16(rest.z, rest.w));
        }
        if (column == 0) {
          factors[p.head + r] = as_float(exponent << 23);
          factors[p.head + p.block + r] = size_of(sums[r], exponent);
        }
      }
    }
  }
}

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void scaled_planes(__global const float *q, __global const float *k,
                                                                                __global const float *v, __global ushort *to,
                                                                                struct scaled_planes_block a) {
  // the largest and the least exponent of a row of the block that is not all zeros, and the largest sum; then those of the rows
  __local int range_ints[3], exponent_ints[MOST_ROWS];
  __local float sum_floats[MOST_ROWS];
  volatile __local float *const sums = sum_floats;
  volatile __local int *const range = range_ints, *const exponents = exponent_ints;
  if (get_local_id(0) == 0) {
    range[0] = 0;
    range[1] = 255;
    range[2] = 0;
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  int group = get_group_id(0);
  if (group < a.part[0].groups) {
    split(q, to, a.part[0], group, range, exponents, sums);
    return;
  }
  group -= a.part[0].groups;
  if (group < a.part[1].groups) {
    split(k, to, a.part[1], group, range, exponents, sums);
    return;
  }
  split(v, to, a.part[2], group - a.part[1].groups, range, exponents, sums);
}
