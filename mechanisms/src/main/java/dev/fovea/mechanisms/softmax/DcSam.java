package dev.fovea.mechanisms.softmax;

import dev.fovea.api.Attention;
import dev.fovea.api.DType;
import dev.fovea.api.Names;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Inputs;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Port.Kind;
import dev.fovea.mechanisms.Sampler;
import dev.fovea.mechanisms.Values;
import java.util.Map;

/**
 * DC-SAM: cross attention to support keys that are cycle-consistent: the best query of a key has a best key of the same label.
 *
 * <pre>
 * s = q k' / sqrt(D);  i*(j) = argmax over i of s[i, j];  j*(i) = argmax over j of s[i, j]
 * O = softmax(s where label[j] = label[j*(i*(j))]) v
 * </pre>
 */
public record DcSam() implements Mechanism {
    private static final Declaration DECLARATION = Declaration.of(
                    "dc-sam",
                    "softmax",
                    "DC-SAM: In-Context Segment Anything in Images and Videos via Dual Consistency")
            .equation("""
                    s = q k' / sqrt(D), i*(j) = argmax over i of s[i, j], j*(i) = argmax over j of s[i, j]
                    O = softmax(s where label[j] = label[j*(i*(j))]) v
                    """)
            .citation("Qi et al. 2025; github.com/zaplm/DC-SAM")
            .input("query", "B H Sq D", "queries of the image or of prompts")
            .input("key", "B H Sk D", "support keys")
            .input("value", "B H Sk Dv", "support values")
            .input("label", Kind.I32, "B Sk", "label of each support key: of a mask, 0 or 1", Sampler.integers(0, 1))
            .output("output", "B H Sq Dv", "attention to the consistent keys of each head")
            .note(
                    "Equal scores: the lower index. The key of the largest score of a head is consistent, so no row is empty.")
            .note("The scores behind the two argmax are a map of Sq by Sk numbers for each head, as in the paper.")
            .example("B=2 H=2 Sq=11 Sk=23 D=8 Dv=8")
            .example("B=1 H=3 Sq=37 Sk=18 D=16 Dv=12")
            .build();

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public DcSam with(Values parameters) {
        return this;
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        Tensor exact = ops.convert(in.get("query"), DType.F32); // products rounded to 16 bits would tie
        Tensor products = ops.matmul(exact, ops.permute(in.get("key"), 0, 1, 3, 2));
        Names names = Names.of("label", in.get("label"))
                .with("best_query", ops.argmax(products, 2))
                .with("best_key", ops.argmax(products, 3));
        Attention options =
                Attention.full().visibleWhere("label[b, k] == label[b, best_key[b, h, best_query[b, h, k]]]", names);
        return Map.of("output", ops.attend(in.get("query"), in.get("key"), in.get("value"), options));
    }
}
