package dev.fovea.api.position;

import dev.fovea.api.FoveaException.InvalidArgument;
import java.util.Arrays;

/** How a model reads positions beyond those it was trained on: changed frequencies and a changed amplitude. */
public sealed interface RotaryScaling {
    RotaryFrequencies frequencies(double base, int rotaryDim);

    /** As trained. */
    record None() implements RotaryScaling {
        @Override
        public RotaryFrequencies frequencies(double base, int rotaryDim) {
            return RotaryFrequencies.of(base, rotaryDim);
        }
    }

    /** Positions divided by a factor (Chen et al. 2023, position interpolation). */
    record Linear(double factor) implements RotaryScaling {
        public Linear {
            atLeastOne("factor", factor);
        }

        @Override
        public RotaryFrequencies frequencies(double base, int rotaryDim) {
            return divided(RotaryFrequencies.of(base, rotaryDim), factor);
        }
    }

    /** A larger base, so that the slowest pair is interpolated by the factor and the fastest not at all (bloc97 2023, NTK-aware). */
    record Ntk(double factor) implements RotaryScaling {
        public Ntk {
            atLeastOne("factor", factor);
        }

        @Override
        public RotaryFrequencies frequencies(double base, int rotaryDim) {
            return RotaryFrequencies.of(raised(base, rotaryDim, factor), rotaryDim);
        }
    }

    /**
     * {@link Ntk} by {@code factor length / trained - (factor - 1)}, once a sequence is longer than the trained context (emozilla 2023).
     * Keys that were turned by the tables of a shorter length do not fit.
     *
     * @param trained positions of the trained context
     * @param length positions of the sequence now
     */
    record DynamicNtk(double factor, int trained, int length) implements RotaryScaling {
        public DynamicNtk {
            atLeastOne("factor", factor);
            positive("trained context", trained);
        }

        @Override
        public RotaryFrequencies frequencies(double base, int rotaryDim) {
            double stretch = factor * Math.max(length, trained) / trained - (factor - 1);
            return RotaryFrequencies.of(raised(base, rotaryDim, stretch), rotaryDim);
        }
    }

    /**
     * Pairs that turn more than {@code fast} times in the trained context stay, those that turn less than {@code slow} times are
     * interpolated, a ramp over the pairs between (Peng et al. 2023, YaRN).
     *
     * @param trained positions of the trained context
     * @param fast 32 in the paper
     * @param slow 1 in the paper
     * @param wholePairs whether the ramp starts and ends at whole pairs, as the paper's code has it; gpt-oss does not
     * @param amplitude factor of cosines and sines; {@link #amplitude(double, double)} of the factor and 1 in the paper
     */
    record Yarn(double factor, int trained, double fast, double slow, boolean wholePairs, double amplitude)
            implements RotaryScaling {
        public Yarn {
            atLeastOne("factor", factor);
            positive("trained context", trained);
            if (!(fast > slow && slow > 0)) {
                throw new InvalidArgument("turns", "fast > slow > 0", fast + " and " + slow, "32 and 1 are usual");
            }
        }

        /** With the constants of the paper. */
        public Yarn(double factor, int trained) {
            this(factor, trained, 32, 1, true, amplitude(factor, 1));
        }

        /** {@code 0.1 mscale ln(factor) + 1}; DeepSeek-V2 divides that of mscale by that of mscale_all_dim. */
        public static double amplitude(double factor, double mscale) {
            return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
        }

        @Override
        public RotaryFrequencies frequencies(double base, int rotaryDim) {
            double[] radians = RotaryFrequencies.of(base, rotaryDim).radians();
            double from = pairOf(fast, base, rotaryDim);
            double to = pairOf(slow, base, rotaryDim);
            if (wholePairs) {
                from = Math.floor(from);
                to = Math.ceil(to);
            }
            from = Math.max(from, 0);
            to = Math.min(to, rotaryDim - 1.0);
            double width = to == from ? 0.001 : to - from;
            for (int r = 0; r < radians.length; r++) {
                double interpolated = Math.clamp((r - from) / width, 0, 1);
                radians[r] *= interpolated / factor + (1 - interpolated);
            }
            return new RotaryFrequencies(radians, amplitude);
        }

        /** The (fractional) pair that makes this many turns in the trained context. */
        private double pairOf(double turns, double base, int rotaryDim) {
            return rotaryDim * Math.log(trained / (turns * 2 * Math.PI)) / (2 * Math.log(base));
        }
    }

    /**
     * Wavelengths above {@code trained / low} are interpolated, those below {@code trained / high} stay, a ramp in the inverse wavelength
     * between (Llama 3.1: factor 8, low 1, high 4, trained 8192; base 500000).
     */
    record Llama3(double factor, double low, double high, int trained) implements RotaryScaling {
        public Llama3 {
            atLeastOne("factor", factor);
            positive("trained context", trained);
            if (!(high > low && low > 0)) {
                throw new InvalidArgument("factors", "high > low > 0", low + " and " + high, "1 and 4 are usual");
            }
        }

        @Override
        public RotaryFrequencies frequencies(double base, int rotaryDim) {
            double[] radians = RotaryFrequencies.of(base, rotaryDim).radians();
            for (int r = 0; r < radians.length; r++) {
                double turns = trained * radians[r] / (2 * Math.PI);
                double kept = Math.clamp((turns - low) / (high - low), 0, 1);
                radians[r] *= (1 - kept) / factor + kept;
            }
            return new RotaryFrequencies(radians, 1);
        }
    }

    /**
     * Each pair divided by a searched factor: one list within the trained context, another beyond it (Ding et al. 2024, LongRoPE). Keys
     * that were turned by the other list do not fit.
     *
     * @param within factor of each pair for sequences of up to {@code trained} positions
     * @param beyond factor of each pair for longer ones
     * @param trained positions of the context before it was extended
     * @param length positions of the sequence
     * @param amplitude factor of cosines and sines; Phi-3 has {@link #amplitude(int, int)}
     */
    record LongRope(double[] within, double[] beyond, int trained, int length, double amplitude)
            implements RotaryScaling {
        public LongRope {
            positive("trained context", trained);
        }

        /** {@code sqrt(1 + ln(extended / trained) / ln(trained))}. */
        public static double amplitude(int trained, int extended) {
            return extended <= trained ? 1 : Math.sqrt(1 + Math.log((double) extended / trained) / Math.log(trained));
        }

        @Override
        public RotaryFrequencies frequencies(double base, int rotaryDim) {
            double[] radians = RotaryFrequencies.of(base, rotaryDim).radians();
            double[] factors = length > trained ? beyond : within;
            if (factors.length != radians.length || Arrays.stream(factors).anyMatch(f -> !(f > 0))) {
                throw new InvalidArgument(
                        "factors",
                        radians.length + " numbers above 0",
                        Arrays.toString(factors),
                        "one for each pair of columns");
            }
            Arrays.setAll(radians, r -> radians[r] / factors[r]);
            return new RotaryFrequencies(radians, amplitude);
        }
    }

    private static RotaryFrequencies divided(RotaryFrequencies f, double factor) {
        return new RotaryFrequencies(
                Arrays.stream(f.radians()).map(w -> w / factor).toArray(), f.amplitude());
    }

    /** The base that makes the slowest pair slower by a factor: {@code base factor^(d / (d - 2))}. */
    private static double raised(double base, int rotaryDim, double factor) {
        if (rotaryDim < 4) {
            throw new InvalidArgument(
                    "rotary dim", "at least 4 for a raised base", "" + rotaryDim, "one pair has no slower neighbour");
        }
        return base * Math.pow(factor, rotaryDim / (rotaryDim - 2.0));
    }

    private static void atLeastOne(String what, double factor) {
        if (!(factor >= 1) || Double.isInfinite(factor)) {
            throw new InvalidArgument(what, "a finite number of at least 1", "" + factor, "1 changes nothing");
        }
    }

    private static void positive(String what, int n) {
        if (n < 2) {
            throw new InvalidArgument(what, "at least 2 positions", "" + n, "correct it");
        }
    }
}
