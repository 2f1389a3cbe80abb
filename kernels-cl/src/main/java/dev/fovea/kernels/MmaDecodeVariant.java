package dev.fovea.kernels;

import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.Normaliser;

/**
 * What is fixed when the decode kernel for NVIDIA's mma.sync is compiled, besides the expressions and the key source.
 *
 * @param headDim columns of queries and keys
 * @param valueDim columns of values
 * @param columns of them that a work-group takes
 * @param rowBlocks blocks of eight query rows of a work-group
 * @param keyBlocks blocks of 16 keys that a warp takes at a time
 * @param warps of a work-group, each with keys of its own
 * @param scored whether there is a cap or a score expression; without one the scale goes into the exponent
 * @param wide 64-bit distances inside a slice
 */
public record MmaDecodeVariant(
        int headDim, int valueDim, int columns, int rowBlocks, int keyBlocks, int warps, boolean scored, boolean wide)
        implements DecodeKernel {
    private static final int WARP = 32;
    private static final int WARPS = 4;
    private static final int BLOCK_ROWS = 8;
    private static final int WIDEST = 256;

    /** Up to this wide, a warp has registers for two blocks of rows. */
    private static final int WIDEST_OF_TWO_BLOCKS = 128;

    private static final int MOST_COLUMNS = 128;

    /** Up to so many bytes of a key and its value there are registers for two blocks of keys. */
    private static final int MOST_OF_TWO_KEY_BLOCKS = 256;

    /** Bytes of a key or value that are loaded at a time, and pieces of that size of a value that a warp takes at once. */
    private static final int CHUNK = 16;

    private static final int CHUNKS_OF_VALUE = 8;

    /** A looked-up row is so many chunks from the first, in 32 bits. */
    private static final long MOST_CHUNKS = 1L << 32;

    /** Whether the kernel computes what the spec says. */
    public static boolean takes(AttentionSpec spec) {
        KeySource source = spec.source();
        KvFormat format = source.format();
        return spec.storage() != DType.F32
                && (format == KvFormat.of(spec.storage()) || format == KvFormat.INT8 || format == KvFormat.FP8)
                && spec.headDim() <= WIDEST
                && spec.headDim() % codes(format) == 0
                && spec.valueDim() % codes(format) == 0
                && spec.scores().isEmpty()
                && !spec.twoPasses()
                && !spec.past()
                && spec.normaliser() == Normaliser.SOFTMAX
                && source.rotary().isEmpty();
    }

    /** Whether a run of such a spec has keys and values that can be loaded in chunks, and a scale that the exponent can take. */
    public static boolean suits(AttentionSpec spec, AttentionArguments a) {
        return a.scale() > Float.MIN_NORMAL * 4
                && a.scale() < Float.MAX_VALUE / 4
                && inChunks(a.key(), spec.source().format())
                && inChunks(a.value(), spec.source().format());
    }

    private static boolean inChunks(Tensor t, KvFormat format) {
        int codes = codes(format);
        return KeyTables.aligned(t, format, codes) && t.span() / codes < MOST_CHUNKS;
    }

    private static int codes(KvFormat format) {
        return CHUNK / format.dtype().bytes();
    }

    /** The variant for at most this many rows. */
    public static MmaDecodeVariant of(AttentionSpec spec, long rows, boolean wide) {
        int atOnce = CHUNKS_OF_VALUE * codes(spec.source().format());
        int columns = Math.min(MOST_COLUMNS, Math.ceilDiv(spec.valueDim(), atOnce) * atOnce);
        boolean scored =
                !spec.cap().equals(Expressions.score()) || !spec.score().equals(Expressions.score());
        int blocks = rows > BLOCK_ROWS && spec.headDim() <= WIDEST_OF_TWO_BLOCKS ? 2 : 1;
        int bytes = (spec.headDim() + columns) * spec.source().format().dtype().bytes();
        boolean roomy = blocks == 1 && !(scored && spec.source().format().quantised());
        int keyBlocks = roomy && bytes <= MOST_OF_TWO_KEY_BLOCKS ? 2 : 1;
        return new MmaDecodeVariant(spec.headDim(), spec.valueDim(), columns, blocks, keyBlocks, WARPS, scored, wide);
    }

    @Override
    public int rows() {
        return BLOCK_ROWS * rowBlocks;
    }

    @Override
    public int workItems() {
        return WARP * warps;
    }

    @Override
    public int slices(int dim) {
        return Math.ceilDiv(dim, columns);
    }

    @Override
    public boolean merges() {
        return true;
    }

    @Override
    public KernelSource parts(AttentionSpec spec) {
        return Kernels.decode("mma_decode", "mma_decode.cl", defines(), spec);
    }

    @Override
    public KernelSource merge(AttentionSpec spec) {
        return Kernels.decode("decode_merge", "mma_decode.cl", defines(), spec);
    }

    private String defines() {
        return "#define HEAD_DIM " + headDim + "\n#define VALUE_DIM " + valueDim + "\n#define V_DIM " + columns
                + "\n#define ROW_BLOCKS " + rowBlocks + "\n#define KEY_BLOCKS " + keyBlocks + "\n#define WARPS " + warps
                + "\n#define SCORED "
                + (scored ? 1 : 0) + "\n#define WIDE " + (wide ? 1 : 0) + "\n";
    }
}
