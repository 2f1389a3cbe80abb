package dev.fovea.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Attention;
import dev.fovea.api.AttentionResult;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.OpenBackend;
import dev.fovea.api.Tensor;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whether few rows over few keys are done by blocks of their own depends on how warm the code is: nobody may see it in a result. */
class SmallBlockTest {
    private static final KernelSet SET = KernelSet.choose();

    @ParameterizedTest
    @CsvSource({
        "1, 2, 2, 16, 16, 64, 64",
        "2, 4, 2, 5, 13, 32, 96",
        "1, 6, 2, 16, 128, 48, 32",
        "3, 2, 1, 31, 121, 128, 128",
        "1, 1, 1, 49, 49, 32, 32",
        "2, 2, 2, 64, 64, 16, 64",
        "2, 3, 1, 20, 7, 144, 128",
        "1, 2, 2, 12, 1, 64, 64"
    })
    void givesTheBitsOfTiles(int batch, int heads, int keyHeads, int queries, int keys, int dim, int valueDim) {
        // of other widths tiles would be compared with themselves
        Assumptions.assumeTrue(SET.vectorBits() == SmallBlock.VECTOR_BITS, "no vectors of 512 bits: " + SET.notes());
        try (Backend tiles = OpenBackend.of(CpuProvider.open(1, without()));
                Backend blocks = OpenBackend.of(CpuProvider.open(2, SET))) {
            int[] lengths = new int[batch];
            for (int b = 0; b < batch; b++) {
                lengths[b] = Math.max(0, keys - 3 * b);
            }
            float[] sinks = AttentionNumericsTest.gaussians(heads);
            for (boolean special : new boolean[] {false, true}) {
                for (int i = 0; i < 7; i++) {
                    int option = i;
                    List<float[]> all = List.of(tiles, blocks).stream()
                            .map(b -> attend(
                                    b,
                                    option(b, option, lengths, sinks),
                                    special,
                                    new int[] {batch, heads, queries, dim},
                                    new int[] {batch, keyHeads, keys, dim},
                                    new int[] {batch, keyHeads, keys, valueDim}))
                            .toList();
                    assertThat(all.get(1)).as("option %d", i).isEqualTo(all.get(0));
                }
            }
        }
    }

    private static KernelSet without() {
        return new KernelSet(
                SET.wide(), SET.middle(), SET.narrow(), SET.rows(), () -> false, SET.vectorBits(), SET.notes());
    }

    private static Attention option(Backend b, int number, int[] lengths, float[] sinks) {
        return switch (number) {
            case 1 -> Attention.causal();
            case 2 -> Attention.causal().window(9);
            case 3 -> Attention.full().keyLengths(b.copyOf(lengths, lengths.length));
            case 4 -> Attention.causal().sink(b.copyOf(sinks, sinks.length));
            case 5 -> Attention.full().softcap(3);
            case 6 -> Attention.full().window(11);
            default -> Attention.full();
        };
    }

    /** Outputs and log-sum-exps. */
    private static float[] attend(Backend b, Attention options, boolean special, int[] q, int[] k, int[] v) {
        try (Tensor query = tensor(b, q, false);
                Tensor key = tensor(b, k, false);
                Tensor value = tensor(b, v, special);
                Tensor plain = b.attend(query, key, value, options);
                AttentionResult both = b.attendAll(query, key, value, options.logSumExp())) {
            float[] output = plain.toFloatArray();
            assertThat(both.output().toFloatArray()).isEqualTo(output);
            float[] lse = Objects.requireNonNull(both.logSumExp()).toFloatArray();
            float[] all = new float[output.length + lse.length];
            System.arraycopy(output, 0, all, 0, output.length);
            System.arraycopy(lse, 0, all, output.length, lse.length);
            return all;
        }
    }

    private static Tensor tensor(Backend b, int[] shape, boolean special) {
        float[] x = AttentionNumericsTest.gaussians(shape[0] * shape[1] * shape[2] * shape[3]);
        if (special) {
            x[x.length / 3] = Float.NaN;
            x[x.length - 1] = Float.POSITIVE_INFINITY;
            x[x.length / 2] = -0f;
        }
        return b.copyOf(x, DType.F32, shape[0], shape[1], shape[2], shape[3]);
    }
}
