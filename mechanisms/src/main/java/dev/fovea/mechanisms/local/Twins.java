package dev.fovea.mechanisms.local;

import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Inputs;
import dev.fovea.mechanisms.LayerNorm;
import dev.fovea.mechanisms.Linear;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.mechanisms.Port.Kind;
import dev.fovea.mechanisms.Sampler;
import dev.fovea.mechanisms.Values;
import java.util.Map;

/**
 * Twins: attention within windows of an image, in the next block attention of all tokens to few that a convolution makes of them.
 *
 * <pre>
 * u = x + conv3x3(x);  z = norm(u);  y = u + attention(z) Wo + bo
 * local:  softmax(q k' / sqrt(d)) v within windows
 * global: keys and values of norm2(conv(z)), a convolution of size and stride r; of z itself if r = 1
 * </pre>
 *
 * @param attention to a window or to the reduced image
 * @param size pixels along each side of a window, or r
 * @param heads a divisor of C
 * @param padded whether windows may reach beyond the image
 */
public record Twins(Over attention, int size, int heads, boolean padded) implements Mechanism {
    /** What a token attends to. */
    public enum Over {
        /** The tokens of its window (LSA). */
        LOCAL,
        /** The tokens of the reduced image (GSA). */
        GLOBAL
    }

    private static final Parameter<Over> ATTENTION = Parameter.choice(
            "attention",
            Over.LOCAL,
            "local: tokens to those of their window; global: tokens to those of the reduced image");
    private static final Parameter<Integer> SIZE = Parameter.integer(
            "size",
            7,
            1,
            1 << 10,
            "pixels along each side of a window, or of the patches that become one key: 8, 4, 2, 1 by stage");
    private static final Parameter<Integer> HEADS = Parameter.integer("heads", 2, 1, 1 << 10, "heads, a divisor of C");
    private static final Parameter<Boolean> PADDED = Parameter.flag(
            "padded", false, "whether windows may reach beyond the image, where tokens of zeros take part");
    private static final double EPSILON = 1e-6;
    private static final double PATCH_EPSILON = 1e-5;

    private static final Declaration DECLARATION = Declaration.of(
                    "twins", "local", "Twins: Revisiting the Design of Spatial Attention in Vision Transformers")
            .equation("""
                    u = x + conv3x3(x);  z = norm(u);  y = u + attention(z) Wo + bo
                    local:  softmax(q k' / sqrt(d)) v within windows
                    global: keys and values of norm2(conv(z)), a convolution of size and stride r; of z itself if r = 1
                    """)
            .citation("Chu et al. 2021; github.com/Meituan-AutoML/Twins")
            .input("image", "B Y X C", "x: rows, columns, channels")
            .optional(
                    "position_kernel",
                    Kind.REAL,
                    "3 3 C",
                    "depthwise convolution of the second block of a stage",
                    Sampler.normal(0.4))
            .optional("position_bias", Kind.REAL, "C", "its bias", Sampler.normal())
            .input("norm_gain", Kind.REAL, "C", "gain of the layer norm before attention", Sampler.uniform(0.5, 1.5))
            .input("norm_bias", Kind.REAL, "C", "its bias", Sampler.normal(0.3))
            .input("weight", Kind.REAL, "4 C C", "projections of query, key, value and output", Sampler.normal(0.5))
            .input("bias", "4 C", "their biases")
            .optional(
                    "patch_weight",
                    Kind.REAL,
                    "P C",
                    "convolution: row (i r + j) C + c is the pixel (i, j) of a patch",
                    Sampler.normal(0.3))
            .optional("patch_bias", Kind.REAL, "C", "its bias", Sampler.normal())
            .optional("patch_norm_gain", Kind.REAL, "C", "gain of norm2", Sampler.uniform(0.5, 1.5))
            .optional("patch_norm_bias", Kind.REAL, "C", "its bias", Sampler.normal(0.3))
            .output("output", "B Y X C", "y: the block up to its feed-forward layer")
            .parameter(ATTENTION)
            .parameter(SIZE)
            .parameter(HEADS)
            .parameter(PADDED)
            .note(
                    "The sides of the image are multiples of size, as in the code for classification; padded=true is what the code for detection"
                            + " does with windows: zeros to the right and below, after the norm and before the projections, which take part.")
            .note(
                    "SVT alternates local and global blocks, PCPVT has global ones: a call for each. The convolution is that between the first"
                            + " block of a stage and the second: give its kernel with the second.")
            .note("Without dropout; the feed-forward layer is the caller's.")
            .example("B=1 Y=4 X=6 C=6 P=24; size=2 heads=2")
            .example("B=2 Y=4 X=6 C=4 P=16; attention=global size=2 heads=2")
            .example("B=1 Y=5 X=4 C=4 P=36; size=3 heads=1 padded=true")
            .example("B=1 Y=3 X=5 C=4 P=4; attention=global size=1 heads=1")
            .build();

    public Twins {
        SIZE.check(size);
        HEADS.check(heads);
    }

    public Twins() {
        this(ATTENTION.standard(), SIZE.standard(), HEADS.standard(), PADDED.standard());
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public Twins with(Values parameters) {
        return new Twins(
                parameters.get(ATTENTION), parameters.get(SIZE), parameters.get(HEADS), parameters.get(PADDED));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        Inputs.require(in.size("C") % heads == 0, "heads", "a divisor of C = " + in.size("C"), heads);
        int height = in.size("Y");
        int width = in.size("X");
        boolean divides = height % size == 0 && width % size == 0;
        Inputs.require(
                divides || padded && attention == Over.LOCAL, "size", "a divisor of " + height + " and " + width, size);
        Tensor image = in.get("image");
        Tensor u = in.has("position_kernel")
                ? PositionConvolution.of(ops, image, in.get("position_kernel"), in.get("position_bias"))
                : image;
        Tensor tokens = ops.reshape(u, in.size("B"), (long) height * width, in.size("C"));
        Tensor z = LayerNorm.of(ops, tokens, in.get("norm_gain"), in.get("norm_bias"), EPSILON);
        Projections layers = new Projections(ops, in.get("weight"), in.get("bias"), heads);
        Blocks blocks = new Blocks(height, width, size);
        Tensor attended =
                attention == Over.LOCAL ? layers.attend(z, blocks) : layers.attend(z, reduced(ops, in, z, blocks));
        Tensor y = ops.map("u[h, q, d] + a[h, q, d]")
                .with("u", tokens)
                .with("a", attended)
                .like(tokens);
        return Map.of("output", ops.reshape(y, image.shape()));
    }

    /** A token for each patch: the patches are cut out, and the convolution is a product of matrices. */
    private Tensor reduced(Operations ops, Inputs in, Tensor z, Blocks patches) {
        if (size == 1) {
            return z;
        }
        int inner = size * size * in.size("C");
        Inputs.require(in.size("P") == inner, "P", inner + " = size size C", in.size("P"));
        Tensor cut = ops.reshape(ops.gather(z, patches.points(0), 0), in.size("B"), patches.count(), inner);
        Tensor made = Linear.of(ops, cut, in.get("patch_weight"), in.get("patch_bias"));
        return LayerNorm.of(ops, made, in.get("patch_norm_gain"), in.get("patch_norm_bias"), PATCH_EPSILON);
    }
}
