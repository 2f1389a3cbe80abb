package dev.fovea.api.expr;

import dev.fovea.api.expr.Expr.BinaryOp;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expr.UnaryOp;
import dev.fovea.api.expr.Expr.ValueKind;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** The words and symbols of the text form. */
final class ExprNames {
    static final Map<String, ValueKind> VALUES =
            Map.of("s", ValueKind.SCORE, "p", ValueKind.PROBABILITY, "o", ValueKind.OUTPUT);
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
        all.put("d", IndexKind.CHANNEL);
        return Collections.unmodifiableMap(all);
    }

    private ExprNames() {}

    static String of(IndexKind kind) {
        return of(INDICES, kind);
    }

    static String of(ValueKind kind) {
        return of(VALUES, kind);
    }

    private static <T> String of(Map<String, T> names, T kind) {
        return names.entrySet().stream()
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
            case FLOOR_DIVIDE -> "//";
            case MODULO -> "%";
            case LESS -> "<";
            case LESS_EQUAL -> "<=";
            case EQUAL -> "==";
            case AND -> "&&";
            case OR -> "||";
            case MIN, MAX -> throw new IllegalArgumentException(op + " is a function");
        };
    }

    /** Functions of one argument. */
    static final Map<String, UnaryOp> FUNCTIONS = functions();

    private static Map<String, UnaryOp> functions() {
        Map<String, UnaryOp> all = new LinkedHashMap<>();
        all.put("abs", UnaryOp.ABS);
        all.put("tanh", UnaryOp.TANH);
        all.put("exp", UnaryOp.EXP);
        all.put("exp2", UnaryOp.EXP2);
        all.put("log", UnaryOp.LOG);
        all.put("log2", UnaryOp.LOG2);
        all.put("sqrt", UnaryOp.SQRT);
        all.put("sigmoid", UnaryOp.SIGMOID);
        all.put("float", UnaryOp.TO_FLOAT);
        all.put("int", UnaryOp.TO_INT);
        return Collections.unmodifiableMap(all);
    }

    static String function(UnaryOp op) {
        return of(FUNCTIONS, op);
    }
}
