package dev.fovea.api.expr;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr.BinaryOp;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expr.Load;
import dev.fovea.api.expr.Expr.Scalar;
import dev.fovea.api.expr.Expr.UnaryOp;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads expressions from text: {@code kpos <= qpos && qpos - kpos < 256}, {@code s + slope[h] * (kpos - qpos)}.
 *
 * <pre>
 * names      b h hkv q k qpos kpos len_q len_k d (I32), s (the score), p (the probability), o (the output),
 *            captured tensors name[i, ...], runtime scalars
 * operators  || &amp;&amp; ! &lt; &lt;= &gt; &gt;= == != + - * /   (as in C; comparisons do not chain)
 *            // and % are floor division and its remainder, of I32
 * functions  abs min max tanh exp exp2 log log2 sqrt sigmoid float int select(condition, a, b)
 * numbers    3 is I32, 3.0 1e-3 inf nan are F32; I32 widens where F32 is expected; true false
 * </pre>
 */
public final class ExprParser {
    private static final Pattern TOKEN = Pattern.compile(
            "\\s*(?:(?<number>(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?)|(?<name>[a-zA-Z_]\\w*)|(?<symbol>\\|\\||&&|[<>=!]=|//|[-+*/%<>!(),\\[\\]]))");

    private final String text;
    private final Map<String, DType> captures;
    private final Map<String, ValueType> scalars;
    private final List<String> tokens = new ArrayList<>();
    private final List<Integer> places = new ArrayList<>();
    private int next;

    private ExprParser(String text, Map<String, DType> captures, Map<String, ValueType> scalars) {
        this.text = text;
        this.captures = captures;
        this.scalars = scalars;
        Matcher m = TOKEN.matcher(text);
        int at = 0;
        while (at < text.stripTrailing().length()) {
            if (!m.find(at) || m.start() != at) {
                throw error(at, "there is something that is no part of an expression");
            }
            tokens.add(m.group().strip());
            places.add(m.end() - m.group().strip().length());
            at = m.end();
        }
    }

    /**
     * Parses an expression.
     *
     * @param captures the captured tensors it may load, with their storage types
     * @param scalars the runtime scalars it may use
     * @throws IllegalArgumentException with the place and what is wrong there
     */
    public static Expr parse(String text, Map<String, DType> captures, Map<String, ValueType> scalars) {
        ExprParser p = new ExprParser(text, captures, scalars);
        Expr e = p.or();
        if (p.next < p.tokens.size()) {
            throw p.error(p.place(), "the expression should end before '" + p.tokens.get(p.next) + "'");
        }
        return e;
    }

    private Expr or() {
        Expr e = and();
        while (take("||")) {
            e = join(BinaryOp.OR, e, and());
        }
        return e;
    }

    private Expr and() {
        Expr e = comparison();
        while (take("&&")) {
            e = join(BinaryOp.AND, e, comparison());
        }
        return e;
    }

    private Expr comparison() {
        Expr e = sum();
        if (take("<")) {
            return join(BinaryOp.LESS, e, sum());
        } else if (take("<=")) {
            return join(BinaryOp.LESS_EQUAL, e, sum());
        } else if (take(">")) {
            return join(BinaryOp.LESS, sum(), e);
        } else if (take(">=")) {
            return join(BinaryOp.LESS_EQUAL, sum(), e);
        } else if (take("==")) {
            return join(BinaryOp.EQUAL, e, sum());
        } else if (take("!=")) {
            return join(BinaryOp.EQUAL, e, sum()).not();
        }
        return e;
    }

    private Expr sum() {
        Expr e = product();
        while (true) {
            if (take("+")) {
                e = join(BinaryOp.ADD, e, product());
            } else if (take("-")) {
                e = join(BinaryOp.SUBTRACT, e, product());
            } else {
                return e;
            }
        }
    }

    private Expr product() {
        Expr e = prefix();
        while (true) {
            if (take("*")) {
                e = join(BinaryOp.MULTIPLY, e, prefix());
            } else if (take("/")) {
                e = join(BinaryOp.DIVIDE, floating(e), floating(prefix()));
            } else if (take("//")) {
                e = join(BinaryOp.FLOOR_DIVIDE, e, prefix());
            } else if (take("%")) {
                e = join(BinaryOp.MODULO, e, prefix());
            } else {
                return e;
            }
        }
    }

    private Expr prefix() {
        int at = place();
        if (take("!")) {
            Expr operand = prefix();
            return checked(at, operand::not);
        }
        if (!take("-")) {
            return primary();
        }
        boolean literal = next < tokens.size()
                && (Character.isDigit(tokens.get(next).charAt(0))
                        || tokens.get(next).startsWith(".")
                        || tokens.get(next).equals("inf"));
        Expr operand = prefix();
        return switch (operand) {
            case Expr.IntConst(int x) when literal -> new Expr.IntConst(-x);
            case Expr.FloatConst(float x) when literal -> new Expr.FloatConst(-x);
            default -> checked(at, operand::unaryMinus);
        };
    }

    private Expr primary() {
        if (next == tokens.size()) {
            throw error(text.length(), "the expression ends too early");
        }
        int at = place();
        String token = tokens.get(next++);
        if (token.equals("(")) {
            Expr e = or();
            expect(")");
            return e;
        }
        char first = token.charAt(0);
        if (Character.isDigit(first) || first == '.') {
            return number(token, at);
        }
        if (!Character.isLetter(first) && first != '_') {
            throw error(at, "a value is expected, not '" + token + "'");
        }
        return take("(") ? function(token, at) : name(token, at);
    }

    private Expr number(String token, int at) {
        if (token.matches("\\d+")) {
            try {
                return new Expr.IntConst(Integer.parseInt(token));
            } catch (NumberFormatException e) {
                throw error(at, token + " does not fit 32 bits: write it as " + token + ".0");
            }
        }
        return new Expr.FloatConst(Float.parseFloat(token));
    }

    private Expr function(String name, int at) {
        List<Expr> a = arguments(")");
        UnaryOp unary = ExprNames.FUNCTIONS.get(name);
        int arity = unary != null
                ? 1
                : switch (name) {
                    case "min", "max" -> 2;
                    case "select" -> 3;
                    default ->
                        throw error(
                                at,
                                "there is no function '" + name + "'; there is min, max, select, "
                                        + String.join(", ", ExprNames.FUNCTIONS.keySet()));
                };
        if (a.size() != arity) {
            throw error(at, name + " takes " + arity + " arguments, got " + a.size());
        }
        if (unary != null) {
            boolean keepsInt = unary == UnaryOp.ABS || unary == UnaryOp.TO_FLOAT;
            Expr operand = keepsInt ? a.get(0) : floating(a.get(0));
            return checked(at, () -> new Expr.Unary(unary, operand));
        }
        return switch (name) {
            case "min" -> join(BinaryOp.MIN, a.get(0), a.get(1));
            case "max" -> join(BinaryOp.MAX, a.get(0), a.get(1));
            default -> {
                boolean mixed = a.get(1).type() != a.get(2).type();
                Expr yes = mixed ? floating(a.get(1)) : a.get(1);
                Expr no = mixed ? floating(a.get(2)) : a.get(2);
                yield checked(at, () -> new Expr.Select(a.get(0), yes, no));
            }
        };
    }

    private Expr name(String name, int at) {
        if (take("[")) {
            DType dtype = captures.get(name);
            if (dtype == null) {
                throw error(at, "there is no captured tensor '" + name + "'; there is " + captures.keySet());
            }
            List<Expr> indices = arguments("]");
            return checked(at, () -> new Load(name, dtype, indices));
        }
        IndexKind index = ExprNames.INDICES.get(name);
        Expr.ValueKind value = ExprNames.VALUES.get(name);
        ValueType scalar = scalars.get(name);
        if (index != null) {
            return new Expr.Index(index);
        } else if (value != null) {
            return new Expr.Value(value);
        } else if (scalar != null) {
            return checked(at, () -> new Scalar(name, scalar));
        }
        return switch (name) {
            case "true" -> new Expr.BoolConst(true);
            case "false" -> new Expr.BoolConst(false);
            case "inf" -> new Expr.FloatConst(Float.POSITIVE_INFINITY);
            case "nan" -> new Expr.FloatConst(Float.NaN);
            default ->
                throw error(
                        at,
                        captures.containsKey(name)
                                ? "the captured tensor '" + name + "' needs indices: " + name + "[h]"
                                : "there is no '" + name + "'; there is s, p, o, "
                                        + String.join(", ", ExprNames.INDICES.keySet()) + ", captured tensors "
                                        + captures.keySet() + ", scalars " + scalars.keySet());
        };
    }

    private List<Expr> arguments(String close) {
        List<Expr> all = new ArrayList<>();
        do {
            all.add(or());
        } while (take(","));
        expect(close);
        return all;
    }

    private Expr join(BinaryOp op, Expr a, Expr b) {
        boolean mixed = a.type() != b.type();
        Expr left = mixed ? floating(a) : a;
        Expr right = mixed ? floating(b) : b;
        return checked(place(), () -> new Expr.Binary(op, left, right));
    }

    private static Expr floating(Expr e) {
        return switch (e) {
            case Expr.IntConst(int x) -> new Expr.FloatConst(x);
            default -> e.type() == ValueType.I32 ? e.toFloat() : e;
        };
    }

    private interface Maker {
        Expr make();
    }

    private Expr checked(int at, Maker maker) {
        try {
            return maker.make();
        } catch (IllegalArgumentException e) {
            throw error(at, String.valueOf(e.getMessage()));
        }
    }

    private boolean take(String token) {
        if (next < tokens.size() && tokens.get(next).equals(token)) {
            next++;
            return true;
        }
        return false;
    }

    private void expect(String token) {
        if (!take(token)) {
            throw error(place(), "'" + token + "' is missing");
        }
    }

    private int place() {
        return next < places.size() ? places.get(next) : text.length();
    }

    private IllegalArgumentException error(int at, String what) {
        return new IllegalArgumentException("in '" + text + "' at character " + (at + 1) + ": " + what);
    }
}
