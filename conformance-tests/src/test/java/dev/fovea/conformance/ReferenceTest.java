package dev.fovea.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spec.ScoreStage;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Cases small enough to be worked out on paper. */
class ReferenceTest {
    private static final double INF = Double.POSITIVE_INFINITY;

    private static AttentionSpec spec(Expr score, Expr mask, boolean sink, int heads, int keyHeads, int valueHeads) {
        return new AttentionSpec(
                DType.F32,
                1,
                1,
                heads,
                keyHeads,
                valueHeads,
                Expressions.score(),
                score,
                mask,
                QueryOffset.TOP_LEFT,
                sink,
                false,
                false,
                true,
                Optional.of(ScoreStage.PROBABILITY));
    }

    private static Result evaluate(AttentionSpec spec, double[] q, double[] k, double[] v, @Nullable HostTensor sinks) {
        return Reference.evaluate(new HostProblem(
                spec,
                new HostTensor(DType.F32, q, 1, spec.queryHeads(), q.length / spec.queryHeads(), 1),
                new HostTensor(DType.F32, k, 1, spec.keyHeads(), k.length / spec.keyHeads(), 1),
                new HostTensor(DType.F32, v, 1, spec.valueHeads(), v.length / spec.valueHeads(), 1),
                1,
                null,
                null,
                null,
                null,
                sinks,
                Map.of(),
                Map.of()));
    }

    private static Result plain(double[] q, double[] k, double[] v) {
        return evaluate(spec(Expressions.score(), Expressions.constant(true), false, 1, 1, 1), q, k, v, null);
    }

    @Test
    void oneKeyGivesItsValue() {
        Result r = plain(new double[] {3}, new double[] {2}, new double[] {7});
        assertThat(r.output()).containsExactly(7);
        assertThat(r.logSumExp()).containsExactly(6);
        assertThat(r.scores()).containsExactly(1);
    }

    @Test
    void twoKeysWeighAsOneToThree() {
        // Scores 0 and ln 3 (rounded to f32): weights 1/4 and 3/4.
        Result r = plain(new double[] {1}, new double[] {0, Math.log(3)}, new double[] {4, 8});
        assertThat(r.output()[0]).isCloseTo(7, within(1e-6));
        assertThat(r.logSumExp()[0]).isCloseTo(Math.log(4), within(1e-7));
        assertThat(r.scores()).containsExactly(new double[] {0.25, 0.75}, within(1e-7));
    }

    @Test
    void causalFirstRowSeesOneKey() {
        Result r = evaluate(
                spec(Expressions.score(), Expressions.causal(), false, 1, 1, 1),
                new double[] {1, 1, 1},
                new double[] {0, 0, 0},
                new double[] {3, 5, 100},
                null);
        assertThat(r.output()).containsExactly(new double[] {3, 4, 36}, within(1e-12));
        assertThat(r.scores()).containsExactly(1, 0, 0, 0.5, 0.5, 0, 1 / 3.0, 1 / 3.0, 1 / 3.0);
    }

    @Test
    void emptyRowIsZero() {
        Result r = evaluate(
                spec(Expressions.score(), Expressions.constant(false), false, 1, 1, 1),
                new double[] {1},
                new double[] {Double.NaN},
                new double[] {INF},
                null);
        assertThat(r.output()).containsExactly(0);
        assertThat(r.logSumExp()).containsExactly(-INF);
        assertThat(r.scores()).containsExactly(0);
    }

    @Test
    void emptyRowWithSinkHasItsLogSumExp() {
        HostTensor sink = new HostTensor(DType.F32, new double[] {-2.5}, 1);
        Result r = evaluate(
                spec(Expressions.score(), Expressions.constant(false), true, 1, 1, 1),
                new double[] {1},
                new double[] {1},
                new double[] {1},
                sink);
        assertThat(r.output()).containsExactly(0);
        assertThat(r.logSumExp()).containsExactly(-2.5);
    }

    @Test
    void sinkOfTheSameLogitHalvesTheOutput() {
        HostTensor sink = new HostTensor(DType.F32, new double[] {6}, 1);
        Result r = evaluate(
                spec(Expressions.score(), Expressions.constant(true), true, 1, 1, 1),
                new double[] {3},
                new double[] {2},
                new double[] {7},
                sink);
        assertThat(r.output()).containsExactly(3.5);
        assertThat(r.logSumExp()[0]).isCloseTo(6 + Math.log(2), within(1e-12));
        assertThat(r.scores()).containsExactly(0.5);
    }

    @Test
    void minusInfinityInABiasMasksAndFiniteValuesAreAdded() {
        Expr score = Expressions.score()
                .plus(new Expr.Load("bias", DType.F32, java.util.List.of(Expressions.index(Expr.IndexKind.KEY))));
        AttentionSpec spec = spec(score, Expressions.constant(true), false, 1, 1, 1);
        HostProblem p = new HostProblem(
                spec,
                new HostTensor(DType.F32, new double[] {1}, 1, 1, 1, 1),
                new HostTensor(DType.F32, new double[] {0, Double.NaN, 0}, 1, 1, 3, 1),
                new HostTensor(DType.F32, new double[] {1, Double.NaN, 2}, 1, 1, 3, 1),
                1,
                null,
                null,
                null,
                null,
                null,
                Map.of("bias", new HostTensor(DType.F32, new double[] {0, 0, -3e38}, 3)),
                Map.of());
        assertThat(Reference.evaluate(p).output()[0]).isNaN(); // the second key is visible
        HostProblem masked = new HostProblem(
                spec,
                p.query(),
                new HostTensor(DType.F32, new double[] {0, 0, 0}, 1, 1, 3, 1),
                p.value(),
                1,
                null,
                null,
                null,
                null,
                null,
                Map.of("bias", new HostTensor(DType.F32, new double[] {0, -INF, -3e38}, 3)),
                Map.of());
        assertThat(Reference.evaluate(masked).output()).containsExactly(1);
    }

    @Test
    void headsShareKeysAndValuesInGroups() {
        // Four query heads, two key heads, one value head; key heads point at key 0 and key 1.
        Result r = evaluate(
                spec(Expressions.score(), Expressions.constant(true), false, 4, 2, 1),
                new double[] {1, 1, 1, 1},
                new double[] {1000, 0, 0, 1000},
                new double[] {5, 9},
                null);
        assertThat(r.output()).containsExactly(5, 5, 9, 9);
    }

    @Test
    void hugeLogitsDoNotOverflow() {
        Result r = plain(new double[] {1e5}, new double[] {-10, 10}, new double[] {1, 2});
        assertThat(r.output()).containsExactly(2);
        assertThat(r.logSumExp()).containsExactly(1e6);
    }
}
