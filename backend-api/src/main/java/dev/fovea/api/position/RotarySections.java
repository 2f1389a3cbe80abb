package dev.fovea.api.position;

import dev.fovea.api.FoveaException.InvalidArgument;
import java.util.Arrays;

/** Which position axis each pair of columns turns by, for positions of 2 or 3 axes: the section tensor's content. */
public final class RotarySections {
    private RotarySections() {}

    /** The pairs of axis 0, then those of axis 1 and so on (M-RoPE; Wang et al. 2024, Qwen2-VL: 16, 24, 24). */
    public static int[] blocks(int... pairs) {
        check(pairs);
        int[] axes = new int[Arrays.stream(pairs).sum()];
        int at = 0;
        for (int axis = 0; axis < pairs.length; axis++) {
            Arrays.fill(axes, at, at + pairs[axis], axis);
            at += pairs[axis];
        }
        return axes;
    }

    /**
     * The axes in turn, each while it has pairs left, the rest by axis 0, so that every axis has slow and fast pairs (interleaved
     * M-RoPE of Qwen3-VL: 24, 20, 20).
     */
    public static int[] interleaved(int... pairs) {
        check(pairs);
        int[] axes = new int[Arrays.stream(pairs).sum()];
        for (int r = 0; r < axes.length; r++) {
            int axis = r % pairs.length;
            axes[r] = r / pairs.length < pairs[axis] ? axis : 0;
        }
        for (int axis = 0; axis < pairs.length; axis++) {
            int wanted = axis;
            if (Arrays.stream(axes).filter(x -> x == wanted).count() != pairs[axis]) {
                throw new InvalidArgument(
                        "pairs", "numbers that the axes can have in turn", Arrays.toString(pairs), "use blocks");
            }
        }
        return axes;
    }

    private static void check(int[] pairs) {
        if (pairs.length < 1 || pairs.length > 3 || Arrays.stream(pairs).anyMatch(n -> n < 1)) {
            throw new InvalidArgument("pairs", "1 to 3 axes with pairs", Arrays.toString(pairs), "correct them");
        }
    }
}
