package dev.fovea.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expr.ValueKind;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.ValueType;
import java.util.List;
import org.junit.jupiter.api.Test;

class ExpressionTextTest {
    private static String lower(Expr e) {
        ExpressionText text = new ExpressionText();
        text.function("f", e, e.type() == ValueType.F32 ? new ValueKind[] {ValueKind.SCORE} : new ValueKind[0]);
        return text.text();
    }

    @Test
    void textIsTheSameForEqualTreesAndForOtherNames() {
        assertThat(lower(Expressions.alibi())).isEqualTo(lower(Expressions.alibi()));
        Expr a = new Expr.Load("a", DType.F32, List.of(Expressions.index(IndexKind.HEAD)));
        Expr b = new Expr.Load("other", DType.F32, List.of(Expressions.index(IndexKind.HEAD)));
        assertThat(lower(a)).isEqualTo(lower(b));
        assertThat(lower(new Expr.Scalar("x", ValueType.F32))).isEqualTo(lower(new Expr.Scalar("y", ValueType.F32)));
    }

    @Test
    void commonSubexpressionsAreComputedOnce() {
        Expr t = Expressions.score().tanh();
        assertThat(lower(t.times(t).plus(t)).split("tanh\\(", -1)).hasSize(2);
    }

    @Test
    void aChainAtTheNodeLimitDoesNotNest() {
        Expr e = Expressions.score();
        while (e.nodeCount() + 2 <= Expr.NODE_LIMIT) {
            e = e.plus(Expressions.constant((float) e.nodeCount()));
        }
        assertThat(lower(e).lines())
                .allSatisfy(l -> assertThat(l.split("\\(", -1)).hasSizeLessThan(5));
    }

    @Test
    void floatConstantsAreExact() {
        assertThat(lower(Expressions.constant(0.1f))).contains(Float.toHexString(0.1f) + "f");
        assertThat(lower(Expressions.constant(-0.0f))).contains("-0x0.0p0f");
        assertThat(lower(Expressions.constant(Float.NEGATIVE_INFINITY))).contains("= -INFINITY;");
        assertThat(lower(Expressions.constant(Float.NaN))).contains("= NAN;");
        assertThat(lower(Expressions.constant(Float.MIN_VALUE))).contains("0x0.000002p-126f");
    }

    @Test
    void integersWrap() {
        Expr max = Expressions.constant(Integer.MAX_VALUE);
        assertThat(lower(max.plus(Expressions.constant(1)).lessThan(max)))
                .contains("(int)0x7fffffffu")
                .contains("(int)((uint)v0 + (uint)v1)");
        assertThat(lower(Expressions.constant(Integer.MIN_VALUE).abs().toFloat()))
                .contains("(int)0x80000000u")
                .contains("(int)abs(v0)");
    }

    @Test
    void loadsClampAndWiden() {
        Expr index = Expressions.index(IndexKind.KEY);
        String f16 = lower(new Expr.Load("bias", DType.F16, List.of(index, index)));
        assertThat(f16)
                .contains(", __global const ushort *t0, struct capture c0")
                .contains("clamp(v0, 0, c0.last0)")
                .contains("clamp(v0, 0, c0.last1)")
                .contains("vload_half");
        assertThat(lower(new Expr.Load("bias", DType.BF16, List.of(index)))).contains("from_bf16");
        assertThat(lower(new Expr.Load("mask", DType.BOOL, List.of(index)))).contains("!= 0");
    }

    @Test
    void parametersAreCountedOverAllFunctions() {
        ExpressionText text = new ExpressionText();
        text.function("cap_expression", Expressions.softcap(), ValueKind.SCORE);
        text.function("score_expression", Expressions.score().plus(Expressions.alibi()), ValueKind.SCORE);
        text.function("mask_expression", Expressions.windowLeft());
        assertThat(text.captures()).containsExactly(Expressions.ALIBI);
        assertThat(text.scalars()).containsExactly(Expressions.SOFTCAP, Expressions.WINDOW_LEFT);
        assertThat(text.text()).contains("#define EXTRA_ARGUMENTS , t0, c0, x0, x1");
    }

    @Test
    void everyValueIsAParameterOfItsFunction() {
        ExpressionText text = new ExpressionText();
        Expr kept = new Expr.Select(
                Expressions.constant(0.01f).lessThan(Expressions.probability()),
                Expressions.probability(),
                Expressions.constant(0f));
        text.function("weight_expression", kept.plus(Expressions.score()), ValueKind.PROBABILITY, ValueKind.SCORE);
        Expr gate = new Expr.Load("gate", DType.F32, List.of(Expressions.index(IndexKind.CHANNEL)));
        text.function("output_expression", Expressions.output().times(gate.sigmoid()), ValueKind.OUTPUT);
        assertThat(text.text())
                .contains("static float weight_expression(float p, float s, struct pair at EXTRA_PARAMETERS)")
                .contains("static float output_expression(float o, struct pair at EXTRA_PARAMETERS)")
                .contains("= at.d;");
    }
}
