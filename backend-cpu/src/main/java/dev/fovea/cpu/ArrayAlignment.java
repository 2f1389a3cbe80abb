package dev.fovea.cpu;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Arrays whose elements begin at a cache line. The JVM promises no more than 8 bytes, and a vector as long as a line that begins
 * elsewhere takes two accesses: in products that load a vector for every four multiplications that cost up to a third. The language
 * does not say where an array lies, but a native function that returns its argument does. A garbage collection may move an array at any
 * time, which makes it slower and no less right.
 */
final class ArrayAlignment {
    private static final long LINE = 64;

    /** Of an array in the heap. */
    private static final long HEADER = 16;

    /** Nobody loads larger ones over and over, and collectors that keep them apart place them by rules of their own. */
    private static final int MOST_FLOATS = 1 << 16;

    private static final int TRIES = 8;

    private static final AtomicBoolean ASKED = new AtomicBoolean();
    private static volatile boolean known;

    /** What lies between two arrays, in a field lest the compiler leaves it out. */
    @SuppressWarnings("UnusedVariable")
    private static volatile byte[] gap = {};

    private ArrayAlignment() {}

    /** From some time after the first call on, arrays are aligned: to find the function takes up to 0.1 s, on a thread beside. */
    static void start() {
        if (!known && ASKED.compareAndSet(false, true)) {
            Warming.beside(() -> known = Native.IDENTITY != null);
        }
    }

    /** An array of zeros. */
    static float[] floats(int size) {
        float[] array = new float[size];
        if (!known || size > MOST_FLOATS) {
            return array;
        }
        long at = address(array);
        long step = size * (long) Float.BYTES + 2 * HEADER; // to the array after next, if the next is empty
        for (int i = 0; i < TRIES && at % LINE != 0; i++) {
            int more = (int) Math.floorMod(-at - step, LINE);
            gap = new byte[more];
            array = new float[size];
            long before = at;
            at = address(array);
            step = at - before - more; // with what this loop itself leaves in between
        }
        return array;
    }

    /** Whether {@link #floats} gives nothing better. */
    static boolean isAligned(float[] array) {
        return !known || array.length > MOST_FLOATS || address(array) % LINE == 0;
    }

    /** Where an array lies now, 0 if that is not known. */
    static long address(float[] array) {
        if (!known) {
            return 0;
        }
        MemorySegment there = MemorySegment.ofArray(array);
        try {
            return (long) Objects.requireNonNull(Native.IDENTITY).invokeExact(there, there, 0L);
        } catch (Throwable e) { // it throws nothing
            throw new IllegalStateException(e);
        }
    }

    private static final class Native {
        /** {@code memcpy} of nothing returns where it would have copied to. */
        static final @Nullable MethodHandle IDENTITY = find();

        @SuppressWarnings("restricted")
        private static @Nullable MethodHandle find() {
            if (!ArrayAlignment.class.getModule().isNativeAccessEnabled()) { // else the JVM would print a warning
                return null;
            }
            FunctionDescriptor type = FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG);
            try {
                Linker linker = Linker.nativeLinker();
                Optional<MemorySegment> copy = linker.defaultLookup().find("memcpy");
                return copy.isEmpty() ? null : linker.downcallHandle(copy.get(), type, Linker.Option.critical(true));
            } catch (UnsupportedOperationException e) { // on machines that the JVM has no calling convention of
                return null;
            }
        }
    }
}
