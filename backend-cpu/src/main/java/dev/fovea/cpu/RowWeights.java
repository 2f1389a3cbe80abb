package dev.fovea.cpu;

import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.Normaliser;
import dev.fovea.cpu.Scratch.Role;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Turns the scores of a tile, [key][lane] and -inf where masked, into the weights of its values, and keeps what the normaliser must
 * know of each row. Either weights come at once, relative to what was seen so far ({@link #online}), or all scores are seen first
 * ({@link #observe}) and weighed in a second pass ({@link #weigh}).
 */
final class RowWeights {
    private final Normaliser normaliser;
    private final Kernels kernels;
    private final int lanes;
    private final @Nullable ProgramRun probability;
    private final float[] s;
    private final float[] w;
    private final float[] max;
    private final float[] sum;
    private final float[] factor;
    private final float[] top;

    /** Whether scores come in natural units, not to the base 2. */
    private final boolean natural;

    private final float[] rescale;

    /**
     * @param natural whether scores come in natural units, not to the base 2
     * @param number of the query tile among those that one thread handles together
     */
    RowWeights(
            AttentionSpec spec,
            Kernels kernels,
            @Nullable ProgramRun probability,
            float[] s,
            boolean natural,
            int tileKeys,
            int number,
            Scratch scratch) {
        this.normaliser = spec.normaliser();
        this.kernels = kernels;
        this.lanes = kernels.lanes();
        this.probability = probability;
        this.s = s;
        this.w = scratch.floats(Role.PROBABILITY, tileKeys * lanes);
        this.max = scratch.floats(Role.MAXIMUM, number, lanes);
        this.sum = scratch.floats(Role.SUM, number, lanes);
        this.factor = scratch.floats(Role.FACTOR, number, lanes);
        this.rescale = scratch.floats(Role.RESCALE, lanes);
        this.top = scratch.floats(Role.TOP, lanes);
        this.natural = natural;
    }

    void reset() {
        Arrays.fill(max, 0, lanes, normaliser == Normaliser.SOFTMAX ? Float.NEGATIVE_INFINITY : 0);
        Arrays.fill(sum, 0, lanes, 0);
    }

    /** Maximum, 0 where the normaliser has none, and sum of a row, in natural units. */
    RowSum total(int lane) {
        return natural ? RowSum.of(max[lane], sum[lane]) : RowSum.ofBase2(max[lane], sum[lane]);
    }

    /** Where the scores put the largest of each lane. */
    float[] top() {
        return top;
    }

    /** By how much {@link #online} and {@link #weigh} shrink what was accumulated before. */
    float[] rescale() {
        return rescale;
    }

    /** Factors that make the accumulator of unnormalised weights the output. */
    float[] factor() {
        return factor;
    }

    /**
     * Takes in the scores and gives their weights, not yet divided by the sum; a masked pair weighs 0.
     *
     * @param changed whether they have changed since the largest were found
     */
    float[] online(int n, boolean changed) {
        if (normaliser == Normaliser.SOFTMAX) {
            if (probability == null) {
                softmax(s, n, changed);
                return s;
            }
            System.arraycopy(s, 0, w, 0, n * lanes);
            softmax(w, n, changed);
        } else {
            visible(n);
            addAbsolute(w, n * lanes, lanes, sum);
            Arrays.fill(rescale, 0, lanes, 1);
        }
        return shaped(n);
    }

    /** Takes in the scores and destroys them. */
    void observe(int n, boolean changed) {
        if (normaliser == Normaliser.SOFTMAX) {
            softmax(s, n, changed);
        } else {
            visible(n);
            addAbsolute(w, n * lanes, lanes, sum);
        }
    }

    private void softmax(float[] tile, int n, boolean changed) {
        if (changed) {
            kernels.top(tile, n, top);
        }
        kernels.softmax(tile, n, natural, top, max, sum, rescale);
    }

    /** Ends the rows when all their scores were seen. */
    void conclude() {
        for (int r = 0; r < lanes; r++) {
            factor[r] = switch (normaliser) {
                case SOFTMAX -> RowSum.factor(max[r], sum[r]);
                case L1 -> sum[r] == 0 ? 0 : 1 / sum[r];
                case IDENTITY -> 1;
            };
        }
    }

    /** Ends a row with a sink; -inf is none. */
    RowSum conclude(int lane, float sink) {
        RowSum total = total(lane).withSink(sink);
        if (sink != Float.NEGATIVE_INFINITY) {
            factor[lane] = total.factor();
        }
        return total;
    }

    /** Whether a pair of the last scores is masked. */
    boolean masked(int pair) {
        return s[pair] == Float.NEGATIVE_INFINITY;
    }

    /** Weights when all scores were seen, divided by the sum or not. */
    float[] weigh(int n, boolean normalised) {
        if (!normalised) {
            Arrays.fill(rescale, 0, lanes, 1);
        }
        float[] by = normalised ? factor : rescale;
        if (normaliser == Normaliser.SOFTMAX) {
            kernels.exponentials(s, n, natural, max, by, w);
        } else {
            visible(n);
            multiply(w, n * lanes, lanes, by);
        }
        Arrays.fill(rescale, 0, lanes, 1);
        return shaped(n);
    }

    private void visible(int n) {
        System.arraycopy(s, 0, w, 0, n * lanes);
        kernels.ops().dropMasked(s, w, n * lanes);
    }

    private float[] shaped(int n) {
        if (probability != null) {
            probability.apply(w, s, n);
        }
        kernels.ops().dropMasked(s, w, n * lanes);
        return w;
    }

    private static void addAbsolute(float[] w, int n, int lanes, float[] sum) {
        for (int i = 0; i < n; i += lanes) {
            for (int r = 0; r < lanes; r++) {
                sum[r] += Math.abs(w[i + r]);
            }
        }
    }

    private static void multiply(float[] w, int n, int lanes, float[] by) {
        for (int i = 0; i < n; i += lanes) {
            for (int r = 0; r < lanes; r++) {
                w[i + r] *= by[r];
            }
        }
    }
}
