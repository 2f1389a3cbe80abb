package dev.fovea.tools.expressions;

import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.MaskAnalysis;
import dev.fovea.api.expr.MaskAnalysis.Verdict;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;

/** The verdicts of a mask on all tiles of one head. */
final class VerdictMap {
    private final Shape shape;
    private final byte[] verdicts;
    private final Map<Verdict, Long> counts = new EnumMap<>(Verdict.class);
    private final double computed;

    /**
     * Queries and keys of one head, cut into tiles.
     *
     * @param offset position of query 0; key 0 is at 0
     */
    record Shape(int queries, int keys, int offset, int tileQueries, int tileKeys, int batch, int head, int keyHead) {
        int rows() {
            return Math.ceilDiv(queries, tileQueries);
        }

        int columns() {
            return Math.ceilDiv(keys, tileKeys);
        }
    }

    private VerdictMap(Shape shape, byte[] verdicts, double computed) {
        this.shape = shape;
        this.verdicts = verdicts;
        this.computed = computed;
        for (Verdict v : Verdict.values()) {
            counts.put(v, 0L);
        }
        for (byte v : verdicts) {
            counts.merge(verdict(v), 1L, Long::sum);
        }
    }

    static VerdictMap of(Expr mask, Shape shape, Map<String, Number> scalars, Map<String, CaptureValues> captures) {
        MaskAnalysis analysis = MaskAnalysis.of(mask);
        byte[] all = new byte[shape.rows() * shape.columns()];
        double pairs = 0;
        Tile tile = new Tile(shape, scalars, captures);
        for (int row = 0; row < shape.rows(); row++) {
            for (int column = 0; column < shape.columns(); column++) {
                tile.move(row, column);
                Verdict v = analysis.verdict(tile);
                all[row * shape.columns() + column] = code(v);
                pairs += v == Verdict.SKIP ? 0 : tile.pairs();
            }
        }
        return new VerdictMap(shape, all, pairs / ((double) shape.queries * shape.keys));
    }

    private static byte code(Verdict v) {
        return switch (v) {
            case SKIP -> 0;
            case PARTIAL -> 1;
            case FULL -> 2;
        };
    }

    private static Verdict verdict(byte code) {
        return code == 0 ? Verdict.SKIP : code == 1 ? Verdict.PARTIAL : Verdict.FULL;
    }

    Shape shape() {
        return shape;
    }

    Verdict at(int row, int column) {
        return verdict(verdicts[row * shape.columns() + column]);
    }

    long count(Verdict v) {
        return counts.getOrDefault(v, 0L);
    }

    long tiles() {
        return verdicts.length;
    }

    /** Share of all pairs that lie in tiles which are not skipped. */
    double computed() {
        return computed;
    }

    private static final class Tile implements MaskAnalysis.Tile {
        private final Shape shape;
        private final Map<String, Number> scalars;
        private final Map<String, CaptureValues> captures;
        private int query;
        private int lastQuery;
        private int key;
        private int lastKey;

        Tile(Shape shape, Map<String, Number> scalars, Map<String, CaptureValues> captures) {
            this.shape = shape;
            this.scalars = scalars;
            this.captures = captures;
        }

        void move(int row, int column) {
            query = row * shape.tileQueries;
            lastQuery = Math.min(shape.queries, query + shape.tileQueries) - 1;
            key = column * shape.tileKeys;
            lastKey = Math.min(shape.keys, key + shape.tileKeys) - 1;
        }

        double pairs() {
            return (lastQuery - query + 1.0) * (lastKey - key + 1);
        }

        @Override
        public int least(IndexKind kind) {
            return bound(kind, query, key);
        }

        @Override
        public int largest(IndexKind kind) {
            return bound(kind, lastQuery, lastKey);
        }

        private int bound(IndexKind kind, int q, int k) {
            return switch (kind) {
                case BATCH -> shape.batch;
                case HEAD -> shape.head;
                case KEY_HEAD -> shape.keyHead;
                case QUERY -> q;
                case QUERY_POSITION -> q + shape.offset;
                case KEY, KEY_POSITION -> k;
                case QUERY_LENGTH -> shape.queries;
                case KEY_LENGTH -> shape.keys;
                case CHANNEL -> 0;
            };
        }

        @Override
        public Number scalar(String name) {
            return Objects.requireNonNull(scalars.get(name));
        }

        @Override
        public boolean range(Expr.Load load, int[] from, int[] to, int[] leastAndLargest) {
            return Objects.requireNonNull(captures.get(load.name())).range(from, to, leastAndLargest);
        }

        @Override
        public boolean keysInOrder() {
            return true;
        }
    }
}
