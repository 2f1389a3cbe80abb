package dev.fovea.api;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Strides of the same elements under another shape. */
final class Reshape {
    private Reshape() {}

    /** The strides, or null if no strides show the elements in their order. */
    static long @Nullable [] strides(long[] shape, long[] strides, long[] sizes) {
        if (Arrays.stream(sizes).anyMatch(n -> n < 0)
                || Arrays.stream(sizes).reduce(1, (a, b) -> a * b)
                        != Arrays.stream(shape).reduce(1, (a, b) -> a * b)) {
            return null;
        }
        long[] out = Tensor.rowMajor(sizes);
        boolean empty = Arrays.stream(shape).anyMatch(n -> n == 0);
        if (empty || Arrays.stream(sizes).anyMatch(n -> n == 0)) {
            return empty && Arrays.stream(sizes).anyMatch(n -> n == 0) ? out : null; // a product that wraps to 0
        }
        int i = shape.length - 1;
        int j = sizes.length - 1;
        while (i >= 0 || j >= 0) {
            long have = i < 0 ? 1 : shape[i];
            long want = j < 0 ? 1 : sizes[j];
            int first = i;
            int to = j;
            while (have != want) { // the shortest run of axes on both sides with equal counts
                if (have < want) {
                    have *= shape[--first];
                } else {
                    want *= sizes[--to];
                }
            }
            long stride = 0;
            boolean started = false;
            for (int a = i; a >= Math.max(0, first); a--) {
                if (shape[a] == 1) {
                    continue;
                }
                if (!started) {
                    stride = strides[a];
                    started = true;
                } else if (strides[a] != strides[lastAxis(shape, a + 1)] * shape[lastAxis(shape, a + 1)]) {
                    return null;
                }
            }
            for (int a = j; a >= Math.max(0, to); a--) {
                out[a] = stride;
                stride *= sizes[a];
            }
            i = first - 1;
            j = to - 1;
        }
        return out;
    }

    /** The first axis from this one on that has more than one element. */
    private static int lastAxis(long[] shape, int from) {
        int a = from;
        while (shape[a] == 1) {
            a++;
        }
        return a;
    }
}
