package dev.fovea.cpu;

import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.ValueType;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.Normaliser;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Attention from the formula in double precision, one pair at a time. */
final class Reference {
    private final AttentionSpec spec;
    private final AttentionArguments a;
    private final Map<Tensor, double[]> data = new HashMap<>();
    private final double[][][][] query;
    private final double[][][][] key;
    private final double[][][][] value;
    final int batch;
    final int queries;
    final int keys;
    final double[] output;
    final double[] logSumExp;
    final double[] raw;
    final double[] capped;
    final double[] masked;
    final double[] probability;
    final double[] maxima;
    final double[] sums;

    Reference(AttentionSpec spec, AttentionArguments a) {
        this.spec = spec;
        this.a = a;
        batch = (int) a.batch();
        queries = (int) a.queries();
        keys = (int) a.keys();
        query = rows(null, a.query(), queries);
        key = rows(a.pastKey(), a.key(), keys);
        value = rows(a.pastValue(), a.value(), keys);
        int rows = batch * spec.queryHeads() * queries;
        output = new double[rows * spec.valueDim()];
        logSumExp = new double[rows];
        raw = new double[rows * keys];
        capped = new double[rows * keys];
        masked = new double[rows * keys];
        probability = new double[rows * keys];
        maxima = new double[rows];
        sums = new double[rows];
        for (int row = 0; row < rows; row++) {
            row(row / queries / spec.queryHeads(), row / queries % spec.queryHeads(), row % queries, row);
        }
    }

    private void row(int b, int h, int q, int row) {
        int hk = h / (spec.queryHeads() / spec.keyHeads());
        int hv = h / (spec.queryHeads() / spec.valueHeads());
        int length = spec.keyLengths() ? perSequence(a.keyLengths(), b, hk) : keys;
        int offset = switch (spec.offset()) {
            case TOP_LEFT -> 0;
            case PAST -> (int) a.pastKeys();
            case BOTTOM_RIGHT -> length - queries;
            case GIVEN -> perSequence(a.queryOffsets(), b, hk);
        };
        double max = Double.NEGATIVE_INFINITY;
        Map<Expr.IndexKind, Integer> index = new EnumMap<>(Expr.IndexKind.class);
        index.put(Expr.IndexKind.BATCH, b);
        index.put(Expr.IndexKind.HEAD, h);
        index.put(Expr.IndexKind.KEY_HEAD, hk);
        index.put(Expr.IndexKind.QUERY, q);
        index.put(Expr.IndexKind.QUERY_POSITION, q + offset);
        index.put(Expr.IndexKind.QUERY_LENGTH, queries);
        index.put(Expr.IndexKind.KEY_LENGTH, length);
        double[] queryRow = query[b][h][q];
        for (int k = 0; k < keys; k++) {
            double x = 0;
            double[] keyRow = key[b][hk][k];
            for (int d = 0; d < spec.headDim(); d++) {
                x += queryRow[d] * keyRow[d];
            }
            index.put(Expr.IndexKind.KEY, k);
            index.put(Expr.IndexKind.KEY_POSITION, k);
            int at = row * keys + k;
            raw[at] = a.scale() * x;
            capped[at] = value(spec.cap(), index, new Values(raw[at], 0, 0));
            double s = value(spec.score(), index, new Values(capped[at], 0, 0));
            masked[at] =
                    k < length && value(spec.mask(), index, new Values(s, 0, 0)) != 0 ? s : Double.NEGATIVE_INFINITY;
            max = Math.max(max, masked[at]);
        }
        double sink = spec.sink() ? at(a.sinks(), h) : Double.NEGATIVE_INFINITY;
        double seen = max;
        max = Math.max(max, sink);
        double sum = max == Double.NEGATIVE_INFINITY ? 0 : Math.exp(sink - max);
        double absolute = 0;
        for (int k = 0; k < keys; k++) {
            double s = masked[row * keys + k];
            if (s != Double.NEGATIVE_INFINITY) {
                sum += Math.exp(s - max);
                absolute += Math.abs(s);
            }
        }
        logSumExp[row] = max + Math.log(sum);
        boolean softmax = spec.normaliser() == Normaliser.SOFTMAX;
        maxima[row] = softmax ? seen : 0;
        sums[row] = softmax ? sum : absolute;
        double[] o = new double[spec.valueDim()];
        for (int k = 0; k < keys; k++) {
            double s = masked[row * keys + k];
            if (s == Double.NEGATIVE_INFINITY) {
                continue;
            }
            double p = switch (spec.normaliser()) {
                case SOFTMAX -> Math.exp(s - max) / (spec.partials() ? 1 : sum);
                case L1 -> spec.partials() ? s : absolute == 0 ? 0 : s / absolute;
                case IDENTITY -> s;
            };
            index.put(Expr.IndexKind.KEY, k);
            index.put(Expr.IndexKind.KEY_POSITION, k);
            double w = value(spec.probability(), index, new Values(s, p, 0));
            probability[row * keys + k] = w;
            for (int d = 0; d < o.length; d++) {
                o[d] += w * value[b][hv][k][d];
            }
        }
        for (int d = 0; d < o.length; d++) {
            index.put(Expr.IndexKind.CHANNEL, d);
            output[row * o.length + d] = value(spec.output(), index, new Values(0, 0, o[d]));
        }
    }

    private record Values(double score, double probability, double output) {}

    private int perSequence(@Nullable Tensor tensor, int b, int h) {
        Tensor t = Objects.requireNonNull(tensor);
        int[] all = t.toIntArray();
        return t.rank() == 1 ? all[b] : all[b * spec.keyHeads() + h];
    }

    /** [b][h][position][column] of the past and what follows it. */
    private double[][][][] rows(@Nullable Tensor past, Tensor fresh, int length) {
        int heads = (int) fresh.size(1);
        int old = past == null ? 0 : (int) past.size(2);
        double[][][][] all = new double[batch][heads][length][(int) fresh.size(3)];
        for (int b = 0; b < batch; b++) {
            for (int h = 0; h < heads; h++) {
                for (int i = 0; i < length; i++) {
                    double[] row = all[b][h][i];
                    for (int d = 0; d < row.length; d++) {
                        row[d] = i < old ? at(past, b, h, i, d) : at(fresh, b, h, i - old, d);
                    }
                }
            }
        }
        return all;
    }

    private double at(@Nullable Tensor tensor, int... index) {
        Tensor t = Objects.requireNonNull(tensor);
        double[] all = data.computeIfAbsent(t, x -> {
            if (x.dtype().isFloat()) {
                float[] f = x.toFloatArray();
                double[] out = new double[f.length];
                Arrays.setAll(out, i -> f[i]);
                return out;
            }
            return Arrays.stream(x.toIntArray()).asDoubleStream().toArray();
        });
        int position = 0;
        for (int i = 0; i < index.length; i++) {
            position = position * (int) t.size(i) + index[i];
        }
        return all[position];
    }

    /** Truth is 1 or 0; integers are exact in a double. */
    private double value(Expr e, Map<Expr.IndexKind, Integer> index, Values values) {
        return switch (e) {
            case Expr.Index i -> Objects.requireNonNull(index.get(i.kind()));
            case Expr.Value v ->
                switch (v.kind()) {
                    case SCORE -> values.score();
                    case PROBABILITY -> values.probability();
                    case OUTPUT -> values.output();
                };
            case Expr.FloatConst c -> c.value();
            case Expr.IntConst c -> c.value();
            case Expr.BoolConst c -> c.value() ? 1 : 0;
            case Expr.Scalar s ->
                s.type() == ValueType.F32
                        ? Objects.requireNonNull(a.scalars().get(s.name())).floatValue()
                        : Objects.requireNonNull(a.scalars().get(s.name())).intValue();
            case Expr.Load l -> {
                Tensor t = Objects.requireNonNull(a.captures().get(l.name()));
                int[] at = new int[l.indices().size()];
                for (int i = 0; i < at.length; i++) {
                    at[i] = Math.clamp((long) value(l.indices().get(i), index, values), 0, (int) t.size(i) - 1);
                }
                yield at(t, at);
            }
            case Expr.Unary u -> {
                double x = value(u.operand(), index, values);
                yield switch (u.op()) {
                    case NEGATE -> -x;
                    case ABS -> Math.abs(x);
                    case TANH -> Math.tanh(x);
                    case EXP -> Math.exp(x);
                    case EXP2 -> Math.pow(2, x);
                    case LOG -> Math.log(x);
                    case LOG2 -> Math.log(x) / Math.log(2);
                    case SQRT -> Math.sqrt(x);
                    case SIGMOID -> 1 / (1 + Math.exp(-x));
                    case TO_INT -> (int) x;
                    case TO_FLOAT -> x;
                    case NOT -> 1 - x;
                };
            }
            case Expr.Binary b -> binary(b.op(), value(b.left(), index, values), value(b.right(), index, values));
            case Expr.Select s ->
                value(s.condition(), index, values) != 0
                        ? value(s.ifTrue(), index, values)
                        : value(s.ifFalse(), index, values);
        };
    }

    private static double binary(Expr.BinaryOp op, double x, double y) {
        return switch (op) {
            case ADD -> x + y;
            case SUBTRACT -> x - y;
            case MULTIPLY -> x * y;
            case DIVIDE -> x / y;
            case FLOOR_DIVIDE -> y == 0 ? 0 : Math.floorDiv((int) x, (int) y);
            case MODULO -> y == 0 ? 0 : Math.floorMod((int) x, (int) y);
            case MIN -> Math.min(x, y);
            case MAX -> Math.max(x, y);
            case LESS -> x < y ? 1 : 0;
            case LESS_EQUAL -> x <= y ? 1 : 0;
            case EQUAL -> x == y ? 1 : 0;
            case AND -> Math.min(x, y);
            case OR -> Math.max(x, y);
        };
    }

    /** Largest difference; infinite where one is NaN or infinite and the other is not the same. */
    static double difference(double[] expected, float[] actual) {
        if (expected.length != actual.length) {
            return Double.POSITIVE_INFINITY;
        }
        double worst = 0;
        for (int i = 0; i < actual.length; i++) {
            if (!Double.isFinite(expected[i])) {
                worst = Double.compare(expected[i], actual[i]) == 0 ? worst : Double.POSITIVE_INFINITY;
            } else {
                double d = Math.abs(expected[i] - actual[i]);
                worst = d <= worst ? worst : Double.isNaN(d) ? Double.POSITIVE_INFINITY : d;
            }
        }
        return worst;
    }
}
