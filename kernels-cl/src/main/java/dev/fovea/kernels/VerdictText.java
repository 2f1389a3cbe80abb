package dev.fovea.kernels;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.BinaryOp;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.ValueType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Lowers a mask to a function over a tile of pairs, in the terms of {@code verdicts.clh}: integers become intervals, truth two bits.
 * Floating-point numbers are not followed, nor elements of a captured tensor at which two indices vary within the tile.
 */
final class VerdictText {
    private static final String UNKNOWN = "UNKNOWN";
    private static final String MAYBE = "MAYBE";

    private final ExpressionText names;
    private final List<KernelSource.Range> ranges = new ArrayList<>();
    private final StringBuilder statements = new StringBuilder();
    private final Map<Expr, String> known = new HashMap<>();

    VerdictText(ExpressionText names) {
        this.names = names;
    }

    /** Axes of captured tensors whose least and largest numbers the function looks at, in the order of its parameters. */
    List<KernelSource.Range> ranges() {
        return ranges;
    }

    /** The body of the function. */
    String body(Expr mask) {
        String result = value(mask);
        return statements + "  return " + result + ";\n";
    }

    /** Whether anything at all can be known of the expression. */
    boolean knows(Expr e) {
        return !value(e).equals(MAYBE);
    }

    private String value(Expr e) {
        if (e.type() == ValueType.F32) {
            return UNKNOWN;
        }
        String name = known.get(e);
        if (name == null) {
            String text = text(e);
            if (text.equals(UNKNOWN) || text.equals(MAYBE)) {
                name = text;
            } else {
                name = "r" + known.size();
                statements.append(e.type() == ValueType.I32 ? "  const int2 " : "  const int ");
                statements.append(name).append(" = ").append(text).append(";\n");
            }
            known.put(e, name);
        }
        return name;
    }

    private String text(Expr e) {
        return switch (e) {
            case Expr.Index i -> index(i.kind());
            case Expr.IntConst c -> "range_point(" + ExpressionText.intText(c.value()) + ")";
            case Expr.BoolConst c -> c.value() ? "MAYBE_TRUE" : "MAYBE_FALSE";
            case Expr.Scalar s -> "range_point(" + names.scalar(s) + ")";
            case Expr.Load l -> load(l);
            case Expr.Unary u ->
                switch (u.op()) {
                    case NEGATE -> call("range_negate", u.operand());
                    case ABS -> call("range_abs", u.operand());
                    case NOT -> call("truth_not", u.operand());
                    default -> UNKNOWN;
                };
            case Expr.Binary b -> binary(b);
            case Expr.Select s ->
                call(
                        s.type() == ValueType.BOOL ? "truth_select" : "range_select",
                        s.condition(),
                        s.ifTrue(),
                        s.ifFalse());
            case Expr.FloatConst _, Expr.Value _ -> UNKNOWN;
        };
    }

    private String binary(Expr.Binary b) {
        if (b.left().type() == ValueType.F32) {
            return MAYBE;
        }
        return switch (b.op()) {
            case ADD -> call("range_add", b.left(), b.right());
            case SUBTRACT -> call("range_subtract", b.left(), b.right());
            case MULTIPLY -> call("range_multiply", b.left(), b.right());
            case FLOOR_DIVIDE -> call("range_floor_divide", b.left(), b.right());
            case MODULO -> call("range_modulo", b.left(), b.right());
            case MIN -> call("range_min", b.left(), b.right());
            case MAX -> call("range_max", b.left(), b.right());
            case LESS -> call("range_less", b.left(), b.right());
            case LESS_EQUAL -> call("range_less_equal", b.left(), b.right());
            case EQUAL -> call("range_equal", b.left(), b.right());
            case AND -> call("truth_and", b.left(), b.right());
            case OR -> call("truth_or", b.left(), b.right());
            case DIVIDE -> UNKNOWN;
        };
    }

    private String call(String function, Expr... operands) {
        List<String> values = Stream.of(operands).map(this::value).toList();
        boolean nothing = values.stream().allMatch(v -> v.equals(UNKNOWN) || v.equals(MAYBE));
        if (nothing) {
            return function.startsWith("truth") || function.matches("range_(less|less_equal|equal)") ? MAYBE : UNKNOWN;
        }
        return function + "(" + String.join(", ", values) + ")";
    }

    private static String index(IndexKind kind) {
        return switch (kind) {
            case QUERY, KEY, QUERY_POSITION, KEY_POSITION -> "at." + ExpressionText.field(kind);
            case BATCH, HEAD, KEY_HEAD, QUERY_LENGTH, KEY_LENGTH, CHANNEL ->
                "range_point(at." + ExpressionText.field(kind) + ")";
        };
    }

    private static boolean varies(Expr e) {
        return e.uses(IndexKind.QUERY)
                || e.uses(IndexKind.KEY)
                || e.uses(IndexKind.QUERY_POSITION)
                || e.uses(IndexKind.KEY_POSITION);
    }

    /** By blocks along the index that varies; the element itself where none does. */
    private String load(Expr.Load l) {
        boolean truth = l.dtype() == DType.BOOL;
        List<Integer> varying = new ArrayList<>();
        List<String> indices = new ArrayList<>();
        List<String> conditions = new ArrayList<>();
        for (int axis = 0; axis < l.indices().size(); axis++) {
            boolean varies = varies(l.indices().get(axis));
            String index = value(l.indices().get(axis));
            indices.add(index);
            if (varies) {
                varying.add(axis);
            } else {
                conditions.add("range_is_point(" + index + ")");
            }
        }
        if (varying.size() > 1 || indices.contains(UNKNOWN)) {
            return truth ? MAYBE : UNKNOWN;
        }
        int c = names.capture(l);
        String range;
        if (varying.isEmpty()) {
            List<String> points = indices.stream().map(i -> i + ".x").toList();
            range = "range_point(" + names.element(l, points) + ")";
        } else {
            int axis = varying.getFirst();
            KernelSource.Range wanted = new KernelSource.Range(l.name(), axis);
            if (!ranges.contains(wanted)) {
                ranges.add(wanted);
            }
            String r = "r_" + ranges.indexOf(wanted);
            StringBuilder place = new StringBuilder(r + ".offset");
            for (int i = 0; i < indices.size(); i++) {
                if (i != axis) {
                    place.append(
                            " + (long)clamp(" + indices.get(i) + ".x, 0, c" + c + ".last" + i + ") * " + r + ".s" + i);
                }
            }
            range = "range_of_blocks(ranges, " + place + ", " + r + ".s" + axis + ", " + indices.get(axis) + ", c" + c
                    + ".last" + axis + ")";
        }
        String text = conditions.isEmpty() ? range : String.join(" & ", conditions) + " ? " + range + " : UNKNOWN";
        return truth ? "truth_of_range(" + text + ")" : text;
    }

    /** The conjuncts of a mask. */
    static List<Expr> conjuncts(Expr mask) {
        return mask instanceof Expr.Binary(BinaryOp op, Expr a, Expr b) && op == BinaryOp.AND
                ? Stream.concat(conjuncts(a).stream(), conjuncts(b).stream()).toList()
                : List.of(mask);
    }
}
