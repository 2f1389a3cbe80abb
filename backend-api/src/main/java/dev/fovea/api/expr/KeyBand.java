package dev.fovea.api.expr;

import dev.fovea.api.expr.Expr.Binary;
import dev.fovea.api.expr.Expr.BinaryOp;
import dev.fovea.api.expr.Expr.BoolConst;
import dev.fovea.api.expr.Expr.Index;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expr.IntConst;
import dev.fovea.api.expr.Expr.Scalar;
import dev.fovea.api.expr.Expr.Unary;
import dev.fovea.api.expr.Expr.UnaryOp;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The diagonal band that a mask expression implies: a key outside {@code qpos - left <= kpos <= qpos + right} is masked. With
 * {@code exact}, a key inside is visible, so that a tile wholly inside needs no mask at all.
 *
 * @param left keys visible to the left of the own position; {@link #UNLIMITED} if none is cut, negative if the own one is cut too
 * @param right keys visible to the right, likewise
 * @param exact whether the band says all that the mask says
 */
public record KeyBand(int left, int right, boolean exact) {
    /** No bound; small enough that adding a position to it does not overflow an int. */
    public static final int UNLIMITED = 1 << 30;

    /** Reads the band off the conjunction that the mask is; a conjunct of another form only clears {@code exact}. */
    public static KeyBand of(Expr mask, Map<String, Number> scalars) {
        return new KeyBand(UNLIMITED, UNLIMITED, true).narrowedBy(mask, scalars);
    }

    private KeyBand narrowedBy(Expr mask, Map<String, Number> scalars) {
        return switch (mask) {
            case Binary(BinaryOp op, Expr a, Expr b)
            when op == BinaryOp.AND -> narrowedBy(a, scalars).narrowedBy(b, scalars);
            case Binary(BinaryOp op, Expr a, Expr b)
            when a.type() == ValueType.I32 && (op == BinaryOp.LESS || op == BinaryOp.LESS_EQUAL) ->
                narrowedBy(Linear.of(a.minus(b), scalars), op == BinaryOp.LESS ? 1 : 0);
            case BoolConst(boolean visible) -> visible ? this : new KeyBand(-UNLIMITED, -UNLIMITED, exact);
            default -> new KeyBand(left, right, false);
        };
    }

    /** Narrowed by {@code form + strict <= 0}. */
    private KeyBand narrowedBy(@Nullable Linear form, int strict) {
        if (form == null || form.query * form.key != -1) {
            return new KeyBand(left, right, false);
        }
        int bound = Math.clamp(-(form.constant + strict), -UNLIMITED, UNLIMITED);
        return form.key == 1
                ? new KeyBand(left, Math.min(right, bound), exact)
                : new KeyBand(Math.min(left, bound), right, exact);
    }

    /** query * qpos + key * kpos + constant. */
    private record Linear(long query, long key, long constant) {
        static @Nullable Linear of(Expr e, Map<String, Number> scalars) {
            return switch (e) {
                case Index(IndexKind kind) when kind == IndexKind.QUERY_POSITION -> new Linear(1, 0, 0);
                case Index(IndexKind kind) when kind == IndexKind.KEY_POSITION -> new Linear(0, 1, 0);
                case IntConst(int value) -> new Linear(0, 0, value);
                case Scalar(String name, ValueType type) -> {
                    Number value = scalars.get(name);
                    yield value == null ? null : new Linear(0, 0, value.intValue());
                }
                case Unary(UnaryOp op, Expr a)
                when op == UnaryOp.NEGATE -> plus(new Linear(0, 0, 0), of(a, scalars), -1);
                case Binary(BinaryOp op, Expr a, Expr b)
                when op == BinaryOp.ADD -> plus(of(a, scalars), of(b, scalars), 1);
                case Binary(BinaryOp op, Expr a, Expr b)
                when op == BinaryOp.SUBTRACT -> plus(of(a, scalars), of(b, scalars), -1);
                default -> null;
            };
        }

        private static @Nullable Linear plus(@Nullable Linear a, @Nullable Linear b, int sign) {
            return a == null || b == null
                    ? null
                    : new Linear(a.query + sign * b.query, a.key + sign * b.key, a.constant + sign * b.constant);
        }
    }
}
