package dev.fovea.api.expr;

import dev.fovea.api.expr.Expr.BinaryOp;
import dev.fovea.api.expr.Expr.UnaryOp;

/**
 * Bounds of F32 steps. They hold for every device: where a result is rounded they are one unit in the last place wider, so that a
 * fused multiply-add keeps within them, and functions get the slack that their accuracy allows; subnormal results may be 0.
 */
final class FloatBounds {
    /** Relative and absolute slack of functions, well above what any device is allowed to err. */
    private static final double SLACK = 1e-5;

    private final float[] from;
    private final float[] to;
    private final boolean[] nan;

    FloatBounds(int steps) {
        from = new float[steps];
        to = new float[steps];
        nan = new boolean[steps];
    }

    private void set(int i, float least, float largest, boolean canBeNan) {
        boolean unknown = Float.isNaN(least) || Float.isNaN(largest);
        from[i] = unknown ? Float.NEGATIVE_INFINITY : least;
        to[i] = unknown ? Float.POSITIVE_INFINITY : largest;
        nan[i] = canBeNan || unknown;
    }

    /** A number that is given; a device may flush a subnormal one. */
    void setPoint(int i, float x) {
        rounded(i, x, x, false);
    }

    void setUnknown(int i) {
        set(i, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY, true);
    }

    /** Bounds from exact ones in float64, rounded outward where they are no floats. */
    private void rounded(int i, double least, double largest, boolean canBeNan) {
        float down = (float) least;
        float up = (float) largest;
        down = down == least ? down : Math.nextDown(down);
        up = up == largest ? up : Math.nextUp(up);
        down = Math.abs(down) < Float.MIN_NORMAL ? Math.min(down, 0) : down;
        up = Math.abs(up) < Float.MIN_NORMAL ? Math.max(up, 0) : up;
        set(i, down, up, canBeNan || Double.isNaN(least) || Double.isNaN(largest));
    }

    void fromInt(int i, long least, long largest) {
        rounded(i, least, largest, false);
    }

    /** Toward zero, saturating; NaN gives 0. */
    void toInt(int i, int a, long[] least, long[] largest, boolean[] wrapped) {
        least[i] = Math.min((int) from[a], nan[a] ? 0 : Integer.MAX_VALUE);
        largest[i] = Math.max((int) to[a], nan[a] ? 0 : Integer.MIN_VALUE);
        wrapped[i] = false;
    }

    void union(int i, int a, int b) {
        set(i, Math.min(from[a], from[b]), Math.max(to[a], to[b]), nan[a] || nan[b]);
    }

    void unary(int i, UnaryOp op, int a) {
        double least = from[a];
        double largest = to[a];
        switch (op) {
            case NEGATE -> set(i, -to[a], -from[a], nan[a]);
            case ABS -> {
                boolean spans = least <= 0 && largest >= 0;
                float near = Math.min(Math.abs(from[a]), Math.abs(to[a]));
                set(i, spans ? 0 : near, Math.max(Math.abs(from[a]), Math.abs(to[a])), nan[a]);
            }
            case TANH -> function(i, Math.tanh(least), Math.tanh(largest), nan[a], -1, 1);
            case EXP -> function(i, Math.exp(least), Math.exp(largest), nan[a], 0, Double.POSITIVE_INFINITY);
            case EXP2 -> function(i, Math.pow(2, least), Math.pow(2, largest), nan[a], 0, Double.POSITIVE_INFINITY);
            case SIGMOID -> function(i, sigmoid(least), sigmoid(largest), nan[a], 0, 1);
            case LOG, LOG2, SQRT -> ofPositive(i, op, a);
            default -> throw new IllegalStateException("not of F32: " + op);
        }
    }

    /** Below 0 the result is NaN. A subnormal operand may count as 0. */
    private void ofPositive(int i, UnaryOp op, int a) {
        if (to[a] < 0) {
            setUnknown(i);
            return;
        }
        double least = from[a] < Float.MIN_NORMAL ? 0 : from[a];
        double largest = to[a];
        boolean canBeNan = nan[a] || from[a] < 0;
        switch (op) {
            case SQRT -> function(i, Math.sqrt(least), Math.sqrt(largest), canBeNan, 0, Double.POSITIVE_INFINITY);
            case LOG -> unbounded(i, Math.log(least), Math.log(largest), canBeNan);
            default -> unbounded(i, Math.log(least) / Math.log(2), Math.log(largest) / Math.log(2), canBeNan);
        }
    }

    private void unbounded(int i, double least, double largest, boolean canBeNan) {
        function(i, least, largest, canBeNan, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);
    }

    private void function(int i, double least, double largest, boolean canBeNan, double floor, double ceiling) {
        double down = least - SLACK * Math.abs(least) - SLACK;
        double up = largest + SLACK * Math.abs(largest) + SLACK;
        // an infinite bound less its own slack is NaN
        down = Double.isInfinite(least) ? least : down;
        up = Double.isInfinite(largest) ? largest : up;
        rounded(i, Math.max(down, floor), Math.min(up, ceiling), canBeNan);
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    void binary(int i, BinaryOp op, int a, int b) {
        boolean canBeNan = nan[a] || nan[b];
        switch (op) {
            case ADD -> sum(i, from[a], to[a], from[b], to[b], canBeNan);
            case SUBTRACT -> sum(i, from[a], to[a], -to[b], -from[b], canBeNan);
            case MULTIPLY -> {
                if (crosses(a, b) || crosses(b, a)) {
                    setUnknown(i);
                } else {
                    corners(
                            i,
                            (double) from[a] * from[b],
                            (double) from[a] * to[b],
                            (double) to[a] * from[b],
                            (double) to[a] * to[b],
                            canBeNan);
                }
            }
            case DIVIDE -> {
                boolean normal = from[b] >= Float.MIN_NORMAL || to[b] <= -Float.MIN_NORMAL;
                if (!normal || isInfinite(a) || isInfinite(b)) {
                    setUnknown(i);
                } else {
                    // 2.5 units in the last place are what OpenCL allows a quotient
                    double p = (double) from[a] / from[b];
                    double q = (double) from[a] / to[b];
                    double r = (double) to[a] / from[b];
                    double s = (double) to[a] / to[b];
                    double least = Math.min(Math.min(p, q), Math.min(r, s));
                    double largest = Math.max(Math.max(p, q), Math.max(r, s));
                    rounded(i, least - 1e-6 * Math.abs(least), largest + 1e-6 * Math.abs(largest), canBeNan);
                }
            }
            // which operand wins over NaN is not the same everywhere
            case MIN, MAX -> {
                if (canBeNan) {
                    union(i, a, b);
                } else if (op == BinaryOp.MIN) {
                    set(i, Math.min(from[a], from[b]), Math.min(to[a], to[b]), false);
                } else {
                    set(i, Math.max(from[a], from[b]), Math.max(to[a], to[b]), false);
                }
            }
            default -> throw new IllegalStateException("not of F32: " + op);
        }
    }

    private void sum(int i, float aFrom, float aTo, float bFrom, float bTo, boolean canBeNan) {
        boolean cancels = aTo == Float.POSITIVE_INFINITY && bFrom == Float.NEGATIVE_INFINITY
                || aFrom == Float.NEGATIVE_INFINITY && bTo == Float.POSITIVE_INFINITY;
        if (cancels) {
            setUnknown(i);
        } else {
            rounded(i, (double) aFrom + bFrom, (double) aTo + bTo, canBeNan);
        }
    }

    private void corners(int i, double p, double q, double r, double s, boolean canBeNan) {
        rounded(i, Math.min(Math.min(p, q), Math.min(r, s)), Math.max(Math.max(p, q), Math.max(r, s)), canBeNan);
    }

    /** Whether an infinite a may meet a zero b. */
    private boolean crosses(int a, int b) {
        return isInfinite(a) && from[b] < Float.MIN_NORMAL && to[b] > -Float.MIN_NORMAL;
    }

    private boolean isInfinite(int a) {
        return Float.isInfinite(from[a]) || Float.isInfinite(to[a]);
    }

    /** What a comparison can be, as {@link IntervalRun} has it; NaN makes each false. */
    int compare(BinaryOp op, int a, int b) {
        boolean holds;
        boolean fails;
        switch (op) {
            case LESS -> {
                holds = from[a] < to[b];
                fails = to[a] >= from[b];
            }
            case LESS_EQUAL -> {
                holds = from[a] <= to[b];
                fails = to[a] > from[b];
            }
            case EQUAL -> {
                holds = from[a] <= to[b] && from[b] <= to[a];
                fails = from[a] != to[a] || from[b] != to[b] || from[a] != from[b];
            }
            default -> throw new IllegalStateException("no comparison: " + op);
        }
        fails |= nan[a] || nan[b];
        return (holds ? IntervalRun.TRUE : 0) | (fails ? IntervalRun.FALSE : 0);
    }
}
