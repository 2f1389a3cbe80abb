package dev.fovea.api;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.KeyBand;
import dev.fovea.api.expr.ValueType;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
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

    /** The score becomes this F32 expression of the score so far: after softcap, bias and ALiBi, before masks. */
    public Attention rescored(Expr score) {
        typed("score expression", score, ValueType.F32);
        Attention a = copy();
        a.ownScore = score;
        return a;
    }

    /** The tensor that an expression of {@link #visibleWhere} or {@link #rescored} loads by this name. */
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
                Math.toIntExact(value.size(3)),
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
                Optional.ofNullable(scores));
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
        AttentionPlan plan = backend.cachedPlan(spec);
        List<Tensor> temporary = new ArrayList<>();
        List<Tensor> made = new ArrayList<>();
        try {
            AttentionArguments arguments = arguments(backend, spec, query, key, value, temporary, made);
            plan.run(arguments);
            return new AttentionResult(arguments.output(), arguments.logSumExp(), arguments.scores());
        } catch (RuntimeException | Error e) {
            made.forEach(Tensor::close);
            throw e;
        } finally {
            temporary.forEach(Tensor::close);
        }
    }

    private AttentionArguments arguments(
            Backend backend,
            AttentionSpec spec,
            Tensor query,
            Tensor key,
            Tensor value,
            List<Tensor> temporary,
            List<Tensor> made) {
        long batch = query.size(0);
        long heads = query.size(1);
        long queries = query.size(2);
        long keys = key.size(2)
                + (pastKey == null
                        ? 0
                        : ArgumentCheck.rank("past k", pastKey, 4).size(2));
        Map<String, Tensor> captures = new HashMap<>(this.captures);
        Map<String, Number> scalars = new HashMap<>();
        if (softcap > 0) {
            scalars.put(Expressions.SOFTCAP, softcap);
        }
        scalars.put(Expressions.WINDOW_LEFT, Math.min(left, KeyBand.UNLIMITED));
        scalars.put(Expressions.WINDOW_RIGHT, Math.min(right, KeyBand.UNLIMITED));
        long[] pair = {batch, heads, queries, keys};
        if (mask != null) {
            captures.put(Expressions.MASK, keep(AttentionCheck.broadcast("mask", mask, pair), temporary));
            scalars.put(Expressions.MASK_KEYS, AttentionCheck.maskKeys(mask, keys));
        }
        if (bias != null) {
            captures.put(Expressions.BIAS, keep(AttentionCheck.broadcast("bias", bias, pair), temporary));
            scalars.put(Expressions.BIAS_KEYS, AttentionCheck.maskKeys(bias, keys));
        }
        if (slopes != null) {
            ArgumentCheck.shape("alibi slopes", slopes, DType.F32, heads);
            captures.put(Expressions.ALIBI, slopes);
        }
        scalars.keySet().retainAll(spec.scalars().keySet());
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
                key,
                value,
                keep(outputLike(backend, query, value.size(3)), made),
                scale != null ? scale : (float) (1 / Math.sqrt((double) query.size(3))),
                pastKey,
                pastValue,
                lengths,
                offsets,
                sinks,
                logSumExp ? keep(backend.allocate(DType.F32, batch, heads, queries), made) : null,
                scores != null ? keep(backend.allocate(DType.F32, batch, heads, queries, keys), made) : null,
                captures,
                scalars);
    }

    private static Tensor keep(Tensor t, List<Tensor> list) {
        list.add(t);
        return t;
    }

    /** [B, Hq, Sq, Dv] with heads and positions in the memory order of the query, so that BSHD stays BSHD. */
    private static Tensor outputLike(Backend backend, Tensor query, long valueDim) {
        long b = query.size(0);
        long h = query.size(1);
        long s = query.size(2);
        if (query.stride(1) >= query.stride(2) || h == 1 || s == 1) {
            return backend.allocate(query.dtype(), b, h, s, valueDim);
        }
        try (Tensor bshd = backend.allocate(query.dtype(), b, s, h, valueDim)) {
            return bshd.permute(0, 2, 1, 3);
        }
    }
}
