package dev.fovea.opencl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.HalfFloats;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.TransferArguments;
import dev.fovea.api.spec.TransferSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Rows moved and converted, bit for bit against the rules of {@link TransferSpec}. */
class TransferTest {
    private static final int PAGES = 3;
    private static final int HEADS = 2;
    private static final int SIZE = 4;
    private static final int[] FROM = {3, 0, -1, 5, 11, 7};
    private static final int[] TO = {1, 10, 4, -1, 0, 6};

    private static byte[] bytes(Tensor t) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment s = arena.allocate(t.elementCount() * t.dtype().bytes(), 8);
            t.storage().read(0, s);
            return s.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    private static Tensor filled(Backend fovea, DType type, int fill, long... shape) {
        Tensor t = fovea.allocate(type, shape);
        byte[] all = new byte[Math.toIntExact(t.elementCount() * type.bytes())];
        Arrays.fill(all, (byte) fill);
        t.storage().write(0, MemorySegment.ofArray(all));
        return t;
    }

    /** Source rows [head][slot][column]. */
    private static float[] rows(int dim) {
        SplittableRandom r = new SplittableRandom(dim);
        float[] x = new float[PAGES * HEADS * SIZE * dim];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) r.nextGaussian();
        }
        x[0] = Float.POSITIVE_INFINITY;
        Arrays.fill(x, dim, 2 * dim, 0f);
        return x;
    }

    /** What a row becomes on its way through a quantised format, read back as F32. */
    private static float[] through(KvFormat format, float[] x, float scaleOfPage) {
        float[] y = new float[x.length];
        if (format == KvFormat.FP8) {
            for (int c = 0; c < x.length; c++) {
                y[c] = fp8(x[c] / scaleOfPage) * scaleOfPage;
            }
            return y;
        }
        float lo = 0;
        float hi = 0;
        for (float v : x) {
            if (Float.isFinite(v)) {
                lo = Math.min(lo, v);
                hi = Math.max(hi, v);
            }
        }
        int least = format == KvFormat.INT8 ? -128 : 0;
        int most = format == KvFormat.INT8 ? 127 : 15;
        float scale = HalfFloats.rounded((hi - lo) / (most - least), DType.F16);
        scale = scale == 0 ? 1 : scale;
        float zero = (float) Math.rint(least - lo / scale);
        for (int c = 0; c < x.length; c++) {
            double q = Math.clamp(Math.rint(x[c] / scale) + zero, least, most);
            y[c] = (float) (scale * (q - zero));
        }
        return y;
    }

    /** The nearest E4M3FN number by looking at all of them. */
    private static float fp8(float x) {
        float best = 0;
        for (int code = 0; code < 127; code++) {
            int e = code >> 3;
            float v = e == 0 ? (code & 7) * 0x1p-9f : (8 + (code & 7)) * (float) Math.pow(2, e - 10);
            float d = Math.abs(v - Math.abs(x));
            float known = Math.abs(best - Math.abs(x));
            best = d < known || d == known && code % 2 == 0 ? v : best;
        }
        return Math.copySign(Math.abs(x) > 448 ? 448 : best, x);
    }

    private static void check(KvFormat format, int dim) {
        int elements = format.elements(dim);
        boolean positions = format.scalesPositions();
        float[] x = rows(dim);
        float[] pageScales = {0.25f, 0.5f, 0.75f, 1, 0.01f, 3};
        try (Backend fovea = FirstDevice.open();
                Tensor source = fovea.copyOf(x, PAGES, HEADS, SIZE, dim);
                Tensor cache = filled(fovea, format.dtype(), 0, PAGES, HEADS, SIZE, elements);
                Tensor scales = positions
                        ? filled(fovea, DType.F16, 0, PAGES, HEADS, SIZE)
                        : fovea.copyOf(pageScales, PAGES, HEADS);
                Tensor zeros = filled(fovea, DType.F16, 0, PAGES, HEADS, SIZE);
                Tensor copy = filled(fovea, format.dtype(), 0, PAGES, HEADS, SIZE, elements);
                Tensor copyScales = positions
                        ? filled(fovea, DType.F16, 0, PAGES, HEADS, SIZE)
                        : fovea.copyOf(pageScales, PAGES, HEADS);
                Tensor copyZeros = filled(fovea, DType.F16, 0, PAGES, HEADS, SIZE);
                Tensor back = filled(fovea, DType.F32, 0, PAGES, HEADS, SIZE, dim);
                Tensor from = fovea.copyOf(FROM, FROM.length);
                Tensor to = fovea.copyOf(TO, TO.length);
                Tensor all = fovea.copyOf(IntStream.range(0, PAGES * SIZE).toArray(), PAGES * SIZE)) {
            Tensor s = format.quantised() ? scales : null;
            Tensor z = positions ? zeros : null;
            fovea.run(
                    new TransferSpec(KvFormat.F32, format, dim, HEADS),
                    new TransferArguments(source, null, null, cache, s, z, from, to));
            fovea.run(
                    new TransferSpec(format, format, dim, HEADS),
                    new TransferArguments(
                            cache,
                            s,
                            z,
                            copy,
                            format.quantised() ? copyScales : null,
                            positions ? copyZeros : null,
                            all,
                            all));
            assertThat(bytes(copy)).as("%s moved as it is", format).isEqualTo(bytes(cache));
            fovea.run(
                    new TransferSpec(format, KvFormat.F32, dim, HEADS),
                    new TransferArguments(
                            copy,
                            format.quantised() ? copyScales : null,
                            positions ? copyZeros : null,
                            back,
                            null,
                            null,
                            all,
                            all));
            float[] got = back.toFloatArray();
            float[] wanted = new float[got.length];
            for (int n = 0; n < FROM.length; n++) {
                for (int h = 0; h < HEADS && FROM[n] >= 0 && TO[n] >= 0; h++) {
                    int at = ((FROM[n] / SIZE * HEADS + h) * SIZE + FROM[n] % SIZE) * dim;
                    int target = ((TO[n] / SIZE * HEADS + h) * SIZE + TO[n] % SIZE) * dim;
                    float[] row = Arrays.copyOfRange(x, at, at + dim);
                    float[] y = row;
                    if (format.quantised()) {
                        y = through(format, row, pageScales[TO[n] / SIZE * HEADS + h]);
                    } else if (format != KvFormat.F32) {
                        for (int c = 0; c < dim; c++) {
                            y[c] = HalfFloats.rounded(row[c], format.dtype());
                        }
                    }
                    System.arraycopy(y, 0, wanted, target, dim);
                }
            }
            assertThat(got).as("%s read back", format).isEqualTo(wanted);
        }
    }

    @Test
    void floats() {
        check(KvFormat.F32, 12);
        check(KvFormat.F16, 37);
        check(KvFormat.BF16, 8);
    }

    @Test
    void bytesWithAScaleForEachPosition() {
        check(KvFormat.INT8, 64);
        check(KvFormat.INT8, 33);
    }

    @Test
    void nibbles() {
        check(KvFormat.INT4, 64);
        check(KvFormat.INT4, 31);
    }

    @Test
    void bytesWithAScaleForEachPage() {
        check(KvFormat.FP8, 64);
        check(KvFormat.FP8, 7);
    }
}
