package dev.fovea.kernels;

import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.KeyBand;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.KeySource.Layout;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.Normaliser;
import dev.fovea.api.spi.TuningPoint;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What is fixed when the kernel for sm_90a is compiled, besides the expressions and the key source.
 *
 * @param planes 16-bit planes of an operand: 1, or 2 for f32
 * @param headDim columns of queries and keys, padded
 * @param valueDim columns of values, padded
 * @param keys keys of a tile
 * @param consumers groups of 64 query rows
 * @param stages tiles of keys and values in local memory
 * @param bulkStore whether the copy engine can store the output
 * @param folded whether scores have no expression, so that the scale goes into the exponent
 * @param feederRegisters registers of a work-item that feeds
 * @param consumerRegisters registers of one that computes
 */
public record HopperVariant(
        int planes,
        int headDim,
        int valueDim,
        int keys,
        int consumers,
        int stages,
        boolean bulkStore,
        boolean folded,
        int feederRegisters,
        int consumerRegisters) {
    private static final int WIDEST = 256;
    private static final int WIDEST_OF_PLANES = 128;
    /** What a work-group of three groups of warps has for one work-item of each: setmaxnreg waits for ever for more. */
    private static final int REGISTERS = 504;

    /** From so many keys on, larger tiles pay where a mask leaves out some of the keys. */
    private static final long MASKED_KEYS_FOR_LARGER = 4096;

    /** From so many keys on, they do where all keys are seen. */
    private static final long KEYS_FOR_LARGER = 2048;

    /** From so many keys on, three groups of 64 rows share a tile of 64 columns even where a mask leaves some with less to do. */
    private static final long KEYS_FOR_THREE = 512;

    /** Keys of the largest tile of 128 columns beside which the queries of the next piece of work fit the local memory. */
    private static final int LARGER = 160;

    private static final int LEAST_PAGE = 8;

    /** What tuning may choose. */
    public static final TuningSpace SPACE = TuningSpace.of()
            .with("keys", 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192)
            .with("consumers", 2, 3)
            .with("stages", 2, 3);

    /** Registers of a work-item beside its scores, weights and outputs. */
    private static final int OTHER_REGISTERS = 20;

    /** What a feeder takes that judges no tiles, beside two and beside three groups of consumers. */
    private static final int PLAIN_FEEDER = 40;

    private static final int LEAST_FEEDER = 32;
    private static final int CONSUMER_OF_THREE = 160;
    private static final int LOCAL_BYTES = 231424;

    /** Whether the kernel computes what the spec says. */
    public static boolean takes(AttentionSpec spec) {
        KeySource source = spec.source();
        boolean f32 = spec.storage() == DType.F32;
        int widest = f32 ? WIDEST_OF_PLANES : WIDEST;
        boolean dims = Math.max(spec.headDim(), spec.valueDim()) <= widest && spec.valueDim() % 2 == 0;
        return dims
                && (f32 ? source.isDense() : spec.headDim() % 8 == 0)
                && spec.scores().isEmpty()
                && !spec.twoPasses()
                && spec.normaliser() == Normaliser.SOFTMAX
                && !spec.past()
                && source.selection() == KeySource.Selection.ALL
                && source.format() == KvFormat.of(spec.storage())
                && source.rotary().isEmpty();
    }

    /** Whether a run of such a spec has tensors that the copy engine can move, and numbers that the folded scale allows. */
    public static boolean suits(AttentionSpec spec, AttentionArguments a) {
        boolean paged = spec.source().layout() == Layout.PAGED;
        long page = a.key().size(2);
        boolean f32 = spec.storage() == DType.F32;
        boolean tensors = f32 || TensorMap.takes(a.query()) && TensorMap.takes(a.key()) && TensorMap.takes(a.value());
        return tensors
                && a.keys() > 0
                && a.scale() > Float.MIN_NORMAL * 4
                && a.scale() < Float.MAX_VALUE / 4
                && (!paged || page >= LEAST_PAGE && Long.bitCount(page) == 1)
                && together(a.output(), 2)
                && !AttentionBlock.needsWide(a);
    }

    /** Whether so many neighbours of the output can be written together. */
    static boolean together(Tensor output, int count) {
        boolean whole = output.offset() % count == 0 && output.size(3) % count == 0;
        for (int axis = 0; axis < 3; axis++) {
            whole &= AttentionBlock.stride(output, axis) % count == 0;
        }
        return whole;
    }

    /** Of so many keys the most that a row sees, as far as the band of the mask tells. */
    public static long keysSeen(AttentionSpec spec, long keys, Map<String, Number> scalars) {
        if (spec.source().positions()) {
            return keys;
        }
        KeyBand band = KeyBand.of(spec.mask(), scalars);
        return Math.clamp((long) band.left() + band.right() + 1, 0, keys);
    }

    /** The variant for a spec and a run whose rows see so many keys. */
    public static HopperVariant of(AttentionSpec spec, long keys) {
        boolean folded = spec.cap().equals(Expressions.score())
                && spec.score().equals(Expressions.score())
                && spec.probability().equals(Expressions.probability());
        boolean demanding = Kernels.judgesTiles(spec) || !spec.source().isDense();
        int headDim = padded(spec.headDim());
        int valueDim = padded(spec.valueDim());
        int widest = Math.max(headDim, valueDim);
        int feeder = demanding ? 72 : PLAIN_FEEDER;
        int of = 64;
        if (spec.storage() == DType.F32) {
            boolean plain = folded && !demanding;
            int tile = widest > of ? (plain ? 64 : 48) : plain ? 96 : 64;
            return two(2, headDim, valueDim, tile, 2, false, folded, feeder);
        }
        boolean bulk = storedInBulk(spec);
        boolean allSeen = spec.mask().equals(Expressions.constant(true));
        if (widest <= of && folded && !demanding && (allSeen || keys >= KEYS_FOR_THREE)) {
            return new HopperVariant(1, headDim, valueDim, 128, 3, 3, bulk, true, LEAST_FEEDER, CONSUMER_OF_THREE);
        }
        if (widest <= of) {
            return two(1, headDim, valueDim, 128, 3, bulk, folded, feeder);
        }
        if (widest <= WIDEST_OF_PLANES) {
            boolean plain = folded && !demanding;
            int tile = plain && keys >= (allSeen ? KEYS_FOR_LARGER : MASKED_KEYS_FOR_LARGER) ? tileFor(keys) : 128;
            return two(1, headDim, valueDim, tile, 2, bulk, folded, feeder);
        }
        if (valueDim <= WIDEST_OF_PLANES && spec.source().layout() != Layout.PAGED) {
            // what fits; 112 keys of 192 columns with values of 128 took 4 % longer than 128
            int tile = headDim > 192 && valueDim > of ? 96 : 128;
            return two(1, headDim, valueDim, tile, 2, bulk, folded, feeder);
        }
        return two(1, headDim, valueDim, 64, 2, bulk, folded, feeder);
    }

    /** The tile that takes least time for so many keys, the last tile counted as a whole one. */
    private static int tileFor(long keys) {
        // measured at 2048 to 16384 keys: 3 % less time a key
        double larger = Math.ceilDiv(keys, LARGER) * LARGER * 0.97;
        return larger < Math.ceilDiv(keys, 128) * 128 ? LARGER : 128;
    }

    private static HopperVariant two(
            int planes, int headDim, int valueDim, int keys, int stages, boolean bulk, boolean folded, int feeder) {
        int consumer = (REGISTERS - feeder) / 2 / 8 * 8;
        return new HopperVariant(planes, headDim, valueDim, keys, 2, stages, bulk, folded, feeder, consumer);
    }

    /** Pieces of queries in local memory: two where there is room, so that those of the next one are brought ahead. */
    private int queryStages() {
        return localBytes(2) <= LOCAL_BYTES ? 2 : 1;
    }

    /** Whether outputs are stored from where the queries were, which takes a second place for the queries of the next piece. */
    boolean throughQueries() {
        return bulkStore && queryStages() == 2 && panels(valueDim) <= panels(headDim);
    }

    private static boolean storedInBulk(AttentionSpec spec) {
        boolean one = spec.storage() != DType.F32 && !spec.partials();
        return one && spec.valueDim() % TensorMap.ALIGNMENT == 0;
    }

    private static int panels(int columns) {
        return Math.ceilDiv(columns, TensorMap.BOX_COLUMNS);
    }

    private int localBytes(int queryStages) {
        int key = panels(headDim) * 128;
        int value = panels(valueDim) * 128;
        int tiles = planes * (queryStages * rows() * key + stages * keys * (key + value));
        int factors = planes == 1 ? 0 : 2 * stages * 2 * (ScaledPlanes.HEAD + 2 * keys) * Float.BYTES;
        return tiles + factors;
    }

    /** The parameters that tuning may choose, as they are. */
    public TuningPoint point() {
        return TuningPoint.DEFAULTS
                .with("keys", keys)
                .with("consumers", consumers)
                .with("stages", stages);
    }

    /** The same for a spec with other parameters; empty if there is no such kernel. */
    public Optional<HopperVariant> with(AttentionSpec spec, TuningPoint point) {
        int groups = point.get("consumers", consumers);
        int feeder = consumers == 3 ? PLAIN_FEEDER : feederRegisters;
        HopperVariant v = new HopperVariant(
                planes,
                headDim,
                valueDim,
                point.get("keys", keys),
                groups,
                point.get("stages", stages),
                bulkStore,
                folded,
                groups == 3 ? LEAST_FEEDER : feeder,
                groups == 3 ? CONSUMER_OF_THREE : (REGISTERS - feeder) / 2 / 8 * 8);
        return v.possible(spec, feeder) ? Optional.of(v) : Optional.empty();
    }

    private boolean possible(AttentionSpec spec, int feeder) {
        boolean tiles = keys % 16 == 0 && keys >= 16 && keys <= WIDEST && stages >= 2 && stages <= 4;
        boolean pages = spec.source().layout() != Layout.PAGED || Integer.bitCount(keys) == 1;
        boolean groups = consumers == 2 || consumers == 3 && feeder <= PLAIN_FEEDER;
        // of two planes, products with the values are added to the outputs by ordinary additions, and weights are
        // split
        int outputs = (planes == 1 ? 1 : 2) * valueDim / 2;
        int weights = planes * keys / 4;
        boolean registers = keys / 2 + weights + outputs + OTHER_REGISTERS <= consumerRegisters;
        return tiles && pages && groups && registers && localBytes(1) <= LOCAL_BYTES;
    }

    /** The same with smaller tiles, which take fewer registers; null if there is none. */
    public @Nullable HopperVariant smaller() {
        int half = Math.ceilDiv(keys, 32) * 16;
        return half == keys
                ? null
                : new HopperVariant(
                        planes,
                        headDim,
                        valueDim,
                        half,
                        consumers,
                        stages,
                        bulkStore,
                        folded,
                        feederRegisters,
                        consumerRegisters);
    }

    private static int padded(int dim) {
        int step = dim <= 128 ? 32 : 64;
        return Math.ceilDiv(dim, step) * step;
    }

    /** Query rows of a work-group. */
    public int rows() {
        return 64 * consumers;
    }

    public int workItems() {
        return 128 * (consumers + 1);
    }

    String defines() {
        return "#define PLANES " + planes + "\n#define HEAD_DIM " + headDim + "\n#define VALUE_DIM " + valueDim
                + "\n#define KEYS " + keys + "\n#define CONSUMERS " + consumers + "\n#define STAGES " + stages
                + "\n#define QUERY_STAGES " + queryStages()
                + "\n#define BULK_STORE " + (throughQueries() ? 1 : 0) + "\n#define FOLDED " + (folded ? 1 : 0)
                + "\n#define FEEDER_REGISTERS " + feederRegisters + "\n#define CONSUMER_REGISTERS "
                + consumerRegisters + "\n";
    }

    /** The products of this width. */
    String products(DType storage) {
        return WgmmaText.of(storage == DType.BF16 ? "bf16" : "f16", keys, valueDim);
    }
}
