package dev.fovea.kernels;

import dev.fovea.api.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Fields of a C struct in order; the structs are laid out so that every field is aligned without padding. */
final class StructWriter {
    private final ByteBuffer out = ByteBuffer.allocate(1024).order(ByteOrder.nativeOrder());

    StructWriter int64(long value) {
        out.putLong(value);
        return this;
    }

    StructWriter int32(int value) {
        out.putInt(value);
        return this;
    }

    StructWriter flag(boolean value) {
        return int32(value ? 1 : 0);
    }

    StructWriter float32(float value) {
        out.putFloat(value);
        return this;
    }

    /** {@code struct plane}: offset and the strides of the first three axes. */
    StructWriter plane(@Nullable Tensor t) {
        int64(t == null ? 0 : t.offset());
        for (int axis = 0; axis < 3; axis++) {
            int64(AttentionBlock.stride(t, axis));
        }
        return this;
    }

    /** Offset and strides of a tensor [B] or [B, Hk]. */
    StructWriter perHead(@Nullable Tensor t) {
        return int64(t == null ? 0 : t.offset())
                .int64(AttentionBlock.stride(t, 0))
                .int64(AttentionBlock.stride(t, 1));
    }

    /** {@code struct plane} of a tensor [B, n] or [B, H, n]. */
    StructWriter rowsOfHeads(@Nullable Tensor t) {
        boolean perHead = t != null && t.rank() == 3;
        return int64(t == null ? 0 : t.offset())
                .int64(AttentionBlock.stride(t, 0))
                .int64(perHead ? AttentionBlock.stride(t, 1) : 0)
                .int64(AttentionBlock.stride(t, perHead ? 2 : 1));
    }

    /** {@code struct plane} of one part of a tensor [n, B, H, S] or longer. */
    StructWriter planeOfParts(@Nullable Tensor t) {
        int64(t == null ? 0 : t.offset());
        for (int axis = 1; axis < 4; axis++) {
            int64(AttentionBlock.stride(t, axis));
        }
        return this;
    }

    /** Offset and stride of a tensor of one axis. */
    StructWriter list(@Nullable Tensor t) {
        return int64(t == null ? 0 : t.offset()).int64(AttentionBlock.stride(t, 0));
    }

    /** Padded to whole 64-bit words, as the compiler pads. */
    byte[] bytes() {
        return Arrays.copyOf(out.array(), (out.position() + 7) / 8 * 8);
    }
}
