package dev.fovea.conformance;

import dev.fovea.api.DType;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.RotarySpec;
import dev.fovea.api.spec.ScoreStage;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * One attention problem in words: everything that {@link CaseData} needs to make it, the same on every machine. The text form
 * ({@code dtype=f16 hq=4 sk=65 causal seed=7}) leaves defaults out and parses back.
 *
 * @param amplitude standard deviation of the queries and keys
 * @param scale factor of the dot products; 0 = 1/sqrt(d)
 * @param expr seed of a random score and mask expression beside the options; 0 = none
 * @param menu name of a mask or score of the menu beside the options; none = none
 * @param source where queries, keys and values are
 * @param weights what becomes of the scores
 */
public record AttentionCase(
        DType dtype,
        int b,
        int hq,
        int hk,
        int hv,
        int sq,
        int sk,
        int past,
        int d,
        int dv,
        Layout layout,
        boolean causal,
        int left,
        int right,
        Offset offset,
        float softcap,
        Mask mask,
        Mask bias,
        boolean alibi,
        boolean sink,
        Lengths lengths,
        Scores scores,
        float scale,
        float amplitude,
        Special special,
        int expr,
        String menu,
        Source source,
        Weights weights,
        long seed) {

    /**
     * Layout of keys and values on the device.
     *
     * @param packed whether queries of all sequences follow each other, of different lengths
     * @param page positions of a page
     * @param qblock queries that share a list of selected keys
     * @param kblock keys of a selected block
     * @param positions whether keys have positions of their own
     */
    public record Source(
            KeySource.Layout layout,
            boolean packed,
            int page,
            KeySource.Selection select,
            int qblock,
            int kblock,
            Kv kv,
            boolean positions,
            Turn rotary) {
        static final Source DENSE =
                new Source(KeySource.Layout.DENSE, false, 16, KeySource.Selection.ALL, 1, 8, Kv.SAME, false, Turn.NONE);

        KeySource key(DType storage, int headDim) {
            return new KeySource(packed, layout, select, kv.format(storage), positions, rotary(headDim));
        }

        /** Over three quarters of the columns or so. */
        Optional<KeySource.Rotary> rotary(int headDim) {
            return switch (rotary) {
                case NONE -> Optional.empty();
                case HALVES -> Optional.of(new KeySource.Rotary(RotarySpec.Pairing.HALVES, even(headDim)));
                case NEIGHBOURS -> Optional.of(new KeySource.Rotary(RotarySpec.Pairing.NEIGHBOURS, even(headDim)));
            };
        }

        private static int even(int headDim) {
            return Math.max(2, headDim * 3 / 8 * 2);
        }
    }

    /**
     * What comes after the scores.
     *
     * @param parts partial results over that many parts of the keys, merged; 0: in one piece
     */
    public record Weights(Norm norm, Weight weight, Finish finish, int parts) {
        static final Weights SOFTMAX = new Weights(Norm.SOFTMAX, Weight.NONE, Finish.NONE, 0);
    }

    /** Rotary embedding of queries and keys while they are loaded. */
    public enum Turn {
        NONE,
        HALVES,
        NEIGHBOURS
    }

    /** Storage of keys and values. */
    public enum Kv {
        /** The type of the queries. */
        SAME,
        F32,
        F16,
        BF16,
        INT8,
        INT4,
        FP8;

        KvFormat format(DType storage) {
            return this == SAME ? KvFormat.of(storage) : KvFormat.valueOf(name());
        }
    }

    public enum Norm {
        SOFTMAX,
        L1,
        IDENTITY,
        /** {@code sigmoid(s)}, no sum over the row. */
        SIGMOID,
        /** {@code max(s, 0)^2}, no sum over the row. */
        RELU2
    }

    /** Expressions over the probability. */
    public enum Weight {
        NONE,
        /** {@code p * (1 + table[h, k] / 4)}: linear, one pass. */
        FACTOR,
        /** {@code select(p > floor, p, 0)}. */
        THRESHOLD,
        /** {@code p * p}. */
        SQUARE
    }

    /** Expressions over the output. */
    public enum Finish {
        NONE,
        /** {@code o * sigmoid(gate[b, h, q, d])}. */
        GATE
    }

    /** Memory order of q, k, v and the output. */
    public enum Layout {
        BHSD,
        BSHD
    }

    public enum Offset {
        TOP_LEFT,
        BOTTOM_RIGHT,
        PAST,
        /** A different one for each batch entry, negative ones among them. */
        PER_BATCH,
        PER_HEAD
    }

    /** Shape of a mask or bias against [B, Hq, Sq, Sk]. */
    public enum Mask {
        NONE,
        /** [B, Hq, Sq, Sk]. */
        FULL,
        /** [Sq, Sk]. */
        PLANE,
        /** [B, 1, 1, Sk]. */
        KEYS,
        /** [Hq, Sq, 1]. */
        ROWS,
        /** [Sq, n] with 1 &lt; n &lt; Sk: the keys beyond are masked. */
        SHORT
    }

    public enum Lengths {
        NONE,
        PER_BATCH,
        PER_HEAD
    }

    public enum Scores {
        NONE,
        RAW,
        CAPPED,
        MASKED,
        PROBABILITY;

        public ScoreStage stage() {
            return ScoreStage.valueOf(name());
        }
    }

    /** Values that arithmetic does not forgive. */
    public enum Special {
        NONE,
        /** NaN and infinities in keys and values that the mask or the length hides. */
        POISON_MASKED,
        /** NaN in one key and one value that some rows see. */
        NAN_VISIBLE,
        /** Logits of about 1e5. */
        HUGE,
        /** NaN in every input. */
        NAN,
        /** Columns of queries by powers of two from 2^-15 to 2^15, those of keys by their reciprocals: products stay as they were. */
        SCALED_COLUMNS,
        /** Rows of keys by powers of two from 2^-30 to 1, those of values by powers from 2^-15 to 2^15. */
        SCALED_ROWS
    }

    /** One head, 16 queries and keys, head dim 32, no options. */
    public static AttentionCase base() {
        return new AttentionCase(
                DType.F32,
                1,
                1,
                1,
                1,
                16,
                16,
                0,
                32,
                32,
                Layout.BHSD,
                false,
                -1,
                -1,
                Offset.TOP_LEFT,
                0,
                Mask.NONE,
                Mask.NONE,
                false,
                false,
                Lengths.NONE,
                Scores.NONE,
                0,
                1,
                Special.NONE,
                0,
                "none",
                Source.DENSE,
                Weights.SOFTMAX,
                1);
    }

    /** A copy with some fields changed, as text: {@code with("sk=65 causal")}. */
    public AttentionCase with(String changes) {
        Map<String, String> f = fields();
        for (String part : changes.trim().split("\\s+")) {
            if (part.isEmpty()) {
                continue;
            }
            int eq = part.indexOf('=');
            String name = eq < 0 ? part : part.substring(0, eq);
            if (!f.containsKey(name)) {
                throw new IllegalArgumentException("no case field '" + name + "'; there is " + f.keySet());
            }
            f.put(name, eq < 0 ? "true" : part.substring(eq + 1));
        }
        return fromFields(f);
    }

    public static AttentionCase parse(String text) {
        return base().with(text);
    }

    private Map<String, String> fields() {
        Map<String, String> f = new LinkedHashMap<>();
        f.put("dtype", low(dtype));
        f.put("b", "" + b);
        f.put("hq", "" + hq);
        f.put("hk", "" + hk);
        f.put("hv", "" + hv);
        f.put("sq", "" + sq);
        f.put("sk", "" + sk);
        f.put("past", "" + past);
        f.put("d", "" + d);
        f.put("dv", "" + dv);
        f.put("layout", low(layout));
        f.put("causal", "" + causal);
        f.put("left", "" + left);
        f.put("right", "" + right);
        f.put("offset", low(offset));
        f.put("softcap", "" + softcap);
        f.put("mask", low(mask));
        f.put("bias", low(bias));
        f.put("alibi", "" + alibi);
        f.put("sink", "" + sink);
        f.put("lengths", low(lengths));
        f.put("scores", low(scores));
        f.put("scale", "" + scale);
        f.put("amplitude", "" + amplitude);
        f.put("special", low(special));
        f.put("expr", "" + expr);
        f.put("menu", menu);
        f.put("source", low(source.layout()));
        f.put("packed", "" + source.packed());
        f.put("page", "" + source.page());
        f.put("select", low(source.select()));
        f.put("qblock", "" + source.qblock());
        f.put("kblock", "" + source.kblock());
        f.put("kv", low(source.kv()));
        f.put("positions", "" + source.positions());
        f.put("rotary", low(source.rotary()));
        f.put("norm", low(weights.norm()));
        f.put("weight", low(weights.weight()));
        f.put("finish", low(weights.finish()));
        f.put("parts", "" + weights.parts());
        f.put("seed", "" + seed);
        return f;
    }

    private static AttentionCase fromFields(Map<String, String> f) {
        return new AttentionCase(
                one(DType.class, f, "dtype"),
                number(f, "b"),
                number(f, "hq"),
                number(f, "hk"),
                number(f, "hv"),
                number(f, "sq"),
                number(f, "sk"),
                number(f, "past"),
                number(f, "d"),
                number(f, "dv"),
                one(Layout.class, f, "layout"),
                Boolean.parseBoolean(f.get("causal")),
                number(f, "left"),
                number(f, "right"),
                one(Offset.class, f, "offset"),
                Float.parseFloat(text(f, "softcap")),
                one(Mask.class, f, "mask"),
                one(Mask.class, f, "bias"),
                Boolean.parseBoolean(f.get("alibi")),
                Boolean.parseBoolean(f.get("sink")),
                one(Lengths.class, f, "lengths"),
                one(Scores.class, f, "scores"),
                Float.parseFloat(text(f, "scale")),
                Float.parseFloat(text(f, "amplitude")),
                one(Special.class, f, "special"),
                number(f, "expr"),
                text(f, "menu"),
                new Source(
                        one(KeySource.Layout.class, f, "source"),
                        Boolean.parseBoolean(f.get("packed")),
                        number(f, "page"),
                        one(KeySource.Selection.class, f, "select"),
                        number(f, "qblock"),
                        number(f, "kblock"),
                        one(Kv.class, f, "kv"),
                        Boolean.parseBoolean(f.get("positions")),
                        one(Turn.class, f, "rotary")),
                new Weights(
                        one(Norm.class, f, "norm"),
                        one(Weight.class, f, "weight"),
                        one(Finish.class, f, "finish"),
                        number(f, "parts")),
                Long.parseLong(text(f, "seed")));
    }

    private static String text(Map<String, String> f, String name) {
        return java.util.Objects.requireNonNull(f.get(name));
    }

    private static int number(Map<String, String> f, String name) {
        return Integer.parseInt(text(f, name));
    }

    private static String low(Enum<?> e) {
        return e.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static <E extends Enum<E>> E one(Class<E> type, Map<String, String> f, String name) {
        return Enum.valueOf(type, text(f, name).toUpperCase(Locale.ROOT).replace('-', '_'));
    }

    /** The shortest text that parses back to this case. */
    @Override
    public String toString() {
        Map<String, String> defaults = base().fields();
        String text = fields().entrySet().stream()
                .filter(e -> !e.getValue().equals(defaults.get(e.getKey())))
                .map(e -> e.getValue().equals("true") ? e.getKey() : e.getKey() + "=" + e.getValue())
                .collect(Collectors.joining(" "));
        return text.isEmpty() ? "seed=1" : text;
    }
}
