package dev.fovea.api;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.KeyBand;
import dev.fovea.api.expr.ValueType;
import dev.fovea.api.expr.Weights;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeyArguments;
import dev.fovea.api.spec.KeyArguments.Selected;
import dev.fovea.api.spec.KeySource.Selection;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.Normaliser;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spec.ScoreStage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Options of one attention call, immutable: every method returns a changed copy. Tensors named here stay the caller's.
 *
 * <pre>
 * s = softcap(scale q.k) + bias + ALiBi;  visible = causal and window and mask and k &lt; length
 * output = finish(sum weight(normaliser(s)) v)
 * </pre>
 */
public final class Attention {
    private static final Set<String> OPTION_NAMES = Set.of(
            Expressions.SOFTCAP,
            Expressions.WINDOW_LEFT,
            Expressions.WINDOW_RIGHT,
            Expressions.ALIBI,
            Expressions.MASK,
            Expressions.MASK_KEYS,
            Expressions.BIAS,
            Expressions.BIAS_KEYS);

    private boolean causal;
    private int left = -1;
    private int right = -1;
    private QueryOffset offset = QueryOffset.TOP_LEFT;
    private @Nullable Tensor offsets;
    private int offsetValue;
    private float softcap;
    private @Nullable Float scale;
    private @Nullable Tensor mask;
    private @Nullable Tensor bias;
    private @Nullable Tensor slopes;
    private @Nullable Tensor sinks;
    private @Nullable Tensor lengths;
    private int @Nullable [] lengthValues;
    private @Nullable Tensor pastKey;
    private @Nullable Tensor pastValue;
    private boolean logSumExp;
    private @Nullable ScoreStage scores;
    private @Nullable Expr ownMask;
    private @Nullable Expr ownScore;
    private Map<String, Tensor> captures = Map.of();
    private Map<String, Number> scalars = Map.of();
    private Normaliser normaliser = Normaliser.SOFTMAX;
    private Expr weight = Expressions.probability();
    private Expr finish = Expressions.output();
    private KeyOptions keys = KeyOptions.DENSE;
    private volatile @Nullable KnownSpec known;

    private Attention() {}

    /** Fields are set only on a copy that nobody has seen yet. */
    private Attention copy() {
        Attention a = new Attention();
        a.causal = causal;
        a.left = left;
        a.right = right;
        a.offset = offset;
        a.offsets = offsets;
        a.offsetValue = offsetValue;
        a.softcap = softcap;
        a.scale = scale;
        a.mask = mask;
        a.bias = bias;
        a.slopes = slopes;
        a.sinks = sinks;
        a.lengths = lengths;
        a.lengthValues = lengthValues;
        a.pastKey = pastKey;
        a.pastValue = pastValue;
        a.logSumExp = logSumExp;
        a.scores = scores;
        a.ownMask = ownMask;
        a.ownScore = ownScore;
        a.captures = captures;
        a.scalars = scalars;
        a.normaliser = normaliser;
        a.weight = weight;
        a.finish = finish;
        a.keys = keys;
        return a;
    }

    /** Every query sees every key. */
    public static Attention full() {
        return new Attention();
    }

    /** A query sees the keys up to its own position; query 0 stands at key 0 unless {@link #aligned} says otherwise. */
    public static Attention causal() {
        return full().causally();
    }

    /** These options, causal. */
    public Attention causally() {
        Attention a = copy();
        a.causal = true;
        return a;
    }

    /** The {@code keys} keys up to and with the own position, and all later ones: {@code window(keys - 1, -1)}. */
    public Attention window(int keys) {
        if (keys < 1) {
            throw new InvalidArgument("window", "at least 1 key", "" + keys, "the own key counts");
        }
        return window(keys - 1, -1);
    }

    /** Visible iff {@code qpos - left <= kpos <= qpos + right}; -1 = unlimited. */
    public Attention window(int left, int right) {
        if (left < -1 || right < -1) {
            throw new InvalidArgument("window", "bounds of at least -1", left + ", " + right, "-1 means unlimited");
        }
        Attention a = copy();
        a.left = left;
        a.right = right;
        return a;
    }

    /** Where query 0 stands; top-left by default. Causal, window, ALiBi and expressions share it. */
    public Attention aligned(Alignment alignment) {
        return offset(
                switch (alignment) {
                    case TOP_LEFT -> QueryOffset.TOP_LEFT;
                    case BOTTOM_RIGHT -> QueryOffset.BOTTOM_RIGHT;
                    case PAST -> QueryOffset.PAST;
                },
                null,
                0);
    }

    /** Position of query 0 in every sequence. */
    public Attention queryOffset(int offset) {
        return offset(QueryOffset.GIVEN, null, offset);
    }

    /** Position of query 0: I32 [B] or [B, Hk]. */
    public Attention queryOffsets(Tensor offsets) {
        return offset(QueryOffset.GIVEN, offsets, 0);
    }

    private Attention offset(QueryOffset kind, @Nullable Tensor offsets, int value) {
        Attention a = copy();
        a.offset = kind;
        a.offsets = offsets;
        a.offsetValue = value;
        return a;
    }

    /** Scores become {@code cap * tanh(score / cap)} before biases and masks; 0 = off. */
    public Attention softcap(float cap) {
        if (!(cap >= 0) || Float.isInfinite(cap)) {
            throw new InvalidArgument("softcap", "a finite number of at least 0", "" + cap, "0 turns it off");
        }
        Attention a = copy();
        a.softcap = cap;
        return a;
    }

    /** Factor of the dot products; 1/sqrt(head dim) by default. */
    public Attention scale(float scale) {
        Attention a = copy();
        a.scale = scale;
        return a;
    }

    /**
     * BOOL, true = visible; broadcasts right-aligned to [B, Hq, Sq, Sk]. Keys beyond a last axis that is longer than 1 and
     * shorter than Sk are masked.
     */
    public Attention mask(Tensor mask) {
        Attention a = copy();
        a.mask = mask;
        return a;
    }

    /** Floating point, added to the scores; -inf masks. Broadcasts as {@link #mask} does. */
    public Attention bias(Tensor bias) {
        Attention a = copy();
        a.bias = bias;
        return a;
    }

    /** F32 [Hq]: {@code -slope |qpos - kpos|} is added to the scores. */
    public Attention alibi(Tensor slopes) {
        Attention a = copy();
        a.slopes = slopes;
        return a;
    }

    /** F32 [Hq]: a logit that takes part in each row's softmax and carries no value. */
    public Attention sink(Tensor logits) {
        Attention a = copy();
        a.sinks = logits;
        return a;
    }

    /** Number of valid keys of each sequence, past ones counted: I32 [B] or [B, Hk]. */
    public Attention keyLengths(Tensor lengths) {
        return lengths(lengths, null);
    }

    /** Number of valid keys of each sequence, past ones counted. */
    public Attention keyLengths(int... lengths) {
        return lengths(null, lengths.clone());
    }

    private Attention lengths(@Nullable Tensor lengths, int @Nullable [] values) {
        Attention a = copy();
        a.lengths = lengths;
        a.lengthValues = values;
        return a;
    }

    /** Earlier keys [B, Hk, P, D] and values [B, Hv, P, Dv], which come before the new ones. */
    public Attention past(Tensor keys, Tensor values) {
        Attention a = copy();
        a.pastKey = keys;
        a.pastValue = values;
        return a;
    }

    /**
     * Pairs are visible only where this BOOL expression holds, beside the other options; see {@link
     * dev.fovea.api.expr.ExprParser} for its text form. Its tensors and scalars are given by {@link #capture} and {@link #scalar}.
     */
    public Attention visibleWhere(Expr mask) {
        typed("mask expression", mask, ValueType.BOOL);
        Attention a = copy();
        a.ownMask = mask;
        return a;
    }

    /** As {@link #visibleWhere(Expr)}, from its text with what the names in it stand for. */
    public Attention visibleWhere(String mask, Names names) {
        return visibleWhere(names.parse(mask)).names(names);
    }

    /** As {@link #rescored(Expr)}, from its text with what the names in it stand for. */
    public Attention rescored(String score, Names names) {
        return rescored(names.parse(score)).names(names);
    }

    private Attention names(Names names) {
        Attention a = this;
        for (Map.Entry<String, Tensor> e : names.tensors().entrySet()) {
            a = a.capture(e.getKey(), e.getValue());
        }
        for (Map.Entry<String, Number> e : names.numbers().entrySet()) {
            a = a.scalar(e.getKey(), e.getValue());
        }
        return a;
    }

    /** The score becomes this F32 expression of the score so far: after softcap, bias and ALiBi, before masks. */
    public Attention rescored(Expr score) {
        typed("score expression", score, ValueType.F32);
        Attention a = copy();
        a.ownScore = score;
        return a;
    }

    /** How scores become weights; softmax by default. */
    public Attention normalised(Normaliser how) {
        Attention a = copy();
        a.normaliser = how;
        return a;
    }

    /** Weights are sigmoid(score), without a sum over the row. */
    public Attention sigmoid() {
        return normalised(Normaliser.IDENTITY).weighted(Weights.sigmoid());
    }

    /** Weights are max(score, 0)^power, without a sum over the row; the power is 1 to 8. */
    public Attention relu(int power) {
        return normalised(Normaliser.IDENTITY).weighted(Weights.relu(power));
    }

    /** The weight of a value becomes this F32 expression of the weight {@code p} that the normaliser gave. */
    public Attention weighted(Expr probability) {
        typed("probability expression", probability, ValueType.F32);
        Attention a = copy();
        a.weight = probability;
        return a;
    }

    /** Each element of the output becomes this F32 expression of it, before it is rounded. */
    public Attention finished(Expr output) {
        typed("output expression", output, ValueType.F32);
        Attention a = copy();
        a.finish = output;
        return a;
    }

    private Attention keys(KeyOptions other) {
        Attention a = copy();
        a.keys = other;
        return a;
    }

    /** Keys and values lie in pages [pages, Hk, page size, D]: I32 page numbers [B, n] or [B, Hk, n]. Needs {@link #keyLengths}. */
    public Attention paged(Tensor table) {
        return keys(keys.paged(table));
    }

    /** Keys and values of all sequences lie one after another, [1, Hk, T, D]: I32 starts [B + 1] from 0. */
    public Attention ragged(Tensor keyStarts) {
        return keys(keys.ragged(keyStarts));
    }

    /** Queries of all sequences lie one after another, [1, Hq, T, D]: I32 starts [B + 1] from 0. */
    public Attention packedQueries(Tensor queryStarts) {
        return keys(keys.with(keys.arguments().withQueryStarts(queryStarts)));
    }

    /** The position of each key, I32 [B, S] or [B, Hk, S], where that is not its index: of a compacted cache, for instance. */
    public Attention keyPositions(Tensor positions) {
        return keys(keys.with(keys.arguments().withKeyPositions(positions)));
    }

    /**
     * Queries see only the blocks of {@code keyBlock} keys in the list of their block of {@code queryBlock} queries.
     *
     * @param lists made by {@link Backend#listsOf}: I32 [B or 1, Hq, Hk or 1, query blocks, n]
     * @param counts I32 [B or 1, Hq, Hk or 1, query blocks]
     */
    public Attention selectedBlocks(Tensor lists, Tensor counts, int queryBlock, int keyBlock) {
        return keys(keys.selected(Selection.BLOCKS, new Selected(lists, counts, queryBlock, keyBlock)));
    }

    /** As {@link #selectedBlocks}, with lists of key indices. */
    public Attention selectedTokens(Tensor lists, Tensor counts, int queryBlock) {
        return keys(keys.selected(Selection.TOKENS, new Selected(lists, counts, queryBlock, 1)));
    }

    /**
     * K and V are bytes in this format, read as {@code scale * (x - zero)}; {@link KeyArguments} says the shapes.
     *
     * @param keyZeros null for FP8
     * @param valueZeros null for FP8
     */
    public Attention quantised(
            KvFormat format,
            Tensor keyScales,
            @Nullable Tensor keyZeros,
            Tensor valueScales,
            @Nullable Tensor valueZeros) {
        return keys(keys.quantised(format, keys.arguments().withScales(keyScales, keyZeros, valueScales, valueZeros)));
    }

    /** The tensor that an expression of these options loads by this name. */
    public Attention capture(String name, Tensor tensor) {
        Attention a = copy();
        a.captures = with(captures, name, tensor);
        return a;
    }

    /** The runtime scalar that an expression uses by this name; another value compiles nothing. */
    public Attention scalar(String name, Number value) {
        Attention a = copy();
        a.scalars = with(scalars, name, value);
        return a;
    }

    private static void typed(String what, Expr e, ValueType type) {
        if (e.type() != type) {
            throw new InvalidArgument(what, type.name(), e.type() + ": " + e.text(), "give an expression of that type");
        }
    }

    private static <T> Map<String, T> with(Map<String, T> map, String name, T value) {
        if (OPTION_NAMES.contains(name)) {
            throw new InvalidArgument("name", "none of " + OPTION_NAMES, name, "options use these: choose another");
        }
        Map<String, T> larger = new HashMap<>(map);
        larger.put(name, value);
        return Map.copyOf(larger);
    }

    /** Also return the log-sum-exp of each row. */
    public Attention logSumExp() {
        Attention a = copy();
        a.logSumExp = true;
        return a;
    }

    /** Also return the scores at a stage: [B, Hq, Sq, Sk], the one output that takes quadratic memory. */
    public Attention scores(ScoreStage stage) {
        Attention a = copy();
        a.scores = stage;
        return a;
    }

    /** The spec that these options mean for these tensors. */
    public AttentionSpec spec(Tensor query, Tensor key, Tensor value) {
        ArgumentCheck.rank("q", query, 4);
        ArgumentCheck.rank("k", key, 4);
        ArgumentCheck.rank("v", value, 4);
        KnownSpec k = known;
        if (k == null || !k.isFor(query, key, value)) {
            k = KnownSpec.of(query, key, value, newSpec(query, key, value));
            known = k;
        }
        return k.spec();
    }

    private AttentionSpec newSpec(Tensor query, Tensor key, Tensor value) {
        Expr cap = softcap > 0 ? Expressions.softcap() : Expressions.score();
        Expr score = Expressions.score();
        if (bias != null) {
            score = score.plus(Expressions.additive(Expressions.BIAS, Expressions.BIAS_KEYS, bias.dtype()));
        }
        if (slopes != null) {
            score = score.plus(Expressions.alibi());
        }
        if (ownScore != null) {
            score = ownScore.onScore(score);
        }
        return new AttentionSpec(
                query.dtype(),
                Math.toIntExact(query.size(3)),
                keys.valueDim(value),
                Math.toIntExact(query.size(1)),
                Math.toIntExact(key.size(1)),
                Math.toIntExact(value.size(1)),
                cap,
                score,
                maskExpression(),
                offset,
                sinks != null,
                pastKey != null,
                lengths != null || lengthValues != null,
                logSumExp,
                Optional.ofNullable(scores),
                normaliser,
                weight,
                finish,
                keys.source(key.dtype()),
                false);
    }

    private Expr maskExpression() {
        List<Expr> all = new ArrayList<>();
        if (causal) {
            all.add(Expressions.causal());
        }
        if (left >= 0) {
            all.add(Expressions.windowLeft());
        }
        if (right >= 0) {
            all.add(Expressions.windowRight());
        }
        if (mask != null) {
            all.add(Expressions.booleanMask());
        }
        if (ownMask != null) {
            all.add(ownMask);
        }
        return all.stream().reduce(Expr::and).orElse(Expressions.constant(true));
    }

    AttentionResult run(Backend backend, Tensor query, Tensor key, Tensor value) {
        AttentionSpec spec = spec(query, key, value);
        List<Tensor> made = new ArrayList<>();
        try {
            Tensor output = keep(backend.outputLike(query, spec.valueDim()), made);
            AttentionArguments a = run(backend, spec, shapes(query, key, value, output), made);
            return new AttentionResult(a.output(), a.logSumExp(), a.scores());
        } catch (RuntimeException | Error e) {
            made.forEach(Tensor::close);
            throw e;
        }
    }

    void runPart(Backend backend, Tensor query, Tensor key, Tensor value, Partials parts, int part) {
        AttentionSpec spec = spec(query, key, value).withPartials();
        try (Tensor acc = parts.accumulators().select(0, part);
                Tensor maxima = parts.maxima().select(0, part);
                Tensor sums = parts.sums().select(0, part)) {
            run(backend, spec, shapes(query, key, value, acc).withPartials(maxima, sums), new ArrayList<>());
        }
    }

    private AttentionArguments run(Backend backend, AttentionSpec spec, AttentionArguments shapes, List<Tensor> made) {
        AttentionPlan plan = backend.cachedPlan(spec);
        List<Tensor> temporary = new ArrayList<>();
        try {
            AttentionArguments arguments = arguments(backend, plan, shapes, temporary, made);
            plan.run(arguments);
            return arguments;
        } finally {
            temporary.forEach(Tensor::close);
        }
    }

    /** The tensors of the call, from which its sizes can be read; options are still missing. */
    private AttentionArguments shapes(Tensor query, Tensor key, Tensor value, Tensor output) {
        if (pastKey != null) {
            ArgumentCheck.rank("past k", pastKey, 4);
        }
        return new AttentionArguments(
                        query, key, value, output, 1, pastKey, pastValue, null, null, null, null, null, Map.of(),
                        Map.of())
                .with(keys.arguments());
    }

    private AttentionArguments arguments(
            Backend backend, AttentionPlan plan, AttentionArguments shapes, List<Tensor> temporary, List<Tensor> made) {
        Tensor query = shapes.query();
        long batch = shapes.batch();
        long heads = query.size(1);
        long queries = shapes.queries();
        long keyCount = shapes.keys();
        Map<String, Tensor> captures = new HashMap<>(this.captures);
        Map<String, Number> scalars = new HashMap<>();
        if (softcap > 0) {
            scalars.put(Expressions.SOFTCAP, softcap);
        }
        scalars.put(Expressions.WINDOW_LEFT, Math.min(left, KeyBand.UNLIMITED));
        scalars.put(Expressions.WINDOW_RIGHT, Math.min(right, KeyBand.UNLIMITED));
        long[] pair = {batch, heads, queries, keyCount};
        if (mask != null) {
            captures.put(Expressions.MASK, keep(AttentionCheck.broadcast("mask", mask, pair), temporary));
            scalars.put(Expressions.MASK_KEYS, AttentionCheck.maskKeys(mask, keyCount));
        }
        if (bias != null) {
            captures.put(Expressions.BIAS, keep(AttentionCheck.broadcast("bias", bias, pair), temporary));
            scalars.put(Expressions.BIAS_KEYS, AttentionCheck.maskKeys(bias, keyCount));
        }
        if (slopes != null) {
            ArgumentCheck.shape("alibi slopes", slopes, DType.F32, heads);
            captures.put(Expressions.ALIBI, slopes);
        }
        scalars.keySet().retainAll(plan.leaves().scalars().keySet());
        scalars.putAll(this.scalars);
        Tensor lengths = this.lengths;
        if (lengthValues != null) {
            lengths = keep(backend.copyOf(lengthValues, lengthValues.length), temporary);
        }
        Tensor offsets = this.offsets;
        if (offset == QueryOffset.GIVEN && offsets == null) {
            int[] same = new int[Math.toIntExact(batch)];
            Arrays.fill(same, offsetValue);
            offsets = keep(backend.copyOf(same, batch), temporary);
        }
        return new AttentionArguments(
                query,
                shapes.key(),
                shapes.value(),
                shapes.output(),
                scale != null ? scale : (float) (1 / Math.sqrt((double) query.size(3))),
                pastKey,
                pastValue,
                lengths,
                offsets,
                sinks,
                logSumExp ? keep(backend.allocate(DType.F32, query.size(0), heads, query.size(2)), made) : null,
                scores != null ? keep(backend.allocate(DType.F32, batch, heads, queries, keyCount), made) : null,
                captures,
                scalars,
                shapes.source(),
                shapes.maxima(),
                shapes.sums(),
                null);
    }

    private static Tensor keep(Tensor t, List<Tensor> list) {
        list.add(t);
        return t;
    }
}
