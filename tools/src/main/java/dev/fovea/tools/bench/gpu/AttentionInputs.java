package dev.fovea.tools.bench.gpu;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.KeyArguments;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.TransferArguments;
import dev.fovea.api.spec.TransferSpec;
import dev.fovea.tools.bench.gpu.RowReference.Rows;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Q, K and V of a case, and how their stored values are read on the host. */
record AttentionInputs(Stored query, Stored key, Stored value) {

    /** A tensor [B, H, S, D], with a scale and a zero point F16 [B, H, S] if it is quantised. */
    record Stored(
            Tensor tensor,
            @Nullable Tensor scales,
            @Nullable Tensor zeros,
            Rows rows) {}

    static AttentionInputs of(Backend backend, DeviceInputs inputs, GpuCase c) {
        Stored q = random(inputs, c, DeviceInputs.QUERY, c.heads(), c.queries(), c.headDim());
        Stored k = random(inputs, c, DeviceInputs.KEY, c.keyHeads(), c.keys(), c.headDim());
        Stored v = random(inputs, c, DeviceInputs.VALUE, c.keyHeads(), c.keys(), c.valueDim());
        if (c.format().quantised()) {
            k = quantised(backend, inputs, c, k.tensor());
            v = quantised(backend, inputs, c, v.tensor());
        }
        return new AttentionInputs(q, k, v);
    }

    KeyArguments keyArguments() {
        return key.scales == null
                ? KeyArguments.NONE
                : KeyArguments.NONE.withScales(
                        key.scales, key.zeros, Objects.requireNonNull(value.scales), value.zeros);
    }

    private static Stored random(DeviceInputs inputs, GpuCase c, int role, int heads, int positions, int dim) {
        NormalData data = new NormalData(role, c.dtype());
        if (c.bshd()) {
            Tensor t = inputs.random(role, c.dtype(), c.batch(), positions, heads, dim);
            Rows rows = (b, h, s, to) -> data.row((((long) b * positions + s) * heads + h) * dim, to);
            return new Stored(inputs.keep(t.permute(0, 2, 1, 3)), null, null, rows);
        }
        Tensor t = inputs.random(role, c.dtype(), c.batch(), heads, positions, dim);
        return new Stored(t, null, null, (b, h, s, to) -> data.row((((long) b * heads + h) * positions + s) * dim, to));
    }

    /** Codes as the device made them, read back: they are the inputs that the attention is judged by. */
    private static Stored quantised(Backend backend, DeviceInputs inputs, GpuCase c, Tensor from) {
        KvFormat format = c.format();
        int heads = c.keyHeads();
        int positions = c.keys();
        int dim = Math.toIntExact(from.size(3));
        Tensor codes = inputs.keep(backend.allocate(format.dtype(), c.batch(), heads, positions, dim));
        Tensor scales = inputs.keep(backend.allocate(DType.F16, c.batch(), heads, positions));
        Tensor zeros = inputs.keep(backend.allocate(DType.F16, c.batch(), heads, positions));
        int[] slots = new int[c.batch() * positions];
        Arrays.setAll(slots, i -> i);
        try (Tensor all = backend.copyOf(slots, slots.length)) {
            backend.run(
                    new TransferSpec(KvFormat.of(c.dtype()), format, dim, heads),
                    new TransferArguments(from, null, null, codes, scales, zeros, all, all));
        }
        byte[] bytes = new byte[Math.toIntExact(codes.elementCount())];
        codes.storage().read(0, MemorySegment.ofArray(bytes));
        float[] scale = scales.toFloatArray();
        float[] zero = zeros.toFloatArray();
        return new Stored(codes, scales, zeros, (b, h, s, to) -> {
            int row = (b * heads + h) * positions + s;
            for (int d = 0; d < dim; d++) {
                to[d] = scale[row] * ((double) bytes[row * dim + d] - zero[row]);
            }
        });
    }
}
