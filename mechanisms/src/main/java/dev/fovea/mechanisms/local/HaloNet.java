package dev.fovea.mechanisms.local;

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
 * HaloNet: blocks of pixels attend to themselves and the pixels around them, with a bias by content and offset.
 *
 * <pre>
 * reach = block + 2 halo;  query (x, y) of a block, key (i, j) of its surroundings (rows, columns)
 * s = (q.k + q.Rw[j - y + reach - 1] + q.Rh[i - x + reach - 1]) / sqrt(D);  O = softmax(s) v
 * </pre>
 *
 * @param block pixels along each side of a block, a divisor of both sides of the image
 * @param halo pixels around a block that it sees
 * @param border what a block sees beyond the image
 */
public record HaloNet(int block, int halo, Border border) implements Mechanism {
    /** What lies beyond the image. */
    public enum Border {
        /** Nothing. */
        MASKED,
        /** Keys and values of zeros, which take part. */
        ZERO
    }

    private static final Parameter<Integer> BLOCK =
            Parameter.integer("block", 8, 1, 1 << 10, "pixels along each side of a block of queries");
    private static final Parameter<Integer> HALO =
            Parameter.integer("halo", 3, 0, 1 << 10, "pixels around a block that it sees");
    private static final Parameter<Border> BORDER = Parameter.choice(
            "border", Border.MASKED, "beyond the image is nothing (masked), or are keys and values of zeros (zero)");

    private static final Declaration DECLARATION = Declaration.of(
                    "halonet", "local", "Scaling Local Self-Attention for Parameter Efficient Visual Backbones")
            .equation("""
                    reach = block + 2 halo;  query (x, y) of a block, key (i, j) of its surroundings (rows, columns)
                    s = (q.k + q.Rw[j - y + reach - 1] + q.Rh[i - x + reach - 1]) / sqrt(D);  O = softmax(s) v
                    """)
            .citation("Vaswani et al. 2021; third-party code: github.com/lucidrains/halonet-pytorch")
            .input("query", "B H Y X D", "queries of an image: rows, columns")
            .input("key", "B H Y X D", "keys")
            .input("value", "B H Y X Dv", "values")
            .input("row_offsets", "R D", "Rh, R = 2 reach - 1: offset 0 is row reach - 1 + halo")
            .input("column_offsets", "R D", "Rw, likewise")
            .output("output", "B H Y X Dv", "attention")
            .parameter(BLOCK)
            .parameter(HALO)
            .parameter(BORDER)
            .note(
                    "Pixels beyond the image are masked; the paper pads with zeros, which border=zero does. The third-party code masks the"
                            + " pixels inside instead: not copied.")
            .example("B=1 H=2 Y=4 X=6 D=4 Dv=6 R=7; block=2 halo=1")
            .example("B=2 H=1 Y=6 X=3 D=8 Dv=8 R=13; block=3 halo=2")
            .example("B=1 H=1 Y=4 X=4 D=4 Dv=4 R=7; block=2 halo=1 border=zero")
            .build();

    public HaloNet {
        BLOCK.check(block);
        HALO.check(halo);
    }

    public HaloNet() {
        this(BLOCK.standard(), HALO.standard(), BORDER.standard());
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public HaloNet with(Values parameters) {
        return new HaloNet(parameters.get(BLOCK), parameters.get(HALO), parameters.get(BORDER));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        int height = in.size("Y");
        int width = in.size("X");
        int reach = block + 2 * halo;
        Inputs.require(height > 0 && width > 0, "Y, X", "at least one pixel", height + ", " + width);
        Inputs.require(
                height % block == 0 && width % block == 0, "block", "a divisor of " + height + " and " + width, block);
        Inputs.require(in.size("R") == 2 * reach - 1, "R", 2 * reach - 1 + " = 2 (block + 2 halo) - 1", in.size("R"));
        Blocks blocks = new Blocks(height, width, block);
        int[] surroundings = blocks.points(halo);
        Tensor q = blocksOf(ops, in.get("query"), blocks.points(0), blocks.count());
        Names names = Names.of("rows", offsets(ops, q, in.get("row_offsets")))
                .with("columns", offsets(ops, q, in.get("column_offsets")))
                .with("scale", 1 / Math.sqrt(in.size("D")))
                .with("side", block)
                .with("reach", reach);
        String score = "s + scale * (rows[b, h, q, k // reach - q // side + reach - 1]"
                + " + columns[b, h, q, k % reach - q % side + reach - 1])";
        Attention options = Attention.full().rescored(score, names);
        if (border == Border.MASKED) {
            options = options.visibleWhere(
                    "point[h % blocks, k] >= 0",
                    Names.of("point", ops.copyOf(surroundings, blocks.count(), (long) reach * reach))
                            .with("blocks", blocks.count()));
        }
        Tensor o = ops.attend(
                q,
                blocksOf(ops, in.get("key"), surroundings, blocks.count()),
                blocksOf(ops, in.get("value"), surroundings, blocks.count()),
                options);
        Tensor pixels = ops.gather(
                ops.reshape(o, in.size("B"), in.size("H"), (long) height * width, in.size("Dv")), blocks.places(), 0);
        return Map.of("output", ops.reshape(pixels, in.size("B"), in.size("H"), height, width, in.size("Dv")));
    }

    /** [B, H, Y, X, D] as [B, H blocks, pixels, D]: a block is a head. */
    private static Tensor blocksOf(Operations ops, Tensor x, int[] points, int blocks) {
        Tensor pixels = ops.reshape(x, x.size(0), x.size(1), x.size(2) * x.size(3), x.size(4));
        Tensor picked = ops.gather(pixels, points, 0);
        return ops.reshape(picked, x.size(0), x.size(1) * blocks, points.length / blocks, x.size(4));
    }

    /** Products of each query with the vectors of all offsets. */
    private static Tensor offsets(Operations ops, Tensor q, Tensor table) {
        return ops.matmul(q, ops.permute(table, 1, 0));
    }
}
