package dev.fovea.opencl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.HalfFloats;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.RotaryArguments;
import dev.fovea.api.spec.RotarySpec;
import dev.fovea.api.spec.RotarySpec.Pairing;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Rotation against double arithmetic. */
class RotaryTest {
    private static final int BATCH = 2;
    private static final int HEADS = 3;
    private static final int ROWS = 5;
    private static final int POSITIONS = 17;

    private static float[] random(int n, DType type) {
        SplittableRandom r = new SplittableRandom(n);
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = HalfFloats.rounded((float) r.nextGaussian(), type);
        }
        return x;
    }

    private static int[] integers(int n, int bound) {
        return new SplittableRandom(n).ints(n, 0, bound).toArray();
    }

    private static void check(RotarySpec spec, boolean oneBatch, boolean inPlace, double bound) {
        int dim = spec.dim();
        int pairs = spec.pairs();
        int batches = oneBatch ? 1 : BATCH;
        float[] x = random(BATCH * HEADS * ROWS * dim, spec.storage());
        float[] cos = random(POSITIONS * pairs, DType.F32);
        float[] sin = random(POSITIONS * pairs + 1, DType.F32);
        int[] positions = integers(spec.sections() * batches * ROWS, POSITIONS);
        int[] sections = integers(pairs, spec.sections());
        long[] shape = spec.sections() == 1 ? new long[] {batches, ROWS} : new long[] {spec.sections(), batches, ROWS};
        try (Backend fovea = FirstDevice.open();
                Tensor tx = fovea.copyOf(x, spec.storage(), BATCH, HEADS, ROWS, dim);
                Tensor fresh = fovea.allocate(spec.storage(), BATCH, HEADS, ROWS, dim);
                Tensor c = fovea.copyOf(cos, POSITIONS, pairs);
                Tensor s = fovea.copyOf(Arrays.copyOf(sin, POSITIONS * pairs), POSITIONS, pairs);
                Tensor p = fovea.copyOf(positions, shape);
                Tensor axes = fovea.copyOf(sections, pairs)) {
            Tensor y = inPlace ? tx : fresh;
            fovea.run(spec, new RotaryArguments(tx, y, p, c, s, spec.sections() == 1 ? null : axes));
            float[] out = y.toFloatArray();
            double[] e = new double[x.length];
            for (int row = 0; row < BATCH * HEADS * ROWS; row++) {
                for (int i = spec.rotaryDim(); i < dim; i++) {
                    e[row * dim + i] = x[row * dim + i];
                }
                for (int r = 0; r < pairs; r++) {
                    int axis = spec.sections() == 1 ? 0 : sections[r];
                    int b = oneBatch ? 0 : row / (HEADS * ROWS);
                    int at = positions[(axis * batches + b) * ROWS + row % ROWS] * pairs + r;
                    boolean halves = spec.pairing() == Pairing.HALVES;
                    int i = row * dim + (halves ? r : 2 * r);
                    int j = halves ? i + pairs : i + 1;
                    e[i] = (double) x[i] * cos[at] - (double) x[j] * sin[at];
                    e[j] = (double) x[j] * cos[at] + (double) x[i] * sin[at];
                }
            }
            for (int i = 0; i < out.length; i++) {
                assertThat((double) out[i]).as("element %d", i).isCloseTo(e[i], Offset.offset(bound));
            }
        }
    }

    @Test
    void halvesInPlace() {
        check(new RotarySpec(DType.F32, 16, 16, Pairing.HALVES, 1), false, true, 1e-6);
    }

    @Test
    void neighboursOfAPartOfTheRow() {
        check(new RotarySpec(DType.F16, 19, 10, Pairing.NEIGHBOURS, 1), true, false, 6e-3);
    }

    @Test
    void positionsOfSeveralAxes() {
        check(new RotarySpec(DType.F32, 24, 20, Pairing.HALVES, 3), false, false, 1e-6);
        check(new RotarySpec(DType.BF16, 12, 12, Pairing.NEIGHBOURS, 2), true, true, 5e-2);
    }
}
