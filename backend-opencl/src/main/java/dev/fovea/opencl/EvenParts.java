package dev.fovea.opencl;

/** How keys are cut into parts where every pair of a sequence and a key head has as many: so that the work-groups fill a device evenly. */
final class EvenParts {
    /** Work-groups that a compute unit has at a time at least. */
    static final int GROUPS_AT_ONCE = 2;

    /** What two and what three work-groups at a time divide. */
    private static final int GROUPS_OF_ROUNDS = 6;

    /** Keys that the warps of a work-group take at a time. */
    private static final int STEP = 64;

    private static final int SHORTEST = 128;

    /** More parts of a pair are not tried. */
    private static final int MOST_TRIED = 64;

    /** How much longer than evenly spread work the last round may take. */
    private static final double LITTLE_WASTE = 1.05;

    private EvenParts() {}

    /** Keys of a part; {@code longEnough}: from here on a work-group's own costs are small. */
    static int length(long pairs, long keys, long units, long longEnough) {
        long groups = GROUPS_AT_ONCE * units;
        long parts = Math.max(1, groups / Math.max(1, pairs));
        if (keys > 2 * longEnough * parts) {
            long more = inWholeRounds(pairs, keys / (2 * longEnough), GROUPS_OF_ROUNDS * units);
            double waste = waste(pairs * more, GROUPS_OF_ROUNDS * units);
            // one round of all is better than a second one that is mostly empty: 8 pairs of 32768 keys took 17 % less
            parts = waste <= LITTLE_WASTE || waste < waste(pairs * parts, groups) ? more : parts;
        }
        long length = Math.max(SHORTEST, Math.ceilDiv(keys, parts));
        return Math.toIntExact(Math.ceilDiv(length, STEP) * STEP);
    }

    /** The fewest parts whose work-groups fill whole rounds, or nearly. */
    private static long inWholeRounds(long pairs, long most, long round) {
        long best = 1;
        double leastWaste = Double.POSITIVE_INFINITY;
        for (long n = 1; n <= Math.min(most, MOST_TRIED) && leastWaste > LITTLE_WASTE; n++) {
            double waste = waste(pairs * n, round);
            if (waste < leastWaste) {
                best = n;
                leastWaste = waste;
            }
        }
        return best;
    }

    /** How much longer than evenly spread work so many work-groups take. */
    private static double waste(long groups, long round) {
        double rounds = (double) groups / round;
        return Math.ceil(rounds) / rounds;
    }
}
