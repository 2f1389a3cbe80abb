package dev.fovea.kernels;

import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KvFormat;

/**
 * Where the f16 planes of f32 queries, keys and values lie in a workspace, [2, B, H, S, columns], packed, columns padded to what the copy
 * engine moves; and behind all of them floats by batch, head and block of rows: the factors of the rows, then the sums of the sizes of their
 * numbers. A number is the sum of its two planes times the factor of its row. A block of keys or values is what a tile of the attention
 * kernel has of them; before its factors stand {@link #HEAD} floats, the factor of all its rows, or 0 if they differ, and the largest sum.
 */
public record ScaledPlanes(Part query, Part key, Part value) {
    private static final int PLANES = 2;

    /** Columns that a work-item splits. */
    private static final int STEP = 4;

    /** Rows that a work-item has under way: so many lanes at least share a row. */
    private static final int AHEAD = 4;

    /** Rows that a work-group splits, of queries, each of which has a factor of its own. */
    private static final int QUERY_BLOCK = 64;

    static final int HEAD = 4;

    /** The least tile, which needs the most memory. */
    private static final int LEAST_KEYS = 16;

    /** Whether the operands of a spec are planes. */
    public static boolean splits(AttentionSpec spec) {
        return spec.storage() == DType.F32;
    }

    static ScaledPlanes of(AttentionArguments a, int keys) {
        Part q = new Part(a.query(), QUERY_BLOCK, 0, true, 0, 0);
        Part k = new Part(a.key(), keys, HEAD, true, q.end(), 0);
        Part v = new Part(a.value(), keys, HEAD, false, k.end(), 0);
        q = q.withFactors(v.end() / 2); // floats are two elements
        k = k.withFactors(q.factorsEnd());
        return new ScaledPlanes(q, k, v.withFactors(k.factorsEnd()));
    }

    /** Bytes of the workspace that a run needs at most. */
    public static long mostBytes(AttentionArguments a) {
        return bytes(a, LEAST_KEYS);
    }

    /** The same with tiles of so many keys. */
    public static long bytes(AttentionArguments a, int keys) {
        return Float.BYTES * of(a, keys).value.factorsEnd();
    }

    /** Work-groups of the kernel that splits the tensors of a run. */
    public static long groups(AttentionArguments a, int keys) {
        ScaledPlanes p = of(a, keys);
        return p.query.groups() + p.key.groups() + p.value.groups();
    }

    /** {@code struct scaled_planes_block}. */
    public static byte[] block(AttentionArguments a, int keys) {
        ScaledPlanes p = of(a, keys);
        StructWriter w = new StructWriter();
        p.query.write(w);
        p.key.write(w);
        p.value.write(w);
        return w.bytes();
    }

    /**
     * One tensor.
     *
     * @param block rows that a work-group splits
     * @param head floats before their factors
     * @param sums whether the sums of sizes are wanted; there is room for them anyway
     * @param offset elements before its planes
     * @param factors floats before its row factors
     */
    record Part(Tensor tensor, int block, int head, boolean sums, long offset, long factors) {
        private Part withFactors(long from) {
            return new Part(tensor, block, head, sums, offset, from);
        }

        private long rows() {
            return tensor.size(0) * tensor.size(1) * tensor.size(2);
        }

        private int columns() {
            return Math.toIntExact(Math.ceilDiv(tensor.size(3), TensorMap.ALIGNMENT) * TensorMap.ALIGNMENT);
        }

        private long end() {
            return offset + Math.ceilDiv(PLANES * rows() * columns(), 64L) * 64;
        }

        private long blocksOfHead() {
            return Math.ceilDiv(tensor.size(2), block);
        }

        /** Floats of a head. */
        int pitch() {
            return Math.toIntExact(blocksOfHead() * (head + 2 * block));
        }

        private long factorsEnd() {
            return factors + tensor.size(0) * tensor.size(1) * pitch();
        }

        private long groups() {
            return tensor.size(0) * tensor.size(1) * blocksOfHead();
        }

        private void write(StructWriter w) {
            w.plane(tensor).int64(offset).int64(rows() * columns()).int64(factors);
            w.int32(Math.toIntExact(groups())).int32(Math.toIntExact(blocksOfHead()));
            w.int32(block).int32(head);
            w.int32(Math.toIntExact(tensor.size(1))).int32(Math.toIntExact(tensor.size(2)));
            w.int32(pitch()).int32(Math.toIntExact(tensor.size(3)));
            w.int32(columns()).int32(Math.max(AHEAD, Integer.highestOneBit(columns() / STEP * 2 - 1)));
            w.flag(KeyTables.aligned(tensor, KvFormat.F32, STEP)).flag(sums);
        }

        void map(StructWriter w, int boxRows) {
            TensorMap.packed(w, offset, PLANES * tensor.size(0), tensor.size(1), tensor.size(2), columns(), boxRows);
        }
    }
}
