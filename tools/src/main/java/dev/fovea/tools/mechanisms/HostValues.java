package dev.fovea.tools.mechanisms;

import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.conformance.HostTensor;
import dev.fovea.tools.npy.NpyOutput;
import dev.fovea.tools.npy.NpyType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.IntToDoubleFunction;

/**
 * The numbers of a tensor, row-major.
 *
 * @param at the element of an index
 */
record HostValues(DType dtype, long[] shape, int count, IntToDoubleFunction at) {
    private static final int PIECE = 1 << 20;

    /** Reads a tensor back; waits for it. */
    static HostValues of(Tensor t) {
        if (t.dtype().isFloat()) {
            float[] x = t.toFloatArray();
            return new HostValues(t.dtype(), t.shape(), x.length, i -> x[i]);
        }
        int[] x = t.toIntArray();
        return new HostValues(t.dtype(), t.shape(), x.length, i -> x[i]);
    }

    static HostValues of(HostTensor t) {
        double[] x = t.values();
        return new HostValues(t.dtype(), Arrays.stream(t.shape()).asLongStream().toArray(), x.length, i -> x[i]);
    }

    /**
     * The range of the values; NaN where there is none.
     *
     * @param mean of the finite ones
     * @param nans how many are not a number
     * @param infinite how many are infinite
     */
    record Range(double least, double largest, double mean, int nans, int infinite) {
        /** In words: {@code -1.2 to 3.4, mean 0.1}. */
        String text() {
            String extra = (nans > 0 ? ", " + nans + " NaN" : "") + (infinite > 0 ? ", " + infinite + " infinite" : "");
            return Double.isNaN(least)
                    ? "no numbers" + extra
                    : String.format(Locale.ROOT, "%.4g to %.4g, mean %.4g%s", least, largest, mean, extra);
        }
    }

    Range range() {
        double least = Double.POSITIVE_INFINITY;
        double largest = Double.NEGATIVE_INFINITY;
        double sum = 0;
        int nans = 0;
        int infinite = 0;
        for (int i = 0; i < count; i++) {
            double x = at.applyAsDouble(i);
            if (Double.isNaN(x)) {
                nans++;
                continue;
            }
            least = Math.min(least, x);
            largest = Math.max(largest, x);
            infinite += Double.isInfinite(x) ? 1 : 0;
            sum += Double.isInfinite(x) ? 0 : x;
        }
        boolean none = count == nans;
        return new Range(
                none ? Double.NaN : least,
                none ? Double.NaN : largest,
                count == nans + infinite ? Double.NaN : sum / (count - nans - infinite),
                nans,
                infinite);
    }

    String shapeText() {
        return dtype + " " + Arrays.toString(shape);
    }

    /** A file with the numbers, which the caller commits; BF16 is widened to float32, which NumPy has no type for. */
    NpyOutput begin(Path path) throws IOException {
        NpyType type = switch (dtype) {
            case F32, BF16 -> NpyType.FLOAT32;
            case F16 -> NpyType.FLOAT16;
            case I32 -> NpyType.INT32;
            case BOOL -> NpyType.BOOL;
            case BYTE -> throw new IllegalStateException("packed storage is no output");
        };
        NpyOutput output = NpyOutput.create(path, type, shape);
        try {
            for (int from = 0; from < count; from += PIECE) {
                int n = Math.min(PIECE, count - from);
                MemorySegment bytes = MemorySegment.ofArray(new byte[n * type.bytes()]);
                for (int i = 0; i < n; i++) {
                    set(bytes, i, type, at.applyAsDouble(from + i));
                }
                output.write(bytes);
            }
            return output;
        } catch (IOException | RuntimeException e) {
            output.close();
            throw e;
        }
    }

    private static void set(MemorySegment bytes, int i, NpyType type, double x) {
        switch (type) {
            case FLOAT16 -> bytes.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * i, Float.floatToFloat16((float) x));
            case FLOAT32 -> bytes.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i, (float) x);
            case INT32 -> bytes.set(ValueLayout.JAVA_INT_UNALIGNED, 4L * i, (int) x);
            case BOOL -> bytes.set(ValueLayout.JAVA_BYTE, i, (byte) (x == 0 ? 0 : 1));
            case FLOAT64, INT64 -> throw new IllegalStateException("no tensor is " + type);
        }
    }
}
