package dev.fovea.cpu;

import dev.fovea.api.Tensor;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.cpu.Scratch.Role;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Keys or values [outer, heads, positions, elements] in any format, read as floats.
 *
 * @param columns numbers of a row
 * @param scales one for each row, or for FP8 for each outer index and head
 * @param zeros one for each row
 */
record KvRows(
        Rows rows,
        KvFormat format,
        int columns,
        @Nullable Numbers scales,
        @Nullable Numbers zeros) {

    static KvRows of(KvFormat format, int columns, Tensor t, @Nullable Tensor scales, @Nullable Tensor zeros) {
        return new KvRows(Rows.of(t), format, columns, numbers(scales), numbers(zeros));
    }

    private static @Nullable Numbers numbers(@Nullable Tensor t) {
        return t == null ? null : Numbers.of(t);
    }

    /** Single numbers beside the rows: [outer, heads, positions] in F16, or [outer, heads] in F32. */
    record Numbers(
            MemorySegment memory, boolean half, long offset, long outerStride, long headStride, long positionStride) {
        static Numbers of(Tensor t) {
            return new Numbers(
                    ((CpuStorage) t.storage()).segment(),
                    t.rank() == 3,
                    t.offset(),
                    t.stride(0),
                    t.stride(1),
                    t.rank() == 3 ? t.stride(2) : 0);
        }

        private long at(long outer, long head, long position) {
            return offset + outer * outerStride + head * headStride + position * positionStride;
        }

        float get(long outer, long head, long position) {
            long at = at(outer, head, position);
            return half
                    ? Float.float16ToFloat(memory.get(ValueLayout.JAVA_SHORT, 2 * at))
                    : memory.get(ValueLayout.JAVA_FLOAT, 4 * at);
        }

        /** Numbers of consecutive positions. */
        void read(long outer, long head, long position, int n, float[] to, int start, Scratch scratch) {
            if (positionStride == 1) {
                short[] packed = scratch.shorts(n);
                MemorySegment.copy(memory, ValueLayout.JAVA_SHORT, 2 * at(outer, head, position), packed, 0, n);
                scratch.halves().fromF16(packed, to, start, n);
                return;
            }
            for (int i = 0; i < n; i++) {
                to[start + i] = get(outer, head, position + i);
            }
        }

        short bits(long outer, long head, long position) {
            return memory.get(ValueLayout.JAVA_SHORT, 2 * at(outer, head, position));
        }

        void put(long outer, long head, long position, short value) {
            memory.set(ValueLayout.JAVA_SHORT, 2 * at(outer, head, position), value);
        }
    }

    /** Reads consecutive rows to {@code to}, {@code pitch} floats apart. */
    void read(long outer, long head, long position, int n, float[] to, int start, int pitch, Scratch scratch) {
        if (scales == null) {
            rows.read(outer, head, position, n, to, start, pitch, scratch);
            return;
        }
        int length = rows.length();
        byte[] packed = scratch.bytes(n * length + Codes.SLACK);
        rows.readBytes(outer, head, position, n, packed, 0);
        Codes codes = scratch.codes();
        if (zeros == null) {
            codes.fromFp8(packed, length, to, start, pitch, n, columns, scales.get(outer, head, position));
            return;
        }
        float[] scale = scratch.floats(Role.SCALES, n);
        float[] zero = scratch.floats(Role.ZEROS, n);
        scales.read(outer, head, position, n, scale, 0, scratch);
        zeros.read(outer, head, position, n, zero, 0, scratch);
        if (format == KvFormat.INT8) {
            codes.fromInt8(packed, length, to, start, pitch, n, columns, scale, zero);
        } else {
            codes.fromInt4(packed, length, to, start, pitch, n, columns, scale, zero);
        }
    }

    /** Reads consecutive rows of INT8 as they are, to the rows of {@code to} from {@code row} on. */
    void readCodes(long outer, long head, long position, int n, CodeTile to, int row, Scratch scratch) {
        rows.readBytes(outer, head, position, n, to.codes(), row * to.columns());
        Objects.requireNonNull(scales).read(outer, head, position, n, to.scale(), row, scratch);
        Objects.requireNonNull(zeros).read(outer, head, position, n, to.zero(), row, scratch);
    }

    /** Takes a row of the same format as it is. */
    void copyRow(long outer, long head, long position, KvRows from, long fromOuter, long fromPosition) {
        rows.copyRow(outer, head, position, from.rows, fromOuter, head, fromPosition);
        if (scales != null && from.scales != null && zeros != null && from.zeros != null) {
            scales.put(outer, head, position, from.scales.bits(fromOuter, head, fromPosition));
            zeros.put(outer, head, position, from.zeros.bits(fromOuter, head, fromPosition));
        }
    }

    /** Writes one row from the start of {@code from}; INT8 and INT4 with a scale and a zero point of its own. */
    void write(long outer, long head, long position, float[] from, Scratch scratch) {
        byte[] packed = scratch.bytes(rows.length());
        switch (format) {
            case F32, F16, BF16 -> rows.write(outer, head, position, 1, from, 0, scratch);
            case FP8 -> {
                double scale = Objects.requireNonNull(scales).get(outer, head, position);
                for (int i = 0; i < columns; i++) {
                    packed[i] = Fp8.of(from[i] / scale);
                }
                rows.writeBytes(outer, head, position, packed);
            }
            case INT8, INT4 -> quantise(outer, head, position, from, packed);
        }
    }

    private void quantise(long outer, long head, long position, float[] from, byte[] packed) {
        double low = 0;
        double high = 0;
        for (int i = 0; i < columns; i++) {
            float x = from[i];
            if (Float.isFinite(x)) {
                low = x < low ? x : low;
                high = x > high ? x : high;
            }
        }
        boolean eight = format == KvFormat.INT8;
        int least = eight ? -128 : 0;
        int most = eight ? 127 : 15;
        short scaleBits = Float.floatToFloat16((float) ((high - low) / (most - least)));
        double scale = Float.float16ToFloat(scaleBits);
        if (scale == 0) {
            scale = 1;
            scaleBits = Float.floatToFloat16(1);
        }
        double zero = StrictMath.rint(least - low / scale);
        for (int i = 0; i < columns; i++) {
            int q = (int) Math.clamp(StrictMath.rint(from[i] / scale) + zero, least, most);
            if (eight) {
                packed[i] = (byte) q;
            } else if (i % 2 == 0) {
                packed[i / 2] = (byte) q;
            } else {
                packed[i / 2] |= (byte) (q << 4);
            }
        }
        rows.writeBytes(outer, head, position, packed);
        Objects.requireNonNull(scales).put(outer, head, position, scaleBits);
        Objects.requireNonNull(zeros).put(outer, head, position, Float.floatToFloat16((float) zero));
    }
}
