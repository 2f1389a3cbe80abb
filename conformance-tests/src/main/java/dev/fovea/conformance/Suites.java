package dev.fovea.conformance;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** The lists of cases that a run goes through. */
public final class Suites {
    /** A case and the line of the report that it counts in. */
    public record Entry(String group, AttentionCase testCase) {}

    private static final int[] EDGES = {0, 1, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257};
    private static final int[] LONG_EDGES = {511, 512, 513, 1023, 1024, 1025};
    private static final int[] HEAD_DIMS = {1, 7, 32, 40, 64, 80, 96, 111, 128, 192, 256, 512, 576};

    private Suites() {}

    /** Every option with every other, edge lengths and head dims, forbidden values, a little fuzz: minutes on two cores. */
    public static List<Entry> quick(long seed) {
        List<Entry> all = new ArrayList<>();
        options(all, seed, List.of("sq=17 sk=33", "sq=1 sk=65", "sq=33 sk=17", "sq=64 sk=64", "sq=5 sk=130"));
        lengths(all, EDGES);
        for (int d : HEAD_DIMS) {
            add(all, "head dims", "hq=2 hk=2 hv=1 sq=19 sk=37 d=" + d + " dv=" + d);
        }
        for (String dims : List.of("d=192 dv=128", "d=64 dv=32", "d=576 dv=512", "d=40 dv=129", "d=700 dv=300")) {
            add(all, "head dims", "sq=19 sk=37 causal " + dims);
        }
        for (String half : List.of("dtype=f16", "dtype=bf16")) {
            for (int d : new int[] {64, 80, 128, 256}) {
                add(all, "head dims", "sq=19 sk=37 d=" + d + " dv=" + d + " " + half);
            }
        }
        special(all, "b=2 hq=2 hk=1 sq=33 sk=67");
        expressions(all, "b=2 hq=4 hk=2 sq=37 sk=70", 12);
        fuzz(all, seed, 30);
        return all;
    }

    /** Small enough for a simulator that runs a few million operations a second. */
    public static List<Entry> small(long seed) {
        List<Entry> all = new ArrayList<>();
        options(all, seed, List.of("sq=5 sk=9", "sq=1 sk=33", "sq=17 sk=3"));
        for (int d : new int[] {1, 7, 40, 80, 160}) {
            add(all, "head dims", "sq=3 sk=35 d=" + d + " dv=" + d);
        }
        for (String s : List.of("sq=0 sk=5", "sq=5 sk=0", "sq=65 sk=65 causal", "sq=3 sk=70")) {
            add(all, "lengths", s);
        }
        special(all, "sq=5 sk=35");
        expressions(all, "hq=2 sq=5 sk=35", 8);
        return all;
    }

    /** The quick suite with long sequences and much fuzz. */
    public static List<Entry> full(long seed) {
        List<Entry> all = quick(seed);
        lengths(all, LONG_EDGES);
        options(all, seed + 1, List.of("sq=129 sk=257", "sq=65 sk=64", "sq=1 sk=1025", "sq=130 sk=5"));
        expressions(all, "b=2 hq=4 hk=2 sq=37 sk=70 d=64 dv=64", 100);
        fuzz(all, seed + 1, 400);
        return all;
    }

    private static void add(List<Entry> all, String group, String text) {
        all.add(new Entry(group, AttentionCase.parse(text + " seed=" + (all.size() + 1))));
    }

    private static void options(List<Entry> all, long seed, List<String> lengths) {
        List<List<String>> factors = List.of(
                lengths,
                List.of("dtype=f32", "dtype=f16", "dtype=bf16"),
                List.of("hq=1", "hq=4 hk=2 hv=2", "hq=4 hk=1 hv=1", "hq=4 hk=2 hv=1", "hq=6 hk=2 hv=3"),
                List.of("layout=bhsd", "layout=bshd"),
                List.of("b=1", "b=3"),
                List.of("", "causal"),
                List.of("", "left=5", "right=3", "left=9 right=4", "left=0 right=0"),
                List.of("offset=top-left", "offset=bottom-right", "offset=past", "offset=per-batch", "offset=per-head"),
                List.of("", "softcap=1.5"),
                List.of("", "mask=full", "mask=plane", "mask=keys", "mask=rows", "mask=short"),
                List.of("", "bias=full", "bias=plane", "bias=keys", "bias=rows", "bias=short"),
                List.of("", "alibi"),
                List.of("", "sink"),
                List.of("", "lengths=per-batch", "lengths=per-head"),
                List.of("past=0", "past=19"),
                List.of("", "", "scores=raw", "scores=capped", "scores=masked", "scores=probability"),
                List.of("d=32 dv=32", "d=64 dv=64", "d=24 dv=40"),
                List.of("amplitude=1", "amplitude=8", "scale=0.3"));
        int[] levels = factors.stream().mapToInt(List::size).toArray();
        for (int[] row : Pairwise.rows(levels, seed)) {
            StringBuilder text = new StringBuilder();
            for (int f = 0; f < row.length; f++) {
                text.append(factors.get(f).get(row[f])).append(' ');
            }
            add(all, "options", text.toString());
        }
    }

    private static void lengths(List<Entry> all, int[] edges) {
        for (int n : edges) {
            add(all, "lengths", "sq=" + n + " sk=" + n);
            add(all, "lengths", "b=2 sq=" + n + " sk=" + n + " causal lengths=per-batch");
            add(all, "lengths", "hq=2 sq=3 sk=" + n + " causal offset=bottom-right");
            add(all, "lengths", "sq=" + n + " sk=7");
        }
        add(all, "lengths", "b=0");
    }

    private static void special(List<Entry> all, String shape) {
        for (String special : List.of("poison-masked", "nan-visible", "huge", "nan")) {
            for (String options : List.of(
                    "",
                    "causal",
                    "causal dtype=f16",
                    "lengths=per-batch",
                    "mask=full",
                    "bias=plane dtype=bf16",
                    "left=3 right=2 offset=bottom-right",
                    "mask=keys sink scores=probability",
                    "softcap=20 causal scores=masked")) {
                add(all, special, shape + " special=" + special + " " + options);
            }
        }
    }

    private static void expressions(List<Entry> all, String shape, int count) {
        List<String> options =
                List.of("", "causal", "dtype=f16 past=9", "offset=bottom-right layout=bshd", "softcap=5 scores=masked");
        for (int i = 0; i < count; i++) {
            add(all, "expressions", shape + " expr=" + (i + 1) + " " + options.get(i % options.size()));
        }
    }

    private static void fuzz(List<Entry> all, long seed, int count) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < count; i++) {
            all.add(new Entry("fuzz", Fuzz.random(random)));
        }
    }
}
