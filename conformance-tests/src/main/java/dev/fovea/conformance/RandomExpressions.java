package dev.fovea.conformance;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.BinaryOp;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.ValueType;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Score and mask expressions of random shape, over every operator and captured tensors of every type. Conditions are whole-number or
 * loaded, so that rounding cannot turn one over; scores pass through tanh, so that they stay of the order of 1.
 */
final class RandomExpressions {
    private static final int DEPTH = 4;
    private static final List<BinaryOp> ARITHMETIC =
            List.of(BinaryOp.ADD, BinaryOp.SUBTRACT, BinaryOp.MULTIPLY, BinaryOp.MIN, BinaryOp.MAX);
    private static final List<IndexKind> PAIRS =
            EnumSet.complementOf(EnumSet.of(IndexKind.CHANNEL)).stream().toList();
    private static final List<IndexKind> AXES =
            List.of(IndexKind.BATCH, IndexKind.HEAD, IndexKind.QUERY, IndexKind.CHANNEL);

    private final SplittableRandom random;
    private final DType tableType;
    private final List<IndexKind> indices;
    private final Expr real;

    RandomExpressions(long seed, DType tableType) {
        this(seed, tableType, PAIRS, Expressions.score());
    }

    private RandomExpressions(long seed, DType tableType, List<IndexKind> indices, Expr real) {
        this.random = new SplittableRandom(seed);
        this.tableType = tableType;
        this.indices = indices;
        this.real = real;
    }

    /** Expressions of the elements of a tensor; where others have the score they load {@code x[b, h, q, d]}. */
    static RandomExpressions ofElements(long seed, DType tableType) {
        List<Expr> at = AXES.stream().map(Expressions::index).toList();
        return new RandomExpressions(seed, tableType, AXES, new Expr.Load("x", tableType, at));
    }

    /** Of a random one of the three types, floats of the order of 1. */
    Expr element() {
        return switch (random.nextInt(4)) {
            case 0 -> whole(DEPTH);
            case 1 -> condition(DEPTH);
            default -> floating(DEPTH).tanh().times(Expressions.constant(1.5f));
        };
    }

    /** The tensors that the expressions may load. */
    Map<String, HostTensor> captures(int heads, int keys) {
        return Map.of(
                "table", tensor(tableType, heads, Math.max(1, keys)),
                "flags", tensor(DType.BOOL, Math.max(1, keys)),
                "groups", tensor(DType.I32, 2, 1, Math.max(1, keys)));
    }

    private HostTensor tensor(DType type, int... shape) {
        double[] x = new double[java.util.Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        for (int i = 0; i < x.length; i++) {
            x[i] = type.isFloat() ? random.nextGaussian() : random.nextInt(type == DType.BOOL ? 2 : 7);
        }
        return new HostTensor(type, x, shape);
    }

    Expr score() {
        return Expressions.score().plus(floating(DEPTH).tanh().times(Expressions.constant(1.5f)));
    }

    Expr mask() {
        return condition(DEPTH);
    }

    private Expr floating(int depth) {
        int d = depth - 1;
        return switch (depth == 0 ? random.nextInt(3) : random.nextInt(14)) {
            case 0 -> real;
            case 1 -> Expressions.constant((float) random.nextGaussian());
            case 2 -> new Expr.Load("table", tableType, List.of(whole(0), whole(Math.min(d, 1))));
            case 3 -> floating(d).tanh();
            case 4 -> floating(d).abs().unaryMinus();
            case 5 -> whole(d).toFloat().times(Expressions.constant(0.01f));
            case 6 -> floating(d).div(Expressions.constant(3f));
            case 7 -> new Expr.Select(condition(d), floating(d), floating(d));
            case 8 -> floating(d).sigmoid();
            case 9 -> bounded(d).exp();
            case 10 -> bounded(d).exp2();
            case 11 -> positive(d).log();
            case 12 -> random.nextBoolean() ? positive(d).log2() : positive(d).sqrt();
            default -> new Expr.Binary(ARITHMETIC.get(random.nextInt(5)), floating(d), floating(d));
        };
    }

    /** Within [-3, 3], so that exponentials keep the error of their argument. */
    private Expr bounded(int depth) {
        return floating(depth).min(Expressions.constant(3f)).max(Expressions.constant(-3f));
    }

    /** At least 0.25, where logarithm and root keep the error of their argument. */
    private Expr positive(int depth) {
        return floating(depth).abs().plus(Expressions.constant(0.25f));
    }

    private Expr whole(int depth) {
        int d = depth - 1;
        return switch (depth <= 0 ? random.nextInt(3) : random.nextInt(11)) {
            case 0, 1 -> new Expr.Index(indices.get(random.nextInt(indices.size())));
            case 2 ->
                random.nextBoolean()
                        ? Expressions.constant(random.nextInt(9) - 4)
                        : new Expr.Scalar("shift", ValueType.I32);
            case 3 -> whole(d).abs();
            case 4 -> whole(d).unaryMinus();
            case 6 -> whole(d).floorDiv(whole(d));
            case 7 -> whole(d).mod(whole(d));
            case 8 -> small(d).toFloat().times(Expressions.constant(0.75f)).toInt();
            case 5 -> new Expr.Load("groups", DType.I32, List.of(whole(0), whole(0), whole(d)));
            default -> new Expr.Binary(ARITHMETIC.get(random.nextInt(5)), whole(d), whole(d));
        };
    }

    /** Within what a float holds exactly, so that a conversion back rounds as exact arithmetic does. */
    private Expr small(int depth) {
        return whole(depth).min(Expressions.constant(100_000)).max(Expressions.constant(-100_000));
    }

    private Expr condition(int depth) {
        int d = depth - 1;
        return switch (depth <= 0 ? random.nextInt(3) : random.nextInt(8)) {
            case 0 -> whole(0).lessThan(whole(0));
            case 1 -> new Expr.Load("flags", DType.BOOL, List.of(whole(Math.min(d, 1))));
            case 2 -> whole(d).atMost(whole(d));
            case 3 -> whole(d).sameAs(whole(d)).not();
            case 4 -> condition(d).and(condition(d));
            case 5 -> new Expr.Select(condition(d), condition(d), condition(d));
            default -> condition(d).or(condition(d));
        };
    }
}
