package dev.fovea.kernels;

import dev.fovea.api.DType;
import dev.fovea.api.HalfFloats;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntBinaryOperator;

/**
 * A small problem whose result is exact, in tensors [2, 2, rows, columns] with gaps, of which the last head of the last batch entry is used:
 * O = (Q K') V over small integers in bf16. {@code hopper_check.cl} computes it with all that the kernels for sm_90a take for granted.
 */
public final class HopperCheck {
    private static final int QUERIES = 61;
    private static final int KEYS = 125;
    private static final int TILE_KEYS = 128;
    private static final int COLUMNS = 128;
    private static final int ROW = COLUMNS + 8;
    private static final int FULL = 64;

    /** What an element of the output holds that nothing was written to. */
    private static final short UNTOUCHED = 0x7fc1;

    private HopperCheck() {}

    public static KernelSource source() {
        String text = new KernelText(Map.of("wgmma.clh", WgmmaText.of("bf16", TILE_KEYS, COLUMNS)))
                .flatten("hopper_check.cl");
        return new KernelSource("hopper_check", text, List.of(), List.of(), List.of(), KernelSource.Target.SM_90A);
    }

    /** Work-items of its only work-group. */
    public static final int THREADS = 128;

    /** Bytes of the buffer for tensor maps. */
    public static final int MAP_BYTES = 4 * 128;

    /** The by-value argument. */
    public static byte[] block() {
        StructWriter w = new StructWriter();
        map(w, QUERIES, FULL);
        map(w, KEYS, TILE_KEYS);
        map(w, KEYS, TILE_KEYS);
        map(w, QUERIES, FULL);
        return w.bytes();
    }

    private static void map(StructWriter w, int rows, int boxRows) {
        long[] strides = {2L * rows * ROW, (long) rows * ROW, ROW};
        TensorMap.write(w, DType.BF16, 0, COLUMNS, rows, 2, 2, strides, boxRows);
    }

    public static short[] query() {
        return tensor(QUERIES, HopperCheck::query);
    }

    public static short[] key() {
        return tensor(KEYS, HopperCheck::key);
    }

    public static short[] value() {
        return tensor(KEYS, HopperCheck::value);
    }

    /** The output before the run. */
    public static short[] output() {
        short[] o = new short[4 * QUERIES * ROW];
        Arrays.fill(o, UNTOUCHED);
        return o;
    }

    private static int query(int row, int column) {
        return (row * 7 + column * 5) % 11 == 0 ? 1 + row % 2 : 0;
    }

    private static int key(int row, int column) {
        return (row * 3 + column * 13) % 17 == 0 ? 1 : 0;
    }

    private static int value(int row, int column) {
        return (row * 5 + column * 3) % 19 == 0 ? 1 + column % 3 : 0;
    }

    /** Gaps and other heads hold what would spoil the result. */
    private static short[] tensor(int rows, IntBinaryOperator element) {
        short[] t = new short[4 * rows * ROW];
        Arrays.fill(t, HalfFloats.toBf16(100));
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < COLUMNS; c++) {
                t[(3 * rows + r) * ROW + c] = HalfFloats.toBf16(element.applyAsInt(r, c));
            }
        }
        return t;
    }

    /** Why the output is wrong; empty if it is right. */
    public static Optional<String> refusal(short[] output) {
        for (int i = 0; i < output.length; i++) {
            int c = i % ROW;
            int r = i / ROW - 3 * QUERIES;
            short expected = c < COLUMNS && r >= 0 ? HalfFloats.toBf16(expected(r, c)) : UNTOUCHED;
            if (output[i] != expected) {
                return Optional.of("row " + r + ", column " + c + " of a product of small integers is "
                        + HalfFloats.fromBf16(output[i]) + ", not " + HalfFloats.fromBf16(expected));
            }
        }
        return Optional.empty();
    }

    private static int expected(int row, int column) {
        int sum = 0;
        for (int k = 0; k < KEYS; k++) {
            int score = 0;
            for (int c = 0; c < COLUMNS; c++) {
                score += query(row, c) * key(k, c);
            }
            sum += score * value(k, column);
        }
        return sum;
    }
}
