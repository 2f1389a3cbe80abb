package dev.fovea.api.expr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.DType;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ExprTextTest {
    private static final Map<String, DType> CAPTURES =
            Map.of("slope", DType.F32, "doc", DType.I32, "mask", DType.BOOL, "table", DType.F16);
    private static final Map<String, ValueType> SCALARS = Map.of("window", ValueType.I32, "cap", ValueType.F32);

    private static Expr parse(String text) {
        return ExprParser.parse(text, CAPTURES, SCALARS);
    }

    @Test
    void whatThePapersWrite() {
        assertThat(parse("kpos <= qpos")).isEqualTo(Expressions.causal());
        assertThat(parse("k <= q && q - k < 256").type()).isEqualTo(ValueType.BOOL);
        assertThat(parse("s + slope[h] * (k - q)").text()).isEqualTo("s + slope[h] * float(k - q)");
        assertThat(parse("doc[b, q] == doc[b, k]").text()).isEqualTo("doc[b, q] == doc[b, k]");
        assertThat(parse("cap * tanh(s / cap)").text()).isEqualTo("cap * tanh(s / cap)");
        assertThat(parse("select(k < 4 || q - k < window, s, -inf)").type()).isEqualTo(ValueType.F32);
        assertThat(parse("2 * s").text()).isEqualTo("2.0 * s");
    }

    @Test
    void factoriesPrintAndParseBack() {
        assertThat(Expressions.causal().and(Expressions.windowLeft()).text())
                .isEqualTo("kpos <= qpos && qpos - window_left <= kpos");
        Expr alibi = Expressions.score().plus(Expressions.alibi());
        assertThat(ExprParser.parse(alibi.text(), Map.of("alibi", DType.F32), Map.of()))
                .isEqualTo(alibi);
    }

    @Test
    void anyTreeParsesBack() {
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < 3000; i++) {
            Expr e = tree(
                    random,
                    List.of(ValueType.F32, ValueType.I32, ValueType.BOOL).get(random.nextInt(3)),
                    5);
            assertThat(parse(e.text())).as(e.text()).isEqualTo(e);
        }
    }

    static Expr tree(SplittableRandom r, ValueType type, int depth) {
        if (depth == 0 || r.nextInt(6) == 0) {
            return switch (type) {
                case F32 ->
                    switch (r.nextInt(5)) {
                        case 0 -> Expressions.score();
                        case 1 -> new Expr.Scalar("cap", ValueType.F32);
                        case 2 -> Expressions.constant(Float.NEGATIVE_INFINITY);
                        default -> Expressions.constant((r.nextInt(2000) - 1000) * 0.37f);
                    };
                case I32 ->
                    switch (r.nextInt(3)) {
                        case 0 -> Expressions.constant(r.nextInt(200) - 100);
                        case 1 -> new Expr.Scalar("window", ValueType.I32);
                        default ->
                            Expressions.index(r.nextBoolean() ? Expr.IndexKind.QUERY : Expr.IndexKind.KEY_LENGTH);
                    };
                case BOOL -> Expressions.constant(r.nextBoolean());
            };
        }
        Expr.BinaryOp[] arithmetic = {
            Expr.BinaryOp.ADD, Expr.BinaryOp.SUBTRACT, Expr.BinaryOp.MULTIPLY, Expr.BinaryOp.MIN, Expr.BinaryOp.MAX
        };
        int d = depth - 1;
        int pick = r.nextInt(10);
        if (pick == 0) {
            return new Expr.Select(tree(r, ValueType.BOOL, d), tree(r, type, d), tree(r, type, d));
        }
        return switch (type) {
            case F32 ->
                switch (pick) {
                    case 1 ->
                        new Expr.Unary(
                                List.of(
                                                Expr.UnaryOp.TANH,
                                                Expr.UnaryOp.EXP,
                                                Expr.UnaryOp.EXP2,
                                                Expr.UnaryOp.LOG,
                                                Expr.UnaryOp.LOG2,
                                                Expr.UnaryOp.SQRT,
                                                Expr.UnaryOp.SIGMOID)
                                        .get(r.nextInt(7)),
                                tree(r, type, d));
                    case 2 -> tree(r, type, d).unaryMinus();
                    case 3 -> tree(r, ValueType.I32, d).toFloat();
                    case 4 -> tree(r, type, d).div(tree(r, type, d));
                    case 5 ->
                        new Expr.Load(
                                "table", DType.F16, List.of(tree(r, ValueType.I32, d), tree(r, ValueType.I32, d)));
                    default -> new Expr.Binary(arithmetic[r.nextInt(5)], tree(r, type, d), tree(r, type, d));
                };
            case I32 ->
                switch (pick) {
                    case 1 -> tree(r, type, d).abs();
                    case 2 -> tree(r, type, d).unaryMinus();
                    case 3 -> new Expr.Load("doc", DType.I32, List.of(tree(r, type, d)));
                    case 4 -> tree(r, type, d).floorDiv(tree(r, type, d));
                    case 5 -> tree(r, type, d).mod(tree(r, type, d));
                    case 6 -> tree(r, ValueType.F32, d).toInt();
                    default -> new Expr.Binary(arithmetic[r.nextInt(5)], tree(r, type, d), tree(r, type, d));
                };
            case BOOL ->
                switch (pick) {
                    case 1, 2 -> tree(r, type, d).not();
                    case 3, 4 -> tree(r, type, d).and(tree(r, type, d));
                    case 5 -> tree(r, type, d).or(tree(r, type, d));
                    case 6 -> tree(r, ValueType.F32, d).lessThan(tree(r, ValueType.F32, d));
                    case 7 -> tree(r, ValueType.I32, d).sameAs(tree(r, ValueType.I32, d));
                    case 8 -> new Expr.Load("mask", DType.BOOL, List.of(tree(r, ValueType.I32, d)));
                    default -> tree(r, ValueType.I32, d).atMost(tree(r, ValueType.I32, d));
                };
        };
    }

    @Test
    void mistakesAreNamedWithTheirPlace() {
        for (String[] wrong : new String[][] {
            {"k <= ", "ends too early"},
            {"k <= qq", "no 'qq'", "len_k"},
            {"k < q < 3", "end before '<'"},
            {"slope", "needs indices"},
            {"slope[s]", "I32"},
            {"nope[h]", "no captured tensor 'nope'", "slope"},
            {"sin(s)", "no function 'sin'"},
            {"min(q)", "2 arguments"},
            {"s && true", "F32"},
            {"!q", "not"},
            {"(k + 1", "')' is missing"},
            {"k # q", "character 2"},
            {"99999999999", "32 bits"},
            {"select(q, 1, 2)", "BOOL"},
            {"", "ends too early"},
        }) {
            assertThatThrownBy(() -> parse(wrong[0]))
                    .as(wrong[0])
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContainingAll(java.util.Arrays.copyOfRange(wrong, 1, wrong.length));
        }
    }
}
