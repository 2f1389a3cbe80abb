package dev.fovea.api;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What is known of the values of an I32 tensor since it came from the host, so that indices are checked once and never clamped silently.
 * For views it bounds what they show. Of what a
 * device wrote, the range is known where the primitive guarantees one. Without facts the least value is above the largest.
 *
 * @param least smallest value
 * @param largest largest value
 * @param smallestStep smallest difference of an element and the one before it in memory; 0 for fewer than two
 * @param largestStep largest difference, likewise
 */
public record IntFacts(int least, int largest, long smallestStep, long largestStep) {
    static final IntFacts NONE = new IntFacts(1, 0, 0, 0);

    public boolean known() {
        return least <= largest;
    }

    /** Whether all values are known to lie in [from, to]. */
    public boolean within(long from, long to) {
        return known() && least >= from && largest <= to;
    }

    /** Any values in a range, in any order. */
    static IntFacts range(long least, long largest) {
        boolean fits = least >= Integer.MIN_VALUE && largest <= Integer.MAX_VALUE && least <= largest;
        return fits ? new IntFacts((int) least, (int) largest, least - largest, largest - least) : NONE;
    }

    /** What holds of values of both. */
    IntFacts or(IntFacts other) {
        return known() && other.known() ? range(Math.min(least, other.least), Math.max(largest, other.largest)) : NONE;
    }

    static IntFacts of(MemorySegment data) {
        long n = data.byteSize() / 4;
        if (n == 0) {
            return NONE;
        }
        int first = data.get(ValueLayout.JAVA_INT_UNALIGNED, 0);
        int least = first;
        int largest = first;
        long smallestStep = n < 2 ? 0 : Long.MAX_VALUE;
        long largestStep = n < 2 ? 0 : Long.MIN_VALUE;
        long before = first;
        for (long i = 1; i < n; i++) {
            int v = data.get(ValueLayout.JAVA_INT_UNALIGNED, 4 * i);
            least = Math.min(least, v);
            largest = Math.max(largest, v);
            smallestStep = Math.min(smallestStep, v - before);
            largestStep = Math.max(largestStep, v - before);
            before = v;
        }
        return new IntFacts(least, largest, smallestStep, largestStep);
    }
}
