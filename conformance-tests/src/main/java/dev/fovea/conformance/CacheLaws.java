package dev.fovea.conformance;

import dev.fovea.api.Alignment;
import dev.fovea.api.Attention;
import dev.fovea.api.AttentionResult;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.cache.CacheShape;
import dev.fovea.api.cache.CacheView;
import dev.fovea.api.cache.KvCache;
import dev.fovea.api.cache.KvSequence;
import dev.fovea.api.cache.PrefixAttention;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeyArguments;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.conformance.Laws.Law;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;

/** Relations between attention over a cache and attention over dense keys, on one backend. */
public final class CacheLaws {
    private static final int HQ = 4;
    private static final int H = 2;
    private static final int D = 24;
    private static final int DV = 16;
    private static final float SCALE = (float) (1 / Math.sqrt(D));

    private CacheLaws() {}

    public static List<Law> all() {
        List<Law> laws = new ArrayList<>();
        for (KvFormat format : KvFormat.values()) {
            laws.add(new Law(
                    "attention over a cache in " + format + " is attention over what it reads back",
                    b -> cached(b, format)));
        }
        laws.add(new Law("evicted keys leave positions true", CacheLaws::evicted));
        laws.add(new Law("heads with budgets of their own see their own keys", CacheLaws::budgets));
        laws.add(new Law("shuffled pages give what pages in order give", CacheLaws::shuffled));
        laws.add(new Law("shared prefixes read once give what plain attention gives", b -> prefixes(b, false)));
        laws.add(new Law("shared prefixes in any order of the sequences", b -> prefixes(b, true)));
        laws.add(new Law("shared prefixes of random trees, with evicted keys", CacheLaws::randomTrees));
        return List.copyOf(laws);
    }

    private static CacheShape shape(KvFormat format) {
        return CacheShape.of(64, 8, H, D, format).withValueDim(DV);
    }

    private static Tensor random(Backend b, long seed, int... shape) {
        long[] sizes = Arrays.stream(shape).asLongStream().toArray();
        return b.copyOf(Numbers.gaussian(seed, Arrays.stream(shape).reduce(1, (x, y) -> x * y)), sizes);
    }

    /** Appends random keys and values. */
    private static void fill(Backend b, KvCache cache, KvSequence s, long seed, int n) {
        try (Tensor k = random(b, seed, 1, H, n, D);
                Tensor v = random(b, seed + 1000, 1, H, n, DV)) {
            cache.append(s, k, v);
        }
    }

    private static String cached(Backend b, KvFormat format) {
        int[] lengths = {37, 8, 0, 61};
        int queries = 3;
        try (KvCache cache = KvCache.on(b, shape(format));
                Tensor q = random(b, 5, lengths.length, HQ, queries, D);
                Tensor o = b.allocate(DType.F32, lengths.length, HQ, queries, DV)) {
            List<KvSequence> all = new ArrayList<>();
            for (int n : lengths) {
                KvSequence s = cache.create();
                fill(b, cache, s, n, n);
                all.add(s);
            }
            try (CacheView view = cache.view(all)) {
                b.run(view.spec(q, Expressions.causal()), view.arguments(q, o, SCALE));
            }
            float[] got = o.toFloatArray();
            int size = HQ * queries * DV;
            for (int i = 0; i < lengths.length; i++) {
                try (Tensor one = q.slice(0, i, i + 1);
                        Tensor k = cache.readKeys(all.get(i));
                        Tensor v = cache.readValues(all.get(i));
                        Tensor dense = b.attend(one, k, v, Attention.causal().aligned(Alignment.BOTTOM_RIGHT))) {
                    String wrong =
                            Numbers.near(Arrays.copyOfRange(got, i * size, (i + 1) * size), dense.toFloatArray(), 2e-5);
                    if (!wrong.isEmpty()) {
                        return "sequence " + i + ", " + wrong;
                    }
                }
            }
            return "";
        }
    }

    private static String evicted(Backend b) {
        int[] kept = IntStream.range(0, 50)
                .filter(i -> i < 4 || i % 3 == 0 || i > 44)
                .toArray();
        int window = 20;
        try (KvCache cache = KvCache.on(b, shape(KvFormat.F32));
                Tensor q = random(b, 5, 1, HQ, 4, D);
                Tensor o = b.allocate(DType.F32, 1, HQ, 4, DV)) {
            KvSequence s = cache.create();
            fill(b, cache, s, 1, 50);
            boolean[] visible = new boolean[4 * 54];
            try (KvSequenceCopy full = KvSequenceCopy.of(cache, s)) {
                cache.compact(s, kept);
                fill(b, cache, s, 2, 4);
                for (int i = 0; i < 4; i++) {
                    for (int k = 0; k < 54; k++) {
                        boolean there = k >= 50 || Arrays.binarySearch(kept, k) >= 0;
                        visible[i * 54 + k] = there && k <= 50 + i && 50 + i - window <= k;
                    }
                }
                try (CacheView view = cache.view(List.of(s))) {
                    AttentionArguments a = view.arguments(q, o, SCALE)
                            .withExpressions(Map.of(), Map.of(Expressions.WINDOW_LEFT, window));
                    b.run(view.spec(q, Expressions.causal().and(Expressions.windowLeft())), a);
                }
                try (Tensor newKeys = random(b, 2, 1, H, 4, D);
                        Tensor newValues = random(b, 1002, 1, H, 4, DV);
                        Tensor mask = b.copyOf(visible, 4, 54);
                        Tensor dense = b.attend(
                                q,
                                newKeys,
                                newValues,
                                Attention.full().past(full.keys, full.values).mask(mask))) {
                    return Numbers.near(o.toFloatArray(), dense.toFloatArray(), 2e-5);
                }
            }
        }
    }

    /** What a sequence holds, read back. */
    private record KvSequenceCopy(Tensor keys, Tensor values) implements AutoCloseable {
        static KvSequenceCopy of(KvCache cache, KvSequence s) {
            return new KvSequenceCopy(cache.readKeys(s), cache.readValues(s));
        }

        @Override
        public void close() {
            keys.close();
            values.close();
        }
    }

    private static String budgets(Backend b) {
        int[][] kept = {IntStream.range(20, 45).toArray(), {0, 7, 44}};
        try (KvCache cache = KvCache.on(b, shape(KvFormat.F16).withHeadTables());
                Tensor q = random(b, 5, 1, HQ, 2, D);
                Tensor o = b.allocate(DType.F32, 1, HQ, 2, DV)) {
            KvSequence s = cache.create();
            fill(b, cache, s, 1, 45);
            try (KvSequenceCopy full = KvSequenceCopy.of(cache, s)) {
                cache.compactHeads(s, kept);
                boolean[] visible = new boolean[HQ * 2 * 45];
                for (int h = 0; h < HQ; h++) {
                    for (int i = 0; i < 2; i++) {
                        for (int k : kept[h / (HQ / H)]) {
                            visible[(h * 2 + i) * 45 + k] = k <= 43 + i;
                        }
                    }
                }
                try (CacheView view = cache.view(List.of(s))) {
                    b.run(view.spec(q, Expressions.causal()), view.arguments(q, o, SCALE));
                }
                try (Tensor mask = b.copyOf(visible, HQ, 2, 45);
                        Tensor dense = b.attend(
                                q, full.keys, full.values, Attention.full().mask(mask))) {
                    return Numbers.near(o.toFloatArray(), dense.toFloatArray(), 2e-5);
                }
            }
        }
    }

    private static String shuffled(Backend b) {
        int pages = 9;
        int size = 8;
        int[] order = {4, 0, 8, 2, 6, 1, 3, 7, 5};
        int[] straight = IntStream.range(0, pages).toArray();
        int row = H * size * D;
        float[] k = Numbers.gaussian(1, pages * row);
        float[] mixed = new float[k.length];
        for (int p = 0; p < pages; p++) {
            System.arraycopy(k, p * row, mixed, order[p] * row, row);
        }
        try (Tensor q = random(b, 5, 1, HQ, 5, D);
                Tensor inOrder = b.copyOf(k, pages, H, size, D);
                Tensor anyOrder = b.copyOf(mixed, pages, H, size, D);
                Tensor o1 = paged(b, q, inOrder, straight);
                Tensor o2 = paged(b, q, anyOrder, order)) {
            return Numbers.near(o1.toFloatArray(), o2.toFloatArray(), 0);
        }
    }

    private static Tensor paged(Backend b, Tensor q, Tensor k, int[] table) {
        Tensor o = b.allocate(DType.F32, 1, HQ, q.size(2), D);
        try (Tensor t = b.copyOf(table, 1, table.length);
                Tensor length = b.copyOf(new int[] {67}, 1)) {
            AttentionArguments a = new AttentionArguments(q, k, k, o)
                    .with(KeyArguments.NONE.withPageTable(t))
                    .withKeyLengths(length);
            b.run(
                    new AttentionSpec(
                                    DType.F32,
                                    D,
                                    D,
                                    HQ,
                                    H,
                                    H,
                                    Expressions.score(),
                                    Expressions.score(),
                                    Expressions.causal(),
                                    QueryOffset.BOTTOM_RIGHT,
                                    false,
                                    false,
                                    true,
                                    false,
                                    Optional.empty())
                            .with(KeySource.dense(DType.F32).with(KeySource.Layout.PAGED)),
                    a);
            return o;
        }
    }

    private static String prefixes(Backend b, boolean scattered) {
        try (KvCache cache = KvCache.on(b, shape(KvFormat.F32))) {
            KvSequence root = cache.create();
            fill(b, cache, root, 1, 45);
            KvSequence left = cache.fork(root);
            fill(b, cache, left, 2, 20);
            List<KvSequence> all = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                KvSequence leaf = cache.fork(i < 3 ? left : root);
                fill(b, cache, leaf, 10 + i, 1 + 7 * i);
                all.add(leaf);
            }
            KvSequence lone = cache.create();
            fill(b, cache, lone, 30, 13);
            all.add(lone);
            if (scattered) {
                all = List.of(all.get(4), all.get(0), lone, all.get(3), all.get(2), all.get(1));
            }
            int[] queries = {9, 2, 5, 0, 1, 3}; // 9 of one reach back into shared pages
            return prefixes(b, cache, all, queries, scattered ? 3 : 4);
        }
    }

    private static String prefixes(Backend b, KvCache cache, List<KvSequence> all, int[] queries, int parts) {
        int rows = IntStream.of(queries).sum();
        try (Tensor q = random(b, 5, 1, HQ, rows, D);
                Tensor sinks = random(b, 6, HQ);
                Tensor o = b.allocate(DType.F32, 1, HQ, rows, DV);
                Tensor lse = b.allocate(DType.F32, 1, HQ, rows);
                PrefixAttention attention = cache.prefixAttention(all, queries)) {
            if (attention.parts() != parts) {
                return attention.parts() + " parts where the tree has " + parts;
            }
            attention.run(q, o, SCALE, true, sinks, lse);
            int start = 0;
            for (int i = 0; i < all.size(); i++) {
                int end = start + queries[i];
                try (KvSequenceCopy own = KvSequenceCopy.of(cache, all.get(i));
                        Tensor one = q.slice(2, start, end);
                        Tensor got = o.slice(2, start, end);
                        Tensor gotLse = lse.slice(2, start, end);
                        AttentionResult dense = b.attendAll(
                                one,
                                own.keys,
                                own.values,
                                Attention.causal()
                                        .aligned(Alignment.BOTTOM_RIGHT)
                                        .sink(sinks)
                                        .logSumExp())) {
                    String wrong =
                            Numbers.near(got.toFloatArray(), dense.output().toFloatArray(), 2e-5);
                    String wrongLse = Numbers.near(
                            gotLse.toFloatArray(),
                            Objects.requireNonNull(dense.logSumExp()).toFloatArray(),
                            1e-5);
                    if (!wrong.isEmpty() || !wrongLse.isEmpty()) {
                        return "sequence " + i + ", " + wrong + " log-sum-exp " + wrongLse;
                    }
                }
                start = end;
            }
            return "";
        }
    }

    private static String randomTrees(Backend b) {
        for (int seed = 1; seed <= 5; seed++) {
            Random r = new Random(seed);
            CacheShape shape = CacheShape.of(200, 4, H, D, KvFormat.F32).withValueDim(DV);
            try (KvCache cache = KvCache.on(b, shape)) {
                List<KvSequence> all = new ArrayList<>(List.of(cache.create(), cache.create()));
                for (int step = 0; step < 24; step++) {
                    KvSequence s = all.get(r.nextInt(all.size()));
                    switch (r.nextInt(5)) {
                        case 0, 1 -> {
                            if (all.size() < 7) {
                                all.add(cache.fork(s));
                            }
                        }
                        case 2 -> {
                            if (r.nextInt(3) == 0) {
                                int[] kept = IntStream.range(0, s.length())
                                        .filter(k -> k < 9 || r.nextInt(4) > 0)
                                        .toArray();
                                cache.compact(s, kept);
                            }
                        }
                        default -> fill(b, cache, s, 100 * seed + step, 1 + r.nextInt(12));
                    }
                }
                Collections.shuffle(all, r);
                int[] queries = all.stream()
                        .mapToInt(s -> r.nextInt(Math.min(7, s.nextPosition() + 1)))
                        .toArray();
                String wrong = randomTree(b, cache, all, queries);
                if (!wrong.isEmpty()) {
                    return "seed " + seed + ", " + wrong;
                }
            }
        }
        return "";
    }

    private static String randomTree(Backend b, KvCache cache, List<KvSequence> all, int[] queries) {
        int rows = IntStream.of(queries).sum();
        try (Tensor q = random(b, 5, 1, HQ, rows, D);
                Tensor o = b.allocate(DType.F32, 1, HQ, rows, DV);
                PrefixAttention attention = cache.prefixAttention(all, queries)) {
            attention.run(q, o, SCALE, true);
            int start = 0;
            for (int i = 0; i < all.size(); i++) {
                KvSequence s = all.get(i);
                int[] positions = s.positions(0);
                int first = s.nextPosition() - queries[i];
                boolean[] visible = new boolean[queries[i] * positions.length];
                for (int j = 0; j < visible.length; j++) {
                    visible[j] = positions[j % positions.length] <= first + j / positions.length;
                }
                int end = start + queries[i];
                try (KvSequenceCopy own = KvSequenceCopy.of(cache, s);
                        Tensor one = q.slice(2, start, end);
                        Tensor got = o.slice(2, start, end);
                        Tensor mask = b.copyOf(visible, queries[i], positions.length);
                        Tensor dense = b.attend(
                                one, own.keys, own.values, Attention.full().mask(mask))) {
                    String wrong = Numbers.near(got.toFloatArray(), dense.toFloatArray(), 2e-5);
                    if (!wrong.isEmpty()) {
                        return "sequence " + i + " of " + attention.parts() + " parts, " + wrong;
                    }
                }
                start = end;
            }
            return "";
        }
    }
}
