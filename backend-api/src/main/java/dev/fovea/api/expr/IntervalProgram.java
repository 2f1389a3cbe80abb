package dev.fovea.api.expr;

import dev.fovea.api.expr.Expr.Binary;
import dev.fovea.api.expr.Expr.BinaryOp;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expr.Unary;
import dev.fovea.api.expr.Expr.UnaryOp;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * An expression as a list of steps for {@link IntervalRun}, operands before their users, each subexpression once. Sums of indices
 * stay together as linear forms, so that {@code qpos - kpos} is known as well as it can be.
 */
final class IntervalProgram {
    /** Coefficients and constants of a linear form stay below these, so that long arithmetic over them cannot overflow. */
    private static final long LARGEST_FACTOR = 1L << 20;

    private static final long LARGEST_CONSTANT = 1L << 40;

    sealed interface Step {
        record Leaf(IndexKind kind) implements Step {}

        record IntValue(int value) implements Step {}

        record FloatValue(float value) implements Step {}

        record BoolValue(boolean value) implements Step {}

        record ScalarValue(Expr.Scalar scalar) implements Step {}

        /** A leaf that any value can stand for. */
        record Anything() implements Step {}

        record Loaded(Expr.Load load, int[] indices) implements Step {}

        record Sum(Linear form) implements Step {}

        record One(UnaryOp op, ValueType operandType, int operand) implements Step {}

        record Two(BinaryOp op, ValueType operandType, int left, int right) implements Step {}

        /** {@code left op right} of I32, with the linear form of the difference. */
        record Compared(BinaryOp op, int left, int right, Linear difference) implements Step {}

        record Chosen(ValueType type, int condition, int ifTrue, int ifFalse) implements Step {}
    }

    /**
     * {@code query * q + queryPosition * qpos + key * k + keyPosition * kpos + constant + sum factors[i] * step(parts[i])}, exact
     * modulo 2^32.
     */
    record Linear(
            long query, long queryPosition, long key, long keyPosition, long constant, long[] factors, int[] parts) {
        static Linear number(long constant) {
            return new Linear(0, 0, 0, 0, constant, new long[0], new int[0]);
        }

        static Linear step(int part) {
            return new Linear(0, 0, 0, 0, 0, new long[] {1}, new int[] {part});
        }

        boolean isConstant() {
            return query == 0 && queryPosition == 0 && key == 0 && keyPosition == 0 && parts.length == 0;
        }

        /** {@code this + factor * other}. */
        Linear plus(Linear other, long factor) {
            Map<Integer, Long> sum = new HashMap<>();
            for (int i = 0; i < parts.length; i++) {
                sum.merge(parts[i], factors[i], Long::sum);
            }
            for (int i = 0; i < other.parts.length; i++) {
                sum.merge(other.parts[i], factor * other.factors[i], Long::sum);
            }
            sum.values().removeIf(f -> f == 0);
            int[] steps =
                    sum.keySet().stream().mapToInt(Integer::intValue).sorted().toArray();
            long[] by = new long[steps.length];
            for (int i = 0; i < steps.length; i++) {
                by[i] = sum.getOrDefault(steps[i], 0L);
            }
            return new Linear(
                    query + factor * other.query,
                    queryPosition + factor * other.queryPosition,
                    key + factor * other.key,
                    keyPosition + factor * other.keyPosition,
                    constant + factor * other.constant,
                    by,
                    steps);
        }

        boolean isSmall() {
            long largest = Math.max(
                    Math.max(Math.abs(query), Math.abs(queryPosition)), Math.max(Math.abs(key), Math.abs(keyPosition)));
            for (long f : factors) {
                largest = Math.max(largest, Math.abs(f));
            }
            return largest < LARGEST_FACTOR && Math.abs(constant) < LARGEST_CONSTANT;
        }
    }

    private final List<Step> steps = new ArrayList<>();
    private final List<Boolean> varying = new ArrayList<>();
    private final Map<Expr, Integer> done = new HashMap<>();
    private final int result;

    IntervalProgram(Expr e) {
        result = step(e);
    }

    List<Step> steps() {
        return steps;
    }

    /** Whether a step depends on the query or the key. */
    boolean varies(int step) {
        return varying.get(step);
    }

    int result() {
        return result;
    }

    private int step(Expr e) {
        Integer known = done.get(e);
        if (known != null) {
            return known;
        }
        int at = e.type() == ValueType.I32 ? whole(e) : other(e);
        done.put(e, at);
        return at;
    }

    private int other(Expr e) {
        return switch (e) {
            case Expr.FloatConst(float x) -> add(new Step.FloatValue(x), false);
            case Expr.BoolConst(boolean x) -> add(new Step.BoolValue(x), false);
            case Expr.Scalar s -> add(new Step.ScalarValue(s), false);
            case Expr.Load l -> load(l);
            case Unary(UnaryOp op, Expr a) -> {
                int operand = step(a);
                yield add(new Step.One(op, a.type(), operand), varies(operand));
            }
            case Binary(BinaryOp op, Expr a, Expr b) -> binary(op, a, b);
            case Expr.Select s -> select(s);
            case Expr.Value v -> add(new Step.Anything(), true);
            case Expr.Index i -> throw new IllegalStateException("an index is I32");
            case Expr.IntConst c -> throw new IllegalStateException("a whole number is I32");
        };
    }

    private int binary(BinaryOp op, Expr a, Expr b) {
        int left = step(a);
        int right = step(b);
        boolean varies = varies(left) || varies(right);
        if (op.compares() && a.type() == ValueType.I32) {
            Linear difference = linear(a).plus(linear(b), -1);
            return add(new Step.Compared(op, left, right, difference), varies);
        }
        return add(new Step.Two(op, a.type(), left, right), varies);
    }

    private int select(Expr.Select s) {
        int condition = step(s.condition());
        int a = step(s.ifTrue());
        int b = step(s.ifFalse());
        return add(new Step.Chosen(s.type(), condition, a, b), varies(condition) || varies(a) || varies(b));
    }

    private int load(Expr.Load l) {
        int[] indices = l.indices().stream().mapToInt(this::step).toArray();
        boolean varies = false;
        for (int i : indices) {
            varies |= varies(i);
        }
        return add(new Step.Loaded(l, indices), varies);
    }

    /** A step of I32: a linear form, or what such a form cannot take apart. */
    private int whole(Expr e) {
        Linear form = linear(e);
        boolean itself = form.query == 0
                && form.queryPosition == 0
                && form.key == 0
                && form.keyPosition == 0
                && form.constant == 0
                && form.parts.length == 1
                && form.factors[0] == 1;
        if (itself) {
            return form.parts[0];
        }
        if (form.isConstant()) {
            return add(new Step.IntValue((int) form.constant), false);
        }
        boolean varies = form.query != 0 || form.queryPosition != 0 || form.key != 0 || form.keyPosition != 0;
        for (int part : form.parts) {
            varies |= varies(part);
        }
        return add(new Step.Sum(form), varies);
    }

    private Linear linear(Expr e) {
        return switch (e) {
            case Expr.IntConst(int x) -> Linear.number(x);
            case Expr.Index(IndexKind kind) ->
                switch (kind) {
                    case QUERY -> new Linear(1, 0, 0, 0, 0, new long[0], new int[0]);
                    case QUERY_POSITION -> new Linear(0, 1, 0, 0, 0, new long[0], new int[0]);
                    case KEY -> new Linear(0, 0, 1, 0, 0, new long[0], new int[0]);
                    case KEY_POSITION -> new Linear(0, 0, 0, 1, 0, new long[0], new int[0]);
                    default -> Linear.step(part(e));
                };
            case Unary(UnaryOp op, Expr a) when op == UnaryOp.NEGATE -> joined(e, Linear.number(0), linear(a), -1);
            case Binary(BinaryOp op, Expr a, Expr b) when op == BinaryOp.ADD -> joined(e, linear(a), linear(b), 1);
            case Binary(BinaryOp op, Expr a, Expr b)
            when op == BinaryOp.SUBTRACT -> joined(e, linear(a), linear(b), -1);
            case Binary(BinaryOp op, Expr a, Expr b) when op == BinaryOp.MULTIPLY -> product(e, linear(a), linear(b));
            default -> Linear.step(part(e));
        };
    }

    private Linear joined(Expr e, Linear a, Linear b, long factor) {
        Linear sum = a.plus(b, factor);
        return sum.isSmall() ? sum : Linear.step(part(e));
    }

    private Linear product(Expr e, Linear a, Linear b) {
        if (a.isConstant() && Math.abs(a.constant) < LARGEST_FACTOR) {
            return joined(e, Linear.number(0), b, a.constant);
        }
        return b.isConstant() && Math.abs(b.constant) < LARGEST_FACTOR
                ? joined(e, Linear.number(0), a, b.constant)
                : Linear.step(part(e));
    }

    /** The step of an I32 expression that is no linear form. */
    private int part(Expr e) {
        Integer known = done.get(e);
        if (known != null) {
            return known;
        }
        int at = switch (e) {
            case Expr.Index(IndexKind kind) -> add(new Step.Leaf(kind), false);
            case Expr.Scalar s -> add(new Step.ScalarValue(s), false);
            case Expr.Load l -> load(l);
            case Unary(UnaryOp op, Expr a) -> {
                int operand = step(a);
                yield add(new Step.One(op, a.type(), operand), varies(operand));
            }
            case Binary(BinaryOp op, Expr a, Expr b) -> {
                int left = step(a);
                int right = step(b);
                yield add(new Step.Two(op, a.type(), left, right), varies(left) || varies(right));
            }
            case Expr.Select s -> select(s);
            default -> throw new IllegalStateException("not a part: " + e);
        };
        done.put(e, at);
        return at;
    }

    private int add(Step step, boolean varies) {
        steps.add(step);
        varying.add(varies);
        return steps.size() - 1;
    }
}
