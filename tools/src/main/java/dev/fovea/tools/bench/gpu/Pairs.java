package dev.fovea.tools.bench.gpu;

import dev.fovea.api.Attention;
import dev.fovea.api.expr.ExprParser;
import dev.fovea.api.expr.Masks;
import dev.fovea.tools.Json;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;

/** Which keys the queries of a case see, always a run of neighbours, and what is added to their scores. */
sealed interface Pairs {
    /** First key that a query sees. */
    int from(int query);

    /** One past the last. */
    int to(int query, int keys);

    /** Added to a score, in natural units. */
    default double added(int query, int key) {
        return 0;
    }

    /** The options that mean this. */
    Attention attention();

    /** The captured tensors of these options, I32 [1, n]. */
    default Map<String, int[]> captures() {
        return Map.of();
    }

    /** The same for sequences {@code by} times shorter. */
    default Pairs shrunk(int by, int keys) {
        return this;
    }

    /** What a peer needs to do the same. */
    void write(Json json) throws IOException;

    record Full() implements Pairs {
        @Override
        public int from(int query) {
            return 0;
        }

        @Override
        public int to(int query, int keys) {
            return keys;
        }

        @Override
        public Attention attention() {
            return Attention.full();
        }

        @Override
        public void write(Json json) throws IOException {
            json.field("pairs", "full");
        }
    }

    /**
     * Keys up to the own position.
     *
     * @param left keys before the own one that are seen; -1 = all
     */
    record Causal(int left) implements Pairs {
        @Override
        public int from(int query) {
            return left < 0 ? 0 : Math.max(0, query - left);
        }

        @Override
        public int to(int query, int keys) {
            return Math.min(keys, query + 1);
        }

        @Override
        public Attention attention() {
            return Attention.causal().window(left, -1);
        }

        @Override
        public Pairs shrunk(int by, int keys) {
            return left < 0 ? this : new Causal(Math.max(1, left / by));
        }

        @Override
        public void write(Json json) throws IOException {
            json.field("pairs", "causal").field("left", left);
        }
    }

    /** Every key, with {@code slope (k - q)} added to the score, given as an expression. */
    record LinearBias(float slope) implements Pairs {
        @Override
        public int from(int query) {
            return 0;
        }

        @Override
        public int to(int query, int keys) {
            return keys;
        }

        @Override
        public double added(int query, int key) {
            return (double) slope * (key - query);
        }

        @Override
        public Attention attention() {
            return Attention.full().rescored(ExprParser.parse("s + " + slope + " * (k - q)", Map.of(), Map.of()));
        }

        @Override
        public void write(Json json) throws IOException {
            json.field("pairs", "bias").field("slope", slope);
        }
    }

    /**
     * Documents one after another, of which each sees itself alone, given as ids of all positions.
     *
     * @param ends one past the last position of each, ascending; the last is the number of positions
     */
    record Documents(List<Integer> ends) implements Pairs {
        /** Documents of random lengths, at least 1. */
        static Documents random(int count, int positions) {
            SplittableRandom random = new SplittableRandom(12);
            TreeSet<Integer> ends = new TreeSet<>(Set.of(positions));
            while (ends.size() < count) {
                ends.add(random.nextInt(1, positions));
            }
            return new Documents(List.copyOf(ends));
        }

        private int document(int position) {
            int d = 0;
            while (position >= ends.get(d)) {
                d++;
            }
            return d;
        }

        @Override
        public int from(int query) {
            int d = document(query);
            return d == 0 ? 0 : ends.get(d - 1);
        }

        @Override
        public int to(int query, int keys) {
            return ends.get(document(query));
        }

        @Override
        public Attention attention() {
            return Attention.full().visibleWhere(Masks.documents());
        }

        @Override
        public Map<String, int[]> captures() {
            int[] ids = new int[ends.getLast()];
            Arrays.setAll(ids, this::document);
            return Map.of("documents", ids);
        }

        @Override
        public Pairs shrunk(int by, int keys) {
            return random(Math.min(ends.size(), keys), keys);
        }

        @Override
        public void write(Json json) throws IOException {
            json.field("pairs", "documents")
                    .field("ends", ends.stream().mapToLong(e -> e).toArray());
        }
    }
}
