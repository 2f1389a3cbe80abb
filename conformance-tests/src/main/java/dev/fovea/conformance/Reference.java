package dev.fovea.conformance;

import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.ScoreStage;

/**
 * Attention as the formula has it, in float64, scalar and in two passes over each row; the judge of every backend, sharing code
 * with none.
 *
 * <pre>
 * raw = scale * q.k;  s = score(cap(raw));  s = -inf where k &gt;= length or not mask
 * p = exp(s - max) / (sum exp(s - max) + exp(sink - max));  O = sum p v over keys with s &gt; -inf
 * </pre>
 *
 * A row without a visible key gives O = 0 and LSE = -inf, with a sink LSE = sink.
 */
public final class Reference {
    private Reference() {}

    public static Result evaluate(HostProblem p) {
        Result r = Result.empty(p);
        int row = 0;
        for (int b = 0; b < p.batch(); b++) {
            for (int h = 0; h < p.spec().queryHeads(); h++) {
                for (int q = 0; q < p.queries(); q++) {
                    row(p, b, h, q, row++, r);
                }
            }
        }
        return r;
    }

    /** One row alone, for spot checks of long inputs: its Dv outputs. */
    public static double[] row(HostProblem p, int b, int h, int q) {
        Result one = new Result(new double[p.spec().valueDim()], new double[1], new double[p.keys()]);
        row(p, b, h, q, 0, one);
        return one.output();
    }

    private static void row(HostProblem p, int b, int h, int q, int row, Result r) {
        AttentionSpec spec = p.spec();
        int keys = p.keys();
        int length = p.keyLength(b, h);
        double[] raw = new double[keys];
        double[] capped = new double[keys];
        double[] s = new double[keys];
        ExprInterpreter at = new ExprInterpreter(p, false);
        double sink = p.sinks() == null ? Double.NEGATIVE_INFINITY : p.sinks().at(h);
        double max = sink;
        for (int k = 0; k < keys; k++) {
            double dot = 0;
            for (int d = 0; d < spec.headDim(); d++) {
                dot += p.query().at(b, h, q, d) * p.keyAt(b, h, k, d);
            }
            at.at(b, h, q, k);
            raw[k] = p.scale() * dot;
            capped[k] = at.value(spec.cap(), raw[k]);
            boolean visible = k < length && at.test(spec.mask());
            s[k] = visible ? at.value(spec.score(), capped[k]) : Double.NEGATIVE_INFINITY;
            max = Math.max(max, s[k]);
        }
        double[] weight = new double[keys];
        double sum = 0;
        if (max != Double.NEGATIVE_INFINITY) {
            for (int k = 0; k < keys; k++) {
                weight[k] = s[k] == Double.NEGATIVE_INFINITY ? 0 : Math.exp(s[k] - max);
                sum += weight[k];
            }
            sum += Math.exp(sink - max);
        }
        for (int d = 0; d < spec.valueDim(); d++) {
            double o = 0;
            for (int k = 0; k < keys; k++) {
                if (s[k] != Double.NEGATIVE_INFINITY) {
                    o += weight[k] / sum * p.valueAt(b, h, k, d);
                }
            }
            r.output()[row * spec.valueDim() + d] = o;
        }
        r.logSumExp()[row] = sum == 0 ? Double.NEGATIVE_INFINITY : max + Math.log(sum);
        if (spec.scores().isPresent()) {
            ScoreStage stage = spec.scores().get();
            for (int k = 0; k < keys; k++) {
                r.scores()[row * keys + k] = switch (stage) {
                    case RAW -> raw[k];
                    case CAPPED -> capped[k];
                    case MASKED -> s[k];
                    case PROBABILITY -> s[k] == Double.NEGATIVE_INFINITY ? 0 : weight[k] / sum;
                };
            }
        }
    }
}
