package dev.fovea.mechanisms.softmax;

import dev.fovea.api.Attention;
import dev.fovea.api.DType;
import dev.fovea.api.Names;
import dev.fovea.api.Operations;
import dev.fovea.api.Operations.Part;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.RotarySpec.Pairing;
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
import java.util.stream.IntStream;

/**
 * AlignedGen: images of a batch take their style from image 0, whose image tokens all of them see at shifted positions.
 *
 * <pre>
 * image tokens:  q, k become (x - mean) / std * std of image 0 + mean of image 0, over the tokens, for each head and column
 * k' = [R k; lambda R_shift k of image 0],  v' = [v; v of image 0],  image 0 sees its own keys alone
 * O = softmax(R q k'' / sqrt(D)) v',  R: rotary embedding,  lambda = (timestep / 1000)^2,  std = sqrt(unbiased variance + 1e-5)
 * </pre>
 *
 * @param text tokens of text before those of the image
 * @param timestep of the diffusion, 0 to 1000
 */
public record AlignedGen(int text, double timestep) implements Mechanism {
    private static final Parameter<Integer> TEXT =
            Parameter.integer("text", 512, 0, 1 << 20, "tokens of text before those of the image");
    private static final Parameter<Double> TIMESTEP = Parameter.real(
            "timestep", 1000, 0, 1000, "of the diffusion: the reference keys are scaled by (timestep / 1000)^2");

    private static final Declaration DECLARATION = Declaration.of(
                    "alignedgen", "softmax", "AlignedGen: Aligning Style Across Generated Images")
            .equation("""
                    image tokens: q, k become (x - mean) / std * std of image 0 + mean of image 0, over the tokens
                    O = softmax(R q [R k; lambda R_shift k of image 0]' / sqrt(D)) [v; v of image 0]
                    lambda = (timestep / 1000)^2, std = sqrt(unbiased variance + 1e-5); image 0 sees its own keys alone
                    """)
            .citation("Zhang et al. 2025; github.com/Jiexuanz/AlignedGen")
            .input(
                    "query",
                    Kind.REAL,
                    "N H S D",
                    "queries of N images before the rotary embedding: text, then image tokens",
                    AlignedGen::images)
            .input("key", Kind.REAL, "N H S D", "keys, likewise", AlignedGen::images)
            .input("value", "N H S Dv", "values")
            .input("cosine", Kind.F32, "S R", "cosines of each token and pair", Sampler.normal())
            .input("sine", Kind.F32, "S R", "sines of each token and pair", Sampler.normal())
            .input("shift_cosine", Kind.F32, "I R", "cosines of the shared image tokens", Sampler.normal())
            .input("shift_sine", Kind.F32, "I R", "sines of the shared image tokens", Sampler.normal())
            .output("output", "N H S Dv", "attention of each image to itself and to image 0")
            .parameter(TEXT)
            .parameter(TIMESTEP)
            .note(
                    "lambda scales keys, and so logits, not weights: at 0 the reference keys have the score 0, they are not hidden.")
            .note(
                    "The released code shares attention in layers 19 to 57 and steps 0 to 30: when to call this stays with the caller.")
            .note(
                    "Tables have a row for each token, which covers positions of several axes; pairs are neighbouring columns, as in FLUX.")
            .example("N=3 H=2 S=14 D=8 Dv=8 I=11 R=4; text=3 timestep=800")
            .example("N=2 H=3 S=25 D=12 Dv=16 I=25 R=4; text=0 timestep=450.5")
            .build();

    public AlignedGen {
        TEXT.check(text);
        TIMESTEP.check(timestep);
    }

    public AlignedGen() {
        this(TEXT.standard(), TIMESTEP.standard());
    }

    /** Images after the first vary so little that every term of the deviation shows. */
    private static double[] images(SplittableRandom random, int count, Example e) {
        int image = count / e.size("N");
        return Sampler.fill(count, i -> random.nextGaussian() * (i < image ? 1 : 0.01));
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public AlignedGen with(Values parameters) {
        return new AlignedGen(parameters.get(TEXT), parameters.get(TIMESTEP));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        int images = in.size("N");
        int shared = in.size("S") - text;
        Inputs.require(shared == in.size("I") && shared > 1, "I", "S - text, at least 2 image tokens", in.size("I"));
        Tensor query = turned(ops, aligned(ops, in.get("query")), in, "");
        Tensor aligned = aligned(ops, in.get("key"));
        Tensor reference = turned(ops, imageTokens(ops, ops.slice(aligned, 0, 0, 1)), in, "shift_");
        Tensor value = in.get("value");
        Tensor referenceValue = imageTokens(ops, ops.slice(value, 0, 0, 1));
        int heads = in.size("H");
        double lambda = timestep / 1000 * (timestep / 1000);
        Attention toReference = Attention.full()
                .scale((float) (lambda / Math.sqrt(in.size("D"))))
                .visibleWhere("b > 0", Names.NONE);
        Part own = new Part(turned(ops, aligned, in, ""), value, Attention.full());
        Part first = new Part(
                ops.broadcast(reference, images, heads, shared, in.size("D")),
                ops.broadcast(referenceValue, images, heads, shared, in.size("Dv")),
                toReference);
        return Map.of("output", ops.attendParts(query, own, first));
    }

    private Tensor imageTokens(Operations ops, Tensor x) {
        return ops.slice(x, 2, text, x.size(2));
    }

    /** Image tokens with the mean and deviation of image 0; text as it is. */
    private Tensor aligned(Operations ops, Tensor x) {
        Tensor image = imageTokens(ops, x);
        Tensor mean = ops.mean(image, 2);
        Tensor squares = ops.map("(x[b, h, q, d] - mean[b, h, d]) * (x[b, h, q, d] - mean[b, h, d])")
                .with("x", image)
                .with("mean", mean)
                .to(DType.F32, image.shape());
        Tensor deviation = ops.map("sqrt(sum[h, q, d] / (n - 1) + 1e-5)")
                .with("sum", ops.sum(squares, 2))
                .with("n", (double) image.size(2))
                .to(DType.F32, mean.shape());
        Tensor styled = ops.map("(x[b, h, q, d] - mean[b, h, d]) / std[b, h, d] * std[0, h, d] + mean[0, h, d]")
                .with("x", image)
                .with("mean", mean)
                .with("std", deviation)
                .like(image);
        return ops.concat(2, ops.slice(x, 2, 0, text), styled);
    }

    private static Tensor turned(Operations ops, Tensor x, Inputs in, String table) {
        int tokens = Math.toIntExact(x.size(2));
        Tensor rows = ops.copyOf(IntStream.range(0, tokens).toArray(), 1, tokens);
        return ops.rotate(x, Pairing.NEIGHBOURS, rows, in.get(table + "cosine"), in.get(table + "sine"));
    }
}
