package dev.fovea.mechanisms.cache;

import dev.fovea.api.Attention;
import dev.fovea.api.Names;
import dev.fovea.api.Operations;
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
 * Uni-Encoder: a context and several candidates in one sequence, none of which sees another.
 *
 * <pre>
 * arrow:  visible(i, j) = seg[j] = 0 or seg[i] = 0 or seg[i] = seg[j];  diagonal: seg[i] = seg[j];  square: all
 * never: a padding key (seg = -1); rows of padding are 0
 * </pre>
 *
 * @param mask which pairs see each other
 */
public record UniEncoder(Mask mask) implements Mechanism {
    /** Which segments see each other. */
    public enum Mask {
        /** Context and candidates each other, candidates only themselves. */
        ARROW,
        /** Each segment itself. */
        DIAGONAL,
        /** All. */
        SQUARE
    }

    private static final Parameter<Mask> MASK = Parameter.choice(
            "mask",
            Mask.ARROW,
            "arrow: candidates see the context and themselves, the context sees all; diagonal; square");

    private static final Declaration DECLARATION = Declaration.of(
                    "uni-encoder",
                    "kv-cache",
                    "Uni-Encoder: A Fast and Accurate Response Selection Paradigm for Generation-Based Dialogue Systems")
            .equation("""
                    O = softmax(q k' / sqrt(D) where visible) v
                    visible(i, j) = seg[j] = 0 or seg[i] = 0 or seg[i] = seg[j]; seg = 0 context, c candidate c, -1 padding
                    """)
            .citation("Song et al. 2023; github.com/dll-wu/Uni-Encoder")
            .input("query", "B H S D", "queries")
            .input("key", "B H S D", "keys")
            .input("value", "B H S Dv", "values")
            .input("segment", Kind.I32, "B S", "0 context, 1.. candidates, -1 padding", Sampler.integers(-1, 3))
            .output("output", "B H S Dv", "attention; rows of padding are 0")
            .parameter(MASK)
            .note(
                    "Position ids (every candidate starts at the length of the context) are in q and k before the call; the mean"
                            + " over a candidate's tokens and its score stay with the caller.")
            .example("B=2 H=2 S=19 D=8 Dv=8")
            .example("B=1 H=2 S=33 D=16 Dv=8; mask=diagonal")
            .example("B=1 H=1 S=12 D=4 Dv=4; mask=square")
            .build();

    public UniEncoder() {
        this(MASK.standard());
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public UniEncoder with(Values parameters) {
        return new UniEncoder(parameters.get(MASK));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        String pair = switch (mask) {
            case ARROW -> "(seg[b, k] == 0 || seg[b, q] == 0 || seg[b, q] == seg[b, k])";
            case DIAGONAL -> "seg[b, q] == seg[b, k]";
            case SQUARE -> "true";
        };
        Attention options = Attention.full()
                .visibleWhere("seg[b, q] >= 0 && seg[b, k] >= 0 && " + pair, Names.of("seg", in.get("segment")));
        return Map.of("output", ops.attend(in.get("query"), in.get("key"), in.get("value"), options));
    }
}
