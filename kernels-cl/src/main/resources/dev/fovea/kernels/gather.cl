// Rows picked by index (GatherSpec): a.lanes work-items a row, which move elements of WIDTH bytes as they are.
#include "views.clh"

#define GATHER_THREADS 64
#ifndef WIDTH
#define WIDTH 4
#endif
#if WIDTH == 1
typedef uchar moved;
#elif WIDTH == 2
typedef ushort moved;
#elif WIDTH == 4
typedef uint moved;
#else
#error "WIDTH is 1, 2 or 4"
#endif
#define WORDS (16 / WIDTH)  // elements of a uint4

// GatherBlock.java writes the same layout. indices: of a list, the entries are its axis q.
struct gather_block {
  struct view source, indices, output;
  struct rows rows;
  uint count;  // rows of the output
  int columns;
  int lanes;    // a power of two up to GATHER_THREADS
  uint fill;    // repeated over four bytes
  int vectors;  // whether rows are whole aligned uint4s
  int unused;
};

__kernel __attribute__((reqd_work_group_size(GATHER_THREADS, 1, 1))) void gather(
    __global const moved *source, __global const int *indices, __global moved *output, struct gather_block a) {
  const int tid = get_local_id(0), lane = tid % a.lanes;
  const uint row = (uint)get_group_id(0) * (uint)(GATHER_THREADS / a.lanes) + (uint)(tid / a.lanes);
  if (row < a.count) {
    struct place p = place_of(row, a.rows);
    output += row_at(a.output, p);
    const int from = indices[row_at(a.indices, p)];
    p.q = max(from, 0);
    source += row_at(a.source, p);
    if (a.vectors) {
      for (int i = lane; i < a.columns / WORDS; i += a.lanes) {
        ((__global uint4 *)output)[i] = from < 0 ? (uint4)(a.fill) : ((__global const uint4 *)source)[i];
      }
    } else {
      for (int i = lane; i < a.columns; i += a.lanes) {
        output[i * a.output.d] = from < 0 ? (moved)a.fill : source[i * a.source.d];
      }
    }
  }
}
