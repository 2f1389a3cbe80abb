package dev.fovea.opencl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.AttentionPlan;
import dev.fovea.api.DType;
import dev.fovea.api.ExecutionStream;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeyArguments;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.KeySource.Layout;
import dev.fovea.api.spec.KeySource.Selection;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.MergeArguments;
import dev.fovea.api.spec.MergeSpec;
import dev.fovea.api.spec.Normaliser;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spec.Schedule;
import dev.fovea.api.spec.TransferArguments;
import dev.fovea.api.spec.TransferSpec;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** decode.cl over every layout, selection and format of keys, and what it does with masked rubbish, partials and schedules. */
class DecodeSourcesTest {
    private static final int D = 32;
    private static final int HEADS = 4;
    private static final int KEY_HEADS = 2;

    private static AttentionSpec spec(Expr mask, QueryOffset offset, boolean past, boolean lengths) {
        return new AttentionSpec(
                DType.F32,
                D,
                D,
                HEADS,
                KEY_HEADS,
                KEY_HEADS,
                Expressions.score(),
                Expressions.score(),
                mask,
                offset,
                false,
                past,
                lengths,
                false,
                Optional.empty());
    }

    private static final Expr ALL = new Expr.BoolConst(true);

    private static Tensor queries(DecodeRun run, int batch, int n) {
        return run.fovea.copyOf(DecodeRun.data(1, batch * HEADS * n * D, DType.F32), batch, HEADS, n, D);
    }

    /** Paged INT8 keys and values with a table for each head, lengths and positions of their own. */
    @Test
    void pagesOfBytesWithPositions() {
        pages(KvFormat.INT8, 5);
        pages(KvFormat.INT4, 4);
        pages(KvFormat.FP8, 16);
    }

    private static void pages(KvFormat format, int size) {
        int perList = 100 / size;
        int keys = perList * size;
        int all = 2 * KEY_HEADS * perList;
        int[] table = new int[all];
        SplittableRandom r = new SplittableRandom(size);
        for (int i = 0; i < all; i++) {
            table[i] = (i * 7 + 3) % all;
        }
        int[] lengths = {keys, 61};
        int[] positions = r.ints(2L * keys, 0, 200).toArray();
        AttentionSpec spec = spec(Expressions.causal(), QueryOffset.GIVEN, false, true)
                .with(KeySource.dense(DType.F32).with(Layout.PAGED).with(format).withPositions());
        boolean zeros = format.scalesPositions();
        try (DecodeRun run = new DecodeRun();
                Tensor q = queries(run, 2, 2);
                Tensor x = run.fovea.copyOf(
                        DecodeRun.data(2, all * KEY_HEADS * size * D, DType.F32), all, KEY_HEADS, size, D);
                Tensor k = run.fovea.allocate(DType.BYTE, all, KEY_HEADS, size, format.elements(D));
                Tensor scales = zeros
                        ? run.fovea.allocate(DType.F16, all, KEY_HEADS, size)
                        : run.fovea.copyOf(DecodeRun.data(5, all * KEY_HEADS, DType.F32), all, KEY_HEADS);
                Tensor zero = run.fovea.allocate(DType.F16, all, KEY_HEADS, size);
                Tensor back = run.fovea.allocate(DType.F32, all, KEY_HEADS, size, D);
                Tensor slots = run.fovea.copyOf(IntStream.range(0, all * size).toArray(), (long) all * size);
                Tensor pages = run.fovea.copyOf(table, 2, KEY_HEADS, perList);
                Tensor len = run.fovea.copyOf(lengths, 2);
                Tensor offsets = run.fovea.copyOf(new int[] {100, 150}, 2);
                Tensor pos = run.fovea.copyOf(positions, 2, keys);
                Tensor o = run.output(spec, 2, 2)) {
            Tensor z = zeros ? zero : null;
            run.fovea.run(
                    new TransferSpec(KvFormat.F32, format, D, KEY_HEADS),
                    new TransferArguments(x, null, null, k, scales, z, slots, slots));
            run.fovea.run(
                    new TransferSpec(format, KvFormat.F32, D, KEY_HEADS),
                    new TransferArguments(k, scales, z, back, null, null, slots, slots));
            float[] rows = back.toFloatArray();
            run.keys = (b, head, key) -> {
                int page = table[(b * KEY_HEADS + head) * perList + key / size];
                int at = ((page * KEY_HEADS + head) * size + key % size) * D;
                return Arrays.copyOfRange(rows, at, at + D);
            };
            run.values = run.keys;
            run.part = 40;
            run.sees = (b, h, i, key) -> key < lengths[b] && positions[b * keys + key] <= i + (b == 0 ? 100 : 150);
            AttentionArguments a = new AttentionArguments(
                            q, k, k, o, 0.2f, null, null, len, offsets, null, null, null, Map.of(), Map.of())
                    .with(KeyArguments.NONE
                            .withPageTable(pages)
                            .withKeyPositions(pos)
                            .withScales(scales, z, scales, z));
            run.check(spec, a, keys, 1e-5);
        }
    }

    @Test
    void listsOfBlocksAndTokens() {
        lists(Selection.BLOCKS, 1, 16, HEADS);
        lists(Selection.BLOCKS, 2, 7, KEY_HEADS);
        lists(Selection.TOKENS, 1, 1, 1);
    }

    private static void lists(Selection selection, int queryBlock, int keyBlock, int listHeads) {
        int keys = 90;
        int queries = 3;
        int blocks = Math.ceilDiv(queries, queryBlock);
        int all = Math.ceilDiv(keys, keyBlock);
        int width = Math.max(2, all / 2);
        int n = 2 * listHeads * blocks;
        int[] lists = new int[n * width];
        int[] counts = new int[n];
        SplittableRandom r = new SplittableRandom(keyBlock);
        for (int i = 0; i < n; i++) {
            int first = r.nextInt(all);
            for (int j = 0; j < width; j++) {
                lists[i * width + j] = (first + j) % all;
            }
            counts[i] = i == 1 ? 0 : 1 + r.nextInt(width);
        }
        AttentionSpec spec = spec(ALL, QueryOffset.TOP_LEFT, false, false)
                .with(KeySource.dense(DType.F32).with(selection));
        try (DecodeRun run = new DecodeRun();
                Tensor q = queries(run, 2, queries);
                Tensor k = run.fovea.copyOf(
                        DecodeRun.data(2, 2 * KEY_HEADS * keys * D, DType.F32), 2, KEY_HEADS, keys, D);
                Tensor l = run.fovea.listsOf(lists, counts, 2, listHeads, blocks, width);
                Tensor c = run.fovea.copyOf(counts, 2, listHeads, blocks);
                Tensor o = run.output(spec, 2, queries)) {
            run.keys = DecodeRun.dense(k.toFloatArray(), KEY_HEADS, keys, D);
            run.values = run.keys;
            run.part = 24;
            run.sees = (b, h, i, key) -> {
                int list = (b * listHeads + h / (HEADS / listHeads)) * blocks + i / queryBlock;
                return IntStream.range(0, counts[list]).anyMatch(j -> lists[list * width + j] == key / keyBlock);
            };
            AttentionArguments a = new AttentionArguments(q, k, k, o)
                    .with(KeyArguments.NONE.withSelected(new KeyArguments.Selected(l, c, queryBlock, keyBlock)));
            run.check(spec, a, keys, 3e-6);
        }
    }

    @Test
    void pastKeysWithAWindow() {
        int past = 70;
        int fresh = 5;
        Expr window = Expressions.causal()
                .and(Expressions.queryPosition()
                        .minus(Expressions.keyPosition())
                        .lessThan(Expressions.constant(50)));
        AttentionSpec spec = spec(window, QueryOffset.PAST, true, false);
        float[] old = DecodeRun.data(2, KEY_HEADS * past * D, DType.F32);
        float[] recent = DecodeRun.data(3, KEY_HEADS * fresh * D, DType.F32);
        try (DecodeRun run = new DecodeRun();
                Tensor q = queries(run, 1, fresh);
                Tensor pk = run.fovea.copyOf(old, 1, KEY_HEADS, past, D);
                Tensor k = run.fovea.copyOf(recent, 1, KEY_HEADS, fresh, D);
                Tensor o = run.output(spec, 1, fresh)) {
            run.keys = (b, head, key) -> key < past
                    ? DecodeRun.dense(old, KEY_HEADS, past, D).row(b, head, key)
                    : DecodeRun.dense(recent, KEY_HEADS, fresh, D).row(b, head, key - past);
            run.values = run.keys;
            run.part = 20;
            run.sees = (b, h, i, key) -> key <= i + past && i + past - key < 50;
            AttentionArguments a =
                    new AttentionArguments(q, k, k, o, 0.3f, pk, pk, null, null, null, null, null, Map.of(), Map.of());
            run.check(spec, a, past + fresh, 3e-6);
        }
    }

    @Test
    void packedSequencesAndOtherNormalisers() {
        int[] queryStarts = {0, 2, 2, 3};
        int[] keyStarts = {0, 40, 45, 130};
        for (Normaliser normaliser : Normaliser.values()) {
            AttentionSpec spec = spec(Expressions.causal(), QueryOffset.BOTTOM_RIGHT, false, false)
                    .with(normaliser)
                    .with(KeySource.dense(DType.F32).with(Layout.RAGGED).withPackedQueries());
            float[] q = DecodeRun.data(1, HEADS * 3 * D, DType.F32);
            float[] k = DecodeRun.data(2, KEY_HEADS * 130 * D, DType.F32);
            try (DecodeRun run = new DecodeRun();
                    Tensor tq = run.fovea.copyOf(q, 1, HEADS, 3, D);
                    Tensor tk = run.fovea.copyOf(k, 1, KEY_HEADS, 130, D);
                    Tensor qs = run.fovea.copyOf(queryStarts, 4);
                    Tensor ks = run.fovea.copyOf(keyStarts, 4);
                    Tensor o = run.output(spec, 1, 3)) {
                run.keys =
                        (b, head, key) -> DecodeRun.dense(k, KEY_HEADS, 130, D).row(0, head, keyStarts[b] + key);
                run.values = run.keys;
                run.part = 32;
                run.sees = (b, h, i, key) ->
                        key <= i + (keyStarts[b + 1] - keyStarts[b]) - (queryStarts[b + 1] - queryStarts[b]);
                float[] got = run.run(
                        spec,
                        new AttentionArguments(tq, tk, tk, o)
                                .with(KeyArguments.NONE.withQueryStarts(qs).withKeyStarts(ks)));
                for (int b = 0; b < 3; b++) {
                    for (int i = queryStarts[b]; i < queryStarts[b + 1]; i++) {
                        for (int h = 0; h < HEADS; h++) {
                            float[] row = Arrays.copyOfRange(q, (h * 3 + i) * D, (h * 3 + i + 1) * D);
                            double[] e = run.expected(
                                    spec,
                                    b,
                                    h,
                                    i - queryStarts[b],
                                    row,
                                    keyStarts[b + 1] - keyStarts[b],
                                    1 / Math.sqrt(D));
                            for (int c = 0; c < D; c++) {
                                assertThat((double) got[(h * 3 + i) * D + c])
                                        .as("%s, sequence %d, query %d, head %d, column %d", normaliser, b, i, h, c)
                                        .isCloseTo(e[c], Offset.offset(2e-5));
                            }
                        }
                    }
                }
            }
        }
    }

    @Test
    void rubbishInMaskedKeysStaysThere() {
        int keys = 100;
        AttentionSpec spec = spec(Expressions.causal(), QueryOffset.TOP_LEFT, false, false);
        float[] x = DecodeRun.data(2, KEY_HEADS * keys * D, DType.F32);
        Arrays.fill(x, 2 * D, 3 * D, Float.NaN); // key 2 of head 0: seen by query 2 alone
        Arrays.fill(x, 50 * D, 51 * D, Float.POSITIVE_INFINITY);
        try (DecodeRun run = new DecodeRun();
                Tensor q = queries(run, 1, 3);
                Tensor k = run.fovea.copyOf(x, 1, KEY_HEADS, keys, D);
                Tensor o = run.output(spec, 1, 3)) {
            run.part = 16;
            float[] got = run.run(spec, new AttentionArguments(q, k, k, o));
            for (int h = 0; h < HEADS; h++) {
                for (int i = 0; i < 3; i++) {
                    assertThat(Float.isNaN(got[(h * 3 + i) * D]))
                            .as("head %d, query %d", h, i)
                            .isEqualTo(h < 2 && i == 2);
                }
            }
        }
    }

    @Test
    void partialsMergeToTheWhole() {
        int keys = 60;
        AttentionSpec whole = spec(ALL, QueryOffset.TOP_LEFT, false, false);
        AttentionSpec part = whole.withPartials();
        try (DecodeRun run = new DecodeRun();
                Tensor q = queries(run, 1, 1);
                Tensor k = run.fovea.copyOf(
                        DecodeRun.data(2, KEY_HEADS * 2 * keys * D, DType.F32), 1, KEY_HEADS, 2L * keys, D);
                Tensor m = run.fovea.allocate(DType.F32, 2, 1, HEADS, 1);
                Tensor l = run.fovea.allocate(DType.F32, 2, 1, HEADS, 1);
                Tensor acc = run.fovea.allocate(DType.F32, 2, 1, HEADS, 1, D);
                Tensor merged = run.output(whole, 1, 1);
                Tensor o = run.output(whole, 1, 1)) {
            for (int i = 0; i < 2; i++) {
                try (Tensor half = k.slice(2, (long) i * keys, (long) (i + 1) * keys);
                        Tensor mi = m.select(0, i);
                        Tensor li = l.select(0, i);
                        Tensor ai = acc.select(0, i)) {
                    run.run(part, new AttentionArguments(q, half, half, ai).withPartials(mi, li));
                }
            }
            run.fovea.run(
                    new MergeSpec(DType.F32, D, MergeSpec.Rule.LOG_SUM_EXP, false, false),
                    new MergeArguments(m, l, acc, null, null, merged, null));
            float[] e = run.run(whole, new AttentionArguments(q, k, k, o));
            float[] got = merged.toFloatArray();
            for (int i = 0; i < e.length; i++) {
                assertThat(got[i]).isCloseTo(e[i], Offset.offset(2e-6f));
            }
        }
    }

    @Test
    void aScheduleChangesNoBit() {
        int[] lengths = {3, 300, 0, 129};
        AttentionSpec spec = spec(ALL, QueryOffset.TOP_LEFT, false, true);
        try (DecodeRun run = new DecodeRun();
                Tensor q = queries(run, 4, 1);
                Tensor k =
                        run.fovea.copyOf(DecodeRun.data(2, 4 * KEY_HEADS * 300 * D, DType.F32), 4, KEY_HEADS, 300, D);
                Tensor len = run.fovea.copyOf(lengths, 4);
                Tensor o = run.output(spec, 4, 1);
                ExecutionStream stream = run.fovea.newStream();
                AttentionPlan plan = run.fovea.prepare(spec)) {
            AttentionArguments a = new AttentionArguments(q, k, k, o).withKeyLengths(len);
            plan.run(a, stream);
            float[] plain = o.toFloatArray();
            try (Schedule schedule = plan.schedule(new int[] {1, 1, 1, 1}, lengths);
                    Schedule other = plan.schedule(new int[] {1}, new int[] {300})) {
                assertThat(schedule.device()).isInstanceOf(DecodeSchedule.class);
                o.storage().write(0, MemorySegment.ofArray(new float[plain.length]));
                plan.run(a.with(schedule), stream);
                assertThat(o.toFloatArray()).isEqualTo(plain);
                assertThatThrownBy(() -> plan.run(a.with(other), stream)).isInstanceOf(InvalidArgument.class);
            }
        }
    }
}
