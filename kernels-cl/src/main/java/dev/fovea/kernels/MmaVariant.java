package dev.fovea.kernels;

import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.KeySource.Selection;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.Normaliser;
import dev.fovea.api.spi.TuningPoint;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What is fixed when the kernel for NVIDIA's mma.sync is compiled, besides the expressions and the key source.
 *
 * @param planes bf16 planes of an operand: 1, or 3 for f32
 * @param headDim columns of queries and keys, padded
 * @param valueDim columns of values, padded
 * @param warps of a work-group
 * @param rowBlocks blocks of 16 query rows of a warp
 * @param keys keys of a tile
 * @param stages tiles of keys and values that there is local memory for: with two, warps wait for each other at every tile
 * @param scored whether there is a cap or a score expression; without one the scale goes into the exponent
 * @param wide 64-bit distances inside a slice
 */
public record MmaVariant(
        int planes,
        int headDim,
        int valueDim,
        int warps,
        int rowBlocks,
        int keys,
        int stages,
        boolean scored,
        boolean wide) {
    private static final int WARP = 32;
    private static final int WIDEST = 256;
    private static final int WIDEST_OF_PLANES = 128;

    /** Up to this wide, a warp has registers for the outputs of 32 rows. */
    private static final int WIDEST_OF_TWO_BLOCKS = 128;

    /** Elements that are moved at a time. */
    private static final int CHUNK = 8;

    /** What tuning may choose. */
    public static final TuningSpace SPACE = TuningSpace.of()
            .with("warps", 4, 8)
            .with("rowBlocks", 1, 2)
            .with("keys", 32, 64, 96, 128)
            .with("stages", 2, 4);

    /** Whether the kernel computes what the spec says, where a work-group can have so much local memory. */
    public static boolean takes(AttentionSpec spec, int localBytes) {
        KeySource source = spec.source();
        boolean dims = PlanesBlock.splits(spec)
                ? Math.max(spec.headDim(), spec.valueDim()) <= WIDEST_OF_PLANES
                        && spec.valueDim() % 2 == 0
                        && source.isDense()
                        && !spec.past()
                : Math.max(spec.headDim(), spec.valueDim()) <= WIDEST
                        && spec.headDim() % CHUNK == 0
                        && spec.valueDim() % CHUNK == 0;
        return dims
                && find(spec, localBytes) != null
                && spec.scores().isEmpty()
                && !spec.twoPasses()
                && spec.normaliser() == Normaliser.SOFTMAX
                && source.selection() == Selection.ALL
                && source.format() == KvFormat.of(spec.storage())
                && source.rotary().isEmpty();
    }

    /** Whether a run of such a spec has rows that can be moved in chunks, and a scale that the exponent can take. */
    public static boolean suits(AttentionSpec spec, AttentionArguments a) {
        boolean tensors = PlanesBlock.splits(spec)
                ? inPieces(a.output(), 2)
                : Stream.of(a.query(), a.key(), a.value(), a.output()).allMatch(t -> inPieces(t, CHUNK))
                        && (a.pastKey() == null || inPieces(a.pastKey(), CHUNK))
                        && (a.pastValue() == null || inPieces(a.pastValue(), CHUNK));
        return tensors && a.scale() > Float.MIN_NORMAL * 4 && a.scale() < Float.MAX_VALUE / 4;
    }

    /** Whether rows begin at multiples of so many elements. */
    private static boolean inPieces(Tensor t, int elements) {
        boolean whole = t.offset() % elements == 0;
        for (int axis = 0; axis < 3; axis++) {
            whole &= AttentionBlock.stride(t, axis) % elements == 0;
        }
        return whole;
    }

    /** The variant for a spec that {@link #takes} lets pass. */
    public static MmaVariant of(AttentionSpec spec, int localBytes) {
        MmaVariant found = find(spec, localBytes);
        if (found == null) {
            throw new IllegalArgumentException(localBytes + " bytes of local memory hold no tiles of " + spec);
        }
        return found;
    }

    private static @Nullable MmaVariant find(AttentionSpec spec, int localBytes) {
        int headDim = padded(spec.headDim());
        int valueDim = padded(spec.valueDim());
        boolean scored =
                !spec.cap().equals(Expressions.score()) || !spec.score().equals(Expressions.score());
        if (PlanesBlock.splits(spec)) {
            boolean narrow = Math.max(headDim, valueDim) <= 64;
            for (int warps = narrow ? 4 : 8; warps >= 4; warps /= 2) {
                MmaVariant v = new MmaVariant(3, headDim, valueDim, warps, narrow ? 2 : 1, 32, 2, scored, false);
                if (v.localBytes() <= localBytes) {
                    return v;
                }
            }
            return null;
        }
        // where one work-group fills the local memory, it brings all the warps there is room for
        int mostWarps = headDim + valueDim > 2 * WIDEST_OF_TWO_BLOCKS ? 8 : 4;
        for (int rowBlocks = valueDim <= WIDEST_OF_TWO_BLOCKS ? 2 : 1; rowBlocks > 0; rowBlocks--) {
            for (int keys = Math.max(headDim, valueDim) <= 64 ? 128 : 64; keys >= 32; keys /= 2) {
                for (int warps = mostWarps; warps >= 4; warps /= 2) {
                    MmaVariant v = new MmaVariant(1, headDim, valueDim, warps, rowBlocks, keys, 2, scored, false);
                    if (v.localBytes() <= localBytes) {
                        return v;
                    }
                }
            }
        }
        return null;
    }

    /** The parameters that tuning may choose, as they are. */
    public TuningPoint point() {
        return TuningPoint.DEFAULTS
                .with("warps", warps)
                .with("rowBlocks", rowBlocks)
                .with("keys", keys)
                .with("stages", stages);
    }

    /** The same with other parameters, where a work-group can have so much local memory; empty if there is no such kernel. */
    public Optional<MmaVariant> with(TuningPoint point, int localBytes) {
        MmaVariant v = new MmaVariant(
                planes,
                headDim,
                valueDim,
                point.get("warps", warps),
                point.get("rowBlocks", rowBlocks),
                point.get("keys", keys),
                point.get("stages", stages),
                scored,
                wide);
        return v.possible() && v.localBytes() <= localBytes ? Optional.of(v) : Optional.empty();
    }

    private boolean possible() {
        boolean shape = List.of(2, 4, 8).contains(warps)
                && rowBlocks >= 1
                && rowBlocks <= (valueDim <= WIDEST_OF_TWO_BLOCKS ? 2 : 1)
                && keys >= 16
                && keys <= 128
                && keys % 16 == 0
                && stages >= 2
                && stages <= 8;
        return shape
                && keys % rowsAtOnce(headDim) == 0
                && keys % rowsAtOnce(valueDim) == 0
                && rows() % rowsAtOnce(headDim) == 0;
    }

    /** Rows that the work-items copy at a time, neighbours eight columns each. */
    private int rowsAtOnce(int dim) {
        int chunks = dim / CHUNK;
        return workItems() / (chunks % 8 != 0 ? 4 : chunks % 16 != 0 ? 8 : 16);
    }

    private static int padded(int dim) {
        int step = dim <= 128 ? 32 : 64;
        return Math.ceilDiv(dim, step) * step;
    }

    /** The same with 64-bit distances. */
    public MmaVariant widened() {
        return new MmaVariant(planes, headDim, valueDim, warps, rowBlocks, keys, stages, scored, true);
    }

    /** Query rows of a work-group. */
    public int rows() {
        return 16 * rowBlocks * warps;
    }

    public int workItems() {
        return WARP * warps;
    }

    /** Local memory of a work-group: its queries, whose place a 16-bit output takes, and tiles of keys and of values. */
    public int localBytes() {
        int widestRow = planes == 1 ? Math.max(headDim, valueDim) : headDim;
        return planes * (2 * rows() * widestRow + 2 * stages * keys * (headDim + valueDim)) + (stages > 2 ? 128 : 0);
    }

    String defines() {
        return "#define QK_DIM " + headDim + "\n#define V_DIM " + valueDim + "\n#define WARPS " + warps
                + "\n#define ROW_BLOCKS " + rowBlocks + "\n#define KEYS " + keys + "\n#define STAGES " + stages
                + "\n#define SCORED "
                + (scored ? 1 : 0) + "\n#define WIDE " + (wide ? 1 : 0)
                + "\n";
    }
}
