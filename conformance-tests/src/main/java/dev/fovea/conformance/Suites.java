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
        options(all, seed, List.of("sq=17 sk=33", "sq=1 sk=65", "sq=33 sk=17", "sq=64 sk=64", "sq=5 sk=130"), "b=3");
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
        weights(all, seed, List.of("sq=17 sk=70", "sq=3 sk=200", "sq=65 sk=64"));
        sources(all, seed, List.of("sq=17 sk=70", "sq=1 sk=200", "sq=5 sk=33", "sq=40 sk=65"), "b=3");
        for (String dims : List.of("d=192 dv=128", "d=576 dv=512", "d=128 dv=128", "d=7 dv=33")) {
            add(
                    all,
                    "sources",
                    "b=2 hq=4 hk=1 hv=1 sq=2 sk=90 causal offset=bottom-right source=paged page=16 " + dims);
        }
        expressions(all, "b=2 hq=4 hk=2 sq=37 sk=70", 12);
        menu(all, "b=2 hq=4 hk=2 sq=70 sk=70");
        fuzz(all, seed, 30);
        // new cases come last, since a case's seed is its place
        scaled(all, "b=2 hq=2 hk=1 sq=33 sk=67 d=64 dv=64");
        // the last query is alone in its tile, and the keys that it may see end within theirs
        for (String mask : List.of("menu=dilated", "causal menu=strided")) {
            add(all, "expressions", "dtype=bf16 hq=2 hk=2 sq=129 sk=256 d=64 dv=64 " + mask);
        }
        // queries times a scale that is no power of two make inexact products of 16-bit numbers, and log-sum-exp shows
        // it
        keep(
                all,
                "options",
                "dtype=bf16 b=3 sq=1 sk=65 past=19 layout=bshd causal right=3 offset=per-head mask=keys bias=plane alibi sink"
                        + " lengths=per-head scores=probability amplitude=8.0 seed=7");
        // two sweeps over tiles with more rows than there are queries, which PoCL 3.1's optimiser got wrong
        keep(
                all,
                "weights",
                "b=2 hq=4 hk=2 sq=65 sk=64 d=64 dv=64 sink lengths=per-batch scores=probability weight=threshold seed=216");
        keep(
                all,
                "weights",
                "hq=4 hk=2 sq=65 sk=64 d=24 dv=40 left=9 right=4 lengths=per-batch scores=probability weight=factor"
                        + " finish=gate seed=221");
        // groups of rows that see nothing of a tile that others see, or that the rows of a piece of work do not fill
        for (String rows : List.of(
                "dtype=bf16 hq=2 sq=260 sk=520 causal offset=bottom-right",
                "dtype=f16 b=2 sq=400 sk=513 causal offset=per-batch lengths=per-batch",
                "dtype=bf16 b=2 sq=200 sk=600 left=300 right=-20 offset=bottom-right",
                "dtype=f16 sq=449 sk=520 causal sink special=poison-masked lengths=per-batch")) {
            add(all, "lengths", rows + " d=32 dv=32");
        }
        // rows that see few keys beside rows that see many, which an engine may compute another way
        for (String few : List.of("causal", "left=6 right=2 sink", "causal lengths=per-batch softcap=20")) {
            add(all, "lengths", "b=2 hq=2 hk=1 sq=150 sk=170 d=64 dv=64 " + few);
        }
        // few rows whose keys are cut into more parts than are merged at once
        for (String rows : List.of(
                "dtype=bf16 hq=8 hk=1 hv=1 sq=1 sk=4500 d=64 dv=64 sink",
                "dtype=f16 b=2 hq=6 hk=2 hv=2 sq=3 sk=2500 d=64 dv=160 causal offset=bottom-right lengths=per-batch",
                "hq=2 hk=1 hv=1 sq=2 sk=2300 d=32 dv=40 parts=2")) {
            add(all, "lengths", rows);
        }
        // scores whose rounding, as that of their maximum in other units, is itself beyond what e^x can take
        for (String rows : List.of(
                "sq=40 sk=33 amplitude=1e10",
                "dtype=bf16 sq=40 sk=150 amplitude=1e10",
                "dtype=f16 sq=2 sk=200 amplitude=100 scale=1e8")) {
            add(all, "huge", rows + " d=32 dv=32");
        }
        // the same of engines with 16-bit weights, which a maximum rounded up makes too small, and one rounded down too
        // large
        for (String rows : List.of(
                "sq=40 sk=200 amplitude=1e5",
                "sq=2 sk=33 amplitude=3e4",
                "dtype=bf16 sq=1 sk=200 amplitude=3e4",
                "dtype=f16 sq=70 sk=200 amplitude=5e3",
                "dtype=f16 sq=4 sk=65 amplitude=5e3 softcap=20",
                "sq=33 sk=200 amplitude=1e5 bias=plane")) {
            add(all, "huge", rows + " d=64 dv=64");
        }
        return all;
    }

    /** Small enough for a simulator that runs a few million operations a second. */
    public static List<Entry> small(long seed) {
        List<Entry> all = new ArrayList<>();
        options(all, seed, List.of("sq=5 sk=9", "sq=1 sk=33", "sq=17 sk=3"), "b=2");
        for (int d : new int[] {1, 7, 40, 80, 160}) {
            add(all, "head dims", "sq=3 sk=35 d=" + d + " dv=" + d);
        }
        for (String s : List.of("sq=0 sk=5", "sq=5 sk=0", "sq=65 sk=65 causal", "sq=3 sk=70")) {
            add(all, "lengths", s);
        }
        special(all, "sq=5 sk=35");
        weights(all, seed, List.of("sq=5 sk=9", "sq=1 sk=40"));
        sources(all, seed, List.of("sq=3 sk=9", "sq=1 sk=40"), "b=2");
        add(all, "sources", "hq=2 hk=1 hv=1 sq=9 sk=20 causal source=paged page=7 select=tokens qblock=4");
        expressions(all, "hq=2 sq=5 sk=35", 8);
        menu(all, "hq=2 sq=9 sk=35");
        scaled(all, "sq=5 sk=35");
        return all;
    }

    /** The quick suite with long sequences and much fuzz. */
    public static List<Entry> full(long seed) {
        List<Entry> all = quick(seed);
        lengths(all, LONG_EDGES);
        weights(all, seed + 1, List.of("sq=129 sk=257", "sq=65 sk=64", "sq=1 sk=1025"));
        sources(all, seed + 1, List.of("sq=70 sk=257", "sq=1 sk=1025", "sq=9 sk=300"), "b=3");
        options(all, seed + 1, List.of("sq=129 sk=257", "sq=65 sk=64", "sq=1 sk=1025", "sq=130 sk=5"), "b=3");
        expressions(all, "b=2 hq=4 hk=2 sq=37 sk=70 d=64 dv=64", 100);
        menu(all, "b=1 hq=2 hk=2 sq=200 sk=270");
        fuzz(all, seed + 1, 400);
        return all;
    }

    private static void add(List<Entry> all, String group, String text) {
        all.add(new Entry(group, AttentionCase.parse(text + " seed=" + (all.size() + 1))));
    }

    /** A case that failed once, with its seed. */
    private static void keep(List<Entry> all, String group, String text) {
        all.add(new Entry(group, AttentionCase.parse(text)));
    }

    /** Normalisers, probability and output expressions, partial results. */
    private static void weights(List<Entry> all, long seed, List<String> lengths) {
        pairwise(
                all,
                "weights",
                seed,
                List.of(
                        lengths,
                        List.of("dtype=f32", "dtype=f32", "dtype=f16", "dtype=bf16"),
                        List.of("norm=softmax", "norm=l1", "norm=identity", "norm=sigmoid", "norm=relu2"),
                        List.of("", "weight=factor", "weight=threshold", "weight=square"),
                        List.of("", "finish=gate", "parts=3"),
                        List.of("", "causal", "left=9 right=4", "mask=full"),
                        List.of("hq=2 hk=2 hv=2", "hq=4 hk=2 hv=1"),
                        List.of("", "sink"),
                        List.of("", "lengths=per-batch"),
                        List.of("", "", "scores=probability"),
                        List.of("b=1", "b=2"),
                        List.of("d=32 dv=32", "d=64 dv=64", "d=24 dv=40")));
    }

    /** Layouts, selections and formats of keys with each other and with the options that meet them. */
    private static void sources(List<Entry> all, long seed, List<String> lengths, String several) {
        pairwise(
                all,
                "sources",
                seed,
                List.of(
                        lengths,
                        List.of(
                                "source=dense",
                                "source=ragged",
                                "source=paged page=16",
                                "source=paged page=1",
                                "source=paged page=7",
                                "source=paged page=256"),
                        List.of("", "packed"),
                        List.of(
                                "",
                                "",
                                "select=blocks qblock=1",
                                "select=blocks qblock=16 kblock=16",
                                "select=tokens qblock=1",
                                "select=tokens qblock=4"),
                        List.of("dtype=f32", "dtype=f16", "dtype=bf16"),
                        List.of("", "kv=f16", "kv=bf16", "kv=int8", "kv=int4", "kv=fp8"),
                        List.of("", "positions"),
                        List.of("hq=2 hk=2 hv=2", "hq=4 hk=2 hv=2", "hq=6 hk=2 hv=1", "hq=8 hk=1 hv=1"),
                        List.of("", "causal", "causal left=20"),
                        List.of("offset=top-left", "offset=bottom-right", "offset=per-head"),
                        List.of("layout=bhsd", "layout=bshd"),
                        List.of("b=1", several),
                        List.of("", "lengths=per-batch", "lengths=per-head"),
                        List.of("", "alibi", "bias=full", "mask=keys"),
                        List.of("", "sink"),
                        List.of("", "", "rotary=halves", "rotary=neighbours"),
                        List.of("", "weight=factor", "parts=2", "norm=sigmoid"),
                        List.of("d=32 dv=32", "d=64 dv=64", "d=24 dv=40")));
    }

    private static void pairwise(List<Entry> all, String group, long seed, List<List<String>> factors) {
        int[] levels = factors.stream().mapToInt(List::size).toArray();
        for (int[] row : Pairwise.rows(levels, seed)) {
            StringBuilder text = new StringBuilder();
            for (int f = 0; f < row.length; f++) {
                text.append(factors.get(f).get(row[f])).append(' ');
            }
            add(all, group, legal(text.toString()));
        }
    }

    /**
     * Without what the spec refuses together: a sink is of softmax, scores are of one dense piece, a partial weight is linear, and tables
     * of rotary angles have no row for negative positions.
     */
    private static String legal(String text) {
        String t = text;
        boolean softmax = !t.contains("norm=") || t.contains("norm=softmax");
        t = softmax ? t : t.replace(" sink", "");
        boolean linear = !t.contains("weight=threshold") && !t.contains("weight=square");
        boolean free = t.contains("norm=identity") || t.contains("norm=sigmoid") || t.contains("norm=relu2");
        t = linear || free ? t : t.replace("parts=3", "");
        t = t.contains("parts=") ? t.replace("scores=probability", "") : t;
        t = t.contains("rotary=") ? t.replace("offset=bottom-right", "").replace("offset=per-head", "") : t;
        return t.contains("source=ragged") ? t.replace("lengths=per-batch", "").replace("lengths=per-head", "") : t;
    }

    private static void options(List<Entry> all, long seed, List<String> lengths, String several) {
        List<List<String>> factors = List.of(
                lengths,
                List.of("dtype=f32", "dtype=f16", "dtype=bf16"),
                List.of("hq=1", "hq=4 hk=2 hv=2", "hq=4 hk=1 hv=1", "hq=4 hk=2 hv=1", "hq=6 hk=2 hv=3"),
                List.of("layout=bhsd", "layout=bshd"),
                List.of("b=1", several),
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
        pairwise(all, "options", seed, factors);
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

    /** Numbers whose sizes differ by 2^30 within a row and between rows; f32's alone, since f16 holds no such numbers. */
    private static void scaled(List<Entry> all, String shape) {
        for (String special : List.of("scaled-columns", "scaled-rows")) {
            for (String options : List.of("", "causal", "lengths=per-batch", "softcap=20 causal")) {
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

    /** Each mask and score of the menu. */
    private static void menu(List<Entry> all, String shape) {
        for (String name : MenuData.names()) {
            add(all, "menu", shape + " menu=" + name);
        }
    }

    private static void fuzz(List<Entry> all, long seed, int count) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < count; i++) {
            all.add(new Entry("fuzz", Fuzz.random(random)));
        }
    }
}
