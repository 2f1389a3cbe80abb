package dev.fovea.conformance;

import dev.fovea.api.HalfFloats;
import dev.fovea.api.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** Elements of a tensor of {@link HostDevice} by index. */
record HostArray(Tensor tensor, MemorySegment memory) {
    static HostArray of(Tensor t) {
        return new HostArray(t, ((HostDevice.HeapStorage) t.storage()).memory());
    }

    private long at(int... index) {
        long at = tensor.offset();
        for (int i = 0; i < index.length; i++) {
            if (index[i] < 0 || index[i] >= tensor.size(i)) {
                throw new IndexOutOfBoundsException(tensor + " at " + Arrays.toString(index));
            }
            at += index[i] * tensor.stride(i);
        }
        return at;
    }

    float get(int... index) {
        long at = at(index);
        return switch (tensor.dtype()) {
            case F32 -> memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * at);
            case F16 -> Float.float16ToFloat(memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * at));
            case BF16 -> HalfFloats.fromBf16(memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * at));
            case I32, BOOL, BYTE -> throw new IllegalArgumentException(tensor.toString());
        };
    }

    void set(float x, int... index) {
        long at = at(index);
        switch (tensor.dtype()) {
            case F32 -> memory.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * at, x);
            case F16 -> memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * at, Float.floatToFloat16(x));
            case BF16 -> memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * at, HalfFloats.toBf16(x));
            case I32, BOOL, BYTE -> throw new IllegalArgumentException(tensor.toString());
        }
    }

    int integer(int... index) {
        return memory.get(ValueLayout.JAVA_INT_UNALIGNED, 4 * at(index));
    }

    byte bits(int... index) {
        return memory.get(ValueLayout.JAVA_BYTE, at(index));
    }

    void bits(byte x, int... index) {
        memory.set(ValueLayout.JAVA_BYTE, at(index), x);
    }

    int size(int axis) {
        return Math.toIntExact(tensor.size(axis));
    }
}
