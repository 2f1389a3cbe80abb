package dev.fovea.kernels;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.ValueKind;
import dev.fovea.api.expr.ValueType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Lowers expressions to OpenCL C: one function each, one statement a distinct node, so that common subexpressions are computed
 * once and no nesting limit of a compiler is met. Tensors and scalars are numbered by first use, so that texts which differ only
 * in names are the same text.
 */
final class ExpressionText {
    private final Map<String, Captured> captures = new LinkedHashMap<>();
    private final Map<String, ValueType> scalars = new LinkedHashMap<>();
    private final List<String> functions = new ArrayList<>();
    private final StringBuilder defines = new StringBuilder();
    private List<KernelSource.Range> ranges = List.of();

    private record Captured(int number, DType dtype) {}

    /** Adds a function whose first parameters are these values. */
    void function(String name, Expr body, ValueKind... values) {
        Body lowered = new Body();
        String result = lowered.value(body);
        StringBuilder parameters = new StringBuilder();
        for (ValueKind v : values) {
            parameters.append("float ").append(name(v)).append(", ");
        }
        functions.add("static " + type(body.type()) + " " + name + "(" + parameters
                + "struct pair at EXTRA_PARAMETERS) {\n" + lowered.statements + "  return " + result + ";\n}\n");
    }

    /** Adds {@code mask_verdict}, which says for a tile of pairs whether the mask may be false and whether it may be true. */
    void verdict(Expr mask) {
        VerdictText lowered = new VerdictText(this);
        String body = lowered.body(mask);
        functions.add("static int mask_verdict(struct tile at EXTRA_PARAMETERS) {\n" + body + "}\n");
        ranges = lowered.ranges();
    }

    List<KernelSource.Range> ranges() {
        return List.copyOf(ranges);
    }

    /** Adds a line before the functions. */
    void define(String name, int value) {
        defines.append("#define ").append(name).append(' ').append(value).append('\n');
    }

    List<String> captures() {
        return List.copyOf(captures.keySet());
    }

    List<String> scalars() {
        return List.copyOf(scalars.keySet());
    }

    /** The text that stands for {@code expressions.clh}. */
    String text() {
        List<String> parameters = new ArrayList<>();
        List<String> arguments = new ArrayList<>();
        captures.values().forEach(c -> {
            parameters.add("__global const " + storage(c.dtype) + " *t" + c.number);
            parameters.add("struct capture c" + c.number);
            arguments.add("t" + c.number);
            arguments.add("c" + c.number);
        });
        int i = 0;
        for (ValueType t : scalars.values()) {
            parameters.add(type(t) + " x" + i);
            arguments.add("x" + i++);
        }
        if (!ranges.isEmpty()) {
            parameters.add("__global const int *ranges");
            arguments.add("ranges");
        }
        for (int r = 0; r < ranges.size(); r++) {
            parameters.add("struct capture r_" + r);
            arguments.add("r_" + r);
        }
        return defines + "#define EXTRA_PARAMETERS " + commaBefore(parameters) + "\n#define EXTRA_ARGUMENTS "
                + commaBefore(arguments) + "\n" + String.join("", functions);
    }

    private static String commaBefore(List<String> parts) {
        return parts.stream().map(p -> ", " + p).collect(Collectors.joining());
    }

    private static String type(ValueType t) {
        return t == ValueType.F32 ? "float" : "int";
    }

    private static String storage(DType t) {
        return switch (t) {
            case F32 -> "float";
            case F16, BF16 -> "ushort";
            case I32 -> "int";
            case BOOL -> "uchar";
            case BYTE -> throw new IllegalArgumentException("bytes are no captured tensor");
        };
    }

    private final class Body {
        private final StringBuilder statements = new StringBuilder();
        private final Map<Expr, String> known = new HashMap<>();

        String value(Expr e) {
            String name = known.get(e);
            if (name == null) {
                String text = text(e);
                name = "v" + known.size();
                statements.append("  const ").append(type(e.type())).append(' ');
                statements.append(name).append(" = ").append(text).append(";\n");
                known.put(e, name);
            }
            return name;
        }

        private String text(Expr e) {
            return switch (e) {
                case Expr.Index i -> "at." + field(i.kind());
                case Expr.Value v -> name(v.kind());
                case Expr.FloatConst c -> floatText(c.value());
                case Expr.IntConst c -> intText(c.value());
                case Expr.BoolConst c -> c.value() ? "1" : "0";
                case Expr.Scalar s -> scalar(s);
                case Expr.Load l ->
                    element(l, l.indices().stream().map(this::value).toList());
                case Expr.Unary u -> unary(u, value(u.operand()));
                case Expr.Binary b -> {
                    String left = value(b.left());
                    yield binary(b, left, value(b.right()));
                }
                case Expr.Select s -> {
                    String condition = value(s.condition());
                    String ifTrue = value(s.ifTrue());
                    yield condition + " ? " + ifTrue + " : " + value(s.ifFalse());
                }
            };
        }
    }

    /** The parameter that a scalar is. */
    String scalar(Expr.Scalar s) {
        scalars.putIfAbsent(s.name(), s.type());
        return "x" + List.copyOf(scalars.keySet()).indexOf(s.name());
    }

    /** The number of a captured tensor among the parameters. */
    int capture(Expr.Load l) {
        return captures.computeIfAbsent(l.name(), n -> new Captured(captures.size(), l.dtype())).number;
    }

    /** The element of a captured tensor at indices, clamped. */
    String element(Expr.Load l, List<String> indices) {
        int number = capture(l);
        List<String> terms = new ArrayList<>();
        for (int axis = 0; axis < indices.size(); axis++) {
            terms.add("(index_t)clamp(" + indices.get(axis) + ", 0, c" + number + ".last" + axis + ") * (index_t)c"
                    + number + ".s" + axis);
        }
        String at = "t" + number + " + c" + number + ".offset + (" + String.join(" + ", terms) + ")";
        return switch (l.dtype()) {
            case F32, I32 -> "*(" + at + ")";
            case F16 -> "vload_half(0, (__global const half *)(" + at + "))";
            case BF16 -> "from_bf16(*(" + at + "))";
            case BOOL -> "*(" + at + ") != 0";
            case BYTE -> throw new IllegalArgumentException("bytes are no captured tensor");
        };
    }

    /** Signed overflow is undefined in C and wraps in Java, so integer arithmetic goes through uint. */
    private static String unary(Expr.Unary u, String a) {
        boolean real = u.operand().type() == ValueType.F32;
        return switch (u.op()) {
            case NEGATE -> real ? "-" + a : "(int)(0u - (uint)" + a + ")";
            case ABS -> real ? "fabs(" + a + ")" : "(int)abs(" + a + ")";
            case TANH -> "tanh(" + a + ")";
            case EXP -> "exp(" + a + ")";
            case EXP2 -> "exp2(" + a + ")";
            case LOG -> "log(" + a + ")";
            case LOG2 -> "log2(" + a + ")";
            case SQRT -> "sqrt(" + a + ")";
            case SIGMOID -> "sigmoid(" + a + ")";
            case TO_INT -> "to_int(" + a + ")";
            case TO_FLOAT -> "(float)" + a;
            case NOT -> "!" + a;
        };
    }

    private static String binary(Expr.Binary e, String a, String b) {
        boolean real = e.left().type() == ValueType.F32;
        return switch (e.op()) {
            case ADD -> arithmetic(real, a, "+", b);
            case SUBTRACT -> arithmetic(real, a, "-", b);
            case MULTIPLY -> arithmetic(real, a, "*", b);
            case DIVIDE -> a + " / " + b;
            case FLOOR_DIVIDE -> "floor_divide(" + a + ", " + b + ")";
            case MODULO -> "floor_modulo(" + a + ", " + b + ")";
            case MIN -> (real ? "minimum(" : "min(") + a + ", " + b + ")";
            case MAX -> (real ? "maximum(" : "max(") + a + ", " + b + ")";
            case LESS -> a + " < " + b;
            case LESS_EQUAL -> a + " <= " + b;
            case EQUAL -> a + " == " + b;
            case AND -> a + " & " + b;
            case OR -> a + " | " + b;
        };
    }

    private static String arithmetic(boolean real, String a, String op, String b) {
        return real ? a + " " + op + " " + b : "(int)((uint)" + a + " " + op + " (uint)" + b + ")";
    }

    private static String name(ValueKind kind) {
        return switch (kind) {
            case SCORE -> "s";
            case PROBABILITY -> "p";
            case OUTPUT -> "o";
        };
    }

    static String field(Expr.IndexKind kind) {
        return switch (kind) {
            case BATCH -> "b";
            case HEAD -> "h";
            case KEY_HEAD -> "hk";
            case QUERY -> "q";
            case KEY -> "k";
            case QUERY_POSITION -> "qpos";
            case KEY_POSITION -> "kpos";
            case QUERY_LENGTH -> "len_q";
            case KEY_LENGTH -> "len_k";
            case CHANNEL -> "d";
        };
    }

    static String intText(int value) {
        return "(int)0x" + Integer.toHexString(value) + "u";
    }

    private static String floatText(float value) {
        if (Float.isNaN(value)) {
            return "NAN";
        }
        if (Float.isInfinite(value)) {
            return value > 0 ? "INFINITY" : "-INFINITY";
        }
        return Float.toHexString(value) + "f";
    }
}
