package dev.fovea.api.expr;

import dev.fovea.api.expr.Expr.BinaryOp;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expr.UnaryOp;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** The words and symbols of the text form. */
final class ExprNames {
    static final String SCORE = "s";
    static final Map<String, IndexKind> INDICES = indices();

    private static Map<String, IndexKind> indices() {
        Map<String, IndexKind> all = new LinkedHashMap<>();
        all.put("b", IndexKind.BATCH);
        all.put("h", IndexKind.HEAD);
        all.put("hkv", IndexKind.KEY_HEAD);
        all.put("q", IndexKind.QUERY);
        all.put("k", IndexKind.KEY);
        all.put("qpos", IndexKind.QUERY_POSITION);
        all.put("kpos", IndexKind.KEY_POSITION);
        all.put("len_q", IndexKind.QUERY_LENGTH);
        all.put("len_k", IndexKind.KEY_LENGTH);
        return Collections.unmodifiableMap(all);
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
