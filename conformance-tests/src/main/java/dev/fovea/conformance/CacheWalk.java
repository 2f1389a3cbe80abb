package dev.fovea.conformance;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.FoveaException.OutOfPages;
import dev.fovea.api.Tensor;
import dev.fovea.api.cache.CacheSelection;
import dev.fovea.api.cache.CacheShape;
import dev.fovea.api.cache.CacheView;
import dev.fovea.api.cache.Compaction;
import dev.fovea.api.cache.KvCache;
import dev.fovea.api.cache.KvSequence;
import dev.fovea.api.spec.KeyArguments.Selected;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Random operations on a {@link KvCache} beside a plain list model: contents, positions, pages and errors must agree at every step. */
public final class CacheWalk implements AutoCloseable {
    private static final int SEQUENCES = 7;
    private static final DType[] SOURCES = {DType.F32, DType.F16, DType.BF16};

    private final Backend backend;
    private final CacheShape shape;
    private final KvCache cache;
    private final CacheModel model;
    private final Random random;
    private int refusals;

    private CacheWalk(Backend backend, CacheShape shape, long seed) {
        this.backend = backend;
        this.shape = shape;
        this.cache = KvCache.on(backend, shape);
        this.model = new CacheModel(shape);
        this.random = new Random(seed);
    }

    /** A sentence about the first divergence, empty if there is none. */
    public static String violation(Backend backend, CacheShape shape, long seed, int steps) {
        try (CacheWalk walk = new CacheWalk(backend, shape, seed)) {
            for (int i = 0; i < steps; i++) {
                String wrong = walk.step();
                if (wrong.isEmpty() && i % 50 == 49) {
                    wrong = walk.checkAll();
                }
                if (!wrong.isEmpty()) {
                    return "step " + i + " of seed " + seed + ": " + wrong;
                }
            }
            return walk.end(steps);
        }
    }

    private String checkAll() {
        for (KvSequence s : model.sequences()) {
            String wrong = model.check(cache, s);
            if (!wrong.isEmpty()) {
                return wrong;
            }
        }
        return model.checkPages(cache);
    }

    private String end(int steps) {
        for (KvSequence s : model.sequences()) {
            cache.drop(s);
        }
        if (cache.freePages() != shape.pages() || cache.sequences() != 0) {
            return cache.freePages() + " of " + shape.pages() + " pages are free when all sequences are gone";
        }
        return steps >= 1000 && refusals == 0 ? "the walk never ran out of pages: it tests too little" : "";
    }

    private String step() {
        List<KvSequence> all = model.sequences();
        if (all.isEmpty()) {
            model.created(cache.create());
            return "";
        }
        KvSequence one = all.get(random.nextInt(all.size()));
        return switch (random.nextInt(16)) {
            case 0 -> {
                if (all.size() < SEQUENCES) {
                    model.created(cache.create());
                }
                yield "";
            }
            case 1, 2 -> {
                if (all.size() < SEQUENCES) {
                    model.forked(one, cache.fork(one));
                }
                yield "";
            }
            case 3 -> {
                cache.drop(one);
                model.dropped(one);
                yield refused(Closed.class, () -> cache.fork(one));
            }
            case 4 -> {
                int position = model.next(one) == 0 ? 0 : random.nextInt(model.next(one) + 1);
                cache.truncate(one, position);
                model.truncated(one, position);
                yield model.check(cache, one);
            }
            case 5, 6, 7 -> compact(one);
            case 8 -> misuse(one);
            case 9 -> append(all, random.nextInt(1, all.size() + 1), 3);
            case 10 -> append(all, 1, 3 * shape.pageSize());
            default -> append(all, random.nextInt(1, all.size() + 1), 1);
        };
    }

    private String append(List<KvSequence> all, int sequences, int most) {
        List<KvSequence> list = new ArrayList<>(all);
        Collections.shuffle(list, random);
        List<KvSequence> some = list.subList(0, sequences);
        int[] counts = some.stream().mapToInt(s -> random.nextInt(most + 1)).toArray();
        List<List<CacheModel.Token>> tokens = new ArrayList<>();
        for (int i = 0; i < sequences; i++) {
            tokens.add(model.tokensFor(some.get(i), counts[i]));
        }
        boolean packed = random.nextBoolean();
        int free = cache.freePages();
        try {
            write(some, counts, tokens, packed);
        } catch (OutOfPages e) {
            refusals++;
            int demand = IntStream.of(counts)
                    .map(n -> n == 0 ? 0 : Math.ceilDiv(n, shape.pageSize()) + 1)
                    .sum();
            if (e.needed() <= e.free() || e.total() != shape.pages() || free != cache.freePages() || free >= demand) {
                return "refused with " + e.getMessage() + " where " + free + " are free and at most " + demand
                        + " are needed";
            }
            return checkAll();
        }
        String wrong = "";
        for (int i = 0; i < sequences; i++) {
            model.appended(some.get(i), tokens.get(i));
            wrong = wrong.isEmpty() ? model.check(cache, some.get(i)) : wrong;
        }
        return wrong;
    }

    private void write(List<KvSequence> some, int[] counts, List<List<CacheModel.Token>> tokens, boolean packed) {
        int width =
                packed ? IntStream.of(counts).sum() : IntStream.of(counts).max().orElse(0) + random.nextInt(2);
        DType dtype = SOURCES[random.nextInt(3)];
        List<List<CacheModel.Token>> entries =
                packed ? List.of(tokens.stream().flatMap(List::stream).toList()) : tokens;
        try (Tensor key = rows(entries, width, false, shape.keyDim(), dtype);
                Tensor value = rows(entries, width, true, shape.valueDim(), dtype)) {
            @Nullable Tensor v = shape.valuesInKeys() ? null : value;
            if (packed) {
                cache.appendPacked(some, counts, key, v);
            } else if (some.size() == 1 && counts[0] == width) {
                cache.append(some.get(0), key, v);
            } else {
                cache.append(some, counts, key, v);
            }
        }
    }

    private Tensor rows(List<List<CacheModel.Token>> entries, int width, boolean value, int dim, DType dtype) {
        float[] x = new float[entries.size() * shape.heads() * width * dim];
        Arrays.fill(x, 1e4f); // rows beyond a count are nobody's
        for (int b = 0; b < entries.size(); b++) {
            for (int h = 0; h < shape.heads(); h++) {
                for (int i = 0; i < entries.get(b).size(); i++) {
                    for (int c = 0; c < dim; c++) {
                        x[((b * shape.heads() + h) * width + i) * dim + c] =
                                entries.get(b).get(i).element(value, h, c);
                    }
                }
            }
        }
        return backend.copyOf(x, dtype, entries.size(), shape.heads(), width, dim);
    }

    private String compact(KvSequence s) {
        int[][] kept = new int[shape.heads()][];
        int style = random.nextInt(4);
        for (int h = 0; h < kept.length; h++) {
            int n = model.length(s, h);
            int cut = n == 0 ? 0 : random.nextInt(n + 1);
            kept[h] = h > 0 && !shape.perHead()
                    ? kept[0]
                    : CacheModel.where(
                            n,
                            switch (style) {
                                case 0 -> i -> random.nextInt(4) > 0;
                                case 1 -> i -> i < 2 || i >= cut; // sink and window
                                case 2 -> i -> i != cut;
                                default -> i -> i < cut || random.nextInt(8) == 0;
                            });
        }
        int[] before =
                IntStream.range(0, kept.length).map(h -> model.length(s, h)).toArray();
        try (CacheView view = cache.view(List.of(s));
                Tensor lists = backend.listsOf(new int[] {0}, new int[] {1}, 1, 1, 1, 1);
                Tensor counts = backend.copyOf(new int[] {1}, 1, 1, 1)) {
            CacheSelection selection = view.selection(new Selected(lists, counts, 1, 1));
            view.with(selection);
            int free = cache.freePages();
            Compaction c;
            try {
                c = shape.perHead() && style != 3
                        ? cache.compactHeads(s, kept)
                        : cache.compact(s, shape.perHead() ? common(kept) : kept[0]);
            } catch (OutOfPages e) {
                refusals++;
                return free == cache.freePages() ? checkAll() : "a refusal changed the number of free pages";
            }
            if (shape.perHead() && style == 3) {
                Arrays.fill(kept, common(kept));
            }
            model.compacted(s, kept);
            for (int h = 0; h < kept.length; h++) {
                for (int i = 0; i < before[h]; i++) {
                    int expected = Math.max(-1, Arrays.binarySearch(kept[h], i));
                    if (c.newIndex(h, i) != expected) {
                        return "key " + i + " of head " + h + " went to " + c.newIndex(h, i) + ", not " + expected;
                    }
                }
            }
            try (CacheView later = cache.view(List.of(s))) {
                String wrong = refused(InvalidArgument.class, () -> later.with(selection));
                return wrong.isEmpty() ? model.check(cache, s) : wrong;
            }
        }
    }

    /** Indices that are legal in all heads, for a call that names them once. */
    private static int[] common(int[][] kept) {
        int[] first = kept[0];
        int least = IntStream.range(0, kept.length)
                .map(h -> kept[h].length == 0 ? 0 : kept[h][kept[h].length - 1] + 1)
                .min()
                .orElse(0);
        return Arrays.stream(first).filter(i -> i < least).toArray();
    }

    private String misuse(KvSequence s) {
        int n = model.length(s, 0);
        String wrong = refused(InvalidArgument.class, () -> cache.truncate(s, model.next(s) + 1));
        wrong += refused(InvalidArgument.class, () -> cache.compact(s, new int[] {n}));
        wrong += refused(InvalidArgument.class, () -> cache.compact(s, new int[] {1, 0}));
        try (Tensor key = backend.allocate(DType.F32, 2, shape.heads(), 1, shape.keyDim());
                Tensor value = backend.allocate(DType.F32, 2, shape.heads(), 1, shape.valueDim())) {
            @Nullable Tensor v = shape.valuesInKeys() ? null : value;
            wrong += refused(InvalidArgument.class, () -> cache.append(List.of(s, s), new int[] {1, 1}, key, v));
            wrong += refused(InvalidArgument.class, () -> cache.append(List.of(s), new int[] {1}, key, v));
        }
        try (KvCache other = KvCache.on(backend, CacheShape.of(1, 1, 1, 1, shape.format()))) {
            wrong += refused(InvalidArgument.class, () -> cache.truncate(other.create(), 0));
        }
        return wrong + model.check(cache, s);
    }

    private static String refused(Class<? extends RuntimeException> type, Runnable call) {
        try {
            call.run();
        } catch (RuntimeException e) {
            return type.isInstance(e) ? "" : "refused with " + e + " where " + type.getSimpleName() + " was due. ";
        }
        return "not refused by " + type.getSimpleName() + ". ";
    }

    @Override
    public void close() {
        cache.close();
    }
}
