package dev.fovea.mechanisms.cache;

import dev.fovea.api.Attention;
import dev.fovea.api.Operations;
import dev.fovea.api.Partials;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Inputs;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.mechanisms.Values;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * LeanAttention: decoding whose tiles of keys, over all sequences and heads, go to workers in equal shares.
 *
 * <pre>
 * tiles of (b, g): ceil(len[b] / T), counted through all b, then g;  worker w has a W-th of all, the first ones one more
 * (m, l, acc) of each worker and head that it touches;  O = sum acc e^(m - max m) / sum l e^(m - max m)
 * </pre>
 *
 * @param lengths keys of each sequence, or one number for all; -1 = all S
 * @param tile keys of a tile
 * @param workers shares
 */
public record LeanAttention(List<Integer> lengths, int tile, int workers) implements Mechanism {
    private static final Parameter<List<Integer>> LENGTHS = Parameter.integers(
            "lengths", List.of(-1), -1, 1 << 29, "keys of each sequence, or one number for all; -1: all S");
    private static final Parameter<Integer> TILE =
            Parameter.integer("tile", 256, 1, 1 << 20, "keys of a tile (paper: 256 for D = 64, 128 for D = 128)");
    private static final Parameter<Integer> WORKERS =
            Parameter.integer("workers", 108, 1, 1 << 16, "shares of the work (paper: the processors of the device)");

    private static final Declaration DECLARATION = Declaration.of(
                    "leanattention",
                    "kv-cache",
                    "Lean Attention: Hardware-Aware Scalable Attention Mechanism for the Decode-Phase of Transformers")
            .equation("""
                    O[b, h] = softmax(q K[:len]' / sqrt(D)) V[:len]
                    the tiles of all (b, g) in one line, cut in W equal shares; (m, l, acc) of each piece, merged by log-sum-exp
                    """)
            .citation("Sanovar et al. 2024; after the scheme of github.com/ROCm/aiter (lean_atten)")
            .input("query", "B H 1 D", "the query of each sequence")
            .input("key", "B G S D", "keys, of which the first lengths[b] count")
            .input("value", "B G S Dv", "values")
            .output("output", "B H 1 Dv", "attention; 0 for a sequence without keys")
            .parameter(LENGTHS)
            .parameter(TILE)
            .parameter(WORKERS)
            .note("Lengths are a parameter, since the host cuts the work by them.")
            .note("The query heads of a KV head are rows of one piece; the paper has one query head a piece.")
            .note("Two launches, the pieces and the merge; the paper's workers wait for each other inside one.")
            .example("B=3 H=4 G=2 S=21 D=8 Dv=4; lengths=21,0,9 tile=4 workers=5")
            .example("B=2 H=3 G=3 S=50 D=16 Dv=8; lengths=50,13 tile=8 workers=4")
            .example("B=2 H=2 G=1 S=17 D=4 Dv=4; tile=3 workers=40")
            .build();

    /** Keys [from, to) of a KV head, counted over the batch, that one worker has. */
    private record Piece(int head, int from, int to) {}

    public LeanAttention {
        LENGTHS.check(lengths);
        TILE.check(tile);
        WORKERS.check(workers);
        lengths = List.copyOf(lengths);
    }

    public LeanAttention() {
        this(LENGTHS.standard(), TILE.standard(), WORKERS.standard());
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public LeanAttention with(Values p) {
        return new LeanAttention(p.get(LENGTHS), p.get(TILE), p.get(WORKERS));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        int heads = in.size("B") * in.size("G");
        int keys = in.size("S");
        Inputs.require(in.size("G") > 0 && in.size("H") > 0, "H, G", "at least one head", "none");
        int group = in.size("H") / in.size("G");
        List<Piece> pieces = pieces(in.size("B"), in.size("G"), keys);
        IntStream.Builder keyStarts = IntStream.builder().add(0);
        IntStream.Builder queryStarts = IntStream.builder().add(0);
        int end = 0;
        for (int i = 0; i < pieces.size(); i++) {
            Piece piece = pieces.get(i);
            int from = piece.head * keys + piece.from;
            if (from > end) { // keys that nobody counts: a sequence without queries
                keyStarts.add(from);
                queryStarts.add(i * group);
            }
            end = piece.head * keys + piece.to;
            keyStarts.add(end);
            queryStarts.add((i + 1) * group);
        }
        int[] rows = pieces.stream()
                .flatMapToInt(p -> IntStream.range(p.head * group, (p.head + 1) * group))
                .toArray();
        Tensor queries = ops.reshape(in.get("query"), (long) heads * group, in.size("D"));
        Tensor query = ops.reshape(ops.gather(queries, rows, 0), 1, 1, rows.length, in.size("D"));
        Attention options = Attention.full().ragged(list(ops, keyStarts)).packedQueries(list(ops, queryStarts));
        try (Partials parts = ops.backend().partials(1, query, in.size("Dv"))) {
            Tensor key = ops.reshape(in.get("key"), 1, 1, (long) heads * keys, in.size("D"));
            Tensor value = ops.reshape(in.get("value"), 1, 1, (long) heads * keys, in.size("Dv"));
            ops.backend().attendPart(query, key, value, options, parts, 0);
            Partials merged = byHead(ops, parts, slots(pieces, heads, group), in);
            return Map.of("output", ops.own(ops.backend().merge(merged, query.dtype())));
        }
    }

    private static Tensor list(Operations ops, IntStream.Builder numbers) {
        int[] all = numbers.build().toArray();
        return ops.copyOf(all, all.length);
    }

    /** The shares of the workers, cut where a head ends. */
    private List<Piece> pieces(int batch, int groups, int keys) {
        Inputs.require(
                lengths.size() == 1 || lengths.size() == batch, "lengths", "1 or " + batch + " numbers", lengths);
        int[] length = IntStream.range(0, batch)
                .map(b -> lengths.get(lengths.size() == 1 ? 0 : b))
                .map(n -> n < 0 ? keys : n)
                .toArray();
        Inputs.require(IntStream.of(length).allMatch(n -> n <= keys), "lengths", "at most S = " + keys, lengths);
        int tiles =
                groups * IntStream.of(length).map(n -> Math.ceilDiv(n, tile)).sum();
        List<Piece> pieces = new ArrayList<>();
        int worker = 0;
        int left = share(tiles, 0);
        for (int head = 0; head < batch * groups; head++) {
            int n = length[head / groups];
            for (int from = 0; from < n; ) {
                while (left == 0) {
                    left = share(tiles, ++worker);
                }
                int taken = Math.min(left, Math.ceilDiv(n - from, tile));
                int to = Math.min(n, from + taken * tile);
                pieces.add(new Piece(head, from, to));
                left -= taken;
                from = to;
            }
        }
        return pieces;
    }

    private int share(int tiles, int worker) {
        return tiles / workers + (worker < tiles % workers ? 1 : 0);
    }

    /** For each part and query head the row that its piece has, -1 if the head has fewer pieces. */
    private static int[] slots(List<Piece> pieces, int heads, int group) {
        int[][] of = IntStream.range(0, heads)
                .mapToObj(h -> IntStream.range(0, pieces.size())
                        .filter(i -> pieces.get(i).head == h)
                        .toArray())
                .toArray(int[][]::new);
        int most = IntStream.range(0, heads).map(h -> of[h].length).max().orElse(0);
        return IntStream.range(0, Math.max(1, most) * heads * group)
                .map(i -> {
                    int[] own = of[i / group % heads];
                    int part = i / group / heads;
                    return part < own.length ? own[part] * group + i % group : -1;
                })
                .toArray();
    }

    private static Partials byHead(Operations ops, Partials parts, int[] slots, Inputs in) {
        long b = in.size("B");
        long h = in.size("H");
        long n = slots.length / Math.max(1, b * h);
        long rows = parts.sums().elementCount();
        long dim = in.size("Dv");
        Tensor acc = ops.gather(ops.reshape(parts.accumulators(), rows, dim), slots, 0);
        Tensor maxima = ops.gather(ops.reshape(parts.maxima(), rows, 1), slots, Double.NEGATIVE_INFINITY);
        Tensor sums = ops.gather(ops.reshape(parts.sums(), rows, 1), slots, 0);
        return new Partials(
                ops.reshape(acc, n, b, h, 1, dim), ops.reshape(maxima, n, b, h, 1), ops.reshape(sums, n, b, h, 1));
    }
}
