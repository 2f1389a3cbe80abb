package dev.fovea.mechanisms.softmax;

import dev.fovea.api.Attention;
import dev.fovea.api.Names;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Inputs;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.mechanisms.Values;
import java.util.Map;

/**
 * TCPA: prompts before the patches of an image, of which each token sees those groups that match it best.
 *
 * <pre>
 * keys = [class token | class prompts, Pc groups of class_length | image prompts, Pi groups of image_length | patches]
 * class token: itself, the class_top groups with the largest cos(x, class_key), patches
 * patch t:     class token, the image_top groups with the largest cos(x[t], image_key), patches
 * </pre>
 *
 * @param classTop groups of class prompts that the class token sees
 * @param imageTop groups of image prompts that a patch sees
 * @param classLength tokens of a group of class prompts
 * @param imageLength tokens of a group of image prompts
 */
public record Tcpa(int classTop, int imageTop, int classLength, int imageLength) implements Mechanism {
    private static final Parameter<Integer> CLASS_TOP =
            Parameter.integer("class_top", 2, 1, 1 << 16, "groups of class prompts that the class token sees");
    private static final Parameter<Integer> IMAGE_TOP =
            Parameter.integer("image_top", 2, 1, 1 << 16, "groups of image prompts that a patch sees");
    private static final Parameter<Integer> CLASS_LENGTH =
            Parameter.integer("class_length", 1, 1, 1 << 16, "tokens of a group of class prompts");
    private static final Parameter<Integer> IMAGE_LENGTH =
            Parameter.integer("image_length", 1, 1, 1 << 16, "tokens of a group of image prompts");

    private static final Declaration DECLARATION = Declaration.of(
                    "tcpa", "softmax", "Token Coordinated Prompt Attention is Needed for Visual Prompting")
            .equation("""
                    O = softmax(q k' / sqrt(D) where visible) v
                    keys = [class token | class prompts, Pc groups of class_length | image prompts, Pi groups of image_length | patches]
                    class token: itself, the class_top groups with the largest cos(x, class_key), patches
                    patch t:     class token, the image_top groups with the largest cos(x[t], image_key), patches
                    """)
            .citation("Liu et al. 2025; github.com/zhoujiahuan1991/ICML2025-TCPA")
            .input("query", "B H N D", "queries of the class token and the patches")
            .input("key", "B H M D", "keys, with those of the prompts: M = N + Pc class_length + Pi image_length")
            .input("value", "B H M Dv", "values of the same")
            .input("token", "B N C", "x: what the layer gets as class token and patches")
            .input("class_key", "Pc C", "learned keys of the groups of class prompts")
            .input("image_key", "Pi C", "learned keys of the groups of image prompts")
            .output("output", "B H N Dv", "attention of the class token and the patches")
            .parameter(CLASS_TOP)
            .parameter(IMAGE_TOP)
            .parameter(CLASS_LENGTH)
            .parameter(IMAGE_LENGTH)
            .note(
                    "A hidden prompt has no weight: it is masked before the softmax. The code makes a mask of 0 and 1 and multiplies by it; how"
                            + " the transformer uses that was not read.")
            .note("The defaults of the parameters are not the paper's, which sets them for each data set.")
            .note("Prompts are keys only: what a layer would make of them as queries is dropped.")
            .example("B=2 H=2 N=8 M=16 D=8 Dv=6 C=5 Pc=4 Pi=4; class_top=2 image_top=1")
            .example("B=1 H=2 N=13 M=38 D=4 Dv=4 C=7 Pc=5 Pi=5; class_top=1 image_top=3 class_length=2 image_length=3")
            .build();

    public Tcpa {
        CLASS_TOP.check(classTop);
        IMAGE_TOP.check(imageTop);
        CLASS_LENGTH.check(classLength);
        IMAGE_LENGTH.check(imageLength);
    }

    public Tcpa() {
        this(CLASS_TOP.standard(), IMAGE_TOP.standard(), CLASS_LENGTH.standard(), IMAGE_LENGTH.standard());
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public Tcpa with(Values parameters) {
        return new Tcpa(
                parameters.get(CLASS_TOP),
                parameters.get(IMAGE_TOP),
                parameters.get(CLASS_LENGTH),
                parameters.get(IMAGE_LENGTH));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        int images = 1 + in.size("Pc") * classLength;
        int patches = images + in.size("Pi") * imageLength;
        int expected = patches + in.size("N") - 1;
        Inputs.require(
                in.size("M") == expected, "M", expected + " = N + Pc class_length + Pi image_length", in.size("M"));
        Names names = Names.of("class_group", nearest(ops, in, "class_key", classTop))
                .with("image_group", nearest(ops, in, "image_key", imageTop))
                .with("images", images)
                .with("patches", patches)
                .with("class_length", classLength)
                .with("image_length", imageLength);
        String mask =
                "k == 0 || k >= patches || select(k < images, q == 0 && class_group[b, q, (k - 1) // class_length],"
                        + " q > 0 && image_group[b, q, (k - images) // image_length])";
        Attention options = Attention.full().visibleWhere(mask, names);
        return Map.of("output", ops.attend(in.get("query"), in.get("key"), in.get("value"), options));
    }

    /** The groups of the largest cosines: BOOL [B, N, P]. The length of a token does not change their order. */
    private static Tensor nearest(Operations ops, Inputs in, String name, int count) {
        Tensor keys = in.get(name);
        Tensor squares = ops.map("x[q, d] * x[q, d]").with("x", keys).like(keys);
        Tensor unit = ops.map("x[q, d] / sqrt(sum[q])")
                .with("x", keys)
                .with("sum", ops.sum(squares, 1))
                .like(keys);
        return ops.top(ops.matmul(in.get("token"), ops.permute(unit, 1, 0)), count)
                .chosen();
    }
}
