package dev.fovea.opencl;

import static dev.fovea.opencl.Launches.memory;
import static dev.fovea.opencl.Launches.optional;

import dev.fovea.api.FoveaException.KernelBuild;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeySource.Layout;
import dev.fovea.api.spec.KeySource.Selection;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.TuningPoint;
import dev.fovea.kernels.AttentionBlock;
import dev.fovea.kernels.DecodeBlock;
import dev.fovea.kernels.DecodeCut;
import dev.fovea.kernels.DecodeKernel;
import dev.fovea.kernels.DecodeVariant;
import dev.fovea.kernels.Kernels;
import dev.fovea.kernels.MmaDecodeVariant;
import dev.fovea.kernels.Tickets;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceStream;
import dev.fovea.opencl.runtime.KernelArgument;
import dev.fovea.opencl.runtime.KernelArgument.Memory;
import dev.fovea.opencl.runtime.KernelArgument.Value;
import dev.fovea.opencl.runtime.Launch;
import dev.fovea.opencl.runtime.MatrixEngine;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Few query rows over many keys: a launch over parts of the keys, by mma_decode.cl where the device has such units, which merges them too,
 * and by decode.cl elsewhere, with another launch that does; so, too, where a schedule says which parts there are.
 */
final class DecodePath implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(DecodePath.class.getName());

    /** Above this many rows that share their keys, tiles of queries use the keys better, */
    private static final long MOST_ROWS = 16;

    /** but of up to this many queries a head, since a tile is of one head. */
    private static final int FEW_QUERIES = 4;

    /** Below this many keys parts cost more than they gain. */
    private static final long FEWEST_KEYS = 128;

    /** What a work-group reads of keys and values, so that its own costs are small beside and many work-groups share the device. */
    private static final int PART_KIB = 128;

    private static final String KEY_LANES = "keyLanes";
    private static final String PART = "partKiB";
    private static final int SHORTEST_PART = 128;
    private static final int LONGEST_PART = 1024;
    private static final int RESULTS = 5;

    private final OpenClBackend backend;
    private final AttentionSpec spec;
    private final int fixedLength;
    private final Map<DecodeKernel, Pair> built = new HashMap<>();
    private final int keyLanes;
    private final int partKib;
    private boolean onMatrixUnits;

    private record Pair(ContextKernel parts, ContextKernel merge) {}

    /** How a run goes this way. */
    record Work(DecodeKernel variant, DecodeCut cut, long workspaceBytes) {}

    DecodePath(OpenClBackend backend, AttentionSpec spec, TuningPoint point) {
        this(backend, spec, 0, point);
    }

    /** With parts of this many keys, for tests; 0: as the device needs. */
    DecodePath(OpenClBackend backend, AttentionSpec spec, int fixedLength) {
        this(backend, spec, fixedLength, TuningPoint.DEFAULTS);
    }

    private DecodePath(OpenClBackend backend, AttentionSpec spec, int fixedLength, TuningPoint point) {
        this.backend = backend;
        this.spec = spec;
        this.fixedLength = fixedLength;
        this.onMatrixUnits = onMatrixUnits(backend.context(), spec);
        TuningPoint usual = usual(spec);
        this.keyLanes = point.get(KEY_LANES, usual.get(KEY_LANES, 0));
        this.partKib = point.get(PART, PART_KIB);
    }

    /** Whether a spec can go this way at all. */
    static boolean takes(DeviceInfo device, AttentionSpec spec) {
        return spec.scores().isEmpty()
                && !spec.twoPasses()
                && device.maxWorkGroup() >= DecodeVariant.THREADS
                && DecodeVariant.of(spec, 1, false, false, true).fits();
    }

    /** Whether runs of a spec go to matrix units as long as their kernels build. */
    static boolean onMatrixUnits(DeviceContext context, AttentionSpec spec) {
        return MatrixEngine.MMA_SYNC.isOn(context.device())
                && MmaDecodeVariant.takes(spec)
                && EngineSelfTests.verdict(MatrixEngine.MMA_SYNC, context).passed();
    }

    /** What tuning may choose, as it is. */
    static TuningPoint usual(AttentionSpec spec) {
        return TuningPoint.DEFAULTS
                .with(KEY_LANES, DecodeVariant.usualKeyLanes(spec))
                .with(PART, PART_KIB);
    }

    /** What is left to choose on matrix units, where work-items have no lanes of keys. */
    static Predicate<TuningPoint> hasUsualLanes(AttentionSpec spec) {
        int lanes = DecodeVariant.usualKeyLanes(spec);
        return point -> point.get(KEY_LANES, lanes) == lanes;
    }

    /** Whether the kernel can be so for a spec. */
    static boolean fits(AttentionSpec spec, TuningPoint point) {
        int lanes = point.get(KEY_LANES, DecodeVariant.usualKeyLanes(spec));
        int part = point.get(PART, PART_KIB);
        return (lanes == 4 || lanes == 8)
                && part >= 1
                && part <= 1 << 14
                && DecodeVariant.of(spec, lanes, 1, false, false, true).fits();
    }

    /** How a run goes this way, or null where it should not: its rows are not few or its keys not many. */
    @Nullable
    Work suited(AttentionArguments a) {
        boolean few = DecodeCut.sharedRows(spec, a) <= MOST_ROWS || DecodeCut.setQueries(a) <= FEW_QUERIES;
        if (!few || a.keys() < FEWEST_KEYS) {
            return null;
        }
        Work work = work(a);
        return work.workspaceBytes <= backend.info().maxAllocationBytes() / 4 ? work : null;
    }

    private Work work(AttentionArguments a) {
        DecodeKernel variant = variant(a);
        DecodeCut cut = DecodeCut.of(spec, a, variant.rows(), splitLength(a.batch(), a.keys()));
        return new Work(variant, cut, DecodeBlock.workspace(spec, a, cut));
    }

    private DecodeKernel variant(AttentionArguments a) {
        long rows = DecodeCut.sharedRows(spec, a);
        boolean wide = AttentionBlock.needsWide(a);
        if (usesMatrixUnits() && MmaDecodeVariant.suits(spec, a)) {
            MmaDecodeVariant variant = MmaDecodeVariant.of(spec, rows, wide);
            if (canBuild(variant, backend.context())) {
                return variant;
            }
        }
        return DecodeVariant.of(spec, keyLanes, rows, DecodeBlock.aligned(spec, a), wide, isUnrolled());
    }

    private boolean isUnrolled() {
        return backend.info().kind() != DeviceInfo.Kind.OPENCL_CPU;
    }

    private synchronized boolean usesMatrixUnits() {
        return onMatrixUnits;
    }

    /** Whether kernels for matrix units build; where they do not, no run takes them any more. */
    private boolean canBuild(MmaDecodeVariant variant, DeviceContext context) {
        try {
            build(variant, context);
            return true;
        } catch (KernelBuild e) {
            LOG.log(System.Logger.Level.WARNING, "decoding without mma.sync: " + e.getMessage());
            synchronized (this) {
                onMatrixUnits = false;
            }
            return false;
        }
    }

    private void build(DecodeKernel variant, DeviceContext context) {
        Pair pair = kernels(variant);
        pair.parts.in(context);
        pair.merge.in(context);
    }

    /** Of what a schedule knows too, so that it cuts as a run without one does. */
    private int splitLength(long batch, long keys) {
        if (fixedLength > 0) {
            return fixedLength;
        }
        long bytes = (long) (spec.source().format().elements(spec.headDim())
                        + spec.source().format().elements(spec.valueDim()))
                * spec.source().format().dtype().bytes();
        long length = Math.clamp(Long.highestOneBit(((long) partKib << 10) / bytes), SHORTEST_PART, LONGEST_PART);
        long units = Math.max(1, backend.info().computeUnits());
        long pairs = batch * spec.keyHeads();
        if (usesMatrixUnits() && everyPairSeesAllKeys()) {
            return EvenParts.length(pairs, keys, units, length);
        }
        // where there are many sequences, none has to be cut finely to fill the device
        long rounds = pairs * (usesMatrixUnits() ? EvenParts.GROUPS_AT_ONCE : 1) / units;
        return Math.toIntExact(length * Math.clamp(Long.highestOneBit(Math.max(1, rounds)), 1, 8));
    }

    private boolean everyPairSeesAllKeys() {
        return spec.mask().equals(Expressions.constant(true))
                && !spec.keyLengths()
                && spec.source().layout() == Layout.DENSE
                && spec.source().selection() == Selection.ALL;
    }

    private synchronized Pair kernels(DecodeKernel variant) {
        return built.computeIfAbsent(
                variant, v -> new Pair(new ContextKernel(v.parts(spec)), new ContextKernel(v.merge(spec))));
    }

    /** Builds the kernels of the usual case ahead of the first run. */
    void prepare(DeviceContext context) {
        long rows = spec.queryHeads() / Math.max(spec.keyHeads(), spec.valueHeads());
        if (!usesMatrixUnits() || !canBuild(MmaDecodeVariant.of(spec, rows, false), context)) {
            boolean aligned = spec.headDim() % 8 == 0 && spec.valueDim() % 8 == 0;
            build(DecodeVariant.of(spec, keyLanes, rows, aligned, false, isUnrolled()), context);
        }
    }

    void run(AttentionArguments a, DeviceContext context, DeviceStream stream) {
        run(a, work(a), context, stream);
    }

    void run(AttentionArguments a, Work work, DeviceContext context, DeviceStream stream) {
        if (a.batch() * a.queries() > 0) {
            boolean together =
                    a.schedule() == null && work.variant.merges() && work.cut.tickets(spec, a) <= Tickets.COUNT;
            KernelArgument tickets =
                    together ? new Memory(stream.tickets(context, Tickets.BYTES)) : KernelArgument.NONE;
            stream.run(
                    context,
                    Math.max(4, work.workspaceBytes),
                    workspace -> launches(a, work, context, new Memory(workspace), tickets));
        }
    }

    private List<Launch> launches(
            AttentionArguments a, Work work, DeviceContext context, Memory workspace, KernelArgument tickets) {
        DecodeKernel variant = work.variant;
        DecodeCut cut = work.cut;
        DecodeSchedule schedule = a.schedule() != null && a.schedule().device() instanceof DecodeSchedule d ? d : null;
        Pair kernels = kernels(variant);
        boolean together = tickets != KernelArgument.NONE;
        Value block = new Value(DecodeBlock.of(spec, a, cut, variant, schedule != null, together));
        List<KernelArgument> extra = Launches.keysAndExpressions(spec, a, kernels.parts.source());

        List<KernelArgument> parts = new ArrayList<>();
        parts.add(memory(a.query()));
        parts.add(memory(a.key()));
        parts.add(memory(a.value()));
        if (!variant.merges()) {
            parts.add(optional(a.pastKey()));
            parts.add(optional(a.pastValue()));
        }
        parts.add(optional(a.keyLengths()));
        parts.add(optional(a.queryOffsets()));
        parts.add(schedule == null ? KernelArgument.NONE : schedule.memory());
        if (variant.merges()) {
            parts.addAll(together ? results(a) : Collections.nCopies(RESULTS, KernelArgument.NONE));
        }
        parts.add(workspace);
        if (variant.merges()) {
            parts.add(tickets);
        }
        parts.add(block);
        parts.addAll(extra);
        long items = schedule == null ? a.batch() * cut.splits() : schedule.items();

        Launch first = new Launch(
                kernels.parts.in(context),
                parts,
                Launches.groups(items * cut.groups(spec, variant)),
                variant.workItems());
        if (together) {
            return List.of(first);
        }
        List<KernelArgument> merge = new ArrayList<>();
        merge.add(optional(a.keyLengths()));
        merge.add(optional(a.queryOffsets()));
        merge.addAll(results(a));
        merge.add(workspace);
        merge.add(block);
        merge.addAll(extra);
        long rows = a.batch() * spec.queryHeads() * a.queries();
        return List.of(
                first,
                new Launch(
                        kernels.merge.in(context),
                        merge,
                        Launches.groups(rows * Math.ceilDiv(spec.valueDim(), Kernels.MERGE_COLUMNS)),
                        Kernels.DECODE_MERGE_THREADS));
    }

    /** What merging reads and writes besides the parts. */
    private static List<KernelArgument> results(AttentionArguments a) {
        return List.of(
                optional(a.sinks()),
                memory(a.output()),
                optional(a.logSumExp()),
                optional(a.maxima()),
                optional(a.sums()));
    }

    /** Parts of sequences of these lengths, longest first; null where lists say which keys are seen. */
    @Nullable
    DecodeSchedule schedule(int[] queryLengths, int[] keyLengths) {
        if (spec.source().selection() != Selection.ALL) {
            return null;
        }
        int longest = Arrays.stream(keyLengths).max().orElse(0);
        int length = splitLength(queryLengths.length, longest);
        return DecodeSchedule.of(backend.context(), spec, queryLengths, keyLengths, length);
    }

    String describe() {
        return (usesMatrixUnits() ? "mma_decode.cl (mma.sync)" : "decode.cl") + " where at most " + MOST_ROWS
                + " query rows, or " + FEW_QUERIES + " queries, share "
                + FEWEST_KEYS + " keys or more: work-groups of " + DecodeVariant.THREADS
                + " over parts of the keys, merged in order";
    }

    @Override
    public synchronized void close() {
        built.values().forEach(p -> {
            p.parts.close();
            p.merge.close();
        });
        built.clear();
    }
}
