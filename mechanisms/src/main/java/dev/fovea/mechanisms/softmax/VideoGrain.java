package dev.fovea.mechanisms.softmax;

import dev.fovea.api.Attention;
import dev.fovea.api.DType;
import dev.fovea.api.Names;
import dev.fovea.api.Operations;
import dev.fovea.api.Partials;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Inputs;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.mechanisms.Port.Kind;
import dev.fovea.mechanisms.Sampler;
import dev.fovea.mechanisms.Values;
import java.util.Map;

/**
 * VideoGrain: scores of pairs that belong together move toward the largest of their row, others toward the smallest.
 *
 * <pre>
 * s = q k' / sqrt(D);  w = strength ((timestep - 1) / 1000)^5 (1 - share of pairs that belong together)
 * s'[i, j] = s[i, j] + w (max_j s[i, j] - s[i, j])  if pair[i, j]
 *            s[i, j] - w (s[i, j] - min_j s[i, j])  otherwise;   O = softmax(s') v
 * </pre>
 *
 * @param strength lambda: 0.3 for self-attention, 1 for cross-attention
 * @param timestep t of the diffusion, 1000 at its start
 * @param share over what the share of pairs is taken
 */
public record VideoGrain(double strength, double timestep, Share share) implements Mechanism {
    /** The pairs whose share makes the size of a region. */
    public enum Share {
        /** Those of the query, by the number of keys: self-attention. */
        QUERY,
        /** Those of the key, by the number of queries: cross-attention, where a key is a word. */
        KEY
    }

    private static final Parameter<Double> STRENGTH =
            Parameter.real("strength", 0.3, 0, 1, "lambda: 0.3 for self-attention, 1 for cross-attention");
    private static final Parameter<Double> TIMESTEP =
            Parameter.real("timestep", 1000, 1, 1000, "t of the diffusion, 1000 at its start");
    private static final Parameter<Share> SHARE = Parameter.choice(
            "share",
            Share.QUERY,
            "the size of a region is the share of pairs of a query (self-attention) or of a key (cross-attention)");

    private static final Declaration DECLARATION = Declaration.of(
                    "videograin",
                    "softmax",
                    "VideoGrain: Modulating Space-Time Attention for Multi-grained Video Editing")
            .equation("""
                    s = q k' / sqrt(D);  w = strength ((timestep - 1) / 1000)^5 (1 - share of pairs that belong together)
                    s'[i, j] = s[i, j] + w (max_j s[i, j] - s[i, j])  if pair[i, j]
                               s[i, j] - w (s[i, j] - min_j s[i, j])  otherwise;   O = softmax(s') v
                    """)
            .citation("Yang et al. 2025; github.com/knightyxp/VideoGrain")
            .input(
                    "query",
                    "B H Sq D",
                    "queries: of all frames for self-attention, a frame a batch entry for cross-attention")
            .input(
                    "key",
                    "B H Sk D",
                    "keys: of all frames, of the first and previous one, or of the text with its padding")
            .input("value", "B H Sk Dv", "values")
            .input(
                    "pair",
                    Kind.BOOL,
                    "B Sq Sk",
                    "R: pixels of one region, or a pixel and a word of its phrase",
                    Sampler.truth(0.4))
            .output("output", "B H Sq Dv", "attention by the moved scores")
            .parameter(STRENGTH)
            .parameter(TIMESTEP)
            .parameter(SHARE)
            .note(
                    "The largest and smallest of a row are of all its keys before any is moved, padding words too, in a first pass that"
                            + " keeps no map of scores.")
            .note(
                    "For cross-attention the share is read as that of the pixels of a frame that belong to the word (share=key); the"
                            + " description of the code leaves open whether it is.")
            .note("The code does this in the first 15 of 50 steps, plain attention in the others: the caller's choice.")
            .example("B=2 H=2 Sq=11 Sk=11 D=8 Dv=6; timestep=940")
            .example("B=1 H=2 Sq=17 Sk=9 D=4 Dv=8; strength=1 timestep=981 share=key")
            .build();

    public VideoGrain {
        STRENGTH.check(strength);
        TIMESTEP.check(timestep);
    }

    public VideoGrain() {
        this(STRENGTH.standard(), TIMESTEP.standard(), SHARE.standard());
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public VideoGrain with(Values parameters) {
        return new VideoGrain(parameters.get(STRENGTH), parameters.get(TIMESTEP), parameters.get(SHARE));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        Tensor pair = in.get("pair");
        Tensor together =
                ops.map("select(pair[h, q, d], 1.0, 0.0)").with("pair", pair).to(DType.F32, pair.shape());
        boolean perQuery = share == Share.QUERY;
        Names names = Names.of("pair", pair)
                .with("share", ops.mean(together, perQuery ? 2 : 1))
                .with("extreme", extremes(ops, in))
                .with("strength", strength * Math.pow((timestep - 1) / 1000, 5));
        String target = "select(pair[b, q, k], extreme[0, b, h, q], -extreme[1, b, h, q])";
        String score = "s + strength * (1.0 - share[b, " + (perQuery ? "q" : "k") + "]) * (" + target + " - s)";
        return Map.of(
                "output",
                ops.attend(
                        in.get("query"),
                        in.get("key"),
                        in.get("value"),
                        Attention.full().rescored(score, names)));
    }

    /** The largest of s and of -s in each row, [2, B, H, Sq]: the maxima of partial results, whose values nobody reads. */
    private static Tensor extremes(Operations ops, Inputs in) {
        Tensor query = in.get("query");
        Tensor column = ops.slice(in.get("value"), 3, 0, 1);
        float scale = (float) (1 / Math.sqrt(in.size("D")));
        Partials parts = ops.backend().partials(2, query, 1);
        ops.own(parts.accumulators());
        ops.own(parts.sums());
        ops.backend().attendPart(query, in.get("key"), column, Attention.full().scale(scale), parts, 0);
        ops.backend().attendPart(query, in.get("key"), column, Attention.full().scale(-scale), parts, 1);
        return ops.own(parts.maxima());
    }
}
