package dev.fovea.kernels;

import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KvFormat;

/**
 * Where the bf16 planes of f32 queries, keys and values lie in a workspace, one tensor after another: [3, B, H, S, columns], packed, columns
 * padded to what the copy engine moves. A number is the sum of its three planes.
 */
public record PlanesBlock(Part query, Part key, Part value) {
    private static final int PLANES = 3;

    /** Columns that a work-item splits. */
    private static final int STEP = 4;

    static PlanesBlock of(AttentionArguments a) {
        Part q = Part.of(a.query(), 0);
        Part k = Part.of(a.key(), q.end());
        return new PlanesBlock(q, k, Part.of(a.value(), k.end()));
    }

    /** Whether the operands of a spec are planes. */
    public static boolean splits(AttentionSpec spec) {
        return spec.storage() == DType.F32;
    }

    /** Bytes of the workspace that a run needs. */
    public static long bytes(AttentionArguments a) {
        return 2 * of(a).value.end();
    }

    /** Work-items of the kernel that splits the tensors of a run. */
    public static long items(AttentionArguments a) {
        PlanesBlock p = of(a);
        return p.query.items() + p.key.items() + p.value.items();
    }

    /** {@code struct planes_places} of mma_attention.cl. */
    public static byte[] places(AttentionArguments a) {
        PlanesBlock p = of(a);
        StructWriter w = new StructWriter();
        for (Part part : new Part[] {p.query, p.key, p.value}) {
            w.int64(part.offset).int64(part.rows() * part.columns());
            w.int32(Math.toIntExact(part.tensor.size(2))).int32(part.columns());
        }
        return w.bytes();
    }

    /** {@code struct planes_block}. */
    public static byte[] bytesOf(AttentionArguments a) {
        PlanesBlock p = of(a);
        StructWriter w = new StructWriter();
        for (Part part : new Part[] {p.query, p.key, p.value}) {
            w.plane(part.tensor).int64(part.offset).int64(part.items());
            w.int32(Math.toIntExact(part.tensor.size(1))).int32(Math.toIntExact(part.tensor.size(2)));
            w.int32(Math.toIntExact(part.tensor.size(3))).int32(part.columns());
            w.flag(KeyTables.aligned(part.tensor, KvFormat.F32, STEP)).int32(0);
        }
        return w.bytes();
    }

    /** One tensor; offset: elements before its planes. */
    record Part(Tensor tensor, long offset) {
        static Part of(Tensor t, long end) {
            return new Part(t, Math.ceilDiv(end, 64) * 64);
        }

        int columns() {
            return Math.toIntExact(Math.ceilDiv(tensor.size(3), TensorMap.ALIGNMENT) * TensorMap.ALIGNMENT);
        }

        private long rows() {
            return tensor.size(0) * tensor.size(1) * tensor.size(2);
        }

        long items() {
            return rows() * (columns() / STEP);
        }

        long end() {
            return offset + PLANES * rows() * columns();
        }
    }
}
