package dev.fovea.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.DType;
import dev.fovea.api.HalfFloats;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.MergeArguments;
import dev.fovea.api.spec.MergeSpec;
import dev.fovea.api.spec.MergeSpec.Rule;
import dev.fovea.api.spec.RotaryArguments;
import dev.fovea.api.spec.RotarySpec;
import dev.fovea.api.spec.RotarySpec.Pairing;
import dev.fovea.api.spec.TransferArguments;
import dev.fovea.api.spec.TransferSpec;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The primitives around attention against their formulas. */
class MovementTest {
    private static float[] gaussians(Random random, int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }

    @ParameterizedTest
    @EnumSource(Rule.class)
    void merges(Rule rule) {
        Random random = new Random(3);
        for (int parts : new int[] {1, 2, 7}) {
            int rows = 2 * 3 * 5;
            int dim = 19;
            float[] m = gaussians(random, parts * rows);
            float[] l = new float[parts * rows];
            float[] acc = gaussians(random, parts * rows * dim);
            float[] w = gaussians(random, parts * rows);
            float[] sink = {0.3f, Float.NEGATIVE_INFINITY, 40f};
            for (int i = 0; i < l.length; i++) {
                boolean empty = i % rows == 4 || random.nextInt(4) == 0;
                m[i] = rule == Rule.RATIO ? 0 : empty ? Float.NEGATIVE_INFINITY : m[i] * 30;
                l[i] = empty ? 0 : 1 + random.nextFloat();
                if (empty) {
                    Arrays.fill(acc, i * dim, (i + 1) * dim, 0);
                }
            }
            boolean shifted = rule == Rule.LOG_SUM_EXP;
            MergeSpec spec = new MergeSpec(DType.F32, dim, rule, shifted, shifted);
            try (Backend cpu = Backends.open("cpu")) {
                Tensor lse = shifted ? cpu.allocate(DType.F32, 2, 3, 5) : null;
                Tensor out = cpu.allocate(DType.F32, 2, 3, 5, dim);
                cpu.run(
                        spec,
                        new MergeArguments(
                                cpu.copyOf(m, parts, 2, 3, 5),
                                cpu.copyOf(l, parts, 2, 3, 5),
                                cpu.copyOf(acc, parts, 2, 3, 5, dim),
                                rule == Rule.WEIGHTED ? cpu.copyOf(w, parts, 2, 3, 5) : null,
                                shifted ? cpu.copyOf(sink, 3) : null,
                                out,
                                lse));
                double[] expected = new double[rows * dim];
                double[] expectedLse = new double[rows];
                for (int r = 0; r < rows; r++) {
                    double max = shifted ? sink[r / 5 % 3] : 0;
                    for (int i = 0; i < parts && shifted; i++) {
                        max = Math.max(max, m[i * rows + r]);
                    }
                    double total = shifted && max != Double.NEGATIVE_INFINITY ? Math.exp(sink[r / 5 % 3] - max) : 0;
                    for (int i = 0; i < parts; i++) {
                        int at = i * rows + r;
                        if (l[at] == 0) {
                            continue;
                        }
                        double f = switch (rule) {
                            case LOG_SUM_EXP -> Math.exp(m[at] - max);
                            case WEIGHTED -> w[at] / (double) l[at];
                            case RATIO -> 1;
                        };
                        total += l[at] * f;
                        for (int d = 0; d < dim; d++) {
                            expected[r * dim + d] += f * acc[at * dim + d];
                        }
                    }
                    for (int d = 0; d < dim && rule != Rule.WEIGHTED; d++) {
                        expected[r * dim + d] /= total == 0 ? 1 : total;
                    }
                    expectedLse[r] = max + Math.log(total);
                }
                assertThat(Reference.difference(expected, out.toFloatArray())).isLessThan(1e-5);
                if (lse != null) {
                    assertThat(Reference.difference(expectedLse, lse.toFloatArray()))
                            .isLessThan(1e-5);
                }
            }
        }
    }

    @Test
    void rotates() {
        Random random = new Random(4);
        int dim = 20;
        try (Backend cpu = Backends.open("cpu")) {
            for (Pairing pairing : Pairing.values()) {
                for (int sections = 1; sections <= 3; sections++) {
                    for (boolean inPlace : new boolean[] {false, true}) {
                        RotarySpec spec = new RotarySpec(DType.F32, dim, 16, pairing, sections);
                        float[] x = gaussians(random, 2 * 3 * 5 * dim);
                        float[] cos = gaussians(random, 9 * 8);
                        float[] sin = gaussians(random, 9 * 8);
                        int[] p = random.ints(10L * sections, 0, 9).toArray();
                        int[] axis = random.ints(8, 0, sections).toArray();
                        Tensor in = cpu.copyOf(x, 2, 5, 3, dim).permute(0, 2, 1, 3);
                        Tensor out = inPlace ? in : cpu.allocate(DType.F32, 2, 3, 5, dim);
                        cpu.run(
                                spec,
                                new RotaryArguments(
                                        in,
                                        out,
                                        sections == 1 ? cpu.copyOf(p, 2, 5) : cpu.copyOf(p, sections, 2, 5),
                                        cpu.copyOf(cos, 9, 8),
                                        cpu.copyOf(sin, 9, 8),
                                        sections == 1 ? null : cpu.copyOf(axis, 8)));
                        double[] expected = new double[x.length];
                        for (int b = 0; b < 2; b++) {
                            for (int h = 0; h < 3; h++) {
                                for (int s = 0; s < 5; s++) {
                                    int from = ((b * 5 + s) * 3 + h) * dim;
                                    int to = ((b * 3 + h) * 5 + s) * dim;
                                    for (int d = 0; d < dim; d++) {
                                        expected[to + d] = x[from + d];
                                    }
                                    for (int r = 0; r < 8; r++) {
                                        int i = pairing == Pairing.HALVES ? r : 2 * r;
                                        int j = pairing == Pairing.HALVES ? r + 8 : 2 * r + 1;
                                        int row = p[((sections == 1 ? 0 : axis[r]) * 2 + b) * 5 + s] * 8 + r;
                                        expected[to + i] =
                                                (double) x[from + i] * cos[row] - (double) x[from + j] * sin[row];
                                        expected[to + j] =
                                                (double) x[from + j] * cos[row] + (double) x[from + i] * sin[row];
                                    }
                                }
                            }
                        }
                        assertThat(Reference.difference(expected, out.toFloatArray()))
                                .as(spec + " in place " + inPlace)
                                .isLessThan(1e-5);
                    }
                }
            }
        }
    }

    /** There and back: what comes back differs by the step of the format, and slots that nobody names stay as they are. */
    @ParameterizedTest
    @EnumSource(KvFormat.class)
    void transfersThereAndBack(KvFormat format) {
        Random random = new Random(5);
        int dim = 37;
        int heads = 3;
        try (Backend cpu = Backends.open("cpu")) {
            float[] x = gaussians(random, 2 * heads * 8 * dim);
            Arrays.fill(x, 0, dim, 0);
            Tensor source = cpu.copyOf(x, 2, heads, 8, dim);
            Plane cache = new Plane(cpu, format, 5, heads, 4, dim);
            Tensor back = cpu.copyOf(new float[heads * 16 * dim], 1, heads, 16, dim);
            Tensor from = cpu.copyOf(new int[] {0, 5, 15, -1, 9}, 5);
            int[] to = {3, 19, 7, 2, -1, 0, 1, 2, 3, 4, 18, 6, 11, -1, 5};
            Tensor slots = cpu.copyOf(to, heads, 5);
            cpu.run(
                    new TransferSpec(KvFormat.F32, format, dim, heads),
                    new TransferArguments(source, null, null, cache.data, cache.scales, cache.zeros, from, slots));
            int[] backTo = {1, 2, 3, 4, 5};
            cpu.run(
                    new TransferSpec(format, KvFormat.F32, dim, heads),
                    new TransferArguments(
                            cache.data, cache.scales, cache.zeros, back, null, null, slots, cpu.copyOf(backTo, 5)));
            float[] got = back.toFloatArray();
            int[] sources = {0, 5, 15, -1, 9};
            for (int h = 0; h < heads; h++) {
                for (int i = 0; i < 5; i++) {
                    int s = sources[i];
                    if (s < 0 || to[h * 5 + i] < 0) {
                        continue;
                    }
                    int at = ((s / 8 * heads + h) * 8 + s % 8) * dim;
                    double low = 0;
                    double high = 0;
                    for (int d = 0; d < dim; d++) {
                        low = Math.min(low, x[at + d]);
                        high = Math.max(high, x[at + d]);
                    }
                    for (int d = 0; d < dim; d++) {
                        double step = switch (format) {
                            case F32 -> 0;
                            case F16 -> Math.abs(x[at + d]) * 0x1p-11;
                            case BF16 -> Math.abs(x[at + d]) * 0x1p-8;
                            case INT8 -> (high - low) / 255 * 1.01;
                            case INT4 -> (high - low) / 15 * 1.01;
                            case FP8 -> Math.abs(x[at + d]) * 0x1p-4 + 0x1p-10;
                        };
                        assertThat((double) got[(h * 16 + backTo[i]) * dim + d])
                                .as(format + " head " + h + " row " + i)
                                .isBetween(x[at + d] - step - 1e-9, x[at + d] + step + 1e-9);
                    }
                }
                for (int d = 0; d < dim; d++) {
                    assertThat(got[h * 16 * dim + d]).isZero();
                }
            }
        }
    }

    private static final class Plane {
        final Tensor data;
        final @Nullable Tensor scales;
        final @Nullable Tensor zeros;

        Plane(Backend cpu, KvFormat format, int pages, int heads, int size, int dim) {
            data = cpu.allocate(format.dtype(), pages, heads, size, format.elements(dim));
            float[] ones = new float[pages * heads];
            Arrays.fill(ones, 1);
            boolean rows = format.scalesPositions();
            scales = rows
                    ? cpu.allocate(DType.F16, pages, heads, size)
                    : format == KvFormat.FP8 ? cpu.copyOf(ones, pages, heads) : null;
            zeros = rows ? cpu.allocate(DType.F16, pages, heads, size) : null;
        }
    }

    @Test
    void movesBytesBetweenEqualFormats() {
        Random random = new Random(6);
        int dim = 9;
        try (Backend cpu = Backends.open("cpu")) {
            Tensor x = cpu.copyOf(gaussians(random, 4 * dim), 1, 1, 4, dim);
            Plane a = new Plane(cpu, KvFormat.INT4, 1, 1, 8, dim);
            Tensor slots = cpu.copyOf(new int[] {0, 1, 2, 3}, 4);
            Tensor others = cpu.copyOf(new int[] {7, 5, 6, 4}, 4);
            cpu.run(
                    new TransferSpec(KvFormat.F32, KvFormat.INT4, dim, 1),
                    new TransferArguments(x, null, null, a.data, a.scales, a.zeros, slots, slots));
            cpu.run(
                    new TransferSpec(KvFormat.INT4, KvFormat.INT4, dim, 1),
                    new TransferArguments(a.data, a.scales, a.zeros, a.data, a.scales, a.zeros, slots, others));
            float[] scales = Objects.requireNonNull(a.scales).toFloatArray();
            float[] zeros = Objects.requireNonNull(a.zeros).toFloatArray();
            assertThat(new float[] {scales[7], scales[5], scales[6], scales[4]}).isEqualTo(Arrays.copyOf(scales, 4));
            assertThat(new float[] {zeros[7], zeros[5], zeros[6], zeros[4]}).isEqualTo(Arrays.copyOf(zeros, 4));
            byte[] bytes = new byte[8 * 5];
            a.data.storage().read(0, java.lang.foreign.MemorySegment.ofArray(bytes));
            assertThat(Arrays.copyOfRange(bytes, 35, 40)).isEqualTo(Arrays.copyOf(bytes, 5));
        }
    }

    @Test
    void everyFp8CodeComesBack() {
        for (int code = 0; code < 256; code++) {
            float x = Fp8.toFloat((byte) code);
            if (Float.isNaN(x)) {
                assertThat(code & 0x7f).isEqualTo(0x7f);
            } else {
                assertThat(Fp8.of(x)).as(code + " " + x).isEqualTo((byte) code);
            }
        }
        assertThat(Fp8.toFloat((byte) 0x7e)).isEqualTo(448);
        assertThat(Fp8.of(1e9)).isEqualTo((byte) 0x7e);
        assertThat(Fp8.of(Double.NEGATIVE_INFINITY)).isEqualTo((byte) 0xfe);
        assertThat(Fp8.of(17)).isEqualTo(Fp8.of(16)); // halfway to 18, to even
        assertThat(Fp8.of(19)).isEqualTo(Fp8.of(20));
        assertThat(Fp8.of(0x1p-10)).isZero();
        assertThat(Fp8.of(0x1.8p-9)).isEqualTo((byte) 2);
    }

    /** The vectors of quantised rows against the plain loops, every length and code. */
    @Test
    void codesHaveTheSameBitsInVectors() {
        Codes plain = new Codes();
        Codes fast = KernelSet.choose().wide().codes();
        byte[] from = new byte[3 * 256 + Codes.SLACK];
        for (int i = 0; i < from.length; i++) {
            from[i] = (byte) i;
        }
        float[] scale = {0.1f, 3f, HalfFloats.rounded(0.013f, DType.F16)};
        float[] zero = {-3, 128, 0};
        for (int n = 1; n <= 256; n++) {
            float[][] out = new float[6][3 * 260];
            plain.fromInt8(from, 256, out[0], 1, 259, 3, n, scale, zero);
            fast.fromInt8(from, 256, out[1], 1, 259, 3, n, scale, zero);
            plain.fromInt4(from, 256, out[2], 1, 259, 3, n, scale, zero);
            fast.fromInt4(from, 256, out[3], 1, 259, 3, n, scale, zero);
            plain.fromFp8(from, 256, out[4], 1, 259, 3, n, 0.7f);
            fast.fromFp8(from, 256, out[5], 1, 259, 3, n, 0.7f);
            for (int i = 0; i < 6; i += 2) {
                assertThat(Arrays.equals(out[i], out[i + 1]))
                        .as("format " + i + " length " + n)
                        .isTrue();
            }
        }
    }
}
