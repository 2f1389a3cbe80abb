package dev.fovea.tools.attend;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.tools.npy.NpyFile;
import dev.fovea.tools.npy.NpyFormatException;
import java.util.Arrays;

/**
 * The sum of an additive mask and a bias, for the call takes one additive tensor. Each broadcasts right-aligned; on the key axis
 * the shorter one wins, since either masks the keys beyond its end.
 *
 * @param values row-major
 * @param sizes shape
 */
@SuppressWarnings("ArrayRecordComponent") // handed over once, never compared
record AdditiveMask(float[] values, long[] sizes) {

    static AdditiveMask sum(NpyFile mask, NpyFile bias, long keys) throws NpyFormatException {
        int rank = Math.max(mask.rank(), bias.rank());
        long[] a = aligned(mask, rank);
        long[] b = aligned(bias, rank);
        long[] sizes = new long[rank];
        long count = 1;
        for (int i = 0; i < rank; i++) {
            boolean last = i == rank - 1;
            if (last) {
                notLonger("--mask", mask, a[i], keys);
                notLonger("--bias", bias, b[i], keys);
            }
            if (a[i] != b[i] && a[i] != 1 && b[i] != 1 && !(last && a[i] > 0 && b[i] > 0)) {
                throw new InvalidArgument(
                        "--mask and --bias",
                        "shapes that broadcast with each other",
                        mask.describe() + " and " + bias.describe(),
                        "each axis is 1 or equal");
            }
            sizes[i] = a[i] == 1 ? b[i] : b[i] == 1 ? a[i] : Math.min(a[i], b[i]);
            count = sizes[i] == 0 ? 0 : count > Integer.MAX_VALUE / sizes[i] ? Long.MAX_VALUE / 2 : count * sizes[i];
            if (count > Integer.MAX_VALUE - 8) {
                throw new InvalidArgument(
                        "--mask and --bias",
                        "a sum of fewer than 2^31 elements",
                        mask.describe() + " and " + bias.describe(),
                        "add them up and give one");
            }
        }
        float[] values = new float[(int) count];
        float[] left = mask.floats();
        float[] right = bias.floats();
        long[] index = new long[rank];
        for (int i = 0; i < values.length; i++) {
            values[i] = left[position(index, a)] + right[position(index, b)];
            for (int axis = rank - 1; axis >= 0 && ++index[axis] == sizes[axis]; axis--) {
                index[axis] = 0;
            }
        }
        return new AdditiveMask(values, sizes);
    }

    private static long[] aligned(NpyFile file, int rank) {
        long[] shape = file.shape();
        long[] sizes = new long[rank];
        Arrays.fill(sizes, 1);
        System.arraycopy(shape, 0, sizes, rank - shape.length, shape.length);
        return sizes;
    }

    private static void notLonger(String option, NpyFile file, long size, long keys) {
        if (size > 1 && size > keys) {
            throw new InvalidArgument(option, "at most " + keys + " keys", file.describe(), "cut its last axis");
        }
    }

    private static int position(long[] index, long[] sizes) {
        long position = 0;
        for (int i = 0; i < sizes.length; i++) {
            position = position * sizes[i] + (sizes[i] == 1 ? 0 : index[i]);
        }
        return (int) position;
    }
}
