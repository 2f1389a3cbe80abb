package dev.fovea.mechanisms.cache;

import dev.fovea.api.Attention;
import dev.fovea.api.AttentionResult;
import dev.fovea.api.Names;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Inputs;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.mechanisms.Port.Kind;
import dev.fovea.mechanisms.Values;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * RazorAttention: retrieval heads keep all keys; other heads keep the first and the recent, and one token for all that were dropped.
 *
 * <pre>
 * kept = [0, sinks) and the last L = max(local, S / compression);  k^, v^ = means over the n dropped keys and values
 * o = (n e^(s q.k^) v^ + sum over kept e^(s q.k) v) / (n e^(s q.k^) + sum over kept e^(s q.k))
 * </pre>
 *
 * @param retrieval KV heads that keep all; -1 for none
 * @param sinks first tokens kept
 * @param local recent tokens kept at least
 * @param compression recent tokens are at least this part of all
 * @param period length of the repeated string by which heads are rated
 */
public record RazorAttention(List<Integer> retrieval, int sinks, int local, int compression, int period)
        implements Mechanism {
    private static final Parameter<List<Integer>> RETRIEVAL =
            Parameter.integers("retrieval", List.of(0), -1, 1 << 16, "KV heads that keep all keys; -1 for none");
    private static final Parameter<Integer> SINKS = Parameter.integer("sinks", 4, 0, 1 << 20, "first tokens kept");
    private static final Parameter<Integer> LOCAL =
            Parameter.integer("local", 4000, 1, 1 << 28, "recent tokens kept at least (unverified)");
    private static final Parameter<Integer> COMPRESSION =
            Parameter.integer("compression", 5, 1, 1 << 20, "at least S / this recent tokens are kept (unverified)");
    private static final Parameter<Integer> PERIOD =
            Parameter.integer("period", 2500, 2, 1 << 24, "length of the repeated string by which heads are rated");

    private static final Declaration DECLARATION = Declaration.of(
                    "razorattention",
                    "kv-cache",
                    "RazorAttention: Efficient KV Cache Compression Through Retrieval Heads")
            .equation("""
                    kept = [0, sinks) and the last L = max(local, floor(S / compression)); k^, v^ = means of the n dropped keys and values
                    o = (n e^(q.k^ / sqrt(D)) v^ + sum over kept e^(q.k / sqrt(D)) v) / (n e^(q.k^ / sqrt(D)) + sum over kept e^(q.k / sqrt(D)))
                    echo, induction = mean over i of repeats 2.. of sum over earlier repeats of A[i, same token], A[i, the one after it]
                    """)
            .citation(
                    "Tang et al. 2024; Algorithm 1 as quoted in a public review; Huawei msmodelslim for the rating of heads")
            .input("query", "B H 1 D", "the query of each sequence, rotated")
            .input("key", "B G S D", "keys, rotated")
            .input("value", "B G S Dv", "values")
            .input("profile_query", "1 H T D", "queries of a first token and a random string repeated to the end")
            .input("profile_key", "1 G T D", "its keys")
            .output("output", "B H 1 Dv", "attention")
            .output("echo", Kind.REAL, "G", "echo score of each KV head: the largest of its query heads")
            .output("induction", Kind.REAL, "G", "induction score, likewise")
            .parameter(RETRIEVAL)
            .parameter(SINKS)
            .parameter(LOCAL)
            .parameter(COMPRESSION)
            .parameter(PERIOD)
            .note(
                    "Heads are ranked over all layers at once (top 14% by induction and top 1% by echo), so that the caller picks"
                            + " them from the scores of all layers and gives them as a parameter.")
            .note(
                    "The token of the dropped keys is the mean of rotated keys, which is not the rotation of a mean. It is absent if"
                            + " nothing is dropped. A running mean while decoding gives the same.")
            .note("Models with ALiBi bound the length of a head by its slope instead; that rule is not here.")
            .example("B=2 H=4 G=2 S=29 D=8 Dv=4 T=16; retrieval=1 sinks=2 local=5 compression=4 period=5")
            .example("B=1 H=3 G=3 S=40 D=4 Dv=8 T=13; retrieval=2,0 sinks=3 local=7 compression=2 period=4")
            .example("B=1 H=2 G=2 S=9 D=4 Dv=4 T=9; retrieval=-1 sinks=2 local=7 compression=5 period=4")
            .build();

    public RazorAttention {
        RETRIEVAL.check(retrieval);
        SINKS.check(sinks);
        LOCAL.check(local);
        COMPRESSION.check(compression);
        PERIOD.check(period);
        retrieval = List.copyOf(retrieval);
    }

    public RazorAttention() {
        this(RETRIEVAL.standard(), SINKS.standard(), LOCAL.standard(), COMPRESSION.standard(), PERIOD.standard());
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public RazorAttention with(Values p) {
        return new RazorAttention(p.get(RETRIEVAL), p.get(SINKS), p.get(LOCAL), p.get(COMPRESSION), p.get(PERIOD));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        int keys = in.size("S");
        int[] full = retrieval.stream()
                .mapToInt(h -> h)
                .filter(h -> h >= 0)
                .distinct()
                .toArray();
        Inputs.require(retrieval.stream().allMatch(h -> h < in.size("G")), "retrieval", "heads below G", retrieval);
        Inputs.require(in.size("T") > period + 1, "T", "a first token and more than one period", in.size("T"));
        int from = Math.min(sinks, keys);
        int to = Math.max(from, keys - Math.max(local, keys / compression));
        Attention kept = to == from
                ? Attention.full()
                : Attention.full()
                        .rescored(
                                "s + select(k == first, mass, 0.0)",
                                Names.of("first", from).with("mass", Math.log((double) to - from)));
        Tensor output = HeadClasses.of(ops, full, in.size("G"))
                .attend(
                        in.get("query"),
                        in.get("key"),
                        in.get("value"),
                        (q, k, v) -> ops.attend(q, k, v, Attention.full()),
                        (q, k, v) -> ops.attend(q, shortened(ops, k, from, to), shortened(ops, v, from, to), kept));
        return Map.of(
                "output", output,
                "echo", rating(ops, in, "k > 0 && k < q && (q - k) % period == 0"),
                "induction", rating(ops, in, "k > 1 && (q - k + 1) % period == 0"));
    }

    /** The rows outside [from, to), and where those were the mean of them. */
    private static Tensor shortened(Operations ops, Tensor x, int from, int to) {
        if (from == to) {
            return x;
        }
        Tensor mean = ops.mean(ops.slice(x, 2, from, to), 2);
        Tensor row = ops.reshape(mean, x.size(0), x.size(1), 1, x.size(3));
        return ops.concat(2, ops.slice(x, 2, 0, from), row, ops.slice(x, 2, to, x.size(2)));
    }

    /** The weight that queries behind the first repeat give to some keys: the quotient of two sums of exponentials. */
    private Tensor rating(Operations ops, Inputs in, String keys) {
        Tensor all = logSumExp(ops, in, Attention.causal());
        Tensor some = logSumExp(ops, in, Attention.causal().visibleWhere(keys, Names.of("period", period)));
        Tensor weight = ops.map("exp(some[h, q, d] - all[h, q, d])")
                .with("some", some)
                .with("all", all)
                .to(in.get("query").dtype(), all.shape());
        Tensor mean = ops.mean(ops.slice(weight, 2, period + 1, in.size("T")), 2);
        return ops.max(ops.reshape(mean, in.size("G"), in.size("H") / in.size("G")), 1);
    }

    private static Tensor logSumExp(Operations ops, Inputs in, Attention options) {
        Tensor key = in.get("profile_key");
        AttentionResult result = ops.attendAll(in.get("profile_query"), key, key, options.logSumExp());
        return Objects.requireNonNull(result.logSumExp());
    }
}
