package dev.fovea.api.expr;

import dev.fovea.api.expr.Expr.Binary;
import dev.fovea.api.expr.Expr.BinaryOp;
import dev.fovea.api.expr.Expr.Unary;
import dev.fovea.api.expr.Expr.UnaryOp;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The text form of expressions, with no more parentheses than needed; {@link ExprParser} reads it back to an equal tree. */
final class ExprPrinter {
    /** Binding strength of what encloses an operand, loosest first. */
    private static final int OR = 1;

    private static final int AND = 2;
    private static final int COMPARISON = 3;
    private static final int SUM = 4;
    private static final int PRODUCT = 5;
    private static final int PREFIX = 6;

    private ExprPrinter() {}

    static String print(Expr e) {
        return print(e, 0);
    }

    private static String print(Expr e, int context) {
        return switch (e) {
            case Expr.Index i -> ExprNames.of(i.kind());
            case Expr.Value v -> ExprNames.of(v.kind());
            case Expr.FloatConst c -> number(c.value(), context);
            case Expr.IntConst c -> c.value() < 0 ? enclosed("" + c.value(), PREFIX, context) : "" + c.value();
            case Expr.BoolConst c -> "" + c.value();
            case Expr.Scalar s -> s.name();
            case Expr.Load l ->
                l.name() + l.indices().stream().map(ExprPrinter::print).collect(Collectors.joining(", ", "[", "]"));
            case Expr.Select s -> call("select", List.of(s.condition(), s.ifTrue(), s.ifFalse()));
            case Unary(UnaryOp op, Expr a)
            when op == UnaryOp.NEGATE ->
                // a minus before a number would be read as part of it
                a instanceof Expr.FloatConst || a instanceof Expr.IntConst
                        ? enclosed("-(" + print(a) + ")", PREFIX, context)
                        : enclosed("-" + print(a, PREFIX), PREFIX, context);
            case Unary(UnaryOp op, Expr a) when op == UnaryOp.NOT -> enclosed("!" + print(a, PREFIX), PREFIX, context);
            case Unary(UnaryOp op, Expr a) -> call(ExprNames.function(op), List.of(a));
            case Binary(BinaryOp op, Expr a, Expr b)
            when op == BinaryOp.MIN || op == BinaryOp.MAX -> call(op.name().toLowerCase(Locale.ROOT), List.of(a, b));
            case Binary b -> infix(b, context);
        };
    }

    private static String infix(Binary b, int context) {
        int strength = switch (b.op()) {
            case OR -> OR;
            case AND -> AND;
            case LESS, LESS_EQUAL, EQUAL -> COMPARISON;
            case ADD, SUBTRACT -> SUM;
            default -> PRODUCT;
        };
        // operators associate to the left; comparisons do not associate at all
        int left = strength == COMPARISON ? SUM : strength;
        String text = print(b.left(), left) + " " + ExprNames.symbol(b.op()) + " " + print(b.right(), strength + 1);
        return enclosed(text, strength, context);
    }

    private static String enclosed(String text, int strength, int context) {
        return strength < context ? "(" + text + ")" : text;
    }

    private static String call(String name, List<Expr> arguments) {
        return name + arguments.stream().map(ExprPrinter::print).collect(Collectors.joining(", ", "(", ")"));
    }

    private static String number(float x, int context) {
        if (Float.isNaN(x)) {
            return "nan";
        }
        String text = Float.isInfinite(x) ? (x < 0 ? "-inf" : "inf") : Float.toString(x);
        return text.startsWith("-") ? enclosed(text, PREFIX, context) : text;
    }
}
