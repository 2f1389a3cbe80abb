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
 * O = (Q K') V over small integers. {@code hopper_check.cl} computes it with all that the kernels for sm_90a take for granted. In f16 the
 * integers count least subnormal numbers: of queries in even columns, of keys in odd ones, of scores and of values.
 *
 * @param type BF16 or F16
 */
public record HopperCheck(DType type) {
    private static final int QUERIES = 61;
    private static final int KEYS = 125;
    private static final int TILE_KEYS = 128;
    private static final int COLUMNS = 128;
    private static final int ROW = COLUMNS + 8;
    private static final int FULL = 64;

    /** What an element of the output holds that nothing was written to. */
    private static final short UNTOUCHED = 0x7fc1;

    /** Exponent of the least number of f16 above zero. */
    private static final int LEAST = -24;

    public KernelSource source() {
        boolean f16 = type == DType.F16;
        String text = (f16 ? "#define PACK pack_f16\n#define RESULT_SCALE 0x1p" + -2 * LEAST + "f\n" : "")
                + new KernelText(Map.of("wgmma.clh", WgmmaText.of(f16 ? "f16" : "bf16", TILE_KEYS, COLUMNS)))
                        .flatten("hopper_check.cl");
        return new KernelSource("hopper_check", text, List.of(), List.of(), List.of(), KernelSource.Target.SM_90A);
    }

    /** Work-items of its only work-group. */
    public static final int THREADS = 128;

    /** Bytes of the buffer for tensor maps. */
    public static final int MAP_BYTES = 4 * 128;

    /** The by-value argument. */
    public byte[] block() {
        StructWriter w = new StructWriter();
        map(w, QUERIES, FULL);
        map(w, KEYS, TILE_KEYS);
        map(w, KEYS, TILE_KEYS);
        map(w, QUERIES, FULL);
        return w.bytes();
    }

    private void map(StructWriter w, int rows, int boxRows) {
        long[] strides = {2L * rows * ROW, (long) rows * ROW, ROW};
        TensorMap.write(w, type, 0, COLUMNS, rows, 2, 2, strides, boxRows);
    }

    public short[] query() {
        return tensor(QUERIES, HopperCheck::query, 1);
    }

    public short[] key() {
        return tensor(KEYS, HopperCheck::key, 0);
    }

    public short[] value() {
        return tensor(KEYS, HopperCheck::value, -1);
    }

    /** The output before the run. */
    public short[] output() {
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

    /** Gaps and other heads hold what would spoil the result. spared: columns of this parity are no subnormal numbers. */
    private short[] tensor(int rows, IntBinaryOperator element, int spared) {
        short[] t = new short[4 * rows * ROW];
        Arrays.fill(t, stored(100));
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < COLUMNS; c++) {
                int exponent = type == DType.BF16 || c % 2 == spared ? 0 : LEAST;
                t[(3 * rows + r) * ROW + c] = stored(Math.scalb((float) element.applyAsInt(r, c), exponent));
            }
        }
        return t;
    }

    /** Why the output is wrong; empty if it is right. */
    public Optional<String> refusal(short[] output) {
        for (int i = 0; i < output.length; i++) {
            int c = i % ROW;
            int r = i / ROW - 3 * QUERIES;
            short expected = c < COLUMNS && r >= 0 ? stored(expected(r, c)) : UNTOUCHED;
            if (output[i] != expected) {
                return Optional.of("row " + r + ", column " + c + " of a product of small integers is "
                        + loaded(output[i]) + ", not " + loaded(expected));
            }
        }
        return Optional.empty();
    }

    private short stored(float x) {
        return type == DType.F16 ? Float.floatToFloat16(x) : HalfFloats.toBf16(x);
    }

    private float loaded(short x) {
        return type == DType.F16 ? Float.float16ToFloat(x) : HalfFloats.fromBf16(x);
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
