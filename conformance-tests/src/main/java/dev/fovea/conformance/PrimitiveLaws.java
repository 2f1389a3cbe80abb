package dev.fovea.conformance;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.HalfFloats;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.MergeArguments;
import dev.fovea.api.spec.MergeSpec;
import dev.fovea.api.spec.RotaryArguments;
import dev.fovea.api.spec.RotarySpec;
import dev.fovea.api.spec.TransferArguments;
import dev.fovea.api.spec.TransferSpec;
import dev.fovea.api.spi.Support;
import dev.fovea.conformance.Laws.Law;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** The primitives around attention, against their definitions evaluated here in float64. */
final class PrimitiveLaws {
    private PrimitiveLaws() {}

    static List<Law> all() {
        List<Law> laws = new ArrayList<>();
        laws.add(new Law("rows arrive in another format as its definition says", PrimitiveLaws::transfers));
        for (MergeSpec.Rule rule : MergeSpec.Rule.values()) {
            laws.add(new Law("parts merge by " + rule, b -> merge(b, rule)));
        }
        for (RotarySpec.Pairing pairing : RotarySpec.Pairing.values()) {
            laws.add(new Law("rows turn in pairs of " + pairing, b -> rotate(b, pairing)));
        }
        return List.copyOf(laws);
    }

    private static String refused(Support support) {
        return support instanceof Support.No no ? no.reason() + "; " + no.remedy() : "";
    }

    private static HostTensor rows(SplittableRandom r, DType dtype, int... shape) {
        double[] x = new double[Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        for (int i = 0; i < x.length; i++) {
            x[i] = r.nextGaussian() * (i % 7 == 0 ? 10 : 1);
        }
        return new HostTensor(dtype, x, shape);
    }

    /** A cache [P, H, S, D] of a format: what it holds, and its tensors. */
    private record Cache(
            KvFormat format,
            HostTensor values,
            Tensor rows,
            @Nullable Tensor scales,
            @Nullable Tensor zeros) implements AutoCloseable {

        static Cache of(Backend b, KvFormat format, HostTensor data, SplittableRandom r) {
            int[] s = data.shape();
            if (!format.quantised()) {
                HostTensor values = new HostTensor(format.dtype(), data.values(), s);
                return new Cache(format, values, values.upload(b), null, null);
            }
            double[] pageScales = new double[s[0] * s[1]];
            Arrays.setAll(pageScales, i -> 0.03125 * (1 + r.nextInt(3)));
            QuantisedRows q = format == KvFormat.FP8
                    ? QuantisedRows.fp8(data, pageScales, s[2])
                    : QuantisedRows.integers(format, data);
            int n = s[0] * s[1] * s[2];
            byte[] bytes = new byte[n * q.width()];
            float[] scales = new float[n];
            float[] zeros = new float[n];
            for (int i = 0; i < n; i++) {
                System.arraycopy(q.bytes(i), 0, bytes, i * q.width(), q.width());
                scales[i] = (float) q.scale(i);
                zeros[i] = (float) q.zero(i);
            }
            Tensor rows = b.copyOf(MemorySegment.ofArray(bytes), DType.BYTE, s[0], s[1], s[2], q.width());
            if (format == KvFormat.FP8) {
                float[] f = new float[pageScales.length];
                for (int i = 0; i < f.length; i++) {
                    f[i] = (float) pageScales[i];
                }
                return new Cache(format, q.decoded(), rows, b.copyOf(f, s[0], s[1]), null);
            }
            return new Cache(
                    format,
                    q.decoded(),
                    rows,
                    b.copyOf(scales, DType.F16, s[0], s[1], s[2]),
                    b.copyOf(zeros, DType.F16, s[0], s[1], s[2]));
        }

        @Override
        public void close() {
            rows.close();
            if (scales != null) {
                scales.close();
            }
            if (zeros != null) {
                zeros.close();
            }
        }
    }

    /** From and to F32, and within each format. */
    private static String transfers(Backend b) {
        for (KvFormat from : KvFormat.values()) {
            for (KvFormat to : KvFormat.values()) {
                if (from == to || from == KvFormat.F32 || to == KvFormat.F32) {
                    String wrong = transfer(b, from, to);
                    if (!wrong.isEmpty()) {
                        return from + " to " + to + ": " + wrong;
                    }
                }
            }
        }
        return "";
    }

    private static String transfer(Backend b, KvFormat from, KvFormat to) {
        int heads = 3;
        int dim = 40;
        int n = 9;
        TransferSpec spec = new TransferSpec(from, to, dim, heads);
        String no = refused(b.supports(spec));
        if (!no.isEmpty()) {
            return no;
        }
        SplittableRandom r =
                new SplittableRandom(from.name().hashCode() * 31L + to.name().hashCode());
        int[] sourceSlots = {0, 5, 11, -1, 3, 19, 7, 8, 2};
        int[] targetSlots = {4, 0, 13, 2, -1, 1, 6, 20, 9};
        try (Cache source = Cache.of(b, from, rows(r, DType.F32, 4, heads, 5, dim), r);
                Cache target = Cache.of(b, to, rows(r, DType.F32, 3, heads, 7, dim), r);
                Tensor s = b.copyOf(sourceSlots, n);
                Tensor t = b.copyOf(targetSlots, n)) {
            b.run(
                    spec,
                    new TransferArguments(
                            source.rows(),
                            source.scales(),
                            source.zeros(),
                            target.rows(),
                            target.scales(),
                            target.zeros(),
                            s,
                            t));
            return compare(b, source, target, sourceSlots, targetSlots, heads, dim);
        }
    }

    /** Reads the target back as F32 through the device and compares with what moving by definition gives. */
    private static String compare(Backend b, Cache source, Cache target, int[] from, int[] to, int heads, int dim) {
        int size = target.values().size(2);
        int pages = target.values().size(0);
        double[] expected = target.values().values().clone();
        double[] step = new double[expected.length];
        for (int i = 0; i < from.length; i++) {
            if (from[i] < 0 || to[i] < 0) {
                continue;
            }
            for (int h = 0; h < heads; h++) {
                int sourceSize = source.values().size(2);
                int a = ((from[i] / sourceSize * heads + h) * sourceSize + from[i] % sourceSize) * dim;
                int z = ((to[i] / size * heads + h) * size + to[i] % size) * dim;
                double[] row = Arrays.copyOfRange(source.values().values(), a, a + dim);
                double[] moved = moved(source.format(), target, row, to[i] / size * heads + h, dim);
                System.arraycopy(moved, 0, expected, z, dim);
                Arrays.fill(step, z, z + dim, step(source.format(), target.format(), row));
            }
        }
        float[] got = decoded(b, target, pages, heads, size, dim);
        for (int i = 0; i < got.length; i++) {
            double allowed = step[i] * 1.001 + 1e-6 * Math.abs(expected[i]);
            if (!(Math.abs(got[i] - expected[i]) <= allowed)) {
                return "element " + i + " of the target is " + got[i] + ", expected " + expected[i];
            }
        }
        return "";
    }

    /** A tie that f32 arithmetic breaks the other way moves a value by one step of the format; equal formats move exactly. */
    private static double step(KvFormat from, KvFormat to, double[] row) {
        if (from == to || !to.quantised()) {
            return 0;
        }
        double lo = 0;
        double hi = 0;
        for (double x : row) {
            lo = Math.min(lo, x);
            hi = Math.max(hi, x);
        }
        return to == KvFormat.FP8 ? Math.max(hi, -lo) / 8 : (hi - lo) / (to == KvFormat.INT8 ? 255 : 15);
    }

    private static double[] moved(KvFormat from, Cache target, double[] row, int page, int dim) {
        HostTensor one = new HostTensor(DType.F32, row, 1, 1, 1, dim);
        KvFormat to = target.format();
        if (!to.quantised()) {
            return new HostTensor(to.dtype(), row, dim).values();
        }
        if (to == KvFormat.FP8) {
            double scale = target.scales() == null ? 1 : target.scales().toFloatArray()[page];
            return QuantisedRows.fp8(one, new double[] {scale}, 1).decoded().values();
        }
        return from == to ? row : QuantisedRows.integers(to, one).decoded().values();
    }

    private static float[] decoded(Backend b, Cache cache, int pages, int heads, int size, int dim) {
        if (!cache.format().quantised()) {
            return cache.rows().toFloatArray();
        }
        int[] slots = new int[pages * size];
        Arrays.setAll(slots, i -> i);
        float[] nan = new float[pages * heads * size * dim];
        Arrays.fill(nan, Float.NaN);
        try (Tensor out = b.copyOf(nan, pages, heads, size, dim);
                Tensor s = b.copyOf(slots, slots.length)) {
            b.run(
                    new TransferSpec(cache.format(), KvFormat.F32, dim, heads),
                    new TransferArguments(cache.rows(), cache.scales(), cache.zeros(), out, null, null, s, s));
            return out.toFloatArray();
        }
    }

    private static String merge(Backend b, MergeSpec.Rule rule) {
        boolean lse = rule == MergeSpec.Rule.LOG_SUM_EXP;
        for (DType storage : List.of(DType.F32, DType.F16, DType.BF16)) {
            MergeSpec spec = new MergeSpec(storage, 37, rule, lse, lse);
            String no = refused(b.supports(spec));
            String wrong = no.isEmpty() ? merge(b, spec) : no;
            if (!wrong.isEmpty()) {
                return storage + ": " + wrong;
            }
        }
        return "";
    }

    private static String merge(Backend b, MergeSpec spec) {
        int n = 5;
        int heads = 3;
        int rows = 2 * heads * 7;
        int dim = spec.valueDim();
        SplittableRandom r = new SplittableRandom(3);
        double[] m = new double[n * rows];
        double[] l = new double[n * rows];
        double[] acc = rows(r, DType.F32, n * rows * dim).values();
        double[] w = rows(r, DType.F32, n * rows).values();
        double[] sinks = rows(r, DType.F32, heads).values();
        for (int i = 0; i < m.length; i++) {
            boolean empty = i % rows == 0 || r.nextInt(4) == 0;
            m[i] = empty ? Double.NEGATIVE_INFINITY : (float) (20 * r.nextGaussian());
            l[i] = empty ? 0 : (float) (0.5 + r.nextDouble() * 30);
            if (empty) {
                Arrays.fill(acc, i * dim, i * dim + dim, 0);
            }
        }
        try (Tensor tm = b.copyOf(floats(m), n, 2, heads, 7);
                Tensor tl = b.copyOf(floats(l), n, 2, heads, 7);
                Tensor ta = b.copyOf(floats(acc), n, 2, heads, 7, dim);
                Tensor tw = b.copyOf(floats(w), n, 2, heads, 7);
                Tensor ts = b.copyOf(floats(sinks), heads);
                Guarded out = Guarded.output(b, spec.storage(), AttentionCase.Layout.BSHD, 2, heads, 7, dim);
                Guarded lse = Guarded.output(b, DType.F32, AttentionCase.Layout.BHSD, 2, heads, 7)) {
            boolean weighted = spec.rule() == MergeSpec.Rule.WEIGHTED;
            b.run(
                    spec,
                    new MergeArguments(
                            tm,
                            tl,
                            ta,
                            weighted ? tw : null,
                            spec.sink() ? ts : null,
                            out.tensor(),
                            spec.logSumExp() ? lse.tensor() : null));
            double[] got = out.read();
            double[] gotLse = lse.read();
            for (int row = 0; row < rows; row++) {
                double top = spec.sink() ? sinks[row / 7 % heads] : Double.NEGATIVE_INFINITY;
                for (int i = 0; i < n; i++) {
                    top = Math.max(top, m[i * rows + row]);
                }
                double sum = spec.sink() ? Math.exp(sinks[row / 7 % heads] - top) : 0;
                double[] o = new double[dim];
                double size = 0;
                for (int i = 0; i < n; i++) {
                    int at = i * rows + row;
                    double factor = switch (spec.rule()) {
                        case LOG_SUM_EXP -> l[at] == 0 ? 0 : Math.exp(m[at] - top);
                        case WEIGHTED -> l[at] == 0 ? 0 : w[at] / l[at];
                        case RATIO -> 1;
                    };
                    sum += weighted ? 0 : l[at] * factor;
                    for (int d = 0; d < dim; d++) {
                        o[d] += factor * acc[at * dim + d];
                        size = Math.max(size, Math.abs(factor * acc[at * dim + d]));
                    }
                }
                double divisor = weighted ? 1 : sum;
                double allowed = (4 * spec.storage().unitRoundoff() + 1e-6) * size * n / (divisor == 0 ? 1 : divisor);
                for (int d = 0; d < dim; d++) {
                    double expected = divisor == 0 ? 0 : o[d] / divisor;
                    if (!(Math.abs(got[row * dim + d] - expected) <= allowed + 1e-30)) {
                        return "row " + row + " column " + d + ": " + got[row * dim + d] + ", expected " + expected;
                    }
                }
                if (spec.logSumExp() && !(Math.abs(gotLse[row] - (top + Math.log(sum))) <= 1e-5)) {
                    return "log-sum-exp of row " + row + ": " + gotLse[row] + ", expected " + (top + Math.log(sum));
                }
            }
            return out.guardsIntact() && lse.guardsIntact() ? "" : "wrote outside an output";
        }
    }

    private static float[] floats(double[] x) {
        float[] f = new float[x.length];
        for (int i = 0; i < f.length; i++) {
            f[i] = (float) x[i];
        }
        return f;
    }

    private static String rotate(Backend b, RotarySpec.Pairing pairing) {
        for (DType storage : List.of(DType.F32, DType.F16, DType.BF16)) {
            for (int sections : new int[] {1, 3}) {
                for (boolean inPlace : new boolean[] {false, true}) {
                    RotarySpec spec = new RotarySpec(storage, 40, 24, pairing, sections);
                    String no = refused(b.supports(spec));
                    String wrong = no.isEmpty() ? rotate(b, spec, inPlace) : no;
                    if (!wrong.isEmpty()) {
                        return storage + ", " + sections + " sections" + (inPlace ? ", in place: " : ": ") + wrong;
                    }
                }
            }
        }
        return "";
    }

    private static String rotate(Backend b, RotarySpec spec, boolean inPlace) {
        int batch = 2;
        int heads = 3;
        int length = 6;
        int table = 50;
        int pairs = spec.pairs();
        int axes = spec.sections();
        SplittableRandom r = new SplittableRandom(9);
        HostTensor x = rows(r, spec.storage(), batch, heads, length, spec.dim());
        int[] positions = new int[axes * batch * length];
        Arrays.setAll(positions, i -> r.nextInt(table));
        int[] sectionOf = new int[pairs];
        Arrays.setAll(sectionOf, i -> i % axes);
        double[] cos = new double[table * pairs];
        double[] sin = new double[table * pairs];
        for (int i = 0; i < cos.length; i++) {
            int position = i / pairs;
            double angle = position * Math.pow(10000, -(double) (i % pairs) / pairs);
            cos[i] = (float) Math.cos(angle);
            sin[i] = (float) Math.sin(angle);
        }
        long[] shape = axes == 1 ? new long[] {batch, length} : new long[] {axes, batch, length};
        try (Guarded in = Guarded.input(b, x, AttentionCase.Layout.BSHD);
                Guarded out =
                        Guarded.output(b, spec.storage(), AttentionCase.Layout.BHSD, batch, heads, length, spec.dim());
                Tensor p = b.copyOf(positions, shape);
                Tensor c = b.copyOf(floats(cos), table, pairs);
                Tensor s = b.copyOf(floats(sin), table, pairs);
                Tensor axis = b.copyOf(sectionOf, pairs)) {
            Guarded result = inPlace ? in : out;
            b.run(spec, new RotaryArguments(in.tensor(), result.tensor(), p, c, s, axes == 1 ? null : axis));
            double[] got = result.read();
            for (int i = 0; i < got.length; i++) {
                double expected = turned(spec, x, i, positions, sectionOf, cos, sin, batch, length);
                double allowed = (spec.storage().unitRoundoff() + 4e-7)
                        * (Math.abs(expected) + 20)
                        * (spec.storage() == DType.F32 ? 0.2 : 1);
                if (!(Math.abs(got[i] - expected) <= allowed)) {
                    return "element " + i + " is " + got[i] + ", expected "
                            + HalfFloats.rounded((float) expected, spec.storage());
                }
            }
            return result.guardsIntact() ? "" : "wrote outside the output";
        }
    }

    private static double turned(
            RotarySpec spec,
            HostTensor x,
            int element,
            int[] positions,
            int[] sectionOf,
            double[] cos,
            double[] sin,
            int batch,
            int length) {
        int dim = spec.dim();
        int d = element % dim;
        if (d >= spec.rotaryDim()) {
            return x.values()[element];
        }
        int row = element / dim;
        int half = spec.pairs();
        boolean halves = spec.pairing() == RotarySpec.Pairing.HALVES;
        int pair = halves ? d % half : d / 2;
        boolean first = halves ? d < half : d % 2 == 0;
        int other = halves ? (first ? d + half : d - half) : (first ? d + 1 : d - 1);
        int b = row / length / x.size(1);
        int axis = spec.sections() == 1 ? 0 : sectionOf[pair];
        int position = positions[(axis * batch + b) * length + row % length];
        double partner = x.values()[row * dim + other];
        double turn = sin[position * half + pair] * partner;
        return x.values()[element] * cos[position * half + pair] + (first ? -turn : turn);
    }
}
