package dev.fovea.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Nobody may see in a result whether vectors were compiled yet. */
class PlainKernelsTest {
    private static final int KEYS = 64;
    private static final int DIM = 20;
    private static final int CHANNELS = 48;
    private static final int MOST_PITCH = 256;
    private static final int TRIES = 60;
    private static final float[] SPECIAL = {
        0f, -0f, 1e-40f, -1e38f, 3e38f, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.NaN
    };

    private final Random random = new Random(5);

    /** Arguments of all kernels, and what one of them leaves in there. */
    private final class Numbers {
        final float[] keys;
        final float[] queries;
        final float[] scores;
        final float[] values;
        final float[] top;
        final float[] max;
        final float[] sum;
        final float[] rescale;
        final float[] output;
        final int[] low;
        final int[] high;
        boolean nan;

        Numbers(int lanes, boolean special) {
            keys = some(3 + KEYS * MOST_PITCH, special);
            queries = some(Math.max(DIM, CHANNELS) * lanes, special);
            scores = some(KEYS * lanes, special);
            values = some(5 + KEYS * MOST_PITCH, special);
            top = some(lanes, special);
            max = some(lanes, special);
            sum = some(lanes, special);
            rescale = some(lanes, special);
            output = some(CHANNELS * lanes, special);
            low = random.ints(lanes, -3, KEYS + 3).toArray();
            high = random.ints(lanes, -3, KEYS + 3).toArray();
        }

        Numbers(Numbers from) {
            keys = from.keys.clone();
            queries = from.queries.clone();
            scores = from.scores.clone();
            values = from.values.clone();
            top = from.top.clone();
            max = from.max.clone();
            sum = from.sum.clone();
            rescale = from.rescale.clone();
            output = from.output.clone();
            low = from.low.clone();
            high = from.high.clone();
        }

        private float[] some(int n, boolean special) {
            float[] all = new float[n];
            for (int i = 0; i < n; i++) {
                all[i] = special && random.nextInt(20) == 0
                        ? SPECIAL[random.nextInt(SPECIAL.length)]
                        : (float) (random.nextGaussian() * (random.nextInt(9) == 0 ? 100 : 1));
            }
            return all;
        }

        /** Equal arrays of floats are equal in their bits but for those of a NaN. */
        void assertSame(Numbers other) {
            List<float[]> mine = List.of(queries, scores, top, max, sum, rescale, output);
            List<float[]> others =
                    List.of(other.queries, other.scores, other.top, other.max, other.sum, other.rescale, other.output);
            for (int i = 0; i < mine.size(); i++) {
                assertThat(mine.get(i)).isEqualTo(others.get(i));
            }
            assertThat(nan).isEqualTo(other.nan);
        }
    }

    private interface Step {
        void run(Kernels kernels, Numbers x);
    }

    private static final List<Step> STEPS = List.of(
            (k, x) -> k.scores(x.keys, 3, KEYS, DIM + 3, DIM, x.queries, x.scores, x.top),
            (k, x) -> k.scores(x.keys, 3, KEYS, DIM + 3, DIM - 1, x.queries, x.scores, x.top),
            (k, x) -> k.scores(x.keys, 3, KEYS, k.keyPitch(CHANNELS), CHANNELS, x.queries, x.scores, x.top),
            (k, x) -> k.top(x.scores, KEYS, x.top),
            (k, x) -> k.softmax(x.scores, KEYS, false, x.top, x.max, x.sum, x.rescale),
            (k, x) -> k.softmax(x.scores, KEYS, true, x.top, x.max, x.sum, x.rescale),
            (k, x) -> k.exponentials(x.scores, KEYS, false, x.max, x.rescale, x.scores),
            (k, x) -> k.exponentials(x.scores, KEYS, true, x.max, x.rescale, x.scores),
            (k, x) -> k.accumulate(x.values, 5, KEYS, CHANNELS, CHANNELS, x.scores, x.rescale, x.output),
            (k, x) -> k.accumulate(x.values, 5, KEYS, k.valuePitch(CHANNELS), CHANNELS, x.scores, x.rescale, x.output),
            (k, x) -> k.band(x.scores, KEYS, 0, x.low, x.high),
            (k, x) -> x.nan = k.hasNan(x.output, CHANNELS * k.lanes()),
            (k, x) -> k.ops().toLanesFloat(x.scores, DIM, 0.3f, x.queries, k.lanes()),
            (k, x) -> k.ops().toLanesFloat(x.scores, CHANNELS, 0.3f, x.queries, k.lanes()),
            (k, x) -> k.ops().fromLanesFloat(x.output, k.lanes(), x.rescale, x.scores, CHANNELS - 4),
            (k, x) -> k.ops().fromLanesFloat(x.output, k.lanes(), x.rescale, x.scores, CHANNELS));

    @Test
    void givesTheBitsOfTheVectors() {
        KernelSet set = KernelSet.choose();
        Assumptions.assumeTrue(set.vectorBits() > 0, "no vectors here: " + set.notes());
        for (Kernels vectors : List.of(set.wide(), set.middle(), set.narrow())) {
            PlainKernels plain = new PlainKernels((VectorKernels) vectors);
            assertThat(List.of(plain.lanes(), plain.keyStep(), plain.channelStep()))
                    .isEqualTo(List.of(vectors.lanes(), vectors.keyStep(), vectors.channelStep()));
            for (Step step : STEPS) {
                for (int i = 0; i < TRIES; i++) {
                    Numbers x = new Numbers(vectors.lanes(), i % 2 == 1);
                    Numbers y = new Numbers(x);
                    step.run(vectors, x);
                    step.run(plain, y);
                    y.assertSame(x);
                }
            }
        }
    }
}
