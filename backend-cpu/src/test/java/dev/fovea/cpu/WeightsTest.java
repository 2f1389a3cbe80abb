package dev.fovea.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.OpenBackend;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.ExprParser;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.Normaliser;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spec.ScoreStage;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Weights of any normaliser and probability expression: what must hold for masked pairs, empty rows and NaN. */
class WeightsTest {
    private static final int D = 16;
    private static final int N = 150;

    static Stream<Arguments> weights() {
        List<Expr> shapes = List.of(
                Expressions.probability(),
                Expressions.probability().times(Expressions.score()),
                Expressions.probability().plus(Expressions.constant(1f)),
                Expressions.score().sigmoid());
        return Stream.of(KernelSet.choose(), KernelSet.scalar(List.of()))
                .flatMap(k -> Stream.of(Normaliser.values())
                        .flatMap(n -> shapes.stream().map(e -> Arguments.of(k, n, e))));
    }

    private static AttentionSpec spec(Normaliser normaliser, Expr probability, boolean weights) {
        return new AttentionSpec(
                        DType.F32,
                        D,
                        D,
                        1,
                        1,
                        1,
                        Expressions.score(),
                        Expressions.score(),
                        Expressions.causal(),
                        QueryOffset.GIVEN,
                        false,
                        false,
                        false,
                        false,
                        weights ? Optional.of(ScoreStage.PROBABILITY) : Optional.empty())
                .with(normaliser)
                .withProbability(probability);
    }

    private static float[] run(
            Backend cpu, AttentionSpec spec, float[] q, float[] k, float[] v, int offset, float[] weights) {
        try (Tensor tq = cpu.copyOf(q, 1, 1, N, D);
                Tensor tk = cpu.copyOf(k, 1, 1, N, D);
                Tensor tv = cpu.copyOf(v, 1, 1, N, D);
                Tensor o = cpu.allocate(DType.F32, 1, 1, N, D);
                Tensor offsets = cpu.copyOf(new int[] {offset}, 1);
                Tensor scores = cpu.allocate(DType.F32, 1, 1, N, N);
                var plan = cpu.prepare(spec)) {
            plan.run(new AttentionArguments(
                    tq,
                    tk,
                    tv,
                    o,
                    0.25f,
                    null,
                    null,
                    null,
                    offsets,
                    null,
                    null,
                    spec.scores().isPresent() ? scores : null,
                    Map.of(),
                    Map.of()));
            if (spec.scores().isPresent()) {
                System.arraycopy(scores.toFloatArray(), 0, weights, 0, N * N);
            }
            return o.toFloatArray();
        }
    }

    @ParameterizedTest
    @MethodSource("weights")
    void aMaskedPairWeighsNothingWhateverStandsThere(KernelSet kernels, Normaliser normaliser, Expr probability) {
        float[] x = AttentionNumericsTest.gaussians(N * D);
        float[] w = new float[N * N];
        float[] dirtyWeights = new float[N * N];
        try (Backend cpu = OpenBackend.of(CpuProvider.open(1, kernels))) {
            float[] o = run(cpu, spec(normaliser, probability, true), x, x, x, -30, w);
            float[] same = run(cpu, spec(normaliser, probability, false), x, x, x, -30, w.clone());
            assertThat(same).isEqualTo(o);
            assertThat(leaks(w)).isZero();
            for (int i = 0; i < 30 * D; i++) {
                assertThat(o[i]).isZero();
            }
            int at = 70;
            for (float poison : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
                float[] dirty = x.clone();
                Arrays.fill(dirty, at * D, (at + 1) * D, poison);
                float[] keys = run(cpu, spec(normaliser, probability, true), x, dirty, x, -30, dirtyWeights);
                float[] values = run(cpu, spec(normaliser, probability, true), x, x, dirty, -30, w);
                int wrong = 0;
                for (int i = 0; i < N * D; i++) {
                    boolean sees = i / D - 30 >= at;
                    if (!sees) {
                        wrong += Math.abs(keys[i] - o[i]) <= 1e-4f && Math.abs(values[i] - o[i]) <= 1e-4f ? 0 : 1;
                    } else {
                        wrong += Float.isFinite(values[i]) || Float.isNaN(poison) && !Float.isNaN(keys[i]) ? 1 : 0;
                    }
                }
                assertThat(wrong).isZero();
                assertThat(leaks(dirtyWeights)).isZero();
            }
        }
    }

    private static int leaks(float[] weights) {
        int n = 0;
        for (int i = 0; i < N * N; i++) {
            n += i % N > i / N - 30 && weights[i] != 0 ? 1 : 0;
        }
        return n;
    }

    /** The sum over all tiles decides about each weight. */
    @ParameterizedTest
    @MethodSource("kernelSets")
    void aThresholdOverSeveralTiles(KernelSet kernels) {
        float[] x = AttentionNumericsTest.gaussians(N * D);
        float[] y = Arrays.copyOf(AttentionNumericsTest.gaussians(N * D + 1), N * D);
        float[] w = new float[N * N];
        float[] p = new float[N * N];
        Expr threshold = ExprParser.parse("select(p > 0.01, p, 0.0)", Map.of(), Map.of());
        try (Backend cpu = OpenBackend.of(CpuProvider.open(1, kernels))) {
            float[] plain = run(cpu, spec(Normaliser.SOFTMAX, Expressions.probability(), true), x, y, x, N, p);
            float[] o = run(cpu, spec(Normaliser.SOFTMAX, threshold, true), x, y, x, N, w);
            int dropped = 0;
            for (int q = 0; q < N; q++) {
                double[] expected = new double[D];
                double total = 0;
                for (int k = 0; k < N; k++) {
                    total += p[q * N + k];
                    if (Math.abs(p[q * N + k] - 0.01f) > 1e-6) {
                        assertThat(w[q * N + k]).isEqualTo(p[q * N + k] > 0.01f ? p[q * N + k] : 0);
                    }
                    dropped += w[q * N + k] == 0 ? 1 : 0;
                    for (int d = 0; d < D; d++) {
                        expected[d] += w[q * N + k] * x[k * D + d];
                    }
                }
                assertThat(total).isBetween(1 - 1e-5, 1 + 1e-5);
                for (int d = 0; d < D; d++) {
                    assertThat((double) o[q * D + d]).isBetween(expected[d] - 1e-5, expected[d] + 1e-5);
                }
            }
            assertThat(dropped).isBetween(1000, N * N - 1000);
            assertThat(o).isNotEqualTo(plain);
        }
    }

    static List<KernelSet> kernelSets() {
        return List.of(KernelSet.choose(), KernelSet.scalar(List.of()));
    }
}
