package dev.fovea.mechanisms.latent;

import dev.fovea.api.Alignment;
import dev.fovea.api.Attention;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Inputs;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.mechanisms.Values;
import java.util.Map;

/**
 * Multi-head latent attention in the forms whose cost the paper compares; the numbers are the same.
 *
 * <pre>
 * q = Wuq cq,  s = (q . Wuk c + qr . kr) / sqrt(N + P),  o = sum softmax(s) Wuv c
 * recompute:    keys Wuk c and values Wuv c of each head
 * reuse:        (Wuk' q) . c, one shared key [c, kr] with value c, Wuv on the result
 * reuse-fused:  likewise, with Wuk' Wuq multiplied first
 * </pre>
 *
 * @param form the order of multiplications
 */
public record MlaHw(Form form) implements Mechanism {
    /** The order of multiplications. */
    public enum Form {
        /** Keys and values of each head are expanded from the latents. */
        RECOMPUTE,
        /** The projection of keys goes to the queries, that of values to the output. */
        REUSE,
        /** As reuse, with the projections of queries and keys multiplied first. */
        REUSE_FUSED
    }

    private static final Parameter<Form> FORM = Parameter.choice(
            "form",
            Form.REUSE,
            "recompute: keys and values from latents; reuse: absorbed; reuse-fused: absorbed, weights multiplied first");

    private static final Declaration DECLARATION = Declaration.of(
                    "mla-hw", "latent", "Hardware-Centric Analysis of DeepSeek's Multi-Head Latent Attention")
            .equation("""
                    q = Wuq cq;  s = (q . Wuk c + qr . kr) / sqrt(N + P);  o = sum over j <= i of softmax(s) Wuv c
                    reuse: s = ((Wuk' q) . c + qr . kr) / sqrt(N + P);  o = Wuv sum softmax(s) c
                    """)
            .citation("Geens and Verhelst 2025; DeepSeek-V2 2024 for the forms")
            .input("query_latent", "B Sq Q", "cq: latents of the queries, the last Sq of the sequence")
            .input("query_rope", "B H Sq P", "qr: rotated part of the queries")
            .input("latent", "B S R", "c: latents of the keys, normalised")
            .input("key_rope", "B S P", "kr: rotated key, of all heads")
            .input("query_up", "H N Q", "Wuq")
            .input("key_up", "H N R", "Wuk")
            .input("value_up", "H Dv R", "Wuv")
            .output("output", "B H Sq Dv", "attention of each head")
            .parameter(FORM)
            .note("The scale is 1 / sqrt(N + P) in all forms, not 1 / sqrt(R + P).")
            .note(
                    "The paper's cost model is no computation of attention: the caller picks the form by length and batch.")
            .example("B=2 H=3 Sq=4 S=13 Q=10 R=12 N=6 P=4 Dv=5")
            .example("B=1 H=2 Sq=9 S=9 Q=6 R=16 N=8 P=4 Dv=8; form=recompute")
            .example("B=1 H=4 Sq=1 S=21 Q=7 R=10 N=4 P=6 Dv=8; form=reuse-fused")
            .build();

    public MlaHw() {
        this(FORM.standard());
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public MlaHw with(Values p) {
        return new MlaHw(p.get(FORM));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        int heads = in.size("H");
        Attention options = Attention.causal().aligned(Alignment.BOTTOM_RIGHT).scale((float)
                (1 / Math.sqrt(in.size("N") + in.size("P"))));
        Tensor queryLatent = ops.reshape(in.get("query_latent"), in.size("B"), 1, in.size("Sq"), in.size("Q"));
        Tensor latent = ops.reshape(in.get("latent"), in.size("B"), 1, in.size("S"), in.size("R"));
        Tensor rope = ops.reshape(in.get("key_rope"), in.size("B"), 1, in.size("S"), in.size("P"));
        Tensor queryDown = ops.permute(in.get("query_up"), 0, 2, 1);
        Tensor valueDown = ops.permute(in.get("value_up"), 0, 2, 1);
        if (form == Form.RECOMPUTE) {
            Tensor query = ops.concat(3, ops.matmul(queryLatent, queryDown), in.get("query_rope"));
            Tensor expanded = ops.matmul(latent, ops.permute(in.get("key_up"), 0, 2, 1));
            Tensor shared = ops.broadcast(rope, in.size("B"), heads, in.size("S"), in.size("P"));
            Tensor value = ops.matmul(latent, valueDown);
            return Map.of("output", ops.attend(query, ops.concat(3, expanded, shared), value, options));
        }
        Tensor absorbed = form == Form.REUSE
                ? ops.matmul(ops.matmul(queryLatent, queryDown), in.get("key_up"))
                : ops.matmul(queryLatent, ops.matmul(queryDown, in.get("key_up")));
        Tensor key = ops.concat(3, latent, rope);
        Tensor value = ops.slice(key, 3, 0, in.size("R"));
        Tensor mixed = ops.attend(ops.concat(3, absorbed, in.get("query_rope")), key, value, options);
        return Map.of("output", ops.matmul(mixed, valueDown));
    }
}
