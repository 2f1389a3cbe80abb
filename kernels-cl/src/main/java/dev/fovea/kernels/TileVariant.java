package dev.fovea.kernels;

import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;

/**
 * What is fixed when tile_attention.cl is compiled, besides the expressions and the key source.
 *
 * @param engine the matrix unit
 * @param emulated whether plain code stands for its instructions
 * @param headDim columns of queries and keys, padded
 * @param valueDim columns of values, padded
 * @param queryBlocks blocks of queries of a sub-group
 * @param keys keys of a tile
 * @param queriesHeld whether queries stay in registers
 * @param wide 64-bit distances inside a slice
 */
public record TileVariant(
        TileEngine engine,
        boolean emulated,
        int headDim,
        int valueDim,
        int queryBlocks,
        int keys,
        boolean queriesHeld,
        boolean wide) {
    /** Up to this wide, tiles are long. */
    private static final int NARROW = 64;

    /** Up to this wide, a sub-group of 64 has registers for two blocks of queries. */
    private static final int WIDEST_OF_TWO_BLOCKS = 128;

    /** Whether the kernel computes what the spec says. */
    public static boolean takes(TileEngine engine, AttentionSpec spec) {
        return !PlanesBlock.splits(spec)
                && MmaVariant.takes(spec, Integer.MAX_VALUE)
                && Math.max(spec.headDim(), spec.valueDim()) <= engine.widest();
    }

    /** Whether a run of such a spec has rows that can be moved in chunks. */
    public static boolean suits(AttentionSpec spec, AttentionArguments a) {
        return MmaVariant.suits(spec, a);
    }

    /** The variant for a spec. */
    public static TileVariant of(TileEngine engine, boolean emulated, AttentionSpec spec) {
        int headDim = padded(spec.headDim());
        int valueDim = padded(spec.valueDim());
        int widest = Math.max(headDim, valueDim);
        int blocks = engine == TileEngine.MFMA && widest <= WIDEST_OF_TWO_BLOCKS ? 2 : 1;
        int keys = switch (engine) {
            case MFMA -> widest <= NARROW ? 64 : 32;
            case WMMA -> 32;
            case DPAS8, DPAS16 -> widest <= NARROW ? 32 : 16;
        };
        boolean held = engine != TileEngine.DPAS16 || widest <= NARROW; // the compiler spills a few of them otherwise
        return new TileVariant(engine, emulated, headDim, valueDim, blocks, keys, held, false);
    }

    private static int padded(int dim) {
        return Math.ceilDiv(dim, 32) * 32;
    }

    /** The same with 64-bit distances. */
    public TileVariant widened() {
        return new TileVariant(engine, emulated, headDim, valueDim, queryBlocks, keys, queriesHeld, true);
    }

    /** Query rows of a work-group. */
    public int rows() {
        return engine.subGroups(emulated) * engine.blockColumns() * queryBlocks;
    }

    public int workItems() {
        return engine.subGroups(emulated) * engine.lanes();
    }

    String defines() {
        return engine.defines(emulated) + "#define QK_DIM " + headDim + "\n#define V_DIM " + valueDim
                + "\n#define SUB_GROUPS " + engine.subGroups(emulated) + "\n#define QUERY_BLOCKS " + queryBlocks
                + "\n#define KEYS " + keys + "\n#define QUERIES_HELD " + (queriesHeld ? 1 : 0) + "\n#define WIDE "
                + (wide ? 1 : 0) + "\n";
    }
}
