package dev.fovea.api.expr;

import dev.fovea.api.DType;
import java.util.List;
import java.util.Locale;

/**
 * A typed, total expression over one (query, key) pair: no loops, loads clamp their indices to the tensor. One tree has several
 * readings: the reference interprets it, OpenCL compiles it, the CPU runs it over a tile, and {@link KeyBand} reads key ranges
 * off it. Records compare by value and hold no arrays; sharing is found by whoever lowers the tree.
 */
public sealed interface Expr {
    /** Nodes an expression may have, counted as a tree. */
    int NODE_LIMIT = 512;

    ValueType type();

    /** What an expression knows about the pair it is evaluated for; all I32. */
    enum IndexKind {
        /** Batch entry. */
        BATCH,
        /** Query head. */
        HEAD,
        /** Key head that the query head reads. */
        KEY_HEAD,
        /** Index of the query in its sequence, from 0. */
        QUERY,
        /** Index of the key in its sequence, past keys included, from 0. */
        KEY,
        /** Position of the query: {@code QUERY + offset}. */
        QUERY_POSITION,
        /** Position of the key. */
        KEY_POSITION,
        /** Number of queries. */
        QUERY_LENGTH,
        /** Number of keys of this sequence. */
        KEY_LENGTH,
        /** Column of the value that the output expression is evaluated for. */
        CHANNEL
    }

    record Index(IndexKind kind) implements Expr {
        @Override
        public ValueType type() {
            return ValueType.I32;
        }
    }

    /** What an expression transforms or looks at; all F32. */
    enum ValueKind {
        /** The score so far. */
        SCORE,
        /** The weight that the normaliser gave. */
        PROBABILITY,
        /** An element of the output row, before it is rounded to storage. */
        OUTPUT
    }

    record Value(ValueKind kind) implements Expr {
        @Override
        public ValueType type() {
            return ValueType.F32;
        }
    }

    record FloatConst(float value) implements Expr {
        @Override
        public ValueType type() {
            return ValueType.F32;
        }
    }

    record IntConst(int value) implements Expr {
        @Override
        public ValueType type() {
            return ValueType.I32;
        }
    }

    record BoolConst(boolean value) implements Expr {
        @Override
        public ValueType type() {
            return ValueType.BOOL;
        }
    }

    /** A number given at run time by name; changing it compiles nothing. */
    record Scalar(String name, ValueType type) implements Expr {
        public Scalar {
            checkName(name);
            check(type != ValueType.BOOL, "a runtime scalar is F32 or I32");
        }
    }

    /** An element of a captured tensor; each index is clamped to [0, size). Any axis of the tensor may have stride 0. */
    record Load(String name, DType dtype, List<Expr> indices) implements Expr {
        /** Highest rank of a captured tensor. */
        public static final int MAX_RANK = 4;

        public Load {
            checkName(name);
            indices = List.copyOf(indices);
            check(!indices.isEmpty() && indices.size() <= MAX_RANK, "a captured tensor has rank 1 to " + MAX_RANK);
            indices.forEach(i -> check(i.type() == ValueType.I32, "an index of a load is I32"));
        }

        @Override
        public ValueType type() {
            return switch (dtype) {
                case F32, F16, BF16 -> ValueType.F32;
                case I32 -> ValueType.I32;
                case BYTE -> throw new IllegalArgumentException("a captured tensor is F32, F16, BF16, I32 or BOOL");
                case BOOL -> ValueType.BOOL;
            };
        }
    }

    enum UnaryOp {
        NEGATE,
        ABS,
        TANH,
        EXP,
        EXP2,
        /** Natural logarithm: NaN below 0, -inf at 0. */
        LOG,
        LOG2,
        SQRT,
        /** {@code 1 / (1 + exp(-x))}, without overflow. */
        SIGMOID,
        TO_FLOAT,
        /** Toward zero, saturating, NaN becomes 0. */
        TO_INT,
        NOT;

        private boolean takesFloat() {
            return switch (this) {
                case TANH, EXP, EXP2, LOG, LOG2, SQRT, SIGMOID, TO_INT -> true;
                case NEGATE, ABS, TO_FLOAT, NOT -> false;
            };
        }
    }

    record Unary(UnaryOp op, Expr operand) implements Expr {
        public Unary {
            ValueType t = operand.type();
            check(
                    switch (op) {
                        case NEGATE, ABS -> t != ValueType.BOOL;
                        case TO_FLOAT -> t == ValueType.I32;
                        case NOT -> t == ValueType.BOOL;
                        default -> op.takesFloat() && t == ValueType.F32;
                    },
                    op.name().toLowerCase(Locale.ROOT) + " does not take " + t);
        }

        @Override
        public ValueType type() {
            return switch (op) {
                case TO_FLOAT -> ValueType.F32;
                case TO_INT -> ValueType.I32;
                default -> operand.type();
            };
        }
    }

    enum BinaryOp {
        ADD,
        SUBTRACT,
        MULTIPLY,
        /** Floating point only. */
        DIVIDE,
        /** I32, toward minus infinity; by 0 gives 0, and the most negative number by -1 wraps to itself. */
        FLOOR_DIVIDE,
        /** I32: {@code a - b * floor(a / b)}, with the sign of b; by 0 gives 0. */
        MODULO,
        MIN,
        MAX,
        LESS,
        LESS_EQUAL,
        EQUAL,
        AND,
        OR;

        boolean compares() {
            return this == LESS || this == LESS_EQUAL || this == EQUAL;
        }

        boolean isLogical() {
            return this == AND || this == OR;
        }
    }

    record Binary(BinaryOp op, Expr left, Expr right) implements Expr {
        public Binary {
            check(
                    left.type() == right.type(),
                    op + " takes two of one type, got " + left.type() + " and " + right.type());
            check(op.isLogical() == (left.type() == ValueType.BOOL), op + " does not take " + left.type());
            check(op != BinaryOp.DIVIDE || left.type() == ValueType.F32, "divide takes F32");
            boolean whole = op == BinaryOp.FLOOR_DIVIDE || op == BinaryOp.MODULO;
            check(!whole || left.type() == ValueType.I32, op + " takes I32");
        }

        @Override
        public ValueType type() {
            return op.compares() ? ValueType.BOOL : left.type();
        }
    }

    record Select(Expr condition, Expr ifTrue, Expr ifFalse) implements Expr {
        public Select {
            check(condition.type() == ValueType.BOOL, "the condition of a select is BOOL");
            check(ifTrue.type() == ifFalse.type(), "both branches of a select have one type");
        }

        @Override
        public ValueType type() {
            return ifTrue.type();
        }
    }

    default Expr plus(Expr other) {
        return new Binary(BinaryOp.ADD, this, other);
    }

    default Expr minus(Expr other) {
        return new Binary(BinaryOp.SUBTRACT, this, other);
    }

    default Expr times(Expr other) {
        return new Binary(BinaryOp.MULTIPLY, this, other);
    }

    default Expr div(Expr other) {
        return new Binary(BinaryOp.DIVIDE, this, other);
    }

    default Expr floorDiv(Expr other) {
        return new Binary(BinaryOp.FLOOR_DIVIDE, this, other);
    }

    default Expr mod(Expr other) {
        return new Binary(BinaryOp.MODULO, this, other);
    }

    default Expr unaryMinus() {
        return new Unary(UnaryOp.NEGATE, this);
    }

    default Expr abs() {
        return new Unary(UnaryOp.ABS, this);
    }

    default Expr tanh() {
        return new Unary(UnaryOp.TANH, this);
    }

    default Expr exp() {
        return new Unary(UnaryOp.EXP, this);
    }

    default Expr exp2() {
        return new Unary(UnaryOp.EXP2, this);
    }

    default Expr log() {
        return new Unary(UnaryOp.LOG, this);
    }

    default Expr log2() {
        return new Unary(UnaryOp.LOG2, this);
    }

    default Expr sqrt() {
        return new Unary(UnaryOp.SQRT, this);
    }

    default Expr sigmoid() {
        return new Unary(UnaryOp.SIGMOID, this);
    }

    default Expr toInt() {
        return new Unary(UnaryOp.TO_INT, this);
    }

    default Expr toFloat() {
        return new Unary(UnaryOp.TO_FLOAT, this);
    }

    default Expr not() {
        return new Unary(UnaryOp.NOT, this);
    }

    default Expr min(Expr other) {
        return new Binary(BinaryOp.MIN, this, other);
    }

    default Expr max(Expr other) {
        return new Binary(BinaryOp.MAX, this, other);
    }

    default Expr lessThan(Expr other) {
        return new Binary(BinaryOp.LESS, this, other);
    }

    default Expr atMost(Expr other) {
        return new Binary(BinaryOp.LESS_EQUAL, this, other);
    }

    default Expr sameAs(Expr other) {
        return new Binary(BinaryOp.EQUAL, this, other);
    }

    default Expr and(Expr other) {
        return new Binary(BinaryOp.AND, this, other);
    }

    default Expr or(Expr other) {
        return new Binary(BinaryOp.OR, this, other);
    }

    /** The direct operands, left to right. */
    default List<Expr> operands() {
        return switch (this) {
            case Index i -> List.of();
            case Value v -> List.of();
            case FloatConst c -> List.of();
            case IntConst c -> List.of();
            case BoolConst c -> List.of();
            case Scalar s -> List.of();
            case Load l -> l.indices();
            case Unary u -> List.of(u.operand());
            case Binary b -> List.of(b.left(), b.right());
            case Select s -> List.of(s.condition(), s.ifTrue(), s.ifFalse());
        };
    }

    /** This expression with {@code score} in the place of the score that it transforms. */
    default Expr onScore(Expr score) {
        return on(ValueKind.SCORE, score);
    }

    /** This expression with another in the place of a value. */
    default Expr on(ValueKind kind, Expr replacement) {
        return switch (this) {
            case Value v -> v.kind() == kind ? replacement : v;
            case Load l ->
                new Load(
                        l.name(),
                        l.dtype(),
                        l.indices().stream().map(i -> i.on(kind, replacement)).toList());
            case Unary u -> new Unary(u.op(), u.operand().on(kind, replacement));
            case Binary b ->
                new Binary(b.op(), b.left().on(kind, replacement), b.right().on(kind, replacement));
            case Select s ->
                new Select(
                        s.condition().on(kind, replacement),
                        s.ifTrue().on(kind, replacement),
                        s.ifFalse().on(kind, replacement));
            default -> this;
        };
    }

    /** Whether a leaf that looks at this value occurs. */
    default boolean uses(ValueKind kind) {
        return this instanceof Value v && v.kind() == kind
                || operands().stream().anyMatch(e -> e.uses(kind));
    }

    /** Whether a leaf of this index occurs. */
    default boolean uses(IndexKind kind) {
        return this instanceof Index i && i.kind() == kind
                || operands().stream().anyMatch(e -> e.uses(kind));
    }

    /** The text form, which {@link ExprParser} reads back to an equal tree. */
    default String text() {
        return ExprPrinter.print(this);
    }

    /** Nodes of the tree; a subtree that occurs twice counts twice. */
    default int nodeCount() {
        int n = 1;
        for (Expr e : operands()) {
            n += e.nodeCount();
        }
        return n;
    }

    private static void check(boolean ok, String message) {
        if (!ok) {
            throw new IllegalArgumentException(message);
        }
    }

    private static void checkName(String name) {
        check(name.matches("[a-z][a-z0-9_]{0,30}"), "a name is lower case letters, digits and _, got '" + name + "'");
    }
}
