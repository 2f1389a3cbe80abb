package dev.fovea.opencl.runtime;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** One argument of a kernel. */
public sealed interface KernelArgument {
    /** No buffer, for a parameter that the kernel will not look at. */
    KernelArgument NONE = new None();

    /** What {@link #NONE} is. */
    record None() implements KernelArgument {}

    /** A buffer. */
    record Memory(DeviceStorage storage) implements KernelArgument {}

    /** A number or a struct by value, in native byte order. */
    final class Value implements KernelArgument {
        private final byte[] bytes;

        public Value(byte[] bytes) {
            this.bytes = bytes.clone();
        }

        public static Value of(int value) {
            return new Value(buffer().putInt(value).array());
        }

        public static Value of(long value) {
            return new Value(ByteBuffer.allocate(8)
                    .order(ByteOrder.nativeOrder())
                    .putLong(value)
                    .array());
        }

        public static Value of(float value) {
            return new Value(buffer().putFloat(value).array());
        }

        private static ByteBuffer buffer() {
            return ByteBuffer.allocate(4).order(ByteOrder.nativeOrder());
        }

        byte[] bytes() {
            return bytes;
        }
    }
}
