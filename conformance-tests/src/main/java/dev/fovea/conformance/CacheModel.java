package dev.fovea.conformance;

import dev.fovea.api.Tensor;
import dev.fovea.api.cache.CacheShape;
import dev.fovea.api.cache.CacheView;
import dev.fovea.api.cache.KvCache;
import dev.fovea.api.cache.KvSequence;
import dev.fovea.api.spec.KvFormat;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What a cache must hold, as plain lists: for each sequence and head the tokens in order. Knows nothing of pages. */
final class CacheModel {
    /** A token's rows are drawn from its number, as multiples of 1/64 up to 1, which each floating-point format holds exactly. */
    static final class Token {
        final int number;
        final int position;
        private final Map<String, float[]> seen = new LinkedHashMap<>();

        Token(int number, int position) {
            this.number = number;
            this.position = position;
        }

        float element(boolean value, int head, int column) {
            long x = (number * 31L + head) * 1031 + column * 2L + (value ? 1 : 0);
            x = (x ^ x >>> 31) * 0x9e3779b97f4a7c15L;
            x = (x ^ x >>> 29) * 0xbf58476d1ce4e5b9L;
            return (Math.floorMod(x ^ x >>> 32, 129) - 64) / 64f;
        }
    }

    private static final class Content {
        final List<List<Token>> heads = new ArrayList<>();
        int next;
        long generation;
    }

    private final CacheShape shape;
    private final Map<KvSequence, Content> sequences = new LinkedHashMap<>();
    private int tokens;

    CacheModel(CacheShape shape) {
        this.shape = shape;
    }

    List<KvSequence> sequences() {
        return List.copyOf(sequences.keySet());
    }

    private Content of(KvSequence s) {
        return Objects.requireNonNull(sequences.get(s));
    }

    int length(KvSequence s, int head) {
        return of(s).heads.get(head).size();
    }

    int next(KvSequence s) {
        return of(s).next;
    }

    void created(KvSequence s) {
        Content c = new Content();
        for (int h = 0; h < shape.heads(); h++) {
            c.heads.add(new ArrayList<>());
        }
        sequences.put(s, c);
    }

    void forked(KvSequence parent, KvSequence child) {
        Content from = of(parent);
        Content c = new Content();
        from.heads.forEach(h -> c.heads.add(new ArrayList<>(h)));
        c.next = from.next;
        c.generation = from.generation;
        sequences.put(child, c);
    }

    void dropped(KvSequence s) {
        sequences.remove(s);
    }

    /** New tokens for a sequence that are not in it yet. */
    List<Token> tokensFor(KvSequence s, int n) {
        return IntStream.range(0, n)
                .mapToObj(i -> new Token(tokens++, of(s).next + i))
                .toList();
    }

    void appended(KvSequence s, List<Token> more) {
        of(s).heads.forEach(h -> h.addAll(more));
        of(s).next += more.size();
    }

    void truncated(KvSequence s, int position) {
        of(s).heads.forEach(h -> h.removeIf(t -> t.position >= position));
        of(s).next = position;
    }

    void compacted(KvSequence s, int[][] keptByHead) {
        Content c = of(s);
        for (int h = 0; h < shape.heads(); h++) {
            List<Token> old = c.heads.get(h);
            c.heads.set(
                    h,
                    new ArrayList<>(
                            Arrays.stream(keptByHead[h]).mapToObj(old::get).toList()));
        }
        c.generation++;
    }

    /** A sentence about the first thing that a sequence has otherwise in the cache; empty if all is as it must be. */
    String check(KvCache cache, KvSequence s) {
        Content c = of(s);
        if (s.nextPosition() != c.next || s.generation() != c.generation) {
            return "next position " + s.nextPosition() + ", generation " + s.generation() + "; the model has " + c.next
                    + " and " + c.generation;
        }
        for (int h = 0; h < shape.heads(); h++) {
            int[] positions = c.heads.get(h).stream().mapToInt(t -> t.position).toArray();
            if (s.length(h) != positions.length || !Arrays.equals(s.positions(h), positions)) {
                return "head " + h + " has positions " + Arrays.toString(s.positions(h)) + ", the model "
                        + Arrays.toString(positions);
            }
        }
        try (Tensor keys = cache.readKeys(s);
                Tensor values = cache.readValues(s)) {
            String wrong = rows(c, keys, false, shape.keyDim());
            return wrong.isEmpty() ? rows(c, values, true, shape.valueDim()) : wrong;
        }
    }

    private String rows(Content c, Tensor tensor, boolean value, int dim) {
        float[] got = tensor.toFloatArray();
        int width = Math.toIntExact(tensor.size(2));
        for (int h = 0; h < shape.heads(); h++) {
            List<Token> list = c.heads.get(h);
            for (int i = 0; i < width; i++) {
                int at = (h * width + i) * dim;
                float[] row = Arrays.copyOfRange(got, at, at + dim);
                String wrong = i < list.size() ? row(list.get(i), h, row, value) : zero(row);
                if (!wrong.isEmpty()) {
                    return (value ? "value " : "key ") + i + " of head " + h + ": " + wrong;
                }
            }
        }
        return "";
    }

    private static String zero(float[] row) {
        for (float x : row) {
            if (x != 0) {
                return x + " behind the end";
            }
        }
        return "";
    }

    private String row(Token token, int head, float[] row, boolean value) {
        for (int i = 0; i < row.length; i++) {
            float exact = token.element(value && !shape.valuesInKeys(), head, i);
            if (!(Math.abs(row[i] - exact) <= error(exact, value))) {
                return row[i] + " in column " + i + " for " + exact + " of token " + token.number;
            }
        }
        float[] before = token.seen.putIfAbsent(head + (value ? "v" : "k"), row);
        return before == null || Arrays.equals(before, row)
                ? ""
                : "token " + token.number + " changed from " + Arrays.toString(before) + " to " + Arrays.toString(row);
    }

    /** A zero point is rounded beside the number itself, so that an integer format errs by up to one step; a half more for f16 scales. */
    private double error(float exact, boolean value) {
        return switch (shape.format()) {
            case F32, F16, BF16 -> 0;
            case INT8 -> 1.5 * 2 / 255;
            case INT4 -> 1.5 * 2 / 15;
            case FP8 -> Math.abs(exact) / 16 + (value ? shape.valueScale() : shape.keyScale()) * 0x1p-10;
        };
    }

    /** Whether as many pages are in use as the sequences' tables name, and the tables lead to the rows. */
    String checkPages(KvCache cache) {
        try (CacheView view = cache.view(sequences())) {
            Tensor table = Objects.requireNonNull(view.keyArguments().pageTable());
            int lanes = shape.perHead() ? shape.heads() : 1;
            int[] pages = table.toIntArray();
            int[] lengths = view.keyLengths().toIntArray();
            int width = Math.toIntExact(table.size(table.rank() - 1));
            List<Set<Integer>> used = new ArrayList<>();
            for (int lane = 0; lane < lanes; lane++) {
                Set<Integer> of = new HashSet<>();
                for (int s = 0; s < sequences.size(); s++) {
                    int n = Math.ceilDiv(lengths[s * lanes + lane], shape.pageSize());
                    for (int i = 0; i < n; i++) {
                        of.add(pages[(s * lanes + lane) * width + i]);
                    }
                }
                used.add(of);
            }
            int most = used.stream().mapToInt(Set::size).max().orElse(0);
            if (most != shape.pages() - cache.freePages()) {
                return most + " pages are named, " + cache.freePages() + " of " + shape.pages() + " are free";
            }
            return shape.format() == KvFormat.F32 ? checkTable(view, pages, lengths, width) : "";
        }
    }

    private String checkTable(CacheView view, int[] pages, int[] lengths, int width) {
        float[] all = view.key().toFloatArray();
        Tensor positions = view.keyArguments().keyPositions();
        int @Nullable [] kpos = positions == null ? null : positions.toIntArray();
        List<KvSequence> list = sequences();
        for (int s = 0; s < list.size(); s++) {
            for (int h = 0; h < shape.heads(); h++) {
                int lane = shape.perHead() ? s * shape.heads() + h : s;
                List<Token> tokens = of(list.get(s)).heads.get(h);
                if (lengths[lane] != tokens.size()) {
                    return "length " + lengths[lane] + " in the view, " + tokens.size() + " in the model";
                }
                for (int k = 0; k < tokens.size(); k++) {
                    int page = pages[lane * width + k / shape.pageSize()];
                    int row = (page * shape.heads() + h) * shape.pageSize() + k % shape.pageSize();
                    int position = kpos == null ? k : kpos[lane * width * shape.pageSize() + k];
                    Token t = tokens.get(k);
                    if (all[row * shape.keyDim()] != t.element(false, h, 0) || position != t.position) {
                        return "the view of sequence " + s + ", head " + h + ", key " + k + " leads to another row";
                    }
                }
            }
        }
        return "";
    }

    static int[] where(int length, IntPredicate keep) {
        return IntStream.range(0, length).filter(keep).toArray();
    }
}
