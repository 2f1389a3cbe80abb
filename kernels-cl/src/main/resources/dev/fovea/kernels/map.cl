// Elements by an expression of their indices (MapSpec): a work-item MAP_ELEMENTS of them, a work-group apart.
#include "operands.clh"
#include "numerics.clh"
#include "arguments.clh"
#include "views.clh"
#include "expressions.clh"

#define MAP_THREADS 64
#define MAP_ELEMENTS 4
#ifndef OUTPUT
#define OUTPUT F32
#endif
#if !IS_FLOATS(OUTPUT) && !IS_INTEGERS(OUTPUT)
#error "OUTPUT is F32, F16, BF16, I32 or BOOL"
#endif

// MapBlock.java writes the same layout.
struct map_block {
  struct view output;
  long count;
  struct rows rows;
  struct divisor columns;
};

__kernel __attribute__((reqd_work_group_size(MAP_THREADS, 1, 1))) void map(
    __global TYPE_OF(OUTPUT) *output, struct map_block a EXTRA_PARAMETERS) {
  const index_t first = (index_t)get_group_id(0) * (MAP_THREADS * MAP_ELEMENTS) + get_local_id(0);
  output += a.output.offset;
  for (int i = 0; i < MAP_ELEMENTS; i++) {
    const index_t element = first + i * MAP_THREADS;
    if (element < a.count) {
      struct pair at;
#if WIDE
      const long row = element / a.columns.value, head = row / a.rows.q.value;
      at.d = (int)(element - row * a.columns.value);
      at.q = (int)(row - head * a.rows.q.value);
      at.b = (int)(head / a.rows.h.value);
      at.h = (int)(head - (long)at.b * a.rows.h.value);
#else
      const uint row = quotient(element, a.columns);
      const struct place p = place_of(row, a.rows);
      at.d = element - row * a.columns.value;
      at.q = p.q;
      at.h = p.h;
      at.b = p.b;
#endif
      at.hk = at.k = at.qpos = at.kpos = at.len_q = at.len_k = 0;
      const index_t to = at.b * (index_t)a.output.b + at.h * (index_t)a.output.h + at.q * (index_t)a.output.q + at.d * (index_t)a.output.d;
      STORE_OF(OUTPUT, map_expression(at EXTRA_ARGUMENTS), output + to);
    }
  }
}
