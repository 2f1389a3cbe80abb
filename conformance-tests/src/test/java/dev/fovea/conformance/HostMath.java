package dev.fovea.conformance;

import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeySource.Layout;
import dev.fovea.api.spec.KeySource.Selection;
import dev.fovea.api.spec.MergeArguments;
import dev.fovea.api.spec.MergeSpec;
import dev.fovea.api.spec.RotaryArguments;
import dev.fovea.api.spec.RotarySpec;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Softmax attention, merging and rotation in float64 on the arrays of {@link HostDevice}; masks: none and causal. */
final class HostMath {
    private HostMath() {}

    static void run(MergeSpec spec, MergeArguments a) {
        if (spec.rule() != MergeSpec.Rule.LOG_SUM_EXP) {
            throw new Unsupported("the host test device merges by log-sum-exp only", "use a backend");
        }
        HostArray m = HostArray.of(a.maxima());
        HostArray l = HostArray.of(a.sums());
        HostArray acc = HostArray.of(a.accumulators());
        HostArray out = HostArray.of(a.output());
        for (int b = 0; b < m.size(1); b++) {
            for (int h = 0; h < m.size(2); h++) {
                for (int s = 0; s < m.size(3); s++) {
                    double max = a.sinks() == null
                            ? Double.NEGATIVE_INFINITY
                            : HostArray.of(a.sinks()).get(h);
                    double sink = max;
                    for (int n = 0; n < m.size(0); n++) {
                        max = Math.max(max, m.get(n, b, h, s));
                    }
                    double sum = Math.exp(sink - max);
                    double[] o = new double[spec.valueDim()];
                    for (int n = 0; n < m.size(0) && max > Double.NEGATIVE_INFINITY; n++) {
                        double w = Math.exp(m.get(n, b, h, s) - max);
                        sum += w == 0 ? 0 : w * l.get(n, b, h, s);
                        for (int i = 0; i < o.length && w > 0; i++) {
                            o[i] += w * acc.get(n, b, h, s, i);
                        }
                    }
                    boolean empty = max == Double.NEGATIVE_INFINITY;
                    for (int i = 0; i < o.length; i++) {
                        out.set(empty ? 0 : (float) (o[i] / sum), b, h, s, i);
                    }
                    if (a.logSumExp() != null) {
                        HostArray.of(a.logSumExp()).set(empty ? (float) max : (float) (max + Math.log(sum)), b, h, s);
                    }
                }
            }
        }
    }

    static void run(RotarySpec spec, RotaryArguments a) {
        HostArray x = HostArray.of(a.input());
        HostArray y = HostArray.of(a.output());
        HostArray p = HostArray.of(a.positions());
        HostArray cosines = HostArray.of(a.cosines());
        HostArray sines = HostArray.of(a.sines());
        boolean halves = spec.pairing() == RotarySpec.Pairing.HALVES;
        for (int b = 0; b < x.size(0); b++) {
            for (int s = 0; s < x.size(2); s++) {
                int pb = p.size(p.tensor().rank() - 2) == 1 ? 0 : b;
                for (int h = 0; h < x.size(1); h++) {
                    for (int r = 0; r < spec.pairs(); r++) {
                        int position = a.sections() == null
                                ? p.integer(pb, s)
                                : p.integer(HostArray.of(a.sections()).integer(r), pb, s);
                        int i = halves ? r : 2 * r;
                        int j = halves ? r + spec.pairs() : 2 * r + 1;
                        double u = x.get(b, h, s, i);
                        double v = x.get(b, h, s, j);
                        double cos = cosines.get(position, r);
                        double sin = sines.get(position, r);
                        y.set((float) (u * cos - v * sin), b, h, s, i);
                        y.set((float) (v * cos + u * sin), b, h, s, j);
                    }
                    for (int i = spec.rotaryDim(); i < spec.dim(); i++) {
                        y.set(x.get(b, h, s, i), b, h, s, i);
                    }
                }
            }
        }
    }

    static void run(AttentionSpec spec, AttentionArguments a) {
        boolean causal = spec.mask().equals(Expressions.causal());
        boolean plain = spec.cap().equals(Expressions.score())
                && spec.score().equals(Expressions.score())
                && spec.probability().equals(Expressions.probability())
                && spec.output().equals(Expressions.output())
                && spec.source().selection() == Selection.ALL
                && !spec.past()
                && spec.scores().isEmpty()
                && (causal || spec.mask().equals(new Expr.BoolConst(true)));
        if (!plain) {
            throw new Unsupported("the host test device has plain softmax attention only", "use a backend");
        }
        for (int b = 0; b < a.batch(); b++) {
            int start = a.source().queryStarts() == null
                    ? 0
                    : HostArray.of(a.source().queryStarts()).integer(b);
            int queries = a.source().queryStarts() == null
                    ? (int) a.queries()
                    : HostArray.of(a.source().queryStarts()).integer(b + 1) - start;
            for (int h = 0; h < spec.queryHeads(); h++) {
                Keys keys = new Keys(
                        spec,
                        a,
                        b,
                        h / (spec.queryHeads() / spec.keyHeads()),
                        h / (spec.queryHeads() / spec.valueHeads()));
                int offset = switch (spec.offset()) {
                    case TOP_LEFT, PAST -> 0;
                    case BOTTOM_RIGHT -> keys.count() - queries;
                    case GIVEN -> perLane(a.queryOffsets(), b, keys.keyHead);
                };
                for (int q = 0; q < queries; q++) {
                    int outer = a.source().queryStarts() == null ? b : 0;
                    row(spec, a, keys, outer, h, start + q, causal ? q + offset : Integer.MAX_VALUE);
                }
            }
        }
    }

    private static void row(AttentionSpec spec, AttentionArguments a, Keys keys, int b, int h, int q, int reach) {
        HostArray query = HostArray.of(a.query());
        int n = keys.count();
        double[] s = new double[n];
        double max = spec.sink() ? HostArray.of(nonNull(a.sinks())).get(h) : Double.NEGATIVE_INFINITY;
        double sink = max;
        for (int k = 0; k < n; k++) {
            float[] row = keys.key(k);
            double dot = 0;
            for (int i = 0; i < spec.headDim(); i++) {
                dot += (double) query.get(b, h, q, i) * row[i];
            }
            s[k] = keys.position(k) <= reach ? a.scale() * dot : Double.NEGATIVE_INFINITY;
            max = Math.max(max, s[k]);
        }
        boolean empty = max == Double.NEGATIVE_INFINITY;
        double sum = empty ? 0 : Math.exp(sink - max);
        double[] o = new double[spec.valueDim()];
        for (int k = 0; k < n; k++) {
            if (s[k] != Double.NEGATIVE_INFINITY) {
                double w = Math.exp(s[k] - max);
                sum += w;
                float[] row = keys.value(k);
                for (int i = 0; i < o.length; i++) {
                    o[i] += w * row[i];
                }
            }
        }
        for (int i = 0; i < o.length; i++) {
            HostArray.of(a.output()).set((float) (spec.partials() || empty ? o[i] : o[i] / sum), b, h, q, i);
        }
        if (spec.partials()) {
            HostArray.of(nonNull(a.maxima())).set((float) max, b, h, q);
            HostArray.of(nonNull(a.sums())).set((float) sum, b, h, q);
        }
        if (spec.logSumExp()) {
            HostArray.of(nonNull(a.logSumExp())).set((float) (empty ? max : max + Math.log(sum)), b, h, q);
        }
    }

    private static Tensor nonNull(@Nullable Tensor t) {
        return Objects.requireNonNull(t);
    }

    private static int perLane(@Nullable Tensor t, int b, int head) {
        HostArray x = HostArray.of(nonNull(t));
        return x.tensor().rank() == 1 ? x.integer(b) : x.integer(b, head);
    }

    private record Keys(AttentionSpec spec, AttentionArguments a, int b, int keyHead, int valueHead) {
        int count() {
            if (a.source().keyStarts() != null) {
                HostArray starts = HostArray.of(a.source().keyStarts());
                return starts.integer(b + 1) - starts.integer(b);
            }
            return spec.keyLengths() ? perLane(a.keyLengths(), b, keyHead) : (int) a.keys();
        }

        int position(int k) {
            Tensor p = a.source().keyPositions();
            if (p == null) {
                return k;
            }
            return p.rank() == 2
                    ? HostArray.of(p).integer(b, k)
                    : HostArray.of(p).integer(b, keyHead, k);
        }

        private int slot(int k) {
            int size = (int) a.key().size(2);
            if (spec.source().layout() == Layout.RAGGED) {
                return HostArray.of(nonNull(a.source().keyStarts())).integer(b) + k;
            }
            if (spec.source().layout() == Layout.DENSE) {
                return b * size + k;
            }
            HostArray t = HostArray.of(nonNull(a.source().pageTable()));
            int page = t.tensor().rank() == 2 ? t.integer(b, k / size) : t.integer(b, keyHead, k / size);
            return page * size + k % size;
        }

        float[] key(int k) {
            return HostTransfer.Side.of(
                            spec.source().format(),
                            spec.headDim(),
                            a.key(),
                            a.source().keyScales(),
                            a.source().keyZeros())
                    .read(keyHead, slot(k));
        }

        float[] value(int k) {
            return HostTransfer.Side.of(
                            spec.source().format(),
                            spec.valueDim(),
                            a.value(),
                            a.source().valueScales(),
                            a.source().valueZeros())
                    .read(valueHead, slot(k));
        }
    }
}
