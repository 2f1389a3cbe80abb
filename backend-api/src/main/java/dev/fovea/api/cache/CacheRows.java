package dev.fovea.api.cache;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.TransferArguments;
import dev.fovea.api.spec.TransferSpec;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** The keys or the values of a cache on the device: rows in pages, with the scales and zero points of their format. */
final class CacheRows implements AutoCloseable {
    private final Backend backend;
    private final KvFormat format;
    private final int dim;
    private final int heads;
    private final float pageScale;
    private final Tensor rows;
    private final @Nullable Tensor scales;
    private final @Nullable Tensor zeros;

    private CacheRows(
            Backend backend,
            KvFormat format,
            int dim,
            int heads,
            float pageScale,
            Tensor rows,
            @Nullable Tensor scales,
            @Nullable Tensor zeros) {
        this.backend = backend;
        this.format = format;
        this.dim = dim;
        this.heads = heads;
        this.pageScale = pageScale;
        this.rows = rows;
        this.scales = scales;
        this.zeros = zeros;
    }

    static CacheRows allocate(
            Backend backend, KvFormat format, int dim, int heads, int pages, int pageSize, float pageScale) {
        Tensor rows = backend.allocate(format.dtype(), pages, heads, pageSize, format.elements(dim));
        Tensor scales = null;
        try {
            if (format == KvFormat.FP8) {
                float[] each = new float[pages * heads];
                Arrays.fill(each, pageScale);
                scales = backend.copyOf(each, pages, heads);
            } else if (format.scalesPositions()) {
                scales = backend.allocate(DType.F16, pages, heads, pageSize);
            }
            Tensor zeros = format.scalesPositions() ? backend.allocate(DType.F16, pages, heads, pageSize) : null;
            return new CacheRows(backend, format, dim, heads, pageScale, rows, scales, zeros);
        } catch (RuntimeException e) {
            rows.close();
            if (scales != null) {
                scales.close();
            }
            throw e;
        }
    }

    /** The first columns of these rows, in the same memory. */
    CacheRows columns(int columns) {
        return new CacheRows(
                backend,
                format,
                columns,
                heads,
                pageScale,
                rows.slice(3, 0, format.elements(columns)),
                scales == null ? null : scales.slice(0, 0, scales.size(0)),
                zeros == null ? null : zeros.slice(0, 0, zeros.size(0)));
    }

    Tensor rows() {
        return rows;
    }

    @Nullable
    Tensor scales() {
        return scales;
    }

    @Nullable
    Tensor zeros() {
        return zeros;
    }

    /** Rows of a tensor [B, H, T, dim] into the cache. */
    void write(Tensor source, Tensor from, Tensor to) {
        backend.run(
                new TransferSpec(KvFormat.of(source.dtype()), format, dim, heads),
                new TransferArguments(source, null, null, rows, scales, zeros, from, to));
    }

    /** Rows from place to place; no place is both read and written. */
    void move(Tensor from, Tensor to) {
        transfer(this, from, this, to);
    }

    /** Rows from place to place through a copy of {@code count} rows, for places that are both read and written. */
    void move(Tensor from, Tensor through, Tensor to, int count) {
        try (CacheRows copy = allocate(backend, format, dim, heads, 1, count, pageScale)) {
            transfer(this, from, copy, through);
            transfer(copy, through, this, to);
        }
    }

    private static void transfer(CacheRows from, Tensor source, CacheRows to, Tensor target) {
        from.backend.run(
                new TransferSpec(from.format, to.format, from.dim, from.heads),
                new TransferArguments(
                        from.rows, from.scales, from.zeros, to.rows, to.scales, to.zeros, source, target));
    }

    /** Rows as numbers: F32 [1, H, longest lane, dim], 0 behind the end of shorter lanes. */
    Tensor read(int[][] lanes) {
        int longest = Moves.longest(lanes);
        boolean ragged = Arrays.stream(lanes).anyMatch(lane -> lane.length < longest);
        Tensor out = ragged
                ? backend.copyOf(new float[Math.multiplyExact(heads * longest, dim)], 1, heads, longest, dim)
                : backend.allocate(DType.F32, 1, heads, longest, dim);
        if (longest == 0) {
            return out;
        }
        int[] all = IntStream.range(0, longest).toArray();
        try (Tensor from = slots(backend, lanes);
                Tensor to = backend.copyOf(all, longest)) {
            backend.run(
                    new TransferSpec(format, KvFormat.F32, dim, heads),
                    new TransferArguments(rows, scales, zeros, out, null, null, from, to));
            return out;
        } catch (RuntimeException e) {
            out.close();
            throw e;
        }
    }

    /** Row numbers as a transfer takes them: one list for all heads, or one a head. */
    static Tensor slots(Backend backend, int[][] lanes) {
        int[] flat = Moves.padded(lanes);
        return lanes.length == 1
                ? backend.copyOf(flat, flat.length)
                : backend.copyOf(flat, lanes.length, flat.length / lanes.length);
    }

    @Override
    public void close() {
        rows.close();
        if (scales != null) {
            scales.close();
        }
        if (zeros != null) {
            zeros.close();
        }
    }
}
