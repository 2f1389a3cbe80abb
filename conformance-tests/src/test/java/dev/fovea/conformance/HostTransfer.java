package dev.fovea.conformance;

import dev.fovea.api.Tensor;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.TransferArguments;
import dev.fovea.api.spec.TransferSpec;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Rows moved as {@link TransferSpec} says, one element at a time; refuses slots that the contract does not allow. */
final class HostTransfer {
    private HostTransfer() {}

    record Side(
            KvFormat format,
            int dim,
            HostArray rows,
            @Nullable HostArray scales,
            @Nullable HostArray zeros) {
        static Side of(KvFormat format, int dim, Tensor rows, @Nullable Tensor scales, @Nullable Tensor zeros) {
            return new Side(
                    format,
                    dim,
                    HostArray.of(rows),
                    scales == null ? null : HostArray.of(scales),
                    zeros == null ? null : HostArray.of(zeros));
        }

        float[] read(int head, int slot) {
            int page = slot / rows.size(2);
            int at = slot % rows.size(2);
            float[] x = new float[dim];
            for (int i = 0; i < dim; i++) {
                x[i] = switch (format) {
                    case F32, F16, BF16 -> rows.get(page, head, at, i);
                    case INT8 -> scale(page, head, at) * (rows.bits(page, head, at, i) - zero(page, head, at));
                    case INT4 -> scale(page, head, at) * (nibble(page, head, at, i) - zero(page, head, at));
                    case FP8 -> pageScale(page, head) * (float) Fp8.decode(rows.bits(page, head, at, i) & 255);
                };
            }
            return x;
        }

        private static HostArray some(@Nullable HostArray array) {
            return Objects.requireNonNull(array);
        }

        private float pageScale(int page, int head) {
            return some(scales).get(page, head);
        }

        private float scale(int page, int head, int at) {
            return some(scales).get(page, head, at);
        }

        private float zero(int page, int head, int at) {
            return some(zeros).get(page, head, at);
        }

        private int nibble(int page, int head, int at, int i) {
            return rows.bits(page, head, at, i / 2) >> 4 * (i % 2) & 15;
        }

        void write(int head, int slot, float[] x) {
            int page = slot / rows.size(2);
            int at = slot % rows.size(2);
            switch (format) {
                case F32, F16, BF16 -> {
                    for (int i = 0; i < dim; i++) {
                        rows.set(x[i], page, head, at, i);
                    }
                }
                case FP8 -> {
                    for (int i = 0; i < dim; i++) {
                        rows.bits((byte) Fp8.encode(x[i] / pageScale(page, head)), page, head, at, i);
                    }
                }
                case INT8, INT4 -> quantise(page, head, at, x);
            }
        }

        private void quantise(int page, int head, int at, float[] x) {
            boolean eight = format == KvFormat.INT8;
            float lo = 0;
            float hi = 0;
            for (float v : x) {
                lo = Float.isFinite(v) ? Math.min(lo, v) : lo;
                hi = Float.isFinite(v) ? Math.max(hi, v) : hi;
            }
            HostArray scales = some(this.scales);
            HostArray zeros = some(this.zeros);
            scales.set((hi - lo) / (eight ? 255 : 15), page, head, at);
            if (scales.get(page, head, at) == 0) {
                scales.set(1, page, head, at);
            }
            float scale = scales.get(page, head, at);
            int least = eight ? -128 : 0;
            int most = eight ? 127 : 15;
            float zero = (float) Math.rint(least - lo / scale);
            zeros.set(zero, page, head, at);
            for (int i = 0; i < dim; i++) {
                int q = (int) Math.clamp(Math.rint(x[i] / scale) + zero, least, most);
                if (eight) {
                    rows.bits((byte) q, page, head, at, i);
                } else {
                    int other = i % 2 == 0 ? 0 : rows.bits(page, head, at, i / 2) & 15;
                    rows.bits((byte) (other | q << 4 * (i % 2)), page, head, at, i / 2);
                }
            }
        }

        void copy(Side from, int head, int slot, int toSlot) {
            int size = from.rows.size(2);
            for (int i = 0; i < format.elements(dim); i++) {
                byte b = from.rows.bits(slot / size, head, slot % size, i);
                rows.bits(b, toSlot / rows.size(2), head, toSlot % rows.size(2), i);
            }
            some(scales)
                    .set(
                            from.scale(slot / size, head, slot % size),
                            toSlot / rows.size(2),
                            head,
                            toSlot % rows.size(2));
            some(zeros)
                    .set(from.zero(slot / size, head, slot % size), toSlot / rows.size(2), head, toSlot % rows.size(2));
        }
    }

    static void run(TransferSpec spec, TransferArguments a) {
        Side source = Side.of(spec.from(), spec.dim(), a.source(), a.sourceScales(), a.sourceZeros());
        Side target = Side.of(spec.to(), spec.dim(), a.target(), a.targetScales(), a.targetZeros());
        HostArray from = HostArray.of(a.sourceSlots());
        HostArray to = HostArray.of(a.targetSlots());
        int n = from.size(a.sourceSlots().rank() - 1);
        boolean asIs = spec.from() == spec.to() && spec.to().scalesPositions();
        for (int h = 0; h < spec.heads(); h++) {
            Set<Integer> sources = new HashSet<>();
            Set<Integer> targets = new HashSet<>();
            for (int i = 0; i < n; i++) {
                int s = slot(from, h, i);
                int t = slot(to, h, i);
                if (s < 0 || t < 0) {
                    continue;
                }
                sources.add(s);
                if (!targets.add(t)) {
                    throw new IllegalStateException("slot " + t + " is written twice");
                }
                if (asIs) {
                    target.copy(source, h, s, t);
                } else {
                    target.write(h, t, source.read(h, s));
                }
            }
            targets.retainAll(sources);
            if (a.source().storage() == a.target().storage() && !targets.isEmpty()) {
                throw new IllegalStateException("slots " + targets + " are read and written in one run");
            }
        }
    }

    private static int slot(HostArray slots, int head, int i) {
        return slots.tensor().rank() == 1 ? slots.integer(i) : slots.integer(head, i);
    }
}
