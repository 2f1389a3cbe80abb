package dev.fovea.tools.bench.gpu;

import dev.fovea.api.DType;
import dev.fovea.api.HalfFloats;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.stream.LongStream;

/**
 * Normally distributed inputs that a program in another language makes bit for bit: element i of a seed's data is one of 65536
 * quantiles of the normal distribution, rounded to the storage type and picked by 16 bits of a hash of (seed, i).
 * {@code tools/bench/normal_data.py} is the same.
 */
final class NormalData {
    private static final int QUANTILES = 1 << 16;
    private static final int CHUNK = 1 << 16;
    private static final float[] TABLE = table();

    private final long seed;
    private final float[] values;
    private final short[] packed;
    private final DType dtype;

    NormalData(long seed, DType dtype) {
        this.seed = seed;
        this.dtype = dtype;
        this.values = new float[QUANTILES];
        this.packed = new short[QUANTILES];
        for (int i = 0; i < QUANTILES; i++) {
            values[i] = HalfFloats.rounded(TABLE[i], dtype);
            packed[i] = dtype == DType.F16 ? Float.floatToFloat16(values[i]) : HalfFloats.toBf16(values[i]);
        }
    }

    private static float[] table() {
        float[] t = new float[QUANTILES];
        for (int i = 0; i < QUANTILES; i++) {
            t[i] = (float) quantile((i + 0.5) / QUANTILES);
        }
        return t;
    }

    /** Acklam's rational approximation of the inverse normal distribution function, relative error 1.2e-9. */
    private static double quantile(double p) {
        if (p > 0.5) {
            return -quantile(1 - p);
        }
        if (p < 0.02425) {
            double q = Math.sqrt(-2 * Math.log(p));
            return (((((-7.784894002430293e-03 * q - 3.223964580411365e-01) * q - 2.400758277161838e+00) * q
                                                            - 2.549732539343734e+00)
                                                    * q
                                            + 4.374664141464968e+00)
                                    * q
                            + 2.938163982698783e+00)
                    / ((((7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996e+00) * q
                                            + 3.754408661907416e+00)
                                    * q
                            + 1);
        }
        double q = p - 0.5;
        double r = q * q;
        return (((((-3.969683028665376e+01 * r + 2.209460984245205e+02) * r - 2.759285104469687e+02) * r
                                                        + 1.383577518672690e+02)
                                                * r
                                        - 3.066479806614716e+01)
                                * r
                        + 2.506628277459239e+00)
                * q
                / (((((-5.447609879822406e+01 * r + 1.615858368580409e+02) * r - 1.556989798598866e+02) * r
                                                        + 6.680131188771972e+01)
                                                * r
                                        - 1.328068155288572e+01)
                                * r
                        + 1);
    }

    /** Which four quantiles the elements 4 word to 4 word + 3 are, 16 bits each, lowest first. */
    private long hash(long word) {
        long z = ((seed << 48) + word + 1) * 0x9E3779B97F4A7C15L;
        z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31;
    }

    private int pick(long i) {
        return (int) (hash(i >> 2) >>> ((i & 3) << 4)) & QUANTILES - 1;
    }

    float at(long i) {
        return values[pick(i)];
    }

    /** Elements from {@code start} on. */
    void row(long start, double[] to) {
        for (int i = 0; i < to.length; i++) {
            to[i] = at(start + i);
        }
    }

    /** The first {@code count} elements in storage. */
    MemorySegment fill(Arena arena, long count) {
        MemorySegment all = arena.allocate(count * dtype.bytes(), 64);
        LongStream.range(0, Math.ceilDiv(count, CHUNK)).parallel().forEach(chunk -> {
            long from = chunk * CHUNK;
            int n = (int) Math.min(CHUNK, count - from);
            MemorySegment.copy(chunk(from, n), 0, all, from * dtype.bytes(), (long) n * dtype.bytes());
        });
        return all;
    }

    private MemorySegment chunk(long from, int n) {
        if (dtype == DType.F32) {
            float[] x = new float[n];
            for (int i = 0; i < n; i++) {
                x[i] = values[pick(from + i)];
            }
            return MemorySegment.ofArray(x);
        }
        short[] x = new short[n];
        for (int i = 0; i < n; i++) {
            x[i] = packed[pick(from + i)];
        }
        return MemorySegment.ofArray(x);
    }
}
