// Least and largest number of each block of RANGE_BLOCK neighbours along one axis of a captured tensor, for the verdicts on tiles.
#include "numerics.clh"
#include "arguments.clh"
#include "verdicts.clh"

// The sizes and strides of the result are those of the blocks: last + 1 of them along each axis, at s pairs of numbers.
__kernel void ranges(__global const int *ints, __global const uchar *bools, __global int *out, struct capture from, struct capture to,
                     int axis, int is_bool, long count) {
  const long id = get_global_id(0);
  if (id < count) {
    long left = id;
    int at[4];
    at[3] = (int)(left % (to.last3 + 1L));
    left /= to.last3 + 1L;
    at[2] = (int)(left % (to.last2 + 1L));
    left /= to.last2 + 1L;
    at[1] = (int)(left % (to.last1 + 1L));
    at[0] = (int)(left / (to.last1 + 1L));
    const long stride = axis == 0 ? from.s0 : axis == 1 ? from.s1 : axis == 2 ? from.s2 : from.s3;
    const int last = axis == 0 ? from.last0 : axis == 1 ? from.last1 : axis == 2 ? from.last2 : from.last3;
    const int first = at[axis] * RANGE_BLOCK, n = min(RANGE_BLOCK, last + 1 - first);
    const long place = to.offset + at[0] * to.s0 + at[1] * to.s1 + at[2] * to.s2 + at[3] * to.s3;
    at[axis] = first;
    const long element = from.offset + at[0] * from.s0 + at[1] * from.s1 + at[2] * from.s2 + at[3] * from.s3;
    int least = INT_MAX, largest = INT_MIN;
    for (int i = 0; i < n; i++) {
      const int x = is_bool ? bools[element + i * stride] != 0 : ints[element + i * stride];
      least = min(least, x);
      largest = max(largest, x);
    }
    out[2 * place] = least;
    out[2 * place + 1] = largest;
  }
}
