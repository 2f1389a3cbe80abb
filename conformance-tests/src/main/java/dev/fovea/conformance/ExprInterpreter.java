package dev.fovea.conformance;

import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.Binary;
import dev.fovea.api.expr.Expr.Load;
import dev.fovea.api.expr.Expr.Unary;
import dev.fovea.api.expr.ValueType;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Evaluates expressions for one (query, key) pair by walking the tree: floats in float64, or rounded to f32 after every step. */
final class ExprInterpreter {
    private final @Nullable HostProblem problem;
    private final Map<String, HostTensor> captures;
    private final Map<String, Number> scalars;
    private final boolean single;
    private int b;
    private int head;
    private int query;
    private int key;
    private int channel;
    private double score;
    private double probability;
    private double output;

    ExprInterpreter(HostProblem problem, boolean single) {
        this.problem = problem;
        this.captures = problem.captures();
        this.scalars = problem.scalars();
        this.single = single;
    }

    /** For elementwise expressions, which have the indices b, h, q and d alone. */
    ExprInterpreter(Map<String, HostTensor> captures, Map<String, Number> scalars, boolean single) {
        this.problem = null;
        this.captures = captures;
        this.scalars = scalars;
        this.single = single;
    }

    void at(int batch, int h, int q, int k) {
        b = batch;
        head = h;
        query = q;
        key = k;
    }

    boolean test(Expr e) {
        return value(e) != 0;
    }

    /** The value for an element; I32 as an integral double, BOOL as 0 or 1. */
    double element(Expr e, int batch, int h, int q, int d) {
        at(batch, h, q, 0);
        channel = d;
        return value(e);
    }

    double value(Expr e, double s) {
        score = s;
        return value(e);
    }

    double weight(Expr e, double s, double p) {
        score = s;
        probability = p;
        return value(e);
    }

    double output(Expr e, double o, int column) {
        output = o;
        channel = column;
        return value(e);
    }

    /** The value; I32 as an integral double, BOOL as 0 or 1. */
    private double value(Expr e) {
        return switch (e) {
            case Expr.Index i -> index(i);
            case Expr.Value v ->
                switch (v.kind()) {
                    case SCORE -> score;
                    case PROBABILITY -> probability;
                    case OUTPUT -> output;
                };
            case Expr.FloatConst c -> c.value();
            case Expr.IntConst c -> c.value();
            case Expr.BoolConst c -> c.value() ? 1 : 0;
            case Expr.Scalar s -> scalar(s);
            case Load load -> load(load);
            case Unary u -> unary(u, value(u.operand()));
            case Binary x -> binary(x, value(x.left()), value(x.right()));
            case Expr.Select s -> value(s.condition()) != 0 ? value(s.ifTrue()) : value(s.ifFalse());
        };
    }

    private double scalar(Expr.Scalar s) {
        Number n = Objects.requireNonNull(scalars.get(s.name()));
        return s.type() == ValueType.I32 ? n.intValue() : n.floatValue();
    }

    private double index(Expr.Index i) {
        return switch (i.kind()) {
            case BATCH -> b;
            case HEAD -> head;
            case KEY_HEAD -> pairs().keyHead(head);
            case QUERY -> query;
            case KEY -> key;
            case KEY_POSITION -> pairs().keyPosition(b, head, key);
            case QUERY_POSITION -> query + pairs().offset(b, head);
            case QUERY_LENGTH -> pairs().queryLength(b);
            case KEY_LENGTH -> pairs().keyLength(b, head);
            case CHANNEL -> channel;
        };
    }

    private HostProblem pairs() {
        return Objects.requireNonNull(problem);
    }

    private double load(Load load) {
        HostTensor t = Objects.requireNonNull(captures.get(load.name()));
        int rank = load.indices().size();
        int[] at = new int[rank];
        for (int i = 0; i < rank; i++) {
            int axis = i - (rank - t.rank());
            int size = axis < 0 || t.size(axis) == 1 ? Integer.MAX_VALUE : t.size(axis);
            at[i] = Math.clamp((long) value(load.indices().get(i)), 0, size - 1);
        }
        return t.broadcastAt(at);
    }

    private double unary(Unary u, double a) {
        boolean whole = u.type() == ValueType.I32;
        return switch (u.op()) {
            case NEGATE -> whole ? -(int) a : -a;
            case ABS -> whole ? Math.abs((int) a) : Math.abs(a);
            case TANH -> round(StrictMath.tanh(a));
            case EXP -> round(StrictMath.exp(a));
            case EXP2 -> round(StrictMath.pow(2, a));
            case LOG -> round(StrictMath.log(a));
            case LOG2 -> round(StrictMath.log(a) / StrictMath.log(2));
            case SQRT -> round(StrictMath.sqrt(a));
            case SIGMOID -> round(1 / (1 + StrictMath.exp(-a)));
            case TO_INT -> (int) a;
            case TO_FLOAT -> round(a);
            case NOT -> a == 0 ? 1 : 0;
        };
    }

    private double binary(Binary x, double l, double r) {
        boolean whole = x.left().type() == ValueType.I32;
        return switch (x.op()) {
            case ADD -> whole ? (int) l + (int) r : round(l + r);
            case SUBTRACT -> whole ? (int) l - (int) r : round(l - r);
            case MULTIPLY -> whole ? ((int) l) * ((int) r) : round(l * r);
            case DIVIDE -> round(l / r);
            case FLOOR_DIVIDE -> r == 0 ? 0 : Math.floorDiv((int) l, (int) r);
            case MODULO -> r == 0 ? 0 : Math.floorMod((int) l, (int) r);
            case MIN -> Math.min(l, r);
            case MAX -> Math.max(l, r);
            case LESS -> l < r ? 1 : 0;
            case LESS_EQUAL -> l <= r ? 1 : 0;
            case EQUAL -> l == r ? 1 : 0;
            case AND -> l != 0 && r != 0 ? 1 : 0;
            case OR -> l != 0 || r != 0 ? 1 : 0;
        };
    }

    private double round(double x) {
        return single ? (float) x : x;
    }
}
