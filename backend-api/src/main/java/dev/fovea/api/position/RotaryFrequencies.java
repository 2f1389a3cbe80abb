package dev.fovea.api.position;

import dev.fovea.api.FoveaException.InvalidArgument;
import java.util.Arrays;
import java.util.stream.DoubleStream;

/**
 * How fast the pairs of columns turn.
 *
 * @param radians by pair: radians per position
 * @param amplitude factor of cosines and sines, 1 unless a scaling has another; it is squared in the score
 */
public record RotaryFrequencies(double[] radians, double amplitude) {
    /** {@code base^(-2 r / rotaryDim)} for pair r (Su et al. 2021, RoFormer); base 10000 there. */
    public static RotaryFrequencies of(double base, int rotaryDim) {
        if (rotaryDim < 2 || rotaryDim % 2 != 0) {
            throw new InvalidArgument("rotary dim", "an even number of at least 2", "" + rotaryDim, "correct it");
        }
        if (!(base > 1) || Double.isInfinite(base)) {
            throw new InvalidArgument("base", "a finite number above 1", "" + base, "10000 is usual");
        }
        double[] radians = new double[rotaryDim / 2];
        Arrays.setAll(radians, r -> Math.pow(base, -2.0 * r / rotaryDim));
        return new RotaryFrequencies(radians, 1);
    }

    /**
     * Frequencies that start anew on each axis, the pairs of an axis beside each other, as images have them; {@link
     * RotarySections#blocks} of half these numbers says which pair belongs to which axis.
     *
     * @param axisDims columns of each axis, even; for instance 16, 56, 56 (FLUX.1)
     */
    public static RotaryFrequencies axial(double base, int... axisDims) {
        double[] radians = Arrays.stream(axisDims)
                .mapToObj(dim -> of(base, dim).radians)
                .flatMapToDouble(DoubleStream::of)
                .toArray();
        return new RotaryFrequencies(radians, 1);
    }

    public int pairs() {
        return radians.length;
    }
}
