package dev.fovea.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.DType;
import dev.fovea.api.HalfFloats;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** That the self-test of the engine can pass, and fails for the slips it is there for. */
class HopperCheckTest {
    private static final int COLUMNS = 128;
    private static final int ROW = COLUMNS + 8;

    /** What a right device writes, computed from the tensors that it is given. */
    private static short[] right(HopperCheck check) {
        short[] q = check.query();
        short[] k = check.key();
        short[] v = check.value();
        short[] o = check.output();
        int queries = q.length / ROW / 4;
        int keys = k.length / ROW / 4;
        for (int row = 0; row < queries; row++) {
            float[] sum = new float[COLUMNS];
            for (int key = 0; key < keys; key++) {
                float score = 0;
                for (int c = 0; c < COLUMNS; c++) {
                    score += at(check, q, 3 * queries + row, c) * at(check, k, 3 * keys + key, c);
                }
                assertThat(at(check, new short[] {stored(check, score)}, 0, 0)).isEqualTo(score);
                for (int c = 0; c < COLUMNS; c++) {
                    sum[c] += score * at(check, v, 3 * keys + key, c);
                }
            }
            for (int c = 0; c < COLUMNS; c++) {
                float x = check.type() == DType.F16 ? Math.scalb(sum[c], 48) : sum[c];
                assertThat(x).isBetween(0f, 256f); // exact in both types
                o[(3 * queries + row) * ROW + c] = stored(check, x);
            }
        }
        return o;
    }

    private static short stored(HopperCheck check, float x) {
        return check.type() == DType.F16 ? Float.floatToFloat16(x) : HalfFloats.toBf16(x);
    }

    private static float at(HopperCheck check, short[] tensor, int row, int column) {
        short x = tensor[row * ROW + column];
        return check.type() == DType.F16 ? Float.float16ToFloat(x) : HalfFloats.fromBf16(x);
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "F16"})
    void theExactResultPasses(DType type) {
        HopperCheck check = new HopperCheck(type);
        assertThat(check.refusal(right(check))).isEmpty();
    }

    @Test
    void subnormalNumbersThatAreFlushedDoNot() {
        HopperCheck check = new HopperCheck(DType.F16);
        short[] flushed = right(check);
        for (int i = 0; i < flushed.length; i++) {
            flushed[i] = flushed[i] == check.output()[i] ? flushed[i] : 0;
        }
        assertThat(check.refusal(flushed)).isPresent();
    }

    @Test
    void unwrittenSwappedAndOverwrittenElementsDoNot() {
        HopperCheck check = new HopperCheck(DType.BF16);
        assertThat(check.refusal(check.output())).isPresent();
        int first = 3 * (check.query().length / ROW / 4) * ROW;
        short[] swapped = right(check); // two chunks of 16 bytes, as a wrong swizzle would
        for (int c = 0; c < 8; c++) {
            short x = swapped[first + c];
            swapped[first + c] = swapped[first + 8 + c];
            swapped[first + 8 + c] = x;
        }
        assertThat(check.refusal(swapped)).isPresent();
        short[] beyond = right(check);
        beyond[first + COLUMNS] = 0; // in the gap behind a row
        assertThat(check.refusal(beyond)).isPresent();
    }
}
