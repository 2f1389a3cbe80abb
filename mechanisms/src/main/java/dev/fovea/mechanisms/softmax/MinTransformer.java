package dev.fovea.mechanisms.softmax;

import dev.fovea.api.Attention;
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
 * The minimum transformer: query and key projections collapsed into one matrix, neither value nor output projection.
 *
 * <pre>
 * O_h = softmax(x_h W_h x_h' / sqrt(D)) x_h,  x_h: columns h D to (h + 1) D of x
 * </pre>
 *
 * @param form what W_h is made of
 */
public record MinTransformer(Form form) implements Mechanism {
    /** What the matrix of a head is made of. */
    public enum Form {
        /** As given. */
        ASYMMETRIC,
        /** (W + W') / 2. */
        SYMMETRIC,
        /** W W'. */
        FACTORED
    }

    private static final Parameter<Form> FORM = Parameter.choice(
            "form", Form.ASYMMETRIC, "asymmetric: W as given; symmetric: (W + W') / 2; factored: W W'");

    private static final Declaration DECLARATION = Declaration.of(
                    "mintransformer", "softmax", "Reducing the Transformer Architecture to a Minimum")
            .equation("O_h = softmax(x_h W_h x_h' / sqrt(D)) x_h; W_h as given, (W_h + W_h') / 2 or W_h W_h'")
            .citation("Bermeitinger et al. 2024")
            .input("x", "B S E", "tokens, E = H D")
            .input("weight", Kind.REAL, "H D D", "a matrix for each head", Sampler.normal(0.3))
            .output("output", "B S E", "heads one after the other")
            .parameter(FORM)
            .note("The abstract leaves scale and split of heads open: 1 / sqrt(D), and slices of x.")
            .note("Keys and values are the same tensor.")
            .example("B=2 S=13 E=16 H=2 D=8")
            .example("B=1 S=21 E=15 H=3 D=5; form=symmetric")
            .example("B=1 S=10 E=16 H=1 D=16; form=factored")
            .build();

    public MinTransformer() {
        this(FORM.standard());
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public MinTransformer with(Values parameters) {
        return new MinTransformer(parameters.get(FORM));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        Tensor weight = in.get("weight");
        int heads = in.size("H");
        Inputs.require(in.size("E") == heads * in.size("D"), "E", "H D = " + heads * in.size("D"), in.size("E"));
        Tensor matrix = switch (form) {
            case ASYMMETRIC -> weight;
            case SYMMETRIC ->
                ops.map("(w[h, q, d] + w[h, d, q]) * 0.5").with("w", weight).like(weight);
            case FACTORED -> ops.matmul(weight, ops.permute(weight, 0, 2, 1));
        };
        Tensor x = ops.splitHeads(in.get("x"), heads);
        Tensor mixed = ops.attend(ops.matmul(x, matrix), x, x, Attention.full());
        return Map.of("output", ops.joinHeads(mixed));
    }
}
