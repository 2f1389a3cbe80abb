package dev.fovea.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.ExprParser;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.Normaliser;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spec.RotarySpec;
import dev.fovea.api.spec.ScoreStage;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Normalisers, weights, selections and formats on numbers worked out on paper: one head, one column, scores are the keys. */
class FamilyReferenceTest {
    private static AttentionSpec spec(Normaliser normaliser, String weight, String output, boolean scores) {
        return new AttentionSpec(
                        DType.F32,
                        1,
                        1,
                        1,
                        1,
                        1,
                        Expressions.score(),
                        Expressions.score(),
                        ExprParser.parse("k < 4", Map.of(), Map.of()),
                        QueryOffset.TOP_LEFT,
                        false,
                        false,
                        false,
                        false,
                        scores ? Optional.of(ScoreStage.PROBABILITY) : Optional.empty())
                .with(normaliser)
                .withProbability(ExprParser.parse(weight, Map.of(), Map.of()))
                .withOutput(ExprParser.parse(output, Map.of(), Map.of()));
    }

    private static HostProblem problem(AttentionSpec spec, double[] keys, double[] values, HostSource source) {
        return new HostProblem(
                spec,
                new HostTensor(DType.F32, new double[] {1, 1}, 1, 1, 2, 1),
                new HostTensor(DType.F32, keys, 1, 1, keys.length, 1),
                new HostTensor(DType.F32, values, 1, 1, values.length, 1),
                1,
                null,
                null,
                null,
                null,
                null,
                Map.of(),
                Map.of(),
                source);
    }

    private static Result evaluate(Normaliser n, String weight, String output, double[] keys, double[] values) {
        return Reference.evaluate(problem(spec(n, weight, output, true), keys, values, HostSource.NONE));
    }

    private static double first(Normaliser n, String weight, String output, double[] keys, double[] values) {
        return evaluate(n, weight, output, keys, values).output()[0];
    }

    @Test
    void l1KeepsSignsAndDividesByTheSumOfMagnitudes() {
        Result r = evaluate(Normaliser.L1, "p", "o", new double[] {1, -3, 0, 4, 9}, new double[] {8, 8, 8, 1, 100});
        assertThat(java.util.Arrays.copyOf(r.scores(), 5)).containsExactly(1 / 8.0, -3 / 8.0, 0, 0.5, 0);
        assertThat(r.output()[0]).isEqualTo(1 - 3 + 0.5);
    }

    @Test
    void aRowWhoseMagnitudesSumToNothingIsZero() {
        assertThat(first(Normaliser.L1, "p", "o", new double[] {0, 0}, new double[] {5, 7}))
                .isZero();
    }

    @Test
    void identityWeighsByTheScoreItself() {
        assertThat(first(Normaliser.IDENTITY, "p", "o", new double[] {2, -1}, new double[] {10, 4}))
                .isEqualTo(16);
    }

    @Test
    void sigmoidAndReluAreWeightsWithoutASum() {
        double sigmoid = first(Normaliser.IDENTITY, "sigmoid(p)", "o", new double[] {0, 0}, new double[] {10, 4});
        assertThat(sigmoid).isEqualTo(7);
        double relu = first(
                Normaliser.IDENTITY, "max(p, 0.0) * max(p, 0.0)", "o", new double[] {-5, 3}, new double[] {10, 4});
        assertThat(relu).isEqualTo(36);
    }

    @Test
    void weightsSeeTheWholeRowAndMaskedPairsStayOut() {
        // p = 1/4 each, squared 1/16; the fifth key is masked, whatever the weight of 0 would be
        double squared = first(Normaliser.SOFTMAX, "p * p + 1.0", "o", new double[5], new double[] {1, 1, 1, 1, 50});
        assertThat(squared).isCloseTo(4 * 17 / 16.0, within(1e-12));
        double[] keys = {Math.log(2), 0, 0, 0}; // 2/5, 1/5, 1/5, 1/5
        double cut = first(Normaliser.SOFTMAX, "select(p > 0.3, p, 0.0)", "o", keys, new double[] {10, 1, 1, 1});
        assertThat(cut).isCloseTo(4, within(1e-6));
    }

    @Test
    void theOutputExpressionIsLast() {
        assertThat(first(Normaliser.SOFTMAX, "p", "o * 2.0 + float(q) + float(d)", new double[4], new double[] {
                    1, 2, 3, 6
                }))
                .isEqualTo(6);
    }

    private static HostTensor integers(int[] shape, int... x) {
        return new HostTensor(DType.I32, IntStream.of(x).asDoubleStream().toArray(), shape);
    }

    @Test
    void aQuerySeesTheKeysOfItsList() {
        AttentionSpec spec = spec(Normaliser.IDENTITY, "1.0", "o", false)
                .with(KeySource.dense(DType.F32).with(KeySource.Selection.TOKENS));
        HostSelection lists = new HostSelection(
                integers(new int[] {1, 1, 2, 3}, 3, 1, 0, 2, 0, 0), integers(new int[] {1, 1, 2}, 2, 1), 1, 1);
        Result r = Reference.evaluate(problem(spec, new double[4], new double[] {1, 10, 100, 1000}, selecting(lists)));
        assertThat(r.output()).containsExactly(1010, 100);
    }

    @Test
    void aBlockIsAllItsKeys() {
        AttentionSpec spec = spec(Normaliser.IDENTITY, "1.0", "o", false)
                .with(KeySource.dense(DType.F32).with(KeySource.Selection.BLOCKS));
        HostSelection lists =
                new HostSelection(integers(new int[] {1, 1, 1, 1}, 1), integers(new int[] {1, 1, 1}, 1), 2, 2);
        Result r = Reference.evaluate(problem(spec, new double[4], new double[] {1, 10, 100, 1000}, selecting(lists)));
        assertThat(r.output()).containsExactly(1100, 1100);
    }

    private static HostSource selecting(@Nullable HostSelection lists) {
        return new HostSource(null, 0, false, null, lists, null, null, null, null);
    }

    @Test
    void positionsOfKeysAreWhatMasksSee() {
        AttentionSpec spec = new AttentionSpec(
                        DType.F32,
                        1,
                        1,
                        1,
                        1,
                        1,
                        Expressions.score(),
                        Expressions.score(),
                        Expressions.causal(),
                        QueryOffset.TOP_LEFT,
                        false,
                        false,
                        false,
                        false,
                        Optional.empty())
                .with(Normaliser.IDENTITY)
                .withProbability(Expressions.constant(1f))
                .with(KeySource.dense(DType.F32).withPositions());
        HostSource source =
                new HostSource(null, 0, false, integers(new int[] {1, 3}, 1, 0, 5), null, null, null, null, null);
        Result r = Reference.evaluate(problem(spec, new double[3], new double[] {1, 10, 100}, source));
        assertThat(r.output()).containsExactly(10, 11);
    }

    @Test
    void paddingOfPackedQueriesIsNoResult() {
        AttentionSpec spec = spec(Normaliser.SOFTMAX, "p", "o + 1.0", false)
                .with(KeySource.dense(DType.F32).withPackedQueries());
        HostSource source = new HostSource(integers(new int[] {1}, 1), 0, false, null, null, null, null, null, null);
        Result r = Reference.evaluate(problem(spec, new double[2], new double[] {2, 4}, source));
        assertThat(r.output()).containsExactly(4, 0);
    }

    @Test
    void queriesAndKeysTurnByTheirPositions() {
        // Two columns, one pair: position n turns by n right angles, so that only keys two positions apart are
        // opposite.
        AttentionSpec spec = new AttentionSpec(
                        DType.F32,
                        2,
                        1,
                        1,
                        1,
                        1,
                        Expressions.score(),
                        Expressions.score(),
                        Expressions.constant(true),
                        QueryOffset.TOP_LEFT,
                        false,
                        false,
                        false,
                        false,
                        Optional.empty())
                .with(Normaliser.IDENTITY)
                .with(KeySource.dense(DType.F32).with(new KeySource.Rotary(RotarySpec.Pairing.HALVES, 2)));
        HostTensor cos = new HostTensor(DType.F32, new double[] {1, 0, -1, 0}, 4, 1);
        HostTensor sin = new HostTensor(DType.F32, new double[] {0, 1, 0, -1}, 4, 1);
        HostSource source = new HostSource(null, 0, false, null, null, null, null, cos, sin);
        HostTensor rows = new HostTensor(DType.F32, new double[] {1, 0, 1, 0, 1, 0}, 1, 1, 3, 2);
        HostProblem p = new HostProblem(
                spec,
                rows,
                rows,
                new HostTensor(DType.F32, new double[] {1, 10, 100}, 1, 1, 3, 1),
                1,
                null,
                null,
                null,
                null,
                null,
                Map.of(),
                Map.of(),
                source);
        assertThat(Reference.evaluate(p).output()).containsExactly(1 - 100, 10, 100 - 1);
    }

    @Test
    void fp8HasTheValuesOfTheStandard() {
        assertThat(Fp8.decode(0x01)).isEqualTo(0x1p-9);
        assertThat(Fp8.decode(0x08)).isEqualTo(0x1p-6);
        assertThat(Fp8.decode(0x38)).isEqualTo(1);
        assertThat(Fp8.decode(0x7e)).isEqualTo(448);
        assertThat(Fp8.decode(0xb8)).isEqualTo(-1);
        assertThat(Fp8.decode(0x7f)).isNaN();
        assertThat(Fp8.encode(1e9)).isEqualTo(0x7e);
        assertThat(Fp8.encode(1 + 1 / 16.0)).isEqualTo(0x38); // tie to even
        assertThat(Fp8.encode(1 + 3 / 16.0)).isEqualTo(0x3a);
        for (int code = 0; code < 127; code++) {
            assertThat(Fp8.encode(Fp8.decode(code))).isEqualTo(code);
        }
    }

    @Test
    void integersCoverTheRangeOfARowAndZeroExactly() {
        HostTensor row = new HostTensor(DType.F32, new double[] {0, 127.5, -127.5, 1}, 1, 1, 1, 4);
        QuantisedRows q = QuantisedRows.integers(KvFormat.INT8, row);
        assertThat(q.scale(0)).isEqualTo(1);
        assertThat(q.zero(0)).isEqualTo(0); // -128 + 127.5 rounds to even
        assertThat(q.bytes(0)).containsExactly(0, 127, -128, 1);
        QuantisedRows four =
                QuantisedRows.integers(KvFormat.INT4, new HostTensor(DType.F32, new double[] {0, 15, 3}, 1, 1, 1, 3));
        assertThat(four.bytes(0)).containsExactly((byte) 0xf0, 3);
        assertThat(four.decoded().values()).containsExactly(0, 15, 3);
    }

    @Test
    void expressionsOfWholeNumbersRoundDown() {
        HostProblem p =
                problem(spec(Normaliser.SOFTMAX, "p", "o", false), new double[1], new double[1], HostSource.NONE);
        ExprInterpreter at = new ExprInterpreter(p, false);
        at.at(0, 0, 0, 0);
        for (String[] x : new String[][] {
            {"float((0 - 7) // 2)", "-4"},
            {"float((0 - 7) % 2)", "1"},
            {"float(7 % (0 - 2))", "-1"},
            {"float(7 // 0)", "0"},
            {"float(int(0.0 - 2.7))", "-2"},
            {"sigmoid(0.0)", "0.5"},
            {"log2(8.0) + exp2(3.0)", "11"},
            {"sqrt(9.0) + exp(0.0) + log(1.0)", "4"},
        }) {
            Expr e = ExprParser.parse(x[0], Map.of(), Map.of());
            assertThat(at.value(e, 0)).as(x[0]).isEqualTo(Double.parseDouble(x[1]));
        }
    }
}
