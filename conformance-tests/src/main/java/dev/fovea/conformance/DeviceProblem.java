package dev.fovea.conformance;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.KeyArguments;
import dev.fovea.api.spec.KeySource.Layout;
import dev.fovea.api.spec.KvFormat;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The inputs of a problem on a device, in the layout that its spec asks for. */
final class DeviceProblem implements AutoCloseable {
    private final Backend backend;
    private final HostProblem p;
    private final AttentionCase.Layout order;
    private final KeyPlacement placement;
    private final List<AutoCloseable> open = new ArrayList<>();
    private final int[] queryStarts;

    DeviceProblem(Backend backend, HostProblem p, AttentionCase.Layout order) {
        this.backend = backend;
        this.p = p;
        this.order = order;
        this.placement = new KeyPlacement(p, 7);
        this.queryStarts = new int[p.batch() + 1];
        for (int b = 0; b < p.batch(); b++) {
            queryStarts[b + 1] = queryStarts[b] + p.queryLength(b);
        }
    }

    private boolean packed() {
        return p.spec().source().packedQueries();
    }

    /** Batch axis of query and outputs. */
    int outerRows() {
        return packed() ? 1 : p.batch();
    }

    /** Position axis of query and outputs. */
    int innerRows() {
        return packed() ? queryStarts[p.batch()] : p.queries();
    }

    /** Everything but the outputs, which are given. */
    AttentionArguments arguments(Tensor output, @Nullable Tensor logSumExp, @Nullable Tensor scores) {
        QuantisedRows qk = p.source().key();
        QuantisedRows qv = p.source().value();
        return new AttentionArguments(
                keep(Guarded.input(backend, packedRows(p.query()), order)).tensor(),
                qk == null ? floats(p.key()) : bytes(qk, p.spec().keyHeads()),
                qv == null ? floats(p.value()) : bytes(qv, p.spec().valueHeads()),
                output,
                p.scale(),
                guarded(p.pastKey()),
                guarded(p.pastValue()),
                p.spec().keyLengths() ? upload(p.keyLengths()) : null,
                upload(p.queryOffsets()),
                p.spec().sink() ? upload(p.sinks()) : null,
                logSumExp,
                scores,
                captures(),
                p.scalars(),
                source(),
                null,
                null,
                null);
    }

    private KeyArguments source() {
        KeyArguments a = KeyArguments.NONE;
        if (packed()) {
            a = a.withQueryStarts(keep(backend.copyOf(queryStarts, queryStarts.length)));
        }
        int[] starts = placement.starts();
        if (starts != null) {
            a = a.withKeyStarts(keep(backend.copyOf(starts, starts.length)));
        }
        int[] table = placement.table();
        if (table != null) {
            a = a.withPageTable(keep(backend.copyOf(table, placement.tableShape())));
        }
        HostTensor positions = p.source().positions();
        if (positions != null) {
            a = a.withKeyPositions(positions(positions));
        }
        HostSelection selected = p.source().selected();
        if (selected != null) {
            int[] lists = integers(selected.lists());
            Tensor l = keep(backend.listsOf(
                    lists, integers(selected.counts()), sizes(selected.lists().shape())));
            Tensor n = keep(selected.counts().upload(backend));
            a = a.withSelected(new KeyArguments.Selected(l, n, selected.queryBlock(), selected.keyBlock()));
        }
        if (p.source().cosines() != null) {
            a = a.withRotary(
                    Objects.requireNonNull(upload(p.source().cosines())),
                    Objects.requireNonNull(upload(p.source().sines())));
        }
        QuantisedRows k = p.source().key();
        QuantisedRows v = p.source().value();
        if (k != null && v != null) {
            int hk = p.spec().keyHeads();
            int hv = p.spec().valueHeads();
            boolean zeros = k.format().scalesPositions();
            a = a.withScales(
                    scales(k, hk, false),
                    zeros ? scales(k, hk, true) : null,
                    scales(v, hv, false),
                    zeros ? scales(v, hv, true) : null);
        }
        return a;
    }

    private Tensor positions(HostTensor t) {
        int[] shape = t.shape();
        int s = shape[shape.length - 1];
        int capacity = placement.capacity();
        int[] all = new int[Arrays.stream(shape).reduce(1, (a, b) -> a * b) / Math.max(1, s) * capacity];
        for (int i = 0; i < t.values().length; i++) {
            all[i / s * capacity + i % s] = (int) t.values()[i];
        }
        shape[shape.length - 1] = capacity;
        return keep(backend.copyOf(all, sizes(shape)));
    }

    private static int[] integers(HostTensor t) {
        return Arrays.stream(t.values()).mapToInt(x -> (int) x).toArray();
    }

    private static long[] sizes(int[] shape) {
        return Arrays.stream(shape).asLongStream().toArray();
    }

    /** [B, H, S, D] as [1, H, T, D], or as it is. */
    private HostTensor packedRows(HostTensor t) {
        if (!packed()) {
            return t;
        }
        int heads = t.size(1);
        int dim = t.size(3);
        int total = innerRows();
        double[] out = new double[heads * total * dim];
        for (int b = 0; b < p.batch(); b++) {
            for (int h = 0; h < heads; h++) {
                for (int i = 0; i < p.queryLength(b) * dim; i++) {
                    out[(h * total + queryStarts[b]) * dim + i] = t.values()[((b * heads + h) * t.size(2)) * dim + i];
                }
            }
        }
        return new HostTensor(t.dtype(), out, 1, heads, total, dim);
    }

    /** Rows [outer, H, inner, width] as the device wrote them, in the shape of the reference; padding is 0. */
    double[] unpacked(double[] rows, int heads, int width) {
        if (!packed()) {
            return rows;
        }
        double[] out = new double[p.batch() * heads * p.queries() * width];
        for (int b = 0; b < p.batch(); b++) {
            for (int h = 0; h < heads; h++) {
                for (int i = 0; i < p.queryLength(b) * width; i++) {
                    out[(b * heads + h) * p.queries() * width + i] =
                            rows[(h * innerRows() + queryStarts[b]) * width + i];
                }
            }
        }
        return out;
    }

    /** Keys or values where they lie; NaN wherever no key is. */
    private Tensor floats(HostTensor t) {
        if (p.spec().source().layout() == Layout.DENSE) {
            return keep(Guarded.input(backend, t, order)).tensor();
        }
        int heads = t.size(1);
        int dim = t.size(3);
        double[] out = new double[placement.outer() * heads * placement.rows() * dim];
        Arrays.fill(out, Double.NaN);
        each(heads, (source, target) -> System.arraycopy(t.values(), source * dim, out, target * dim, dim));
        HostTensor physical = new HostTensor(t.dtype(), out, placement.outer(), heads, placement.rows(), dim);
        return keep(Guarded.input(backend, physical, order)).tensor();
    }

    private interface Move {
        void row(int source, int target);
    }

    /** Each key's row in [B, H, S] and in [outer, H, rows]; keys beyond the length, whatever they hold, are not placed. */
    private void each(int heads, Move move) {
        int keys = p.keys();
        int group = Math.max(1, heads / p.spec().keyHeads());
        boolean all = p.spec().source().layout() == Layout.DENSE;
        for (int b = 0; b < p.batch(); b++) {
            for (int h = 0; h < heads; h++) {
                int keyHead = heads < p.spec().keyHeads() ? 0 : h / group;
                for (int k = 0; k < keys; k++) {
                    int slot = placement.slot(b, keyHead, k);
                    boolean there = all || k < longest(b);
                    if (slot >= 0 && there) {
                        int target = (slot / placement.rows() * heads + h) * placement.rows() + slot % placement.rows();
                        move.row((b * heads + h) * keys + k, target);
                    }
                }
            }
        }
    }

    /** Keys that some head of a sequence has. */
    private int longest(int b) {
        int most = 0;
        for (int h = 0; h < p.spec().queryHeads(); h++) {
            most = Math.max(most, p.keyLength(b, h));
        }
        return most;
    }

    private Tensor bytes(QuantisedRows rows, int heads) {
        int width = rows.width();
        byte[] out = new byte[placement.outer() * heads * placement.rows() * width];
        Arrays.fill(out, (byte) 0x7f);
        each(heads, (source, target) -> System.arraycopy(rows.bytes(source), 0, out, target * width, width));
        return keep(backend.copyOf(
                MemorySegment.ofArray(out), DType.BYTE, placement.outer(), heads, placement.rows(), width));
    }

    private Tensor scales(QuantisedRows rows, int heads, boolean zeros) {
        if (rows.format() == KvFormat.FP8) {
            float[] out = new float[placement.outer() * heads];
            Arrays.fill(out, Float.NaN);
            each(heads, (source, target) -> out[target / placement.rows()] = (float) rows.scale(source));
            return keep(backend.copyOf(out, placement.outer(), heads));
        }
        float[] out = new float[placement.outer() * heads * placement.rows()];
        Arrays.fill(out, Float.NaN);
        each(heads, (source, target) -> out[target] = (float) (zeros ? rows.zero(source) : rows.scale(source)));
        return keep(backend.copyOf(out, DType.F16, placement.outer(), heads, placement.rows()));
    }

    private Map<String, Tensor> captures() {
        Map<String, Tensor> all = new HashMap<>();
        p.spec().captures().forEach((name, capture) -> {
            HostTensor host = Objects.requireNonNull(p.captures().get(name));
            Tensor t = keep(host.upload(backend));
            if (capture.rank() == 4) {
                int last = host.size(host.rank() - 1);
                t = keep(t.broadcastTo(p.batch(), p.spec().queryHeads(), p.queries(), last == 1 ? p.keys() : last));
            }
            all.put(name, t);
        });
        return all;
    }

    private @Nullable Tensor guarded(@Nullable HostTensor t) {
        return t == null
                ? null
                : keep(Guarded.input(backend, t, AttentionCase.Layout.BHSD)).tensor();
    }

    private @Nullable Tensor upload(@Nullable HostTensor t) {
        return t == null ? null : keep(t.upload(backend));
    }

    <T extends AutoCloseable> T keep(T t) {
        open.add(t);
        return t;
    }

    @Override
    public void close() {
        for (AutoCloseable c : open.reversed()) {
            switch (c) {
                case Guarded g -> g.close();
                case Tensor t -> t.close();
                default -> throw new IllegalStateException();
            }
        }
    }
}
