package dev.fovea.api.expr;

import dev.fovea.api.expr.Expr.Binary;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expr.Unary;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/** Evaluates an expression for one pair by the definition of each operator, in f32; and bounds what it loads, as a tile does. */
final class PairEvaluator {
    /** A captured tensor: I32 and BOOL as whole numbers. */
    record Table(double[] data, int... shape) {}

    final Map<String, Table> captures = new HashMap<>();
    final Map<String, Number> scalars = new HashMap<>();
    final Map<IndexKind, Integer> index = new EnumMap<>(IndexKind.class);
    double score;

    PairEvaluator at(int q, int k, int queryOffset) {
        return set(IndexKind.QUERY, q)
                .set(IndexKind.QUERY_POSITION, q + queryOffset)
                .set(IndexKind.KEY, k)
                .set(IndexKind.KEY_POSITION, k);
    }

    PairEvaluator set(IndexKind kind, int value) {
        index.put(kind, value);
        return this;
    }

    boolean test(Expr e) {
        return value(e) != 0;
    }

    double value(Expr e) {
        return switch (e) {
            case Expr.Index i -> index.getOrDefault(i.kind(), 0);
            case Expr.Value v -> score;
            case Expr.FloatConst c -> c.value();
            case Expr.IntConst c -> c.value();
            case Expr.BoolConst c -> c.value() ? 1 : 0;
            case Expr.Scalar s -> {
                Number n = Objects.requireNonNull(scalars.get(s.name()));
                yield s.type() == ValueType.I32 ? n.intValue() : n.floatValue();
            }
            case Expr.Load l -> {
                Table t = Objects.requireNonNull(captures.get(l.name()));
                int at = 0;
                for (int i = 0; i < t.shape.length; i++) {
                    int x = (int) value(l.indices().get(i));
                    at = at * t.shape[i] + Math.clamp(x, 0, t.shape[i] - 1);
                }
                yield t.data[at];
            }
            case Unary u -> unary(u, value(u.operand()));
            case Binary b -> binary(b, value(b.left()), value(b.right()));
            case Expr.Select s -> value(s.condition()) != 0 ? value(s.ifTrue()) : value(s.ifFalse());
        };
    }

    private static double unary(Unary u, double a) {
        boolean whole = u.operand().type() == ValueType.I32;
        return switch (u.op()) {
            case NEGATE -> whole ? -(int) a : -a;
            case ABS -> whole ? Math.abs((int) a) : Math.abs(a);
            case TANH -> (float) Math.tanh(a);
            case EXP -> (float) Math.exp(a);
            case EXP2 -> (float) Math.pow(2, a);
            case LOG -> (float) Math.log(a);
            case LOG2 -> (float) (Math.log(a) / Math.log(2));
            case SQRT -> (float) Math.sqrt(a);
            case SIGMOID -> (float) (1 / (1 + Math.exp(-a)));
            case TO_FLOAT -> (float) a;
            case TO_INT -> (int) a;
            case NOT -> a == 0 ? 1 : 0;
        };
    }

    private static double binary(Binary x, double a, double b) {
        boolean whole = x.left().type() == ValueType.I32;
        int i = whole ? (int) a : 0;
        int j = whole ? (int) b : 0;
        return switch (x.op()) {
            case ADD -> whole ? i + j : (float) (a + b);
            case SUBTRACT -> whole ? i - j : (float) (a - b);
            case MULTIPLY -> whole ? i * j : (float) (a * b);
            case DIVIDE -> (float) (a / b);
            case FLOOR_DIVIDE -> j == 0 ? 0 : Math.floorDiv(i, j);
            case MODULO -> j == 0 ? 0 : Math.floorMod(i, j);
            case MIN -> Math.min(a, b);
            case MAX -> Math.max(a, b);
            case LESS -> a < b ? 1 : 0;
            case LESS_EQUAL -> a <= b ? 1 : 0;
            case EQUAL -> a == b ? 1 : 0;
            case AND -> a != 0 && b != 0 ? 1 : 0;
            case OR -> a != 0 || b != 0 ? 1 : 0;
        };
    }

    /** The tile of queries and keys of one sequence at the other indices that are set. */
    MaskAnalysis.Tile tile(int q0, int q1, int k0, int k1, int queryOffset) {
        return new MaskAnalysis.Tile() {
            @Override
            public int least(IndexKind kind) {
                return bound(kind, q0, k0);
            }

            @Override
            public int largest(IndexKind kind) {
                return bound(kind, q1, k1);
            }

            private int bound(IndexKind kind, int q, int k) {
                return switch (kind) {
                    case QUERY -> q;
                    case QUERY_POSITION -> q + queryOffset;
                    case KEY, KEY_POSITION -> k;
                    default -> index.getOrDefault(kind, 0);
                };
            }

            @Override
            public Number scalar(String name) {
                return Objects.requireNonNull(scalars.get(name));
            }

            @Override
            public boolean range(Expr.Load load, int[] from, int[] to, int[] leastAndLargest) {
                Table t = Objects.requireNonNull(captures.get(load.name()));
                int rank = t.shape.length;
                int[] at = new int[rank];
                for (int i = 0; i < rank; i++) {
                    at[i] = Math.clamp(from[i], 0, t.shape[i] - 1);
                }
                leastAndLargest[0] = Integer.MAX_VALUE;
                leastAndLargest[1] = Integer.MIN_VALUE;
                while (true) {
                    int offset = 0;
                    for (int i = 0; i < rank; i++) {
                        offset = offset * t.shape[i] + at[i];
                    }
                    leastAndLargest[0] = Math.min(leastAndLargest[0], (int) t.data[offset]);
                    leastAndLargest[1] = Math.max(leastAndLargest[1], (int) t.data[offset]);
                    int axis = rank - 1;
                    while (axis >= 0 && at[axis] >= Math.clamp(to[axis], 0, t.shape[axis] - 1)) {
                        at[axis] = Math.clamp(from[axis], 0, t.shape[axis] - 1);
                        axis--;
                    }
                    if (axis < 0) {
                        return true;
                    }
                    at[axis]++;
                }
            }

            @Override
            public boolean keysInOrder() {
                return true;
            }
        };
    }

    /** The true verdict, by looking at every pair. */
    MaskAnalysis.Verdict truth(Expr mask, int q0, int q1, int k0, int k1, int queryOffset) {
        int visible = 0;
        for (int q = q0; q <= q1; q++) {
            for (int k = k0; k <= k1; k++) {
                visible += at(q, k, queryOffset).test(mask) ? 1 : 0;
            }
        }
        return visible == 0
                ? MaskAnalysis.Verdict.SKIP
                : visible == (q1 - q0 + 1) * (k1 - k0 + 1) ? MaskAnalysis.Verdict.FULL : MaskAnalysis.Verdict.PARTIAL;
    }

    static Table table(int[] values) {
        return new Table(Arrays.stream(values).asDoubleStream().toArray(), values.length);
    }
}
