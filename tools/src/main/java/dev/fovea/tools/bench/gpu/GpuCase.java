package dev.fovea.tools.bench.gpu;

import dev.fovea.api.DType;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.tools.Json;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * A computation to time.
 *
 * @param format of keys and values
 * @param bshd whether heads lie inside positions, [B, S, H, D], for all four tensors
 * @param logSumExp whether it is an output too
 */
record GpuCase(
        String name,
        Kind kind,
        int batch,
        int heads,
        int keyHeads,
        int queries,
        int keys,
        int headDim,
        int valueDim,
        DType dtype,
        KvFormat format,
        Pairs pairs,
        boolean bshd,
        boolean logSumExp) {
    enum Kind {
        /** Attention calls, queued. */
        ATTENTION,
        /** A copy of queries x keys F32 elements. */
        COPY,
        /** What a call of attention costs the host. */
        HOST
    }

    /** A sampled row of the output. */
    record Row(int batch, int head, int query) {}

    private static final int ROWS = 64;
    private static final int NEIGHBOURS = 4;

    static GpuCase of(String name, int batch, int heads, int positions, int dim, DType dtype, Pairs pairs) {
        return new GpuCase(
                name,
                Kind.ATTENTION,
                batch,
                heads,
                heads,
                positions,
                positions,
                dim,
                dim,
                dtype,
                KvFormat.of(dtype),
                pairs,
                false,
                false);
    }

    static GpuCase decode(String name, DType dtype, KvFormat format) {
        Pairs all = new Pairs.Full();
        return new GpuCase(name, Kind.ATTENTION, 8, 32, 8, 1, 32768, 128, 128, dtype, format, all, false, false);
    }

    /** The same with four query heads a key head, the strides of [B, S, H, D] and log-sum-exp. */
    GpuCase withOptions(String newName) {
        return copy(newName, kind, heads / 4, valueDim, true);
    }

    GpuCase withValueDim(int dim) {
        return copy(name, kind, keyHeads, dim, bshd);
    }

    GpuCase as(Kind other) {
        return copy(name, other, keyHeads, valueDim, bshd);
    }

    private GpuCase copy(String newName, Kind newKind, int newKeyHeads, int newValueDim, boolean options) {
        return new GpuCase(
                newName,
                newKind,
                batch,
                heads,
                newKeyHeads,
                queries,
                keys,
                headDim,
                newValueDim,
                dtype,
                format,
                pairs,
                options,
                options);
    }

    /** One sequence, few heads and {@code by} times fewer positions: for machines that only try the suite. */
    GpuCase shrunk(int by) {
        if (by == 1) {
            return this;
        }
        int group = heads / keyHeads;
        int few = Math.min(heads, 4);
        int fewer = queries == 1 ? 1 : Math.max(8, queries / by);
        int fewerKeys = Math.max(8, keys / by);
        return new GpuCase(
                name,
                kind,
                1,
                few,
                few / group,
                fewer,
                fewerKeys,
                headDim,
                valueDim,
                dtype,
                format,
                pairs.shrunk(by, fewerKeys),
                bshd,
                logSumExp);
    }

    long queryElements() {
        return (long) batch * heads * queries * headDim;
    }

    long keyElements() {
        return (long) batch * keyHeads * keys * headDim;
    }

    long valueElements() {
        return (long) batch * keyHeads * keys * valueDim;
    }

    long outputElements() {
        return (long) batch * heads * queries * valueDim;
    }

    long copied() {
        return (long) queries * keys;
    }

    /** Multiplications and additions of both products over visible pairs. */
    double flops() {
        if (kind == Kind.COPY) {
            return 0;
        }
        double visible = 0;
        for (int q = 0; q < queries; q++) {
            visible += pairs.to(q, keys) - pairs.from(q);
        }
        return 2 * visible * (headDim + valueDim) * batch * heads;
    }

    /** Each tensor once, scales of quantised ones too. */
    double bytes() {
        if (kind == Kind.COPY) {
            return 2.0 * DType.F32.bytes() * copied();
        }
        double scales = format.scalesPositions() ? 8.0 * batch * keyHeads * keys : 0;
        return (double) dtype.bytes() * (queryElements() + outputElements())
                + (double) format.dtype().bytes() * (keyElements() + valueElements())
                + scales
                + (logSumExp ? 4.0 * batch * heads * queries : 0);
    }

    /** Runs of neighbouring rows, the first and the last of a sequence among them. */
    List<Row> rows() {
        SplittableRandom random = new SplittableRandom(7);
        List<Row> rows = new ArrayList<>();
        int run = Math.min(NEIGHBOURS, queries);
        for (int i = 0; i < ROWS / run; i++) {
            int b = random.nextInt(batch);
            int h = random.nextInt(heads);
            int first = random.nextInt(queries - run + 1);
            first = i == 0 ? 0 : i == 1 ? queries - run : first;
            for (int q = first; q < first + run; q++) {
                rows.add(new Row(b, h, q));
            }
        }
        return rows;
    }

    String type() {
        return dtype.name().toLowerCase(Locale.ROOT);
    }

    String shape() {
        return kind == Kind.COPY
                ? copied() + " f32"
                : batch + "x" + heads + (heads == keyHeads ? "" : "/" + keyHeads) + "x" + queries
                        + (queries == keys ? "" : "/" + keys) + "x" + headDim
                        + (headDim == valueDim ? "" : "/" + valueDim);
    }

    void write(Json json) throws IOException {
        json.field("case", name)
                .field("kind", kind.name().toLowerCase(Locale.ROOT))
                .field("shape", shape())
                .field("batch", batch)
                .field("heads", heads)
                .field("kvHeads", keyHeads)
                .field("queries", queries)
                .field("keys", keys)
                .field("headDim", headDim)
                .field("valueDim", valueDim)
                .field("dtype", type())
                .field("format", format.name().toLowerCase(Locale.ROOT))
                .field("bshd", bshd)
                .field("lse", logSumExp)
                .field("flops", flops())
                .field("bytes", bytes());
        pairs.write(json);
    }
}
