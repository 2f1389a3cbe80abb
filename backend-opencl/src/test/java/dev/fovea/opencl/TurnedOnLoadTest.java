package dev.fovea.opencl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.DType;
import dev.fovea.api.ExecutionStream;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeyArguments;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.KeySource.Layout;
import dev.fovea.api.spec.KeySource.Rotary;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spec.RotarySpec.Pairing;
import dev.fovea.api.spec.TransferArguments;
import dev.fovea.api.spec.TransferSpec;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Rotary embedding in the row loads of attention.cl and decode.cl against a plain evaluation in double. */
class TurnedOnLoadTest {
    private static final int HEADS = 4;
    private static final int KEY_HEADS = 2;
    private static final int BATCH = 2;
    private static final int QUERIES = 3;
    private static final int POSITIONS = 300;
    private static final int[] OFFSETS = {100, 17};

    private static double angle(int position, int pair, int pairs) {
        return position * Math.pow(50, -(double) pair / pairs);
    }

    private static double[] turned(float[] x, int position, Rotary rotary) {
        double[] y = new double[x.length];
        Arrays.setAll(y, i -> x[i]);
        boolean halves = rotary.pairing() == Pairing.HALVES;
        for (int r = 0; r < rotary.pairs(); r++) {
            int i = halves ? r : 2 * r;
            int j = halves ? r + rotary.pairs() : i + 1;
            double cos = (float) Math.cos(angle(position, r, rotary.pairs()));
            double sin = (float) Math.sin(angle(position, r, rotary.pairs()));
            y[i] = x[i] * cos - x[j] * sin;
            y[j] = x[j] * cos + x[i] * sin;
        }
        return y;
    }

    /** Tables whose rows are not side by side: [pairs, positions], seen the other way round. */
    private static Tensor table(DecodeRun run, Rotary rotary, boolean cosines) {
        float[] x = new float[rotary.pairs() * POSITIONS];
        for (int i = 0; i < x.length; i++) {
            double angle = angle(i % POSITIONS, i / POSITIONS, rotary.pairs());
            x[i] = (float) (cosines ? Math.cos(angle) : Math.sin(angle));
        }
        return run.fovea.copyOf(x, rotary.pairs(), POSITIONS);
    }

    private static AttentionSpec spec(int dim, KeySource source, boolean lengths) {
        return new AttentionSpec(
                        DType.F32,
                        dim,
                        dim,
                        HEADS,
                        KEY_HEADS,
                        KEY_HEADS,
                        Expressions.score(),
                        Expressions.score(),
                        Expressions.causal(),
                        QueryOffset.GIVEN,
                        false,
                        false,
                        lengths,
                        false,
                        Optional.empty())
                .with(source);
    }

    /** One case with all that the plain evaluation reads. */
    private record Problem(AttentionSpec spec, DecodeRun.Rows rows, int[] lengths, int[] positions, int keys) {
        private double[] expected(int b, int h, int i, float[] query) {
            Rotary rotary = spec.source().rotary().orElseThrow();
            int qpos = i + OFFSETS[b];
            double[] q = turned(query, qpos, rotary);
            double[] s = new double[lengths[b]];
            double m = Double.NEGATIVE_INFINITY;
            for (int k = 0; k < s.length; k++) {
                int kpos = positions[b * keys + k];
                double[] key = turned(rows.row(b, h * KEY_HEADS / HEADS, k), kpos, rotary);
                double dot = 0;
                for (int c = 0; c < key.length; c++) {
                    dot += q[c] * key[c];
                }
                s[k] = kpos <= qpos ? 0.25 * dot : Double.NEGATIVE_INFINITY;
                m = Math.max(m, s[k]);
            }
            double[] out = new double[query.length];
            double sum = 0;
            for (int k = 0; k < s.length; k++) {
                if (s[k] > Double.NEGATIVE_INFINITY) {
                    double w = Math.exp(s[k] - m);
                    float[] value = rows.row(b, h * KEY_HEADS / HEADS, k);
                    sum += w;
                    for (int c = 0; c < out.length; c++) {
                        out[c] += w * value[c];
                    }
                }
            }
            for (int c = 0; c < out.length; c++) {
                out[c] /= sum == 0 ? 1 : sum;
            }
            return out;
        }

        private void compare(float[] queries, float[] got, String path) {
            int dim = spec.headDim();
            for (int row = 0; row < BATCH * HEADS * QUERIES; row++) {
                double[] e = expected(
                        row / QUERIES / HEADS,
                        row / QUERIES % HEADS,
                        row % QUERIES,
                        Arrays.copyOfRange(queries, row * dim, (row + 1) * dim));
                for (int c = 0; c < dim; c++) {
                    assertThat((double) got[row * dim + c])
                            .as("%s, %s, row %d, column %d", path, spec.source(), row, c)
                            .isCloseTo(e[c], Offset.offset(1e-5));
                }
            }
        }
    }

    private static void bothPaths(DecodeRun run, Problem p, AttentionArguments a) {
        float[] queries = a.query().toFloatArray();
        run.part = 24;
        p.compare(queries, run.run(p.spec, a), "decode.cl");
        AttentionSpec spec = p.spec;
        try (Tensor o = run.output(spec, BATCH, QUERIES);
                ExecutionStream stream = run.fovea.newStream();
                OpenClAttentionPlan plan = new OpenClAttentionPlan(run.device, spec)) {
            plan.run(
                    new AttentionArguments(
                                    a.query(),
                                    a.key(),
                                    a.value(),
                                    o,
                                    a.scale(),
                                    null,
                                    null,
                                    a.keyLengths(),
                                    a.queryOffsets(),
                                    null,
                                    null,
                                    null,
                                    Map.of(),
                                    Map.of())
                            .with(a.source()),
                    stream);
            p.compare(queries, o.toFloatArray(), "attention.cl");
        }
    }

    /** Halves that are multiples of four and such that are not, whole heads and parts of them, rows that can be moved four at a time or not. */
    @Test
    void halvesAndNeighboursOfDenseKeys() {
        for (Pairing pairing : Pairing.values()) {
            dense(64, new Rotary(pairing, 64));
            dense(40, new Rotary(pairing, 26));
            dense(31, new Rotary(pairing, 30));
        }
    }

    private static void dense(int dim, Rotary rotary) {
        int keys = 70;
        int[] positions =
                new SplittableRandom(dim).ints((long) BATCH * keys, 0, 140).toArray();
        AttentionSpec spec =
                spec(dim, KeySource.dense(DType.F32).withPositions().with(rotary), false);
        float[] rows = DecodeRun.data(2, BATCH * KEY_HEADS * keys * dim, DType.F32);
        try (DecodeRun run = new DecodeRun();
                Tensor q = run.fovea.copyOf(
                        DecodeRun.data(1, BATCH * HEADS * QUERIES * dim, DType.F32), BATCH, HEADS, QUERIES, dim);
                Tensor k = run.fovea.copyOf(rows, BATCH, KEY_HEADS, keys, dim);
                Tensor offsets = run.fovea.copyOf(OFFSETS, BATCH);
                Tensor at = run.fovea.copyOf(positions, BATCH, keys);
                Tensor cos = table(run, rotary, true);
                Tensor sin = table(run, rotary, false);
                Tensor cosines = cos.permute(1, 0);
                Tensor sines = sin.permute(1, 0);
                Tensor o = run.output(spec, BATCH, QUERIES)) {
            Problem p = new Problem(
                    spec, DecodeRun.dense(rows, KEY_HEADS, keys, dim), new int[] {keys, keys}, positions, keys);
            AttentionArguments a = new AttentionArguments(
                            q, k, k, o, 0.25f, null, null, null, offsets, null, null, null, Map.of(), Map.of())
                    .with(KeyArguments.NONE.withKeyPositions(at).withRotary(cosines, sines));
            bothPaths(run, p, a);
        }
    }

    @Test
    void pagesOfQuantisedKeys() {
        for (Pairing pairing : Pairing.values()) {
            pages(KvFormat.INT8, 48, new Rotary(pairing, 32));
            pages(KvFormat.INT4, 32, new Rotary(pairing, 26));
        }
    }

    private static void pages(KvFormat format, int dim, Rotary rotary) {
        int size = 5;
        int perList = 14;
        int keys = perList * size;
        int all = BATCH * KEY_HEADS * perList;
        int[] table = IntStream.range(0, all).map(i -> (i * 3 + 1) % all).toArray();
        int[] lengths = {keys, 41};
        int[] positions = IntStream.range(0, BATCH * keys).map(i -> i % keys).toArray();
        AttentionSpec spec = spec(
                dim, KeySource.dense(DType.F32).with(Layout.PAGED).with(format).with(rotary), true);
        try (DecodeRun run = new DecodeRun();
                Tensor q = run.fovea.copyOf(
                        DecodeRun.data(1, BATCH * HEADS * QUERIES * dim, DType.F32), BATCH, HEADS, QUERIES, dim);
                Tensor x = run.fovea.copyOf(
                        DecodeRun.data(2, all * KEY_HEADS * size * dim, DType.F32), all, KEY_HEADS, size, dim);
                Tensor k = run.fovea.allocate(DType.BYTE, all, KEY_HEADS, size, format.elements(dim));
                Tensor scales = run.fovea.allocate(DType.F16, all, KEY_HEADS, size);
                Tensor zeros = run.fovea.allocate(DType.F16, all, KEY_HEADS, size);
                Tensor back = run.fovea.allocate(DType.F32, all, KEY_HEADS, size, dim);
                Tensor slots = run.fovea.copyOf(IntStream.range(0, all * size).toArray(), (long) all * size);
                Tensor pages = run.fovea.copyOf(table, BATCH, KEY_HEADS, perList);
                Tensor len = run.fovea.copyOf(lengths, BATCH);
                Tensor offsets = run.fovea.copyOf(OFFSETS, BATCH);
                Tensor cos = table(run, rotary, true);
                Tensor sin = table(run, rotary, false);
                Tensor cosines = cos.permute(1, 0);
                Tensor sines = sin.permute(1, 0);
                Tensor o = run.output(spec, BATCH, QUERIES)) {
            run.fovea.run(
                    new TransferSpec(KvFormat.F32, format, dim, KEY_HEADS),
                    new TransferArguments(x, null, null, k, scales, zeros, slots, slots));
            run.fovea.run(
                    new TransferSpec(format, KvFormat.F32, dim, KEY_HEADS),
                    new TransferArguments(k, scales, zeros, back, null, null, slots, slots));
            float[] rows = back.toFloatArray();
            DecodeRun.Rows row = (b, head, key) -> {
                int page = table[(b * KEY_HEADS + head) * perList + key / size];
                int at = ((page * KEY_HEADS + head) * size + key % size) * dim;
                return Arrays.copyOfRange(rows, at, at + dim);
            };
            AttentionArguments a = new AttentionArguments(
                            q, k, k, o, 0.25f, null, null, len, offsets, null, null, null, Map.of(), Map.of())
                    .with(KeyArguments.NONE
                            .withPageTable(pages)
                            .withScales(scales, zeros, scales, zeros)
                            .withRotary(cosines, sines));
            bothPaths(run, new Problem(spec, row, lengths, positions, keys), a);
        }
    }
}
