package dev.fovea.conformance;

import dev.fovea.api.DType;
import dev.fovea.api.spec.ScoreStage;
import java.util.ArrayList;
import java.util.List;

/**
 * The bounds of the numeric contract:
 *
 * <pre>
 * max |O - R| &lt;= 2 max |plain - R| + 2^-24 max(scale sum |q||k|) max |V| (16-bit storage: + u max |V|) + 2 ulp(max |R|)
 * relative RMS &lt;= 2 plain's + 2^-23 (16-bit storage: u) + 2^-24 max(scale sum |q||k|)
 * |LSE - R| &lt;= 2 max |plain - R| + 4 * 2^-24 max(1, |R|)
 * </pre>
 *
 * The floors are there because correct kernels fail without them: a sum in another order moves each score by up to the second
 * term. Scores are bounded as an output of values 1 would be. Without softmax the floors grow by what {@link Conditioning} says.
 */
final class Tolerance {
    private static final double U32 = 0x1p-24;

    private final DType storage;
    private final double scoreFloor;
    private final double maxValue;
    private final Conditioning conditioning;
    private final ScoreStage stage;
    private final List<Result> plain = new ArrayList<>();

    private Tolerance(HostProblem p) {
        this.storage = p.spec().storage();
        this.scoreFloor = U32 * largestProduct(p);
        this.maxValue = Math.max(maxFinite(p.value()), p.pastValue() == null ? 0 : maxFinite(p.pastValue()));
        this.conditioning = Conditioning.of(p);
        this.stage = p.spec().scores().orElse(ScoreStage.RAW);
        for (Plain.Order order : Plain.Order.values()) {
            plain.add(Plain.evaluate(p, order));
        }
    }

    static Tolerance of(HostProblem p) {
        return new Tolerance(p);
    }

    Comparison output(double[] r, double[] o) {
        double plainMax = 0;
        double plainRms = 0;
        for (Result x : plain) {
            plainMax = Math.max(plainMax, maxError(r, x.output()));
            plainRms = Math.max(plainRms, relativeRms(r, x.output()));
        }
        boolean half = storage != DType.F32;
        double u = storage.unitRoundoff();
        double floor = scoreFloor * conditioning.scores() * maxValue;
        double rounding = half ? u * maxValue * conditioning.weights() : 0;
        double bound = 2 * plainMax + floor + rounding + 2 * ulp(largest(r), storage);
        double rms = 2 * plainRms + (half ? u : 0x1p-23) + scoreFloor;
        if (conditioning.scores() > 1) {
            double size = rootMeanSquare(r);
            rms += size == 0 ? 0 : (floor + rounding) / size;
        }
        return compare("output", r, o, bound, rms, storage, true);
    }

    Comparison logSumExp(double[] r, double[] o) {
        double plainMax = 0;
        for (Result x : plain) {
            plainMax = Math.max(plainMax, maxError(r, x.logSumExp()));
        }
        double bound = 2 * plainMax + 4 * U32 * Math.max(1, largest(r));
        return compare("log-sum-exp", r, o, bound, Double.POSITIVE_INFINITY, DType.F32, false);
    }

    Comparison scores(double[] r, double[] o) {
        double plainMax = 0;
        for (Result x : plain) {
            plainMax = Math.max(plainMax, maxError(r, x.scores()));
        }
        double bound = 2 * plainMax + scoreFloor + 2 * ulp(largest(r), DType.F32);
        return compare("scores " + stage, r, o, bound, Double.POSITIVE_INFINITY, DType.F32, false);
    }

    private static Comparison compare(
            String what, double[] r, double[] o, double bound, double rmsBound, DType type, boolean anyNonFinite) {
        if (r.length != o.length) {
            return new Comparison(what, r.length + " elements expected, " + o.length + " came", 0, 0, 0, 0, 0, 0, 0);
        }
        String wrong = "";
        double max = 0;
        double maxUlp = 0;
        int worst = 0;
        double dot = 0;
        double rr = 0;
        double oo = 0;
        for (int i = 0; i < r.length; i++) {
            if (!Double.isFinite(r[i]) || !Double.isFinite(o[i])) {
                boolean same = anyNonFinite
                        ? !Double.isFinite(r[i]) && !Double.isFinite(o[i])
                        : Double.compare(r[i], o[i]) == 0;
                if (!same && wrong.isEmpty()) {
                    wrong = "element " + i + " is " + o[i] + " where the reference has " + r[i];
                }
                continue;
            }
            double e = Math.abs(o[i] - r[i]);
            if (e > max) {
                max = e;
                worst = i;
            }
            maxUlp = Math.max(maxUlp, e / ulp(Math.abs(r[i]), type));
            dot += r[i] * o[i];
            rr += r[i] * r[i];
            oo += o[i] * o[i];
        }
        double cosine = rr == 0 || oo == 0 ? rr == oo ? 1 : 0 : dot / Math.sqrt(rr) / Math.sqrt(oo);
        return new Comparison(what, wrong, max, bound, maxUlp, relativeRms(r, o), rmsBound, cosine, worst);
    }

    private static double maxError(double[] r, double[] o) {
        double max = 0;
        for (int i = 0; i < r.length; i++) {
            if (Double.isFinite(r[i]) && Double.isFinite(o[i])) {
                max = Math.max(max, Math.abs(o[i] - r[i]));
            }
        }
        return max;
    }

    private static double relativeRms(double[] r, double[] o) {
        double ee = 0;
        double rr = 0;
        for (int i = 0; i < r.length; i++) {
            if (Double.isFinite(r[i]) && Double.isFinite(o[i])) {
                ee += (o[i] - r[i]) * (o[i] - r[i]);
                rr += r[i] * r[i];
            }
        }
        return ee == 0 ? 0 : Math.sqrt(ee / rr);
    }

    private static double rootMeanSquare(double[] r) {
        double sum = 0;
        for (double x : r) {
            sum += Double.isFinite(x) ? x * x : 0;
        }
        return Math.sqrt(sum / Math.max(1, r.length));
    }

    private static double largest(double[] r) {
        double max = 0;
        for (double x : r) {
            if (Double.isFinite(x)) {
                max = Math.max(max, Math.abs(x));
            }
        }
        return max;
    }

    private static double maxFinite(HostTensor t) {
        return largest(t.values());
    }

    /** Distance of neighbouring values of a type at x, subnormals included. */
    private static double ulp(double x, DType type) {
        return switch (type) {
            case F16 -> Math.max(0x1p-24, Math.scalb(1.0, Math.getExponent(x) - 10));
            case BF16 -> Math.max(0x1p-133, Math.scalb(1.0, Math.getExponent(x) - 7));
            default -> Math.ulp((float) x);
        };
    }

    /** Largest finite {@code scale * sum_d |q_d||k_d|} of a pair. */
    private static double largestProduct(HostProblem p) {
        double max = 0;
        ProblemRows rows = new ProblemRows(p, false);
        for (int b = 0; b < p.batch(); b++) {
            for (int h = 0; h < p.spec().queryHeads(); h++) {
                double[][] keys = rows.keys(b, h);
                for (int q = 0; q < p.queries(); q++) {
                    double[] query = rows.query(b, h, q);
                    for (double[] key : keys) {
                        double sum = 0;
                        for (int i = 0; i < query.length; i++) {
                            sum += Math.abs(query[i] * key[i]);
                        }
                        max = Double.isFinite(sum) ? Math.max(max, sum) : max;
                    }
                }
            }
        }
        return Math.abs(p.scale()) * max;
    }
}
