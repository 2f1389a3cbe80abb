package dev.fovea.conformance;

import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.Binary;
import dev.fovea.api.expr.Expr.Load;
import dev.fovea.api.expr.Expr.Unary;
import dev.fovea.api.expr.ValueType;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Evaluates expressions for one (query, key) pair at a time: floats in float64, or rounded to f32 after every step. A tree becomes closures
 * at first sight, since walking it for each pair took a fifth of a suite.
 */
final class ExprInterpreter {
    private final @Nullable HostProblem problem;
    private final Map<String, HostTensor> captures;
    private final Map<String, Number> scalars;
    private final boolean single;
    private final IdentityHashMap<Expr, Node> made = new IdentityHashMap<>();
    private int b;
    private int head;
    private int query;
    private int key;
    private int channel;
    private double score;
    private double probability;
    private double output;

    /** An expression at the present pair. */
    private interface Node {
        double value();
    }

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
        Node node = made.get(e);
        if (node == null) {
            node = node(e);
            made.put(e, node);
        }
        return node.value();
    }

    private Node node(Expr e) {
        return switch (e) {
            case Expr.Index i -> index(i.kind());
            case Expr.Value v ->
                switch (v.kind()) {
                    case SCORE -> () -> score;
                    case PROBABILITY -> () -> probability;
                    case OUTPUT -> () -> output;
                };
            case Expr.FloatConst c -> constant(c.value());
            case Expr.IntConst c -> constant(c.value());
            case Expr.BoolConst c -> constant(c.value() ? 1 : 0);
            case Expr.Scalar s -> constant(scalar(s));
            case Load load -> load(load);
            case Unary u -> unary(u, node(u.operand()));
            case Binary x -> binary(x, node(x.left()), node(x.right()));
            case Expr.Select s -> {
                Node condition = node(s.condition());
                Node ifTrue = node(s.ifTrue());
                Node ifFalse = node(s.ifFalse());
                yield () -> condition.value() != 0 ? ifTrue.value() : ifFalse.value();
            }
        };
    }

    private static Node constant(double x) {
        return () -> x;
    }

    private double scalar(Expr.Scalar s) {
        Number n = Objects.requireNonNull(scalars.get(s.name()));
        return s.type() == ValueType.I32 ? n.intValue() : n.floatValue();
    }

    private Node index(Expr.IndexKind kind) {
        return switch (kind) {
            case BATCH -> () -> b;
            case HEAD -> () -> head;
            case KEY_HEAD -> () -> pairs().keyHead(head);
            case QUERY -> () -> query;
            case KEY -> () -> key;
            case KEY_POSITION -> () -> pairs().keyPosition(b, head, key);
            case QUERY_POSITION -> () -> query + pairs().offset(b, head);
            case QUERY_LENGTH -> () -> pairs().queryLength(b);
            case KEY_LENGTH -> () -> pairs().keyLength(b, head);
            case CHANNEL -> () -> channel;
        };
    }

    private HostProblem pairs() {
        return Objects.requireNonNull(problem);
    }

    private Node load(Load load) {
        HostTensor t = Objects.requireNonNull(captures.get(load.name()));
        int rank = load.indices().size();
        Node[] indices = load.indices().stream().map(this::node).toArray(Node[]::new);
        int[] last = new int[rank];
        for (int i = 0; i < rank; i++) {
            int axis = i - (rank - t.rank());
            last[i] = axis < 0 || t.size(axis) == 1 ? Integer.MAX_VALUE - 1 : t.size(axis) - 1;
        }
        return () -> {
            int[] at = new int[rank];
            for (int i = 0; i < rank; i++) {
                at[i] = Math.clamp((long) indices[i].value(), 0, last[i]);
            }
            return t.broadcastAt(at);
        };
    }

    private Node unary(Unary u, Node x) {
        boolean whole = u.type() == ValueType.I32;
        return switch (u.op()) {
            case NEGATE -> whole ? () -> -(int) x.value() : () -> -x.value();
            case ABS -> whole ? () -> Math.abs((int) x.value()) : () -> Math.abs(x.value());
            case TANH -> () -> round(StrictMath.tanh(x.value()));
            case EXP -> () -> round(StrictMath.exp(x.value()));
            case EXP2 -> () -> round(StrictMath.pow(2, x.value()));
            case LOG -> () -> round(StrictMath.log(x.value()));
            case LOG2 -> () -> round(StrictMath.log(x.value()) / StrictMath.log(2));
            case SQRT -> () -> round(StrictMath.sqrt(x.value()));
            case SIGMOID -> () -> round(1 / (1 + StrictMath.exp(-x.value())));
            case TO_INT -> () -> (int) x.value();
            case TO_FLOAT -> () -> round(x.value());
            case NOT -> () -> x.value() == 0 ? 1 : 0;
        };
    }

    private Node binary(Binary x, Node l, Node r) {
        boolean whole = x.left().type() == ValueType.I32;
        return switch (x.op()) {
            case ADD -> whole ? () -> (int) l.value() + (int) r.value() : () -> round(l.value() + r.value());
            case SUBTRACT -> whole ? () -> (int) l.value() - (int) r.value() : () -> round(l.value() - r.value());
            case MULTIPLY -> whole ? () -> ((int) l.value()) * ((int) r.value()) : () -> round(l.value() * r.value());
            case DIVIDE -> () -> round(l.value() / r.value());
            case FLOOR_DIVIDE ->
                () -> {
                    int divisor = (int) r.value();
                    return divisor == 0 ? 0 : Math.floorDiv((int) l.value(), divisor);
                };
            case MODULO ->
                () -> {
                    int divisor = (int) r.value();
                    return divisor == 0 ? 0 : Math.floorMod((int) l.value(), divisor);
                };
            case MIN -> () -> Math.min(l.value(), r.value());
            case MAX -> () -> Math.max(l.value(), r.value());
            case LESS -> () -> l.value() < r.value() ? 1 : 0;
            case LESS_EQUAL -> () -> l.value() <= r.value() ? 1 : 0;
            case EQUAL -> () -> l.value() == r.value() ? 1 : 0;
            case AND -> () -> l.value() != 0 && r.value() != 0 ? 1 : 0;
            case OR -> () -> l.value() != 0 || r.value() != 0 ? 1 : 0;
        };
    }

    private double round(double x) {
        return single ? (float) x : x;
    }
}
