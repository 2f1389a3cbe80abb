// Rotary position embedding: a work-item a pair of columns, or a column that stays. In place too: it reads both before it writes.
#include "storage.clh"
#include "numerics.clh"
#include "arguments.clh"

#define ROTARY_THREADS 64
// Pairs of neighbours (GPT-J), else of the two halves (NeoX).
#ifndef NEIGHBOURS
#define NEIGHBOURS 0
#endif
#ifndef SECTIONS
#define SECTIONS 1
#endif

// RotaryBlock.java writes the same layout.
struct rotary_block {
  struct plane x, y;
  long positions, positions_section, positions_batch, positions_step;
  long cosines, cosines_row, cosines_step, sines, sines_row, sines_step;
  long sections, sections_step;
  long items;  // pairs and columns that stay, of all rows
  int heads, rows, pairs, kept;
};

__kernel __attribute__((reqd_work_group_size(ROTARY_THREADS, 1, 1))) void rotary(
    __global const element *x, __global element *y, __global const int *positions, __global const float *cosines,
    __global const float *sines, __global const int *sections, struct rotary_block a) {
  long at = get_group_id(0) * (long)ROTARY_THREADS + get_local_id(0);
  if (at < a.items) {
    const int per_row = a.pairs + a.kept, item = (int)(at % per_row);
    at /= per_row;
    const int s = (int)(at % a.rows);
    at /= a.rows;
    const int h = (int)(at % a.heads), b = (int)(at / a.heads);
    x += a.x.offset + b * a.x.batch + h * a.x.head + s * a.x.row;
    y += a.y.offset + b * a.y.batch + h * a.y.head + s * a.y.row;
    if (item < a.pairs) {
      const int section = SECTIONS > 1 ? sections[a.sections + item * a.sections_step] : 0;
      const long position = positions[a.positions + section * a.positions_section + b * a.positions_batch + s * a.positions_step];
      const float c = cosines[a.cosines + position * a.cosines_row + item * a.cosines_step];
      const float e = sines[a.sines + position * a.sines_row + item * a.sines_step];
      const int i = NEIGHBOURS ? 2 * item : item, j = NEIGHBOURS ? i + 1 : i + a.pairs;
      const float xi = LOAD1(x + i), xj = LOAD1(x + j);
      const float yi = FMA(xi, c, -(xj * e)), yj = FMA(xj, c, xi * e);
      STORE1(yi, y + i);
      STORE1(yj, y + j);
    } else {
      const int i = a.pairs + item;
      y[i] = x[i];
    }
  }
}
