package dev.fovea.conformance;

import dev.fovea.api.Attention;
import dev.fovea.api.AttentionResult;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.cache.CacheShape;
import dev.fovea.api.cache.CacheView;
import dev.fovea.api.cache.KvCache;
import dev.fovea.api.cache.KvSequence;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.position.RotaryFrequencies;
import dev.fovea.api.position.RotaryScaling;
import dev.fovea.api.position.RotarySections;
import dev.fovea.api.position.RotaryTables;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.MergeArguments;
import dev.fovea.api.spec.MergeSpec;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spec.RotarySpec.Pairing;
import dev.fovea.conformance.Laws.Law;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;

/** Latent attention (DeepSeek-V2 2024, TPLA 2025), parts that merge, and rotation: forms of one computation that must agree. */
public final class LatentLaws {
    private static final int H = 3;
    private static final int QUERIES = 4;
    private static final int KEYS = 70;
    private static final int LATENT = 512;
    private static final int ROTARY = 64;
    private static final int NOPE = 32;
    private static final int DV = 24;
    private static final float SCALE = (float) (1 / Math.sqrt(NOPE + ROTARY));

    private LatentLaws() {}

    public static List<Law> all() {
        return List.of(
                new Law("latent attention in absorbed form is that in naive form", LatentLaws::absorbed),
                new Law("each latent slice has a softmax of its own", LatentLaws::slices),
                new Law("parts of the keys merge into the whole", LatentLaws::split),
                new Law("scores of rotated rows depend on the distance alone", LatentLaws::distance),
                new Law("sections turn each pair by its own axis", LatentLaws::sections));
    }

    /** [heads, rows, n] by the transpose or not of weights [heads, n, m]; sums in float64. */
    private static float[] project(float[] x, float[] w, int rows, int n, int m, boolean transposed) {
        float[] y = new float[H * rows * m];
        for (int h = 0; h < H; h++) {
            for (int r = 0; r < rows; r++) {
                for (int j = 0; j < m; j++) {
                    double sum = 0;
                    for (int i = 0; i < n; i++) {
                        int at = transposed ? (h * m + j) * n + i : (h * n + i) * m + j;
                        sum += (double) x[(h * rows + r) * n + i] * w[at];
                    }
                    y[(h * rows + r) * m + j] = (float) sum;
                }
            }
        }
        return y;
    }

    /** Rows of a beside rows of b. */
    private static float[] beside(float[] a, int n, float[] b, int m) {
        int rows = a.length / n;
        float[] y = new float[rows * (n + m)];
        for (int r = 0; r < rows; r++) {
            System.arraycopy(a, r * n, y, r * (n + m), n);
            System.arraycopy(b, r * m, y, r * (n + m) + n, m);
        }
        return y;
    }

    private static float[] repeated(float[] x) {
        float[] y = new float[H * x.length];
        for (int h = 0; h < H; h++) {
            System.arraycopy(x, 0, y, h * x.length, x.length);
        }
        return y;
    }

    /** Through a cache that holds latents and the shared rotary key, 576 columns a position, and no values of its own. */
    private static String absorbed(Backend b) {
        float[] c = Numbers.gaussian(1, KEYS * LATENT);
        float[] kr = Numbers.gaussian(2, KEYS * ROTARY);
        float[] qn = Numbers.gaussian(3, H * QUERIES * NOPE);
        float[] qr = Numbers.gaussian(4, H * QUERIES * ROTARY);
        float[] uk = Numbers.scaled(Numbers.gaussian(5, H * NOPE * LATENT), 1 / Math.sqrt(LATENT));
        float[] uv = Numbers.scaled(Numbers.gaussian(6, H * LATENT * DV), 1 / Math.sqrt(LATENT));
        float[] q = beside(project(qn, uk, QUERIES, NOPE, LATENT, false), LATENT, qr, ROTARY);
        float[] absorbed;
        CacheShape shape =
                CacheShape.of(8, 16, 1, LATENT + ROTARY, KvFormat.F32).withValuesInKeys(LATENT);
        try (KvCache cache = KvCache.on(b, shape);
                Tensor rows = b.copyOf(beside(c, LATENT, kr, ROTARY), 1, 1, KEYS, LATENT + ROTARY);
                Tensor query = b.copyOf(q, 1, H, QUERIES, LATENT + ROTARY);
                Tensor o = b.allocate(DType.F32, 1, H, QUERIES, LATENT)) {
            KvSequence s = cache.create();
            cache.append(s, rows, null);
            try (CacheView view = cache.view(List.of(s))) {
                b.run(view.spec(query, Expressions.causal()), view.arguments(query, o, SCALE));
            }
            absorbed = project(o.toFloatArray(), uv, QUERIES, LATENT, DV, false);
        }
        float[] keys = beside(project(repeated(c), uk, KEYS, LATENT, NOPE, true), NOPE, repeated(kr), ROTARY);
        float[] values = project(repeated(c), uv, KEYS, LATENT, DV, false);
        try (Tensor query = b.copyOf(beside(qn, NOPE, qr, ROTARY), 1, H, QUERIES, NOPE + ROTARY);
                Tensor k = b.copyOf(keys, 1, H, KEYS, NOPE + ROTARY);
                Tensor v = b.copyOf(values, 1, H, KEYS, DV);
                Tensor o = b.attend(query, k, v, Attention.causal().queryOffset(KEYS - QUERIES))) {
            return Numbers.near(absorbed, o.toFloatArray(), 2e-5);
        }
    }

    /**
     * {@code y = sum over slices of softmax((q_s c_s + q_r k_r) scale) c_s W_s}: the rotary logits count in each slice, and the slices
     * are summed after projection, not merged as parts of one softmax.
     */
    private static String slices(Backend b) {
        int slice = LATENT / 2;
        float[] c = Numbers.gaussian(1, KEYS * LATENT);
        float[] kr = Numbers.gaussian(2, KEYS * ROTARY);
        float[] q = Numbers.scaled(Numbers.gaussian(3, H * QUERIES * LATENT), 0.3);
        float[] qr = Numbers.gaussian(4, H * QUERIES * ROTARY);
        float[] w = Numbers.scaled(Numbers.gaussian(6, H * LATENT * DV), 1 / Math.sqrt(LATENT));
        float[] sum = new float[H * QUERIES * DV];
        double[] expected = new double[sum.length];
        for (int s = 0; s < 2; s++) {
            float[] cs = columns(c, LATENT, s * slice, slice);
            float[] qs = columns(q, LATENT, s * slice, slice);
            float[] ws = new float[H * slice * DV];
            for (int h = 0; h < H; h++) {
                System.arraycopy(w, (h * LATENT + s * slice) * DV, ws, h * slice * DV, slice * DV);
            }
            float[] rows = beside(cs, slice, kr, ROTARY);
            float[] query = beside(qs, slice, qr, ROTARY);
            try (Tensor tq = b.copyOf(query, 1, H, QUERIES, slice + ROTARY);
                    Tensor k = b.copyOf(rows, 1, 1, KEYS, slice + ROTARY);
                    Tensor v = k.slice(3, 0, slice);
                    Tensor o = b.attend(tq, k, v, Attention.full().scale(SCALE))) {
                float[] y = project(o.toFloatArray(), ws, QUERIES, slice, DV, false);
                for (int i = 0; i < sum.length; i++) {
                    sum[i] += y[i];
                }
            }
            addSlice(query, rows, ws, slice, expected);
        }
        float[] rounded = new float[expected.length];
        for (int i = 0; i < rounded.length; i++) {
            rounded[i] = (float) expected[i];
        }
        return Numbers.near(sum, rounded, 2e-5);
    }

    private static float[] columns(float[] x, int width, int from, int n) {
        float[] y = new float[x.length / width * n];
        for (int r = 0; r < x.length / width; r++) {
            System.arraycopy(x, r * width + from, y, r * n, n);
        }
        return y;
    }

    private static void addSlice(float[] query, float[] rows, float[] w, int slice, double[] y) {
        int width = slice + ROTARY;
        for (int row = 0; row < H * QUERIES; row++) {
            double[] p = new double[KEYS];
            double sum = 0;
            for (int k = 0; k < KEYS; k++) {
                double dot = 0;
                for (int i = 0; i < width; i++) {
                    dot += (double) query[row * width + i] * rows[k * width + i];
                }
                p[k] = Math.exp(dot * SCALE);
                sum += p[k];
            }
            for (int i = 0; i < slice; i++) {
                double o = 0;
                for (int k = 0; k < KEYS; k++) {
                    o += p[k] / sum * rows[k * width + i];
                }
                for (int j = 0; j < DV; j++) {
                    y[row * DV + j] += o * w[(row / QUERIES * slice + i) * DV + j];
                }
            }
        }
    }

    /** Causal attention with sinks, keys cut at 0, 11, 40 and 40: some rows of some parts are empty, and so is a whole part. */
    private static String split(Backend b) {
        int d = 40;
        int n = 60;
        int[] cuts = {0, 11, 40, 40, n};
        int parts = cuts.length - 1;
        try (Tensor q = b.copyOf(Numbers.gaussian(1, 2 * 4 * n * d), 2, 4, n, d);
                Tensor k = b.copyOf(Numbers.gaussian(2, 2 * 2 * n * d), 2, 2, n, d);
                Tensor v = b.copyOf(Numbers.gaussian(3, 2 * 2 * n * d), 2, 2, n, d);
                Tensor sinks = b.copyOf(Numbers.gaussian(4, 4), 4);
                Tensor acc = b.allocate(DType.F32, 2L * parts, 4, n, d);
                Tensor maxima = b.allocate(DType.F32, 2L * parts, 4, n);
                Tensor sums = b.allocate(DType.F32, 2L * parts, 4, n);
                Tensor o = b.allocate(DType.F32, 2, 4, n, d);
                Tensor lse = b.allocate(DType.F32, 2, 4, n);
                AttentionResult whole =
                        b.attendAll(q, k, v, Attention.causal().sink(sinks).logSumExp())) {
            for (int i = 0; i < parts; i++) {
                try (Tensor kp = k.slice(2, cuts[i], cuts[i + 1]);
                        Tensor vp = v.slice(2, cuts[i], cuts[i + 1]);
                        Tensor offsets = b.copyOf(new int[] {-cuts[i], -cuts[i]}, 2);
                        Tensor a = acc.slice(0, 2L * i, 2L * i + 2);
                        Tensor m = maxima.slice(0, 2L * i, 2L * i + 2);
                        Tensor l = sums.slice(0, 2L * i, 2L * i + 2)) {
                    b.run(partial(d), arguments(q, kp, vp, a, offsets).withPartials(m, l));
                }
            }
            try (Tensor a = split(acc, 2);
                    Tensor m = split(maxima, 2);
                    Tensor l = split(sums, 2)) {
                b.run(
                        new MergeSpec(DType.F32, d, MergeSpec.Rule.LOG_SUM_EXP, true, true),
                        new MergeArguments(m, l, a, null, sinks, o, lse));
            }
            String wrong = Numbers.near(o.toFloatArray(), whole.output().toFloatArray(), 5e-6);
            return wrong.isEmpty()
                    ? Numbers.near(
                            lse.toFloatArray(),
                            Objects.requireNonNull(whole.logSumExp()).toFloatArray(),
                            5e-6)
                    : wrong;
        }
    }

    /** [n * inner, ..] as [n, inner, ..]. */
    private static Tensor split(Tensor t, int inner) {
        int last = t.rank() - 1;
        int[] order = new int[t.rank()];
        for (int i = 0; i < last; i++) {
            order[i] = i + 1;
        }
        order[last] = 0;
        int[] back = new int[t.rank() + 1];
        back[0] = last;
        back[1] = last + 1;
        for (int i = 0; i < last; i++) {
            back[i + 2] = i;
        }
        try (Tensor turned = t.permute(order);
                Tensor two = turned.splitLast(inner)) {
            return two.permute(back);
        }
    }

    private static AttentionSpec partial(int d) {
        return new AttentionSpec(
                        DType.F32,
                        d,
                        d,
                        4,
                        2,
                        2,
                        Expressions.score(),
                        Expressions.score(),
                        Expressions.causal(),
                        QueryOffset.GIVEN,
                        false,
                        false,
                        false,
                        false,
                        Optional.empty())
                .withPartials();
    }

    private static AttentionArguments arguments(Tensor q, Tensor k, Tensor v, Tensor o, Tensor offsets) {
        AttentionArguments a = new AttentionArguments(q, k, v, o);
        return new AttentionArguments(
                q, k, v, o, a.scale(), null, null, null, offsets, null, null, null, a.captures(), a.scalars());
    }

    /** Rows rotated by p and p + n have the products of rows rotated by 0 and n. */
    private static String distance(Backend b) {
        int dim = 48;
        int rotary = 32;
        int n = 20;
        for (Pairing pairing : Pairing.values()) {
            RotaryFrequencies f = new RotaryScaling.Yarn(4, 64).frequencies(10000, rotary);
            try (RotaryTables tables = RotaryTables.on(b, f, 200);
                    Tensor near = b.copyOf(Numbers.gaussian(1, n * dim), 1, 1, n, dim);
                    Tensor far = b.copyOf(Numbers.gaussian(1, n * dim), 1, 1, n, dim);
                    Tensor first = b.copyOf(IntStream.range(0, n).toArray(), 1, n);
                    Tensor later = b.copyOf(IntStream.range(150, 150 + n).toArray(), 1, n)) {
                tables.rotate(near, first, pairing);
                tables.rotate(far, later, pairing);
                String wrong =
                        Numbers.near(products(near.toFloatArray(), dim), products(far.toFloatArray(), dim), 2e-4);
                if (!wrong.isEmpty()) {
                    return pairing + ", " + wrong;
                }
            }
        }
        return "";
    }

    private static float[] products(float[] x, int dim) {
        int n = x.length / dim;
        float[] y = new float[n * n];
        for (int i = 0; i < n * n; i++) {
            double sum = 0;
            for (int d = 0; d < dim; d++) {
                sum += (double) x[i / n * dim + d] * x[i % n * dim + d];
            }
            y[i] = (float) sum;
        }
        return y;
    }

    private static String sections(Backend b) {
        int dim = 16;
        int n = 5;
        int[] map = RotarySections.blocks(2, 3, 3);
        int[] positions = {0, 1, 2, 3, 4, 7, 6, 5, 4, 3, 9, 0, 9, 1, 8};
        float[] x = Numbers.gaussian(1, n * dim);
        RotaryFrequencies f = RotaryFrequencies.of(100, dim);
        float[] expected = new float[x.length];
        for (int i = 0; i < n; i++) {
            for (int r = 0; r < dim / 2; r++) {
                double angle = positions[map[r] * n + i] * f.radians()[r];
                double u = x[i * dim + r];
                double v = x[i * dim + r + dim / 2];
                expected[i * dim + r] = (float) (u * Math.cos(angle) - v * Math.sin(angle));
                expected[i * dim + r + dim / 2] = (float) (v * Math.cos(angle) + u * Math.sin(angle));
            }
        }
        try (RotaryTables tables = RotaryTables.on(b, f, 10, map);
                Tensor in = b.copyOf(x, 1, 1, n, dim);
                Tensor out = b.allocate(DType.F32, 1, 1, n, dim);
                Tensor p = b.copyOf(positions, 3, 1, n)) {
            tables.rotate(in, out, p, Pairing.HALVES);
            return Numbers.near(out.toFloatArray(), expected, 2e-6);
        }
    }
}
