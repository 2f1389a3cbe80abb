package dev.fovea.mechanisms.cache;

import dev.fovea.api.Alignment;
import dev.fovea.api.Attention;
import dev.fovea.api.Names;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Example;
import dev.fovea.mechanisms.Inputs;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.mechanisms.Port.Kind;
import dev.fovea.mechanisms.Sampler;
import dev.fovea.mechanisms.Values;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * DuoAttention: retrieval heads see all earlier keys, streaming heads the first few and the recent ones.
 *
 * <pre>
 * whole:    stream(i, j) = j &lt;= i and (j &lt; sink or i - j &lt; recent)
 * chunked:  stream(i, j) = j &lt;= i and (j &lt; sink or j &gt;= floor(i / chunk) chunk - recent)
 * whole, chunked: the KV heads with the largest alpha are retrieval heads, the others stream
 * mix:      O = a full + (1 - a) stream,  a = alpha of the KV head within 0..1, stream as in whole
 * </pre>
 *
 * @param form how heads are run
 * @param sink first tokens that streaming heads keep
 * @param recent recent tokens that they keep
 * @param chunk tokens of a chunk of prefill
 * @param sparsity share of streaming heads
 */
public record DuoAttention(Form form, int sink, int recent, int chunk, double sparsity) implements Mechanism {
    /** How heads are run. */
    public enum Form {
        /** By class, over the whole sequence. */
        WHOLE,
        /** By class, the cache of streaming heads evicted after each chunk of prefill. */
        CHUNKED,
        /** Both for each head, mixed by its gate: training. */
        MIX
    }

    private static final Parameter<Form> FORM = Parameter.choice(
            "form",
            Form.WHOLE,
            "whole: classes of heads, streaming by token; chunked: eviction after each chunk; mix: training");
    private static final Parameter<Integer> SINK =
            Parameter.integer("sink", 64, 0, 1 << 20, "first tokens that streaming heads keep");
    private static final Parameter<Integer> RECENT =
            Parameter.integer("recent", 256, 1, 1 << 24, "recent tokens that streaming heads keep");
    private static final Parameter<Integer> CHUNK =
            Parameter.integer("chunk", 32000, 1, 1 << 28, "tokens of a chunk of prefill; 1 for decoding");
    private static final Parameter<Double> SPARSITY =
            Parameter.real("sparsity", 0.5, 0, 1, "quantile of alpha below which a KV head streams");

    private static final Declaration DECLARATION = Declaration.of(
                    "duoattention",
                    "kv-cache",
                    "DuoAttention: Efficient Long-Context LLM Inference with Retrieval and Streaming Heads")
            .equation("""
                    full(i, j) = j <= i;  stream(i, j) = j <= i and (j < sink or i - j < recent)
                    chunked: stream(i, j) = j <= i and (j < sink or j >= floor(i / chunk) chunk - recent)
                    whole, chunked: KV head g is full where alpha[g] >= the sparsity quantile of alpha, else streams
                    mix: O = a full + (1 - a) stream, a = min(max(alpha, 0), 1)
                    """)
            .citation("Xiao et al. 2024; github.com/mit-han-lab/duo-attention")
            .input("query", "B H Sq D", "queries, rotated, the last Sq of the sequence")
            .input("key", "B G Sk D", "keys, rotated at their own positions")
            .input("value", "B G Sk Dv", "values")
            .input("alpha", Kind.F32, "G", "gate of each KV head", DuoAttention::gates)
            .output("output", "B H Sq Dv", "attention")
            .parameter(FORM)
            .parameter(SINK)
            .parameter(RECENT)
            .parameter(CHUNK)
            .parameter(SPARSITY)
            .note(
                    "The quantile is over the gates given, those of one layer; the paper's is over all layers: give the layer's share.")
            .note(
                    "Of equal gates the lower head is the retrieval head; the code adds noise. Sparsity 1: all stream; 0: none.")
            .note(
                    "Heads are brought into classes by a gather; a deployed model has its weights permuted, and needs none.")
            .note(
                    "A chunked query sees its chunk and recent tokens before it, so its window is wider than in whole; chunk=1 has"
                            + " recent + 1 tokens, the cache and its own. The block form of the streaming mask (128) is not here.")
            .example("B=1 H=4 G=2 Sq=23 Sk=23 D=8 Dv=4; sink=2 recent=5")
            .example("B=2 H=6 G=6 Sq=31 Sk=31 D=4 Dv=4; form=chunked sink=3 recent=6 chunk=4 sparsity=0.3")
            .example("B=1 H=6 G=3 Sq=9 Sk=30 D=4 Dv=8; form=mix sink=1 recent=7")
            .example("B=1 H=2 G=2 Sq=5 Sk=40 D=4 Dv=8; form=chunked sink=4 recent=8 chunk=13 sparsity=1")
            .build();

    public DuoAttention {
        SINK.check(sink);
        RECENT.check(recent);
        CHUNK.check(chunk);
        SPARSITY.check(sparsity);
    }

    public DuoAttention() {
        this(FORM.standard(), SINK.standard(), RECENT.standard(), CHUNK.standard(), SPARSITY.standard());
    }

    /** Some below 0, some above 1. */
    private static double[] gates(SplittableRandom random, int count, Example example) {
        return Sampler.fill(count, i -> i % 3 - 0.9 + 0.9 * random.nextDouble());
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public DuoAttention with(Values p) {
        return new DuoAttention(p.get(FORM), p.get(SINK), p.get(RECENT), p.get(CHUNK), p.get(SPARSITY));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        Attention full = Attention.causal().aligned(Alignment.BOTTOM_RIGHT);
        Attention stream = full.visibleWhere(
                form == Form.CHUNKED
                        ? "kpos < sink || kpos >= qpos // chunk * chunk - recent"
                        : "kpos < sink || qpos - kpos < recent",
                form == Form.CHUNKED
                        ? Names.of("sink", sink).with("recent", recent).with("chunk", chunk)
                        : Names.of("sink", sink).with("recent", recent));
        Tensor query = in.get("query");
        Tensor key = in.get("key");
        Tensor value = in.get("value");
        if (form == Form.MIX) {
            Tensor wide = ops.attend(query, key, value, full);
            return Map.of(
                    "output",
                    ops.map("min(max(alpha[h // group], 0), 1) * x[b, h, q, d]"
                                    + " + (1 - min(max(alpha[h // group], 0), 1)) * y[b, h, q, d]")
                            .with("x", wide)
                            .with("y", ops.attend(query, key, value, stream))
                            .with("alpha", in.get("alpha"))
                            .with("group", in.size("H") / in.size("G"))
                            .like(wide));
        }
        HeadClasses heads = HeadClasses.byScore(ops, in.get("alpha"), retrieval(in.size("G")));
        return Map.of(
                "output",
                heads.attend(
                        query,
                        key,
                        value,
                        (q, k, v) -> ops.attend(q, k, v, full),
                        (q, k, v) -> ops.attend(q, k, v, stream)));
    }

    /** How many of {@code heads} different numbers are at least their quantile, interpolated linearly. */
    private int retrieval(int heads) {
        return sparsity >= 1 ? 0 : heads - (int) Math.ceil((heads - 1) * sparsity);
    }
}
