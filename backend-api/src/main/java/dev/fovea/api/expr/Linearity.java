package dev.fovea.api.expr;

import dev.fovea.api.expr.Expr.Binary;
import dev.fovea.api.expr.Expr.Select;
import dev.fovea.api.expr.Expr.Unary;
import dev.fovea.api.expr.Expr.UnaryOp;
import dev.fovea.api.expr.Expr.Value;
import dev.fovea.api.expr.Expr.ValueKind;

/** Whether a probability expression is {@code a * p} with a independent of p, so that one pass over the keys is enough. */
public final class Linearity {
    private Linearity() {}

    public static boolean isLinear(Expr e) {
        return switch (e) {
            case Value(ValueKind kind) -> kind == ValueKind.PROBABILITY;
            case Unary(UnaryOp op, Expr a) -> op == UnaryOp.NEGATE && isLinear(a);
            case Select(Expr c, Expr a, Expr b) -> isFree(c) && isLinearOrZero(a) && isLinearOrZero(b);
            case Binary(Expr.BinaryOp op, Expr a, Expr b) ->
                switch (op) {
                    case ADD, SUBTRACT -> isLinear(a) && isLinear(b);
                    case MULTIPLY -> isLinear(a) && isFree(b) || isFree(a) && isLinear(b);
                    case DIVIDE -> isLinear(a) && isFree(b);
                    default -> false;
                };
            default -> false;
        };
    }

    private static boolean isLinearOrZero(Expr e) {
        return isLinear(e) || e instanceof Expr.FloatConst(float x) && x == 0;
    }

    private static boolean isFree(Expr e) {
        return !e.uses(ValueKind.PROBABILITY);
    }
}
