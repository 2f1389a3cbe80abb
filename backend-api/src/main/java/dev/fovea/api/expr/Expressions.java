package dev.fovea.api.expr;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expr.ValueKind;
import java.util.List;

/** Leaves of expressions, and the score and mask expressions of the literature as factories of the same records. */
public final class Expressions {
    public static final String SOFTCAP = "softcap";
    public static final String WINDOW_LEFT = "window_left";
    public static final String WINDOW_RIGHT = "window_right";
    public static final String ALIBI = "alibi";
    public static final String MASK = "mask";
    public static final String MASK_KEYS = "mask_keys";
    public static final String BIAS = "bias";
    public static final String BIAS_KEYS = "bias_keys";

    private Expressions() {}

    public static Expr score() {
        return new Expr.Value(ValueKind.SCORE);
    }

    public static Expr probability() {
        return new Expr.Value(ValueKind.PROBABILITY);
    }

    public static Expr output() {
        return new Expr.Value(ValueKind.OUTPUT);
    }

    public static Expr queryPosition() {
        return new Expr.Index(IndexKind.QUERY_POSITION);
    }

    public static Expr keyPosition() {
        return new Expr.Index(IndexKind.KEY_POSITION);
    }

    public static Expr index(IndexKind kind) {
        return new Expr.Index(kind);
    }

    public static Expr constant(float value) {
        return new Expr.FloatConst(value);
    }

    public static Expr constant(int value) {
        return new Expr.IntConst(value);
    }

    public static Expr constant(boolean value) {
        return new Expr.BoolConst(value);
    }

    /** {@code c * tanh(score / c)}. The quotient may overflow to infinity, where tanh is exact, so nothing is clamped. */
    public static Expr softcap() {
        Expr cap = new Expr.Scalar(SOFTCAP, ValueType.F32);
        return cap.times(score().div(cap).tanh());
    }

    /** Key visible iff {@code kpos <= qpos}. */
    public static Expr causal() {
        return keyPosition().atMost(queryPosition());
    }

    /** Key visible iff {@code qpos - window_left <= kpos}, the bound inclusive. */
    public static Expr windowLeft() {
        return queryPosition()
                .minus(new Expr.Scalar(WINDOW_LEFT, ValueType.I32))
                .atMost(keyPosition());
    }

    /** Key visible iff {@code kpos <= qpos + window_right}, the bound inclusive. */
    public static Expr windowRight() {
        return keyPosition().atMost(queryPosition().plus(new Expr.Scalar(WINDOW_RIGHT, ValueType.I32)));
    }

    /** {@code -slope[head] * |qpos - kpos|}, to be added to the score (Press et al. 2022). */
    public static Expr alibi() {
        Expr slope = new Expr.Load(ALIBI, DType.F32, List.of(index(IndexKind.HEAD)));
        return slope.times(queryPosition().minus(keyPosition()).abs().toFloat()).unaryMinus();
    }

    /** Key visible iff {@code k < mask_keys && mask[b, h, q, k]}. */
    public static Expr booleanMask() {
        return index(IndexKind.KEY)
                .lessThan(new Expr.Scalar(MASK_KEYS, ValueType.I32))
                .and(new Expr.Load(MASK, DType.BOOL, pair()));
    }

    /** {@code k < keys ? name[b, h, q, k] : -inf}, to be added to the score; -inf masks, any finite value is added. */
    public static Expr additive(String name, String keys, DType dtype) {
        return new Expr.Select(
                index(IndexKind.KEY).lessThan(new Expr.Scalar(keys, ValueType.I32)),
                new Expr.Load(name, dtype, pair()),
                constant(Float.NEGATIVE_INFINITY));
    }

    private static List<Expr> pair() {
        return List.of(index(IndexKind.BATCH), index(IndexKind.HEAD), index(IndexKind.QUERY), index(IndexKind.KEY));
    }
}
