package dev.fovea.conformance;

import dev.fovea.api.DType;
import dev.fovea.api.HalfFloats;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.Normaliser;
import dev.fovea.api.spec.ScoreStage;

/**
 * The two-pass evaluation in the types of a path: scores, softmax and PV in f32; for 16-bit storage the probabilities are rounded
 * before PV and the output after it. Its error says what the types themselves cost, and so what a backend may cost.
 */
final class Plain {
    /** In which order sums are taken. */
    enum Order {
        FORWARD,
        BACKWARD,
        /** Eight partial sums, added at the end. */
        STRIDED
    }

    private final HostProblem p;
    private final Order order;

    private Plain(HostProblem p, Order order) {
        this.p = p;
        this.order = order;
    }

    static Result evaluate(HostProblem p, Order order) {
        Result r = Result.empty(p);
        Plain plain = new Plain(p, order);
        int row = 0;
        for (int b = 0; b < p.batch(); b++) {
            for (int h = 0; h < p.spec().queryHeads(); h++) {
                for (int q = 0; q < p.queries(); q++) {
                    if (q < p.queryLength(b)) {
                        plain.row(b, h, q, row, r);
                    }
                    row++;
                }
            }
        }
        return r;
    }

    private interface Term {
        float at(int i);
    }

    private float sum(int n, Term term) {
        switch (order) {
            case FORWARD -> {
                float s = 0;
                for (int i = 0; i < n; i++) {
                    s += term.at(i);
                }
                return s;
            }
            case BACKWARD -> {
                float s = 0;
                for (int i = n - 1; i >= 0; i--) {
                    s += term.at(i);
                }
                return s;
            }
            default -> {
                float[] part = new float[8];
                for (int i = 0; i < n; i++) {
                    part[i & 7] += term.at(i);
                }
                return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
            }
        }
    }

    private void row(int b, int h, int q, int row, Result r) {
        AttentionSpec spec = p.spec();
        int keys = p.keys();
        int length = p.keyLength(b, h);
        float[] raw = new float[keys];
        float[] capped = new float[keys];
        float[] s = new float[keys];
        ExprInterpreter at = new ExprInterpreter(p, true);
        float sink =
                p.sinks() == null ? Float.NEGATIVE_INFINITY : (float) p.sinks().at(h);
        float max = sink;
        for (int k = 0; k < keys; k++) {
            int key = k;
            at.at(b, h, q, k);
            raw[k] = p.scale()
                    * sum(
                            spec.headDim(),
                            d -> (float) p.queryAt(b, h, q, d, true) * (float) p.keyAt(b, h, key, d, true));
            capped[k] = (float) at.value(spec.cap(), raw[k]);
            boolean visible = k < length && p.selects(b, h, q, k) && at.test(spec.mask());
            s[k] = visible ? (float) at.value(spec.score(), capped[k]) : Float.NEGATIVE_INFINITY;
            max = Math.max(max, s[k]);
        }
        float[] weight = new float[keys];
        float sum = normalise(spec.normaliser(), s, max, sink, weight);
        for (int k = 0; k < keys; k++) {
            at.at(b, h, q, k);
            weight[k] = s[k] == Float.NEGATIVE_INFINITY ? 0 : (float) at.weight(spec.probability(), s[k], weight[k]);
        }
        at.at(b, h, q, 0);
        DType storage = spec.storage();
        for (int d = 0; d < spec.valueDim(); d++) {
            int column = d;
            float o = sum(
                    keys,
                    k -> s[k] == Float.NEGATIVE_INFINITY
                            ? 0
                            : HalfFloats.rounded(weight[k], storage) * (float) p.valueAt(b, h, k, column));
            r.output()[row * spec.valueDim() + d] = HalfFloats.rounded((float) at.output(spec.output(), o, d), storage);
        }
        r.logSumExp()[row] = sum == 0 ? Double.NEGATIVE_INFINITY : max + (float) Math.log(sum);
        if (spec.scores().isPresent()) {
            ScoreStage stage = spec.scores().get();
            for (int k = 0; k < keys; k++) {
                r.scores()[row * keys + k] = switch (stage) {
                    case RAW -> raw[k];
                    case CAPPED -> capped[k];
                    case MASKED -> s[k];
                    case PROBABILITY -> weight[k];
                };
            }
        }
    }

    private float normalise(Normaliser normaliser, float[] s, float max, float sink, float[] weight) {
        for (int k = 0; k < s.length; k++) {
            if (s[k] != Float.NEGATIVE_INFINITY) {
                weight[k] = normaliser == Normaliser.SOFTMAX ? (float) Math.exp(s[k] - max) : s[k];
            }
        }
        float sum = sum(s.length, k -> Math.abs(weight[k]));
        if (normaliser == Normaliser.SOFTMAX && max != Float.NEGATIVE_INFINITY) {
            sum += (float) Math.exp(sink - max);
        }
        if (normaliser != Normaliser.IDENTITY && sum != 0) {
            for (int k = 0; k < s.length; k++) {
                weight[k] /= sum;
            }
        }
        return sum;
    }
}
