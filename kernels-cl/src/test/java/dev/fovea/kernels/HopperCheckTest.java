package dev.fovea.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.HalfFloats;
import org.junit.jupiter.api.Test;

/** That the self-test of the engine can pass, and fails for the slips it is there for. */
class HopperCheckTest {
    private static final int COLUMNS = 128;
    private static final int ROW = COLUMNS + 8;

    /** What a right device writes, computed from the tensors that it is given. */
    private static short[] right() {
        short[] q = HopperCheck.query();
        short[] k = HopperCheck.key();
        short[] v = HopperCheck.value();
        short[] o = HopperCheck.output();
        int queries = q.length / ROW / 4;
        int keys = k.length / ROW / 4;
        for (int row = 0; row < queries; row++) {
            float[] sum = new float[COLUMNS];
            for (int key = 0; key < keys; key++) {
                float score = 0;
                for (int c = 0; c < COLUMNS; c++) {
                    score += at(q, 3 * queries + row, c) * at(k, 3 * keys + key, c);
                }
                assertThat(HalfFloats.fromBf16(HalfFloats.toBf16(score))).isEqualTo(score);
                for (int c = 0; c < COLUMNS; c++) {
                    sum[c] += score * at(v, 3 * keys + key, c);
                }
            }
            for (int c = 0; c < COLUMNS; c++) {
                assertThat(sum[c]).isBetween(0f, 256f); // exact in bf16
                o[(3 * queries + row) * ROW + c] = HalfFloats.toBf16(sum[c]);
            }
        }
        return o;
    }

    private static float at(short[] tensor, int row, int column) {
        return HalfFloats.fromBf16(tensor[row * ROW + column]);
    }

    @Test
    void theExactResultPasses() {
        assertThat(HopperCheck.refusal(right())).isEmpty();
    }

    @Test
    void unwrittenSwappedAndOverwrittenElementsDoNot() {
        assertThat(HopperCheck.refusal(HopperCheck.output())).isPresent();
        int first = 3 * (HopperCheck.query().length / ROW / 4) * ROW;
        short[] swapped = right(); // two chunks of 16 bytes, as a wrong swizzle would
        for (int c = 0; c < 8; c++) {
            short x = swapped[first + c];
            swapped[first + c] = swapped[first + 8 + c];
            swapped[first + 8 + c] = x;
        }
        assertThat(HopperCheck.refusal(swapped)).isPresent();
        short[] beyond = right();
        beyond[first + COLUMNS] = 0; // in the gap behind a row
        assertThat(HopperCheck.refusal(beyond)).isPresent();
    }
}
