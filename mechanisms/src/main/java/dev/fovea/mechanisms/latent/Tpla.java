package dev.fovea.mechanisms.latent;

import dev.fovea.api.Alignment;
import dev.fovea.api.Attention;
import dev.fovea.api.DType;
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
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * TPLA: the latents of multi-head latent attention sliced over devices, each of which runs all heads with a softmax of its own.
 *
 * <pre>
 * c' = c U in g slices;  n_s = c'_s / sqrt(alpha_s |c'_s|^2 / R + eps);  q'_s = slice s of (Wuk q, times gamma) U
 * O_s = softmax((mu_s q'_s n_s' + qr kr') / sqrt(N + P)) n_s;  O = Wuv (gamma times [O_1 .. O_g] U')
 * </pre>
 *
 * @param slices devices, g; 1 is exact latent attention if alpha = mu = 1
 * @param epsilon added to mean squares
 */
public record Tpla(int slices, double epsilon) implements Mechanism {
    private static final Parameter<Integer> SLICES =
            Parameter.integer("slices", 2, 1, 64, "slices of the latent, one a device; divides R");
    private static final Parameter<Double> EPSILON =
            Parameter.real("epsilon", 1e-6, 0, 1, "added to the mean square of a latent");

    private static final Declaration DECLARATION = Declaration.of(
                    "tpla",
                    "latent",
                    "TPLA: Tensor Parallel Latent Attention for Efficient Disaggregated Prefill & Decode Inference")
            .equation("""
                    c' = c U in g slices; n_s = c'_s / sqrt(alpha_s |c'_s|^2 / R + eps); q'_s = slice s of (Wuk q, times gamma) U
                    O_s = softmax((mu_s q'_s n_s' + qr kr') / sqrt(N + P)) n_s; O = Wuv (gamma times [O_1 .. O_g] U')
                    """)
            .citation("Tang et al. 2025; github.com/MuLabPKU/TransMLA")
            .input("query", "B H Sq N", "q: unrotated part of the queries, the last Sq of the sequence")
            .input("query_rope", "B H Sq P", "qr: rotated part")
            .input("latent", "B S R", "c: latents of the keys, not normalised")
            .input("key_rope", "B S P", "kr: rotated key, of all heads and devices")
            .input("gain", "R", "gamma: gain of the norm of the latents")
            .input("key_up", "H N R", "Wuk")
            .input("value_up", "H Dv R", "Wuv")
            .input("rotation", Kind.REAL, "R R", "U: orthogonal, Hadamard or principal axes", Tpla::rotation)
            .input("norm_factor", Kind.F32, "G", "alpha: alpha_s |c'_s|^2 is near |c|^2", Sampler.uniform(1.5, 2.5))
            .input("score_factor", Kind.F32, "G", "mu: mu_s q'_s n_s' is near q' n'", Sampler.uniform(1.2, 2.2))
            .output("output", "B H Sq Dv", "attention of each head, summed over the devices")
            .parameter(SLICES)
            .parameter(EPSILON)
            .note("Gain and rotation are folded into the weights offline by a deployed model; here they are applied.")
            .note(
                    "alpha and mu are 1 / share of the energy in the slice (Hadamard: g). The paper's equation gives the share itself,"
                            + " the reciprocal of what its condition needs.")
            .note(
                    "Each device has a softmax of its own: this is no merge by log-sum-exp, and differs from exact attention. Prefill by"
                            + " the exact form is slices=1 with alpha = mu = 1 and the same rotation.")
            .note("The devices are KV heads of one call; a sum over devices is a sum over slices of Wuv.")
            .example("B=2 H=2 Sq=3 S=11 R=8 N=6 P=4 Dv=5 G=2")
            .example("B=1 H=3 Sq=7 S=7 R=12 N=4 P=2 Dv=4 G=4; slices=4 epsilon=0.01")
            .example("B=1 H=2 Sq=1 S=19 R=6 N=4 P=4 Dv=8 G=1; slices=1")
            .build();

    public Tpla {
        SLICES.check(slices);
        EPSILON.check(epsilon);
    }

    public Tpla() {
        this(SLICES.standard(), EPSILON.standard());
    }

    /** A reflection, which is orthogonal and mixes all columns. */
    private static double[] rotation(SplittableRandom random, int count, Example example) {
        int n = example.size("R");
        double[] w = random.doubles(n, 0.5, 1.5).toArray();
        double norm = DoubleStream.of(w).map(x -> x * x).sum();
        return Sampler.fill(count, i -> (i / n == i % n ? 1 : 0) - 2 * w[i / n] * w[i % n] / norm);
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public Tpla with(Values p) {
        return new Tpla(p.get(SLICES), p.get(EPSILON));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        int columns = in.size("R");
        int width = columns / slices;
        Inputs.require(in.size("G") == slices, "G", "slices = " + slices, in.size("G"));
        Inputs.require(columns % slices == 0, "R", "a multiple of slices = " + slices, columns);
        Tensor rotation = in.get("rotation");
        Tensor gained = gained(ops, in, ops.matmul(in.get("query"), in.get("key_up")));
        Tensor rotated = ops.matmul(gained, rotation);
        Tensor absorbed = ops.map("x[b, h, q, d] * mu[d // width]")
                .with("x", rotated)
                .with("mu", in.get("score_factor"))
                .with("width", width)
                .like(rotated);
        Tensor[] queries = IntStream.range(0, slices)
                .mapToObj(s ->
                        ops.concat(3, ops.slice(absorbed, 3, (long) s * width, (s + 1L) * width), in.get("query_rope")))
                .toArray(Tensor[]::new);
        Tensor latents = normalised(ops, in, width);
        Tensor rope = ops.reshape(in.get("key_rope"), in.size("B"), 1, in.size("S"), in.size("P"));
        Tensor shared = ops.broadcast(rope, in.size("B"), slices, in.size("S"), in.size("P"));
        Tensor key = ops.concat(3, latents, shared);
        Attention options = Attention.causal().aligned(Alignment.BOTTOM_RIGHT).scale((float)
                (1 / Math.sqrt(in.size("N") + in.size("P"))));
        Tensor each = ops.attend(ops.concat(1, queries), key, ops.slice(key, 3, 0, width), options);
        long heads = in.size("H");
        Tensor[] outputs = IntStream.range(0, slices)
                .mapToObj(s -> ops.slice(each, 1, s * heads, (s + 1) * heads))
                .toArray(Tensor[]::new);
        Tensor back = ops.matmul(ops.concat(3, outputs), ops.permute(rotation, 1, 0));
        return Map.of("output", ops.matmul(gained(ops, in, back), ops.permute(in.get("value_up"), 0, 2, 1)));
    }

    private static Tensor gained(Operations ops, Inputs in, Tensor x) {
        return ops.map("x[b, h, q, d] * gamma[d]")
                .with("x", x)
                .with("gamma", in.get("gain"))
                .like(x);
    }

    /** n: [B, g, S, R / g]. */
    private Tensor normalised(Operations ops, Inputs in, int width) {
        Tensor rotated = ops.matmul(in.get("latent"), in.get("rotation"));
        Tensor sliced = ops.permute(ops.reshape(rotated, in.size("B"), in.size("S"), slices, width), 0, 2, 1, 3);
        Tensor squares =
                ops.map("x[b, h, q, d] * x[b, h, q, d]").with("x", sliced).to(DType.F32, sliced.shape());
        return ops.map("x[b, h, q, d] / sqrt(alpha[h] * sum[b, h, q] / columns + epsilon)")
                .with("x", sliced)
                .with("alpha", in.get("norm_factor"))
                .with("sum", ops.sum(squares, 3))
                .with("columns", (double) in.size("R"))
                .with("epsilon", epsilon)
                .like(sliced);
    }
}
