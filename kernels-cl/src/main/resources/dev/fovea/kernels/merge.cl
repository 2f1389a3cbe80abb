// MergePartials: a work-group a row and 32 columns.
#include "storage.clh"
#include "arguments.clh"
#include "merge.clh"

// MergeBlock.java writes the same layout. Rows of partials and of the output: batch, head, row; part: distance between parts.
struct merge_block {
  struct plane m, l, weights, acc, o, lse;
  long m_part, l_part, weights_part, acc_part;
  long sinks_offset, sinks_head;
  int parts, heads, rows, value_dim;
  int has_sinks, has_lse, vectors, unused;
};

static long row_of(struct plane p, int b, int h, int q) { return p.offset + b * p.batch + h * p.head + q * p.row; }

__kernel __attribute__((reqd_work_group_size(MERGE_THREADS, 1, 1))) void merge(
    __global const float *m, __global const float *l, __global const float *weights, __global const float *acc,
    __global const float *sinks, __global element *o, __global float *lse, struct merge_block a) {
  __local float4 scratch[MERGE_FLOATS / 4];
  const int blocks = (a.value_dim + MERGE_COLUMNS - 1) / MERGE_COLUMNS;
  long group = get_group_id(0);
  const int c = (int)(group % blocks) * MERGE_COLUMNS + 4 * (get_local_id(0) % COLUMN_LANES);
  group /= blocks;
  const int q = (int)(group % a.rows);
  group /= a.rows;
  const int h = (int)(group % a.heads), b = (int)(group / a.heads);

  struct parts p;
  p.m = m + row_of(a.m, b, h, q);
  p.l = l + row_of(a.l, b, h, q);
  p.weights = weights + row_of(a.weights, b, h, q);
  p.acc = acc + row_of(a.acc, b, h, q);
  p.m_step = a.m_part;
  p.l_step = a.l_part;
  p.weights_step = a.weights_part;
  p.acc_step = a.acc_part;
  p.count = a.parts;
  struct merged r;
  merge_parts(&r, p, c, a.value_dim - c, (__local float *)scratch);
  if (get_local_id(0) < COLUMN_LANES) {
    const int visible = RULE != RULE_LOG_SUM_EXP ? 1 : r.m > -INFINITY || isnan(r.l);
    const float factor = finish(&r, a.has_sinks ? sinks[a.sinks_offset + h * a.sinks_head] : -INFINITY);
    const float4 out = visible ? r.acc * factor : (float4)(0.0f);
    store4(out, o + row_of(a.o, b, h, q) + c, a.value_dim - c, a.vectors);
    if (a.has_lse && c == 0) lse[row_of(a.lse, b, h, q)] = r.m + log(r.l);
  }
}
