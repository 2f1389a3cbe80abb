package dev.fovea.api.expr;

import dev.fovea.api.DType;
import java.util.Map;

/**
 * Masks of the literature, BOOL, true = visible. Sizes are runtime scalars and tables captured tensors, by the names that each
 * definition shows: another value compiles nothing. Positions are {@code qpos} and {@code kpos}, so every alignment of queries
 * and keys is a matter of the query offset. Combine by {@code and}, {@code or}, {@code not}; two masks that use one name share
 * its value.
 */
public final class Masks {
    private Masks() {}

    private static Expr parse(String text, Map<String, DType> captures, String... scalars) {
        return Definition.parse(text, captures, scalars);
    }

    private static Expr parse(String text, String... scalars) {
        return Definition.parse(text, Map.of(), scalars);
    }

    /** {@code kpos <= qpos}. */
    public static Expr causal() {
        return Expressions.causal();
    }

    /** {@code kpos <= qpos && qpos - kpos < window}: the window counts the own key (Longformer, Beltagy et al. 2020; Mistral). */
    public static Expr slidingWindow() {
        return parse("kpos <= qpos && qpos - kpos < window", "window");
    }

    /** {@code kpos <= qpos && (kpos < sinks || qpos - kpos < window)} (StreamingLLM, Xiao et al. 2023). */
    public static Expr sinkWindow() {
        return parse("kpos <= qpos && (kpos < sinks || qpos - kpos < window)", "sinks", "window");
    }

    /**
     * {@code kpos <= qpos && qpos - kpos < window * dilation && (qpos - kpos) % dilation == 0}: {@code window} keys, {@code dilation}
     * apart (Longformer, Beltagy et al. 2020).
     */
    public static Expr dilated() {
        return parse(
                "kpos <= qpos && qpos - kpos < window * dilation && (qpos - kpos) % dilation == 0",
                "window", "dilation");
    }

    /**
     * {@code kpos <= qpos && (qpos - kpos < stride || (qpos - kpos) % stride == 0)}: the last {@code stride} keys and every
     * stride-th before (Sparse Transformer, Child et al. 2019).
     */
    public static Expr strided() {
        return parse("kpos <= qpos && (qpos - kpos < stride || (qpos - kpos) % stride == 0)", "stride");
    }

    /**
     * {@code kpos <= qpos && 1073741824 % (qpos - kpos) == 0}: the own key and those a power of two back; x % 0 is 0 (LogSparse, Li
     * et al. 2019).
     */
    public static Expr powersOfTwo() {
        return parse("kpos <= qpos && 1073741824 % (qpos - kpos) == 0");
    }

    /** {@code kpos < prefix[b] || kpos <= qpos}, prefix I32 [B]: the prefix sees itself whole (prefix-LM, Raffel et al. 2020). */
    public static Expr prefixLm() {
        return parse("kpos < prefix[b] || kpos <= qpos", Map.of("prefix", DType.I32));
    }

    /**
     * {@code documents[b, qpos] == documents[b, kpos]}, documents I32 [B, positions]: sequences packed into one row see only
     * themselves (Krell et al. 2021). With sorted ids whole tiles are decided.
     */
    public static Expr documents() {
        return parse("documents[b, qpos] == documents[b, kpos]", Map.of("documents", DType.I32));
    }

    /** {@code query_ids[b, q] == key_ids[b, k]}, I32 [B, Sq] and [B, Sk]: packed cross attention; sorted ids as above. */
    public static Expr ragged() {
        return parse("query_ids[b, q] == key_ids[b, k]", Map.of("query_ids", DType.I32, "key_ids", DType.I32));
    }

    /**
     * {@code kpos <= qpos && (kpos < shared || branches[b, qpos] == branches[b, kpos])}, branches I32 [B, positions]: continuations one
     * after another behind a prefix that all of them see (Hydragen, Juravsky et al. 2024).
     */
    public static Expr sharedPrefix() {
        return parse(
                "kpos <= qpos && (kpos < shared || branches[b, qpos] == branches[b, kpos])",
                Map.of("branches", DType.I32),
                "shared");
    }

    /**
     * {@code qpos < globals || kpos < globals || abs(qpos - kpos) <= radius}: the first tokens see and are seen by all, the others a
     * band (Longformer, Beltagy et al. 2020).
     */
    public static Expr globalSliding() {
        return parse("qpos < globals || kpos < globals || abs(qpos - kpos) <= radius", "globals", "radius");
    }

    /**
     * By blocks of {@code block} tokens: the first {@code globals} blocks, neighbours within {@code radius} blocks, and those that the
     * BOOL table {@code random[query block, key block]} draws (BigBird, Zaheer et al. 2020).
     *
     * <pre>qpos // block &lt; globals || kpos // block &lt; globals || abs(qpos // block - kpos // block) &lt;= radius
     *     || random[qpos // block, kpos // block]</pre>
     */
    public static Expr bigBird() {
        return parse(
                "qpos // block < globals || kpos // block < globals || abs(qpos // block - kpos // block) <= radius"
                        + " || random[qpos // block, kpos // block]",
                Map.of("random", DType.BOOL),
                "block",
                "globals",
                "radius");
    }

    /** {@code kpos // block <= qpos // block}: causal by blocks, whole inside a block, as block diffusion samples. */
    public static Expr blockCausal() {
        return parse("kpos // block <= qpos // block", "block");
    }

    /**
     * Training of block diffusion: {@code clean} noisy tokens, then the same tokens clean. A noisy block sees itself and the clean
     * blocks before it; a clean one the clean ones up to itself (BD3-LM, Arriola et al. 2025).
     *
     * <pre>kpos &lt; clean ? qpos &lt; clean &amp;&amp; kpos // block == qpos // block
     *     : (kpos - clean) // block &lt; (qpos &lt; clean ? qpos // block : (qpos - clean) // block + 1)</pre>
     */
    public static Expr blockDiffusion() {
        return parse(
                "select(kpos < clean, qpos < clean && kpos // block == qpos // block, (kpos - clean) // block"
                        + " < select(qpos < clean, qpos // block, (qpos - clean) // block + 1))",
                "clean",
                "block");
    }

    /** The axes of a grid, fastest first, as names of runtime scalars end. */
    private static final String[] AXES = {"x", "y", "z"};

    /**
     * Neighbourhood attention (NATTEN, Hassani et al. 2023) on a grid of 1 to 3 axes, positions row-major with x the fastest: along each
     * axis of {@code grid_x} points the {@code kernel_x} nearest, the window clamped at the borders so that every query sees as many
     * keys. An even kernel reaches one further to lower indices.
     *
     * <pre>start = max(0, min(i - kernel_x // 2, grid_x - kernel_x));  start &lt;= j &lt; start + kernel_x, for each axis</pre>
     *
     * @throws IllegalArgumentException for another number of axes
     */
    public static Expr neighbourhood(int axes) {
        return boxes(Expressions.queryPosition(), Expressions.keyPosition(), axes, "grid_", "kernel_");
    }

    /**
     * Sliding tile attention (Zhang et al. 2025): a neighbourhood of whole tiles. The tokens of a tile lie one after another, {@code tile}
     * of them, and the tiles row-major; {@code tiles_x} of them along x, of which a tile sees the {@code window_x} nearest.
     *
     * @throws IllegalArgumentException if there are not 1 to 3 axes
     */
    public static Expr tiles(int axes) {
        Expr tile = new Expr.Scalar("tile", ValueType.I32);
        return boxes(
                Expressions.queryPosition().floorDiv(tile),
                Expressions.keyPosition().floorDiv(tile),
                axes,
                "tiles_",
                "window_");
    }

    private static Expr boxes(Expr query, Expr key, int axes, String grid, String kernel) {
        if (axes < 1 || axes > AXES.length) {
            throw new IllegalArgumentException("1 to " + AXES.length + " axes, got " + axes);
        }
        Expr visible = Expressions.constant(true);
        Expr q = query;
        Expr k = key;
        for (int axis = 0; axis < axes; axis++) {
            Expr size = new Expr.Scalar(grid + AXES[axis], ValueType.I32);
            Expr window = new Expr.Scalar(kernel + AXES[axis], ValueType.I32);
            boolean last = axis == axes - 1;
            Expr i = last ? q : q.mod(size);
            Expr j = last ? k : k.mod(size);
            Expr start = i.minus(window.floorDiv(Expressions.constant(2)))
                    .min(size.minus(window))
                    .max(Expressions.constant(0));
            Expr inside = start.atMost(j).and(j.lessThan(start.plus(window)));
            visible = axis == 0 ? inside : visible.and(inside);
            q = q.floorDiv(size);
            k = k.floorDiv(size);
        }
        return visible;
    }

    /** {@code visible[b, h, q, k]}, BOOL with any strides: a table of the caller's own. */
    public static Expr table() {
        return parse("visible[b, h, q, k]", Map.of("visible", DType.BOOL));
    }
}
