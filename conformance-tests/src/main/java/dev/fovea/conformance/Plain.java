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
    private final ProblemRows rows;

    private Plain(HostProblem p, Order order) {
        this.p = p;
        this.order = order;
        this.rows = new ProblemRows(p, true);
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

    private float sum(float[] terms) {
        int n = terms.length;
        switch (order) {
            case FORWARD -> {
                float s = 0;
                for (int i = 0; i < n; i++) {
                    s += terms[i];
                }
                return s;
            }
            case BACKWARD -> {
                float s = 0;
                for (int i = n - 1; i >= 0; i--) {
                    s += terms[i];
                }
                return s;
            }
            default -> {
                float[] part = new float[8];
                for (int i = 0; i < n; i++) {
                    part[i & 7] += terms[i];
                }
                return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
            }
        }
    }

    /** A sum for each column; of the rows whose score is -inf the values do not matter. */
    private float[] sums(float[] s, float[] weight, double[][] values, int columns) {
        float[][] part = new float[order == Order.STRIDED ? 8 : 1][columns];
        for (int i = 0; i < s.length; i++) {
            int k = order == Order.BACKWARD ? s.length - 1 - i : i;
            if (s[k] != Float.NEGATIVE_INFINITY) {
                float[] to = part[k % part.length];
                for (int d = 0; d < columns; d++) {
                    to[d] += weight[k] * (float) values[k][d];
                }
            }
        }
        for (int step = 1; step < part.length; step *= 2) {
            for (int i = 0; i < part.length; i += 2 * step) {
                for (int d = 0; d < columns; d++) {
                    part[i][d] += part[i + step][d];
                }
            }
        }
        return part[0];
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
        double[] query = rows.query(b, h, q);
        boolean[] selected = p.selected(b, h, q);
        float[] terms = new float[query.length];
        for (int k = 0; k < keys; k++) {
            double[] key = rows.keys(b, h)[k];
            at.at(b, h, q, k);
            for (int d = 0; d < terms.length; d++) {
                terms[d] = (float) query[d] * (float) key[d];
            }
            raw[k] = p.scale() * sum(terms);
            capped[k] = (float) at.value(spec.cap(), raw[k]);
            boolean visible = k < length && selected[k] && at.test(spec.mask());
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
        float[] rounded = new float[keys];
        for (int k = 0; k < keys; k++) {
            rounded[k] = HalfFloats.rounded(weight[k], storage);
        }
        float[] o = sums(s, rounded, rows.values(b, h), spec.valueDim());
        for (int d = 0; d < o.length; d++) {
            r.output()[row * o.length + d] = HalfFloats.rounded((float) at.output(spec.output(), o[d], d), storage);
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
        float[] absolute = new float[s.length];
        for (int k = 0; k < s.length; k++) {
            absolute[k] = Math.abs(weight[k]);
        }
        float sum = sum(absolute);
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
