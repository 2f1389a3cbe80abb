package dev.fovea.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Attention;
import dev.fovea.api.AttentionResult;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.OpenBackend;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.ScoreStage;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What must never happen to a number. */
class AttentionNumericsTest {
    private static final int D = 24;

    static List<KernelSet> kernelSets() {
        return List.of(KernelSet.choose(), KernelSet.scalar(List.of()));
    }

    static float[] gaussians(int n) {
        Random random = new Random(n);
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }

    @ParameterizedTest
    @MethodSource("kernelSets")
    void aMaskedNanStaysAwayAndAVisibleOneReachesItsRows(KernelSet kernels) {
        int n = 150;
        float[] clean = gaussians(n * D);
        try (Backend cpu = OpenBackend.of(CpuProvider.open(2, kernels));
                Tensor q = cpu.copyOf(clean, 1, 1, n, D);
                Tensor whole = cpu.attend(q, q, q, Attention.causal())) {
            float[] expected = whole.toFloatArray();
            for (float poison : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.intBitsToFloat(0x7f812345)}) {
                for (int at : new int[] {0, 40, 70, 149}) {
                    float[] dirty = clean.clone();
                    Arrays.fill(dirty, at * D, (at + 1) * D, poison);
                    for (int what = 0; what < 2; what++) {
                        try (Tensor bad = cpu.copyOf(dirty, 1, 1, n, D);
                                Tensor o =
                                        cpu.attend(q, what == 0 ? bad : q, what == 1 ? bad : q, Attention.causal())) {
                            float[] actual = o.toFloatArray();
                            for (int i = 0; i < n * D; i++) {
                                if (i / D < at) {
                                    assertThat(actual[i])
                                            .isCloseTo(expected[i], org.assertj.core.data.Offset.offset(1e-5f));
                                } else if (what == 1) {
                                    assertThat(Float.isFinite(actual[i])).isFalse();
                                } else if (Float.isNaN(poison)) {
                                    assertThat(actual[i]).isNaN();
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kernelSets")
    void beyondTheLengthAnythingMayStand(KernelSet kernels) {
        int n = 100;
        float[] clean = gaussians(n * D);
        float[] dirty = clean.clone();
        Arrays.fill(dirty, 67 * D, n * D, Float.NaN);
        try (Backend cpu = OpenBackend.of(CpuProvider.open(1, kernels));
                Tensor q = cpu.copyOf(clean, 1, 1, n, D);
                Tensor k = cpu.copyOf(dirty, 1, 1, n, D);
                AttentionResult a =
                        cpu.attendAll(q, q, q, Attention.full().keyLengths(67).scores(ScoreStage.PROBABILITY));
                AttentionResult b =
                        cpu.attendAll(q, k, k, Attention.full().keyLengths(67).scores(ScoreStage.PROBABILITY));
                AttentionResult c = cpu.attendAll(q, k, k, Attention.full().keyLengths(67))) {
            assertThat(b.output().toFloatArray()).isEqualTo(a.output().toFloatArray());
            assertThat(c.output().toFloatArray()).isEqualTo(a.output().toFloatArray());
            assertThat(Objects.requireNonNull(b.scores()).toFloatArray())
                    .isEqualTo(Objects.requireNonNull(a.scores()).toFloatArray());
        }
    }

    @ParameterizedTest
    @MethodSource("kernelSets")
    void fullyMaskedRows(KernelSet kernels) {
        int n = 70;
        try (Backend cpu = OpenBackend.of(CpuProvider.open(1, kernels));
                Tensor q = cpu.copyOf(gaussians(n * D), 1, 1, n, D);
                Tensor sink = cpu.copyOf(new float[] {0.5f}, 1);
                AttentionResult a = cpu.attendAll(
                        q, q, q, Attention.causal().queryOffset(-30).logSumExp());
                AttentionResult b = cpu.attendAll(
                        q, q, q, Attention.causal().queryOffset(-30).logSumExp().sink(sink))) {
            for (AttentionResult r : List.of(a, b)) {
                float[] o = r.output().toFloatArray();
                float[] lse = Objects.requireNonNull(r.logSumExp()).toFloatArray();
                for (int i = 0; i < n * D; i++) {
                    assertThat(o[i]).isFinite();
                    assertThat(o[i] == 0).isEqualTo(i / D < 30);
                }
                assertThat(lse[29]).isEqualTo(r == a ? Float.NEGATIVE_INFINITY : 0.5f);
                assertThat(lse[30]).isFinite();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kernelSets")
    void hugeLogits(KernelSet kernels) {
        try (Backend cpu = OpenBackend.of(CpuProvider.open(1, kernels));
                Tensor q = cpu.copyOf(new float[] {1e15f, -1e15f, 0}, 1, 1, 3, 1);
                Tensor k = cpu.copyOf(new float[] {1e15f, 1, -1e15f}, 1, 1, 3, 1);
                Tensor v = cpu.copyOf(new float[] {1, 2, 3}, 1, 1, 3, 1);
                Tensor o = cpu.attend(q, k, v, Attention.full())) {
            assertThat(o.toFloatArray()).containsExactly(1, 3, 2);
        }
    }

    /** Also across the moment when the compiled code takes over. */
    @ParameterizedTest
    @MethodSource("kernelSets")
    void sameBitsForAnyThreadsColdOrWarm(KernelSet kernels) {
        int n = 131;
        for (DType dtype : new DType[] {DType.F32, DType.BF16}) {
            float[] first = null;
            for (int threads = 1; threads <= 3; threads++) {
                try (Backend cpu = OpenBackend.of(CpuProvider.open(threads, kernels));
                        Tensor q = cpu.copyOf(gaussians(2 * 4 * n * D), dtype, 2, 4, n, D);
                        Tensor k = cpu.copyOf(gaussians(2 * 2 * n * D), dtype, 2, 2, n, D);
                        Tensor slopes = cpu.copyOf(new float[] {.1f, .2f, .3f, .4f}, 4)) {
                    Attention options =
                            Attention.causal().softcap(2).alibi(slopes).window(90);
                    for (int i = 0; i < 120; i++) {
                        try (Tensor o = cpu.attend(q, k, k, options)) {
                            float[] now = o.toFloatArray();
                            first = first == null ? now : first;
                            assertThat(Arrays.equals(now, first))
                                    .as(dtype + " threads " + threads + " run " + i)
                                    .isTrue();
                        }
                    }
                }
            }
        }
    }

    /** One row streams keys and values together, two rows that share them take turns: the same operations in the same order. */
    @ParameterizedTest
    @MethodSource("kernelSets")
    void aRowAloneHasTheBitsOfARowInCompany(KernelSet kernels) {
        for (int d : new int[] {16, 32, 64, 128}) {
            for (int keys : new int[] {4, 200, 203, 1500}) {
                try (Backend cpu = OpenBackend.of(CpuProvider.open(1, kernels));
                        Tensor both = cpu.copyOf(gaussians(2 * d), 1, 2, 1, d);
                        Tensor second = both.slice(1, 1, 2);
                        Tensor k = cpu.copyOf(gaussians(keys * d), 1, 1, keys, d);
                        Tensor v = cpu.copyOf(gaussians(keys * d + d), 1, 1, keys + 1L, d);
                        Tensor values = v.slice(2, 1, keys + 1L);
                        Tensor together = cpu.attend(both, k, values, Attention.full());
                        Tensor alone = cpu.attend(second, k, values, Attention.full())) {
                    float[] expected = Arrays.copyOfRange(together.toFloatArray(), d, 2 * d);
                    assertThat(alone.toFloatArray())
                            .as(d + " columns, " + keys + " keys")
                            .isEqualTo(expected);
                }
            }
        }
    }
}
