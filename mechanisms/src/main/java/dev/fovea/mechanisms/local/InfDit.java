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
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Inf-DiT: unidirectional attention among blocks of an image, and attention to its low-resolution version.
 *
 * <pre>
 * O[r, c] = softmax(q K' / sqrt(D)) V     K = [k + e of the slot] of the blocks (r, c), (r-1, c-1), (r, c-1), (r-1, c)
 * C[r, c] = softmax((x + tq) (L + tk)' / sqrt(D)) W     L, W = 3 x 3 low-resolution blocks around (r, c), zeros outside the image
 * </pre>
 *
 * @param grid rows and columns of tokens, multiples of block; tokens are in raster order
 * @param block side of a block, tokens
 * @param lowBlock side of a low-resolution block, tokens
 * @param direction where the neighbours lie
 * @param border what stands for a neighbour outside the image
 */
public record InfDit(List<Integer> grid, int block, int lowBlock, Direction direction, Border border)
        implements Mechanism {
    /** Where the neighbours lie. */
    public enum Direction {
        /** Left and above. */
        LEFT_TOP,
        /** Right and below. */
        RIGHT_BOTTOM
    }

    /** What stands for a neighbour outside the image. */
    public enum Border {
        /** The nearest block inside, whose keys then count again. */
        REPLICATE,
        /** Nothing. */
        CUT
    }

    private static final Parameter<List<Integer>> GRID =
            Parameter.integers("grid", List.of(64, 64), 1, 1 << 14, "rows and columns of tokens");
    private static final Parameter<Integer> BLOCK =
            Parameter.integer("block", 32, 1, 1 << 12, "side of a block in tokens; divides the grid");
    private static final Parameter<Integer> LOW_BLOCK =
            Parameter.integer("low_block", 8, 1, 1 << 12, "side of a low-resolution block in tokens");
    private static final Parameter<Direction> DIRECTION = Parameter.choice(
            "direction", Direction.LEFT_TOP, "whether blocks see their left and upper or right and lower neighbours");
    private static final Parameter<Border> BORDER = Parameter.choice(
            "border", Border.REPLICATE, "outside the image: the nearest block once more (the code) or nothing");

    private static final int[][] LEFT_TOP = {{0, 0}, {-1, -1}, {0, -1}, {-1, 0}};
    private static final int[][] RIGHT_BOTTOM = {{0, 0}, {1, 1}, {1, 0}, {0, 1}};
    private static final int[][] SELF = {{0, 0}};
    private static final int[][] AROUND = IntStream.range(0, 9)
            .mapToObj(i -> new int[] {i / 3 - 1, i % 3 - 1})
            .toArray(int[][]::new);

    private static final Declaration DECLARATION = Declaration.of(
                    "inf-dit",
                    "local",
                    "Inf-DiT: Upsampling Any-Resolution Image with Memory-Efficient Diffusion Transformer")
            .equation("""
                    O[r, c] = softmax(q K' / sqrt(D)) V; K, V of the blocks (r, c), (r-1, c-1), (r, c-1), (r-1, c), e[slot] added to keys
                    C[r, c] = softmax((x + tq) (L + tk)' / sqrt(D)) W; L, W of the 3 x 3 low-resolution blocks around, zeros outside
                    """)
            .citation("Yang et al. 2024; github.com/THUDM/Inf-DiT")
            .input("query", "B H S D", "queries of the grid in raster order, rotated")
            .input("key", "B H S D", "keys, rotated")
            .input("value", "B H S Dv", "values")
            .input("slot_embedding", "4 H D", "e: added to the keys of each of the four blocks; zeros if there is none")
            .input("cross_query", "B H S D", "x: queries of the attention to the low-resolution image")
            .input("low_key", "B H L D", "keys of the low-resolution image in raster order")
            .input("low_value", "B H L Dv", "its values")
            .input("query_table", "H Tq D", "tq: by position in the block")
            .input("key_table", "H Tk D", "tk: by position in the 3 x 3 blocks, block by block")
            .output("output", "B H S Dv", "block attention")
            .output("cross", "B H S Dv", "attention to the low-resolution image")
            .parameter(GRID)
            .parameter(BLOCK)
            .parameter(LOW_BLOCK)
            .parameter(DIRECTION)
            .parameter(BORDER)
            .note(
                    "At the border the code takes the nearest block inside again, so that its keys count more than once: the"
                            + " default. border=cut leaves such neighbours out.")
            .note(
                    "right-bottom slots are (r+1, c+1), (r+1, c), (r, c+1): the two side slots are not mirrored, as in the code.")
            .note("The code normalises keys by the layer norm of the queries; norms and rotation are before the call.")
            .note(
                    "Outside the image low-resolution keys are zeros plus the table, and visible, as the code's padding is.")
            .note(
                    "Inference strip by strip with cached edge blocks gives the same numbers: a block needs its neighbours only.")
            .example("B=1 H=2 S=24 D=8 Dv=4 L=6 Tq=4 Tk=9; grid=4,6 block=2 low_block=1")
            .example(
                    "B=2 H=1 S=54 D=4 Dv=8 L=24 Tq=9 Tk=36; grid=6,9 block=3 low_block=2 direction=right-bottom border=cut")
            .example("B=1 H=1 S=36 D=8 Dv=8 L=9 Tq=4 Tk=9; grid=6,6 block=2 low_block=1 direction=right-bottom")
            .build();

    public InfDit {
        GRID.check(grid);
        Inputs.require(grid.size() == 2, "grid", "rows and columns", grid);
        boolean whole = grid.stream().allMatch(n -> n % BLOCK.check(block) == 0);
        Inputs.require(whole, "grid", "multiples of block = " + block, grid);
        LOW_BLOCK.check(lowBlock);
        grid = List.copyOf(grid);
    }

    public InfDit() {
        this(GRID.standard(), BLOCK.standard(), LOW_BLOCK.standard(), DIRECTION.standard(), BORDER.standard());
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public InfDit with(Values p) {
        return new InfDit(p.get(GRID), p.get(BLOCK), p.get(LOW_BLOCK), p.get(DIRECTION), p.get(BORDER));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        int area = block * block;
        int blocks = grid.get(0) * grid.get(1) / area;
        Inputs.require(in.size("S") == blocks * area, "S", "the " + grid + " tokens of the grid", in.size("S"));
        Inputs.require(in.size("L") == blocks * lowBlock * lowBlock, "L", "low_block^2 a block", in.size("L"));
        int[] own = tokens(block, SELF, false);
        int[] near =
                tokens(block, direction == Direction.LEFT_TOP ? LEFT_TOP : RIGHT_BOTTOM, border == Border.REPLICATE);
        Tensor key = ops.gather(in.get("key"), near, 0);
        Tensor placed = ops.map("x[b, h, q, d] + e[q // area % 4, h, d]")
                .with("x", key)
                .with("e", in.get("slot_embedding"))
                .with("area", area)
                .like(key);
        boolean[] here = new boolean[near.length];
        IntStream.range(0, near.length).forEach(i -> here[i] = near[i] >= 0);
        Attention inside = border == Border.REPLICATE
                ? Attention.full()
                : Attention.full()
                        .visibleWhere(
                                "here[b % blocks, k]",
                                Names.of("here", ops.copyOf(here, blocks, 4L * area))
                                        .with("blocks", blocks));
        Tensor output =
                attend(ops, ops.gather(in.get("query"), own, 0), placed, ops.gather(in.get("value"), near, 0), inside);

        int[] low = tokens(lowBlock, AROUND, false);
        Tensor cross = attend(
                ops,
                tabled(ops, ops.gather(in.get("cross_query"), own, 0), in.get("query_table")),
                tabled(ops, ops.gather(in.get("low_key"), low, 0), in.get("key_table")),
                ops.gather(in.get("low_value"), low, 0),
                Attention.full());
        int[] raster = new int[own.length];
        IntStream.range(0, own.length).forEach(i -> raster[own[i]] = i);
        return Map.of("output", ops.gather(output, raster, 0), "cross", ops.gather(cross, raster, 0));
    }

    /** Attention of each block to its keys: blocks, heads and batch are one axis, since none shares keys. */
    private Tensor attend(Operations ops, Tensor query, Tensor key, Tensor value, Attention options) {
        Tensor o = ops.attend(apart(ops, query), apart(ops, key), apart(ops, value), options);
        return ops.reshape(o, query.size(0), query.size(1), query.size(2), value.size(3));
    }

    private Tensor apart(Operations ops, Tensor x) {
        long blocks = (long) (grid.get(0) / block) * (grid.get(1) / block);
        return ops.reshape(x, x.size(0) * x.size(1) * blocks, 1, x.size(2) / blocks, x.size(3));
    }

    private static Tensor tabled(Operations ops, Tensor x, Tensor table) {
        return ops.map("x[b, h, q, d] + t[h, q % period, d]")
                .with("x", x)
                .with("t", table)
                .with("period", (int) table.size(1))
                .like(x);
    }

    /** Tokens of the blocks at these offsets from each block, block by block; -1 outside the image. */
    private int[] tokens(int side, int[][] offsets, boolean clamped) {
        int down = grid.get(0) / block;
        int across = grid.get(1) / block;
        IntStream.Builder all = IntStream.builder();
        for (int at = 0; at < down * across; at++) {
            for (int[] offset : offsets) {
                int r = at / across + offset[0];
                int c = at % across + offset[1];
                int row = clamped ? Math.clamp(r, 0, down - 1) : r;
                int column = clamped ? Math.clamp(c, 0, across - 1) : c;
                boolean inside = row >= 0 && row < down && column >= 0 && column < across;
                for (int i = 0; i < side * side; i++) {
                    all.add(inside ? (row * side + i / side) * across * side + column * side + i % side : -1);
                }
            }
        }
        return all.build().toArray();
    }
}
