package dev.fovea.conformance;

import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.Normaliser;
import dev.fovea.api.spec.ScoreStage;
import java.util.Arrays;
import java.util.stream.DoubleStream;

/**
 * Attention as the formula has it, in float64, scalar and in two passes over each row; the judge of every backend, sharing code
 * with none.
 *
 * <pre>
 * raw = scale * q.k;  s = score(cap(raw));  s = -inf where k &gt;= length, not selected or not mask
 * SOFTMAX   p = exp(s - max) / (sum exp(s - max) + exp(sink - max))
 * L1        p = s / sum |s|
 * IDENTITY  p = s
 * O = output(sum probability(p) v) over keys with s &gt; -inf
 * </pre>
 *
 * A row without a visible key has weights 0 and LSE = -inf, with a sink LSE = sink. Padding of packed queries stays 0.
 */
public final class Reference {
    private final HostProblem p;
    private final ProblemRows rows;
    private final ExprInterpreter at;

    Reference(HostProblem p) {
        this.p = p;
        this.rows = new ProblemRows(p, false);
        this.at = new ExprInterpreter(p, false);
    }

    public static Result evaluate(HostProblem p) {
        Reference reference = new Reference(p);
        Result r = Result.empty(p);
        int row = 0;
        for (int b = 0; b < p.batch(); b++) {
            for (int h = 0; h < p.spec().queryHeads(); h++) {
                for (int q = 0; q < p.queries(); q++) {
                    if (q < p.queryLength(b)) {
                        reference.row(b, h, q, row, r);
                    }
                    row++;
                }
            }
        }
        return r;
    }

    /** One row alone, for spot checks of long inputs: its Dv outputs. */
    public static double[] row(HostProblem p, int b, int h, int q) {
        Result one = new Result(new double[p.spec().valueDim()], new double[1], new double[p.keys()]);
        new Reference(p).row(b, h, q, 0, one);
        return one.output();
    }

    /** The weights of all visible pairs before the probability expression. */
    static double[] probabilities(HostProblem p) {
        Reference plain = new Reference(p.with(p.spec().withProbability(Expressions.probability())));
        double[] all = new double[0];
        for (int b = 0; b < p.batch(); b++) {
            for (int h = 0; h < p.spec().queryHeads(); h++) {
                for (int q = 0; q < p.queryLength(b); q++) {
                    double[] visible = DoubleStream.of(plain.weights(b, h, q))
                            .filter(x -> x != 0)
                            .toArray();
                    int n = all.length;
                    all = Arrays.copyOf(all, n + visible.length);
                    System.arraycopy(visible, 0, all, n, visible.length);
                }
            }
        }
        return all;
    }

    /** The final scores of a row, -inf where masked. */
    double[] scores(int b, int h, int q) {
        double[] s = raw(b, h, q);
        boolean[] selected = p.selected(b, h, q);
        for (int k = 0; k < s.length; k++) {
            double capped = capped(b, h, q, k, s[k]);
            boolean visible =
                    k < p.keyLength(b, h) && selected[k] && at.test(p.spec().mask());
            s[k] = visible ? at.value(p.spec().score(), capped) : Double.NEGATIVE_INFINITY;
        }
        return s;
    }

    private double[] raw(int b, int h, int q) {
        double[] query = rows.query(b, h, q);
        double[][] keys = rows.keys(b, h);
        double[] raw = new double[keys.length];
        for (int k = 0; k < raw.length; k++) {
            double dot = 0;
            for (int d = 0; d < query.length; d++) {
                dot += query[d] * keys[k][d];
            }
            raw[k] = p.scale() * dot;
        }
        return raw;
    }

    private double capped(int b, int h, int q, int k, double raw) {
        at.at(b, h, q, k);
        return at.value(p.spec().cap(), raw);
    }

    private double[] weights(int b, int h, int q) {
        Result one = new Result(new double[p.spec().valueDim()], new double[1], new double[p.keys()]);
        return row(b, h, q, 0, one);
    }

    /** Writes a row of the result; its weights. */
    private double[] row(int b, int h, int q, int row, Result r) {
        AttentionSpec spec = p.spec();
        int keys = p.keys();
        double[] s = scores(b, h, q);
        double sink = p.sinks() == null ? Double.NEGATIVE_INFINITY : p.sinks().at(h);
        double max = sink;
        for (double x : s) {
            max = Math.max(max, x);
        }
        double[] weight = new double[keys];
        double sum = normalise(spec.normaliser(), s, max, sink, weight);
        for (int k = 0; k < keys; k++) {
            if (s[k] != Double.NEGATIVE_INFINITY) {
                at.at(b, h, q, k);
                weight[k] = at.weight(spec.probability(), s[k], weight[k]);
            }
        }
        double[][] values = rows.values(b, h);
        double[] o = new double[spec.valueDim()];
        for (int k = 0; k < keys; k++) {
            if (s[k] != Double.NEGATIVE_INFINITY) {
                for (int d = 0; d < o.length; d++) {
                    o[d] += weight[k] * values[k][d];
                }
            }
        }
        at.at(b, h, q, 0);
        for (int d = 0; d < o.length; d++) {
            r.output()[row * o.length + d] = at.output(spec.output(), o[d], d);
        }
        r.logSumExp()[row] = sum == 0 ? Double.NEGATIVE_INFINITY : max + Math.log(sum);
        if (spec.scores().isPresent()) {
            ScoreStage stage = spec.scores().get();
            double[] raw = raw(b, h, q);
            for (int k = 0; k < keys; k++) {
                r.scores()[row * keys + k] = switch (stage) {
                    case RAW -> raw[k];
                    case CAPPED -> capped(b, h, q, k, raw[k]);
                    case MASKED -> s[k];
                    case PROBABILITY -> weight[k];
                };
            }
        }
        return weight;
    }

    /** Fills in the weights before the probability expression; the sum that divides them, 0 for an empty row. */
    private static double normalise(Normaliser normaliser, double[] s, double max, double sink, double[] p) {
        double sum = 0;
        for (int k = 0; k < s.length; k++) {
            if (s[k] != Double.NEGATIVE_INFINITY) {
                p[k] = normaliser == Normaliser.SOFTMAX ? Math.exp(s[k] - max) : s[k];
                sum += Math.abs(p[k]);
            }
        }
        if (normaliser == Normaliser.SOFTMAX && max != Double.NEGATIVE_INFINITY) {
            sum += Math.exp(sink - max);
        }
        if (normaliser != Normaliser.IDENTITY && sum != 0) {
            for (int k = 0; k < s.length; k++) {
                p[k] = s[k] == Double.NEGATIVE_INFINITY ? 0 : p[k] / sum;
            }
        }
        return sum;
    }
}
