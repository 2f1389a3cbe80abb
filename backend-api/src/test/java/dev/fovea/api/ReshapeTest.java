package dev.fovea.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Strides of another shape against the positions of all elements. */
class ReshapeTest {
    private static long[] positions(long[] shape, long[] strides) {
        int n = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        long[] at = new long[n];
        for (int i = 0; i < n; i++) {
            int rest = i;
            for (int axis = shape.length - 1; axis >= 0; axis--) {
                at[i] += rest % shape[axis] * strides[axis];
                rest /= (int) shape[axis];
            }
        }
        return at;
    }

    /** The strides that the positions have under a shape, if it has any. */
    private static boolean possible(long[] positions, long[] sizes) {
        long[] strides = new long[sizes.length];
        long each = 1;
        for (int axis = sizes.length - 1; axis >= 0; axis--) {
            strides[axis] = sizes[axis] == 1 ? 0 : positions[(int) each] - positions[0];
            each *= sizes[axis];
        }
        return Arrays.equals(positions(sizes, strides), positions);
    }

    private static long[] shape(Random random) {
        return random.longs(random.nextInt(5), 1, 5).toArray();
    }

    @Test
    void showsTheSameElementsOrRefuses() {
        Random random = new Random(1);
        int views = 0;
        int refusals = 0;
        for (int i = 0; i < 200_000; i++) {
            long[] shape = shape(random);
            long[] sizes = shape(random);
            long[] strides = Tensor.rowMajor(shape);
            for (int axis = 0; axis < shape.length; axis++) {
                strides[axis] = switch (random.nextInt(6)) {
                    case 0 -> random.nextInt(4);
                    case 1 -> 2 * strides[axis];
                    case 2 -> strides[random.nextInt(shape.length)];
                    default -> strides[axis];
                };
            }
            long[] at = positions(shape, strides);
            if (at.length != positions(sizes, new long[sizes.length]).length) {
                assertThat(Reshape.strides(shape, strides, sizes)).isNull();
                continue;
            }
            long[] got = Reshape.strides(shape, strides, sizes);
            String what = Arrays.toString(shape) + Arrays.toString(strides) + " to " + Arrays.toString(sizes);
            assertThat(got != null).as(what).isEqualTo(possible(at, sizes));
            if (got != null) {
                assertThat(positions(sizes, got)).as(what).isEqualTo(at);
                views++;
            } else {
                refusals++;
            }
        }
        assertThat(views).isGreaterThan(1000);
        assertThat(refusals).isGreaterThan(1000);
    }

    @Test
    void emptyShapes() {
        assertThat(Reshape.strides(new long[] {0, 3}, new long[] {3, 1}, new long[] {5, 0}))
                .isNotNull();
        assertThat(Reshape.strides(new long[] {0, 3}, new long[] {3, 1}, new long[] {1}))
                .isNull();
        long wraps = 1L << 32;
        assertThat(Reshape.strides(new long[] {0}, new long[] {1}, new long[] {wraps, wraps}))
                .isNull();
    }
}
