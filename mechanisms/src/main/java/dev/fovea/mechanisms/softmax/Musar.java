package dev.fovea.mechanisms.softmax;

import dev.fovea.api.Attention;
import dev.fovea.api.DType;
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
 * MUSAR: prompt, noise image and several condition subjects in one sequence, where every noise token sees the subject alone that draws most
 * of its attention.
 *
 * <pre>
 * A = softmax(q k' / sqrt(D));  won[x] = argmax over conditions i of the mean of A[x, j] over heads and tokens j of i,  for a noise token x
 * visible: one segment; noise and prompt; noise x and condition i = won[x], both ways
 * O = softmax(q k' / sqrt(D) where visible) v
 * </pre>
 *
 * @param conditions subjects
 * @param symmetric whether tokens of a condition see only noise tokens that it won
 */
public record Musar(int conditions, boolean symmetric) implements Mechanism {
    private static final Parameter<Integer> CONDITIONS =
            Parameter.integer("conditions", 2, 1, 1024, "number of condition subjects");
    private static final Parameter<Boolean> SYMMETRIC =
            Parameter.flag("symmetric", true, "whether tokens of a condition see only noise tokens that it won");

    private static final Declaration DECLARATION = Declaration.of(
                    "musar",
                    "softmax",
                    "MUSAR: Exploring Multi-Subject Customization from Single-Subject Dataset via Attention Routing")
            .equation("""
                    A = softmax(q k' / sqrt(D)); won[x] = argmax over conditions i of mean of A[x, j] over heads and tokens j of i
                    O = softmax(q k' / sqrt(D) where visible) v
                    visible: one segment; noise and prompt; noise x and condition i = won[x], both ways
                    """)
            .citation("Guo et al. 2025; github.com/guozinan126/MUSAR")
            .input("query", "B H S D", "queries")
            .input("key", "B H S D", "keys")
            .input("value", "B H S Dv", "values")
            .input("segment", Kind.I32, "B S", "-1 noise image, 0 prompt, 1.. condition subjects", Musar::segments)
            .output("output", "B H S Dv", "attention")
            .parameter(CONDITIONS)
            .parameter(SYMMETRIC)
            .note(
                    "The released text leaves the routing open: here it is computed from the weights of the same layer before"
                            + " routing, and of equal conditions the lower wins.")
            .note("Position embeddings of the segments are in q and k before the call.")
            .example("B=2 H=2 S=31 D=8 Dv=8")
            .example("B=1 H=3 S=40 D=12 Dv=16; conditions=4 symmetric=false")
            .build();

    public Musar {
        CONDITIONS.check(conditions);
    }

    public Musar() {
        this(CONDITIONS.standard(), SYMMETRIC.standard());
    }

    private static double[] segments(SplittableRandom random, int count, Example e) {
        int conditions = Integer.parseInt(e.parameters().getOrDefault("conditions", CONDITIONS.standardText()));
        return Sampler.integers(-1, conditions).sample(random, count, e);
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public Musar with(Values parameters) {
        return new Musar(parameters.get(CONDITIONS), parameters.get(SYMMETRIC));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        Tensor query = in.get("query");
        Tensor key = in.get("key");
        Tensor member = ops.map("select(segment[b, q] == d + 1, 1.0, 0.0)")
                .with("segment", in.get("segment"))
                .to(DType.F32, in.size("B"), 1, in.size("S"), conditions);
        // with members as values, attention sums its weights over each condition: no map of S by S
        Tensor mass = ops.attend(query, key, ops.convert(member, key.dtype()), Attention.full());
        Tensor route = ops.map("mass[h, q, d] / members[h, 0, d]")
                .with("mass", ops.mean(mass, 1))
                .with("members", ops.sum(member, 2))
                .to(DType.F32, in.size("B"), in.size("S"), conditions);
        Names names = Names.of("seg", in.get("segment")).with("won", ops.argmax(route, 2));
        String fromCondition = symmetric ? " && (seg[b, q] == 0 || seg[b, q] == won[b, k] + 1)" : "";
        Attention options = Attention.full()
                .visibleWhere(
                        "seg[b, q] == seg[b, k]"
                                + " || seg[b, q] == -1 && (seg[b, k] == 0 || seg[b, k] == won[b, q] + 1)"
                                + " || seg[b, k] == -1" + fromCondition,
                        names);
        return Map.of("output", ops.attend(query, key, in.get("value"), options));
    }
}
