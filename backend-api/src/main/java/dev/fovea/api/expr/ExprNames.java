package dev.fovea.api.expr;

import dev.fovea.api.expr.Expr.BinaryOp;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expr.UnaryOp;
import java.util.LinkedHashMap;
import java.util.Map;

/** The words and symbols of the text form. */
final class ExprNames {
    static final String SCORE = "s";
    static final Map<String, IndexKind> INDICES = new LinkedHashMap<>();

    static {
        INDICES.put("b", IndexKind.BATCH);
        INDICES.put("h", IndexKind.HEAD);
        INDICES.put("hkv", IndexKind.KEY_HEAD);
        INDICES.put("q", IndexKind.QUERY);
        INDICES.put("k", IndexKind.KEY);
        INDICES.put("qpos", IndexKind.QUERY_POSITION);
        INDICES.put("kpos", IndexKind.KEY_POSITION);
        INDICES.put("len_q", IndexKind.QUERY_LENGTH);
        INDICES.put("len_k", IndexKind.KEY_LENGTH);
    }

    private ExprNames() {}

    static String of(IndexKind kind) {
        return INDICES.entrySet().stream()
                .filter(e -> e.getValue() == kind)
                .findFirst()
                .orElseThrow()
                .getKey();
    }

    static String symbol(BinaryOp op) {
        return switch (op) {
            case ADD -> "+";
            case SUBTRACT -> "-";
            case MULTIPLY -> "*";
            case DIVIDE -> "/";
            case LESS -> "<";
            case LESS_EQUAL -> "<=";
            case EQUAL -> "==";
            case AND -> "&&";
            case OR -> "||";
            case MIN, MAX -> throw new IllegalArgumentException(op + " is a function");
        };
    }

    static String function(UnaryOp op) {
        return switch (op) {
            case ABS -> "abs";
            case TANH -> "tanh";
            case TO_FLOAT -> "float";
            case NEGATE, NOT -> throw new IllegalArgumentException(op + " is a prefix");
        };
    }
}
