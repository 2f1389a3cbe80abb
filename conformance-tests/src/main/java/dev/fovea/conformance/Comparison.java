package dev.fovea.conformance;

import java.util.Locale;

/**
 * One output against the reference.
 *
 * @param what output, log-sum-exp or scores
 * @param wrong what is wrong beside the size of the error; empty if nothing is
 * @param maxAbs largest absolute error, and the bound it must keep
 * @param maxUlp the same in units in the last place of the storage type at the reference value
 * @param relativeRms root mean square of the error over that of the reference, and its bound
 * @param worst row-major index of the largest error
 */
public record Comparison(
        String what,
        String wrong,
        double maxAbs,
        double maxAbsBound,
        double maxUlp,
        double relativeRms,
        double relativeRmsBound,
        double cosine,
        int worst) {

    public boolean passed() {
        return wrong.isEmpty() && maxAbs <= maxAbsBound && relativeRms <= relativeRmsBound;
    }

    /** Largest share of a bound that the error uses: above 1 fails. */
    public double load() {
        return Math.max(share(maxAbs, maxAbsBound), share(relativeRms, relativeRmsBound));
    }

    private static double share(double error, double bound) {
        return error == 0 ? 0 : error / bound;
    }

    @Override
    public String toString() {
        String text = String.format(
                Locale.ROOT,
                "%s: max abs %.2e (bound %.2e), max ulp %.1f, relative RMS %.2e (bound %.2e), cosine %.9f, worst index %d",
                what,
                maxAbs,
                maxAbsBound,
                maxUlp,
                relativeRms,
                relativeRmsBound,
                cosine,
                worst);
        return wrong.isEmpty() ? text : what + ": " + wrong + "; " + text;
    }
}
