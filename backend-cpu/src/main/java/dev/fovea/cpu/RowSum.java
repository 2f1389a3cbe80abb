package dev.fovea.cpu;

/**
 * The end of a row's softmax. StrictMath, since the bits of Math may differ between interpreter and compiled code.
 *
 * @param max row maximum, the sink included, natural units; -inf for an empty row
 * @param sum sum of exp(s - max), the sink included
 * @param scale what the accumulator is short of to be relative to {@code max}
 */
record RowSum(float max, double sum, double scale) {
    private static final double LN2 = 0.6931471805599453;

    /** Up to it three terms give e^x to 1e-9. */
    private static final double SMALL = 0.01;

    private static final double LARGE = 65;

    static RowSum of(float max, float sum) {
        return new RowSum(max, sum, 1);
    }

    /** Of a maximum and a sum of 2^(s - max), both to the base 2. */
    static RowSum ofBase2(float max, float sum) {
        if (max == Float.NEGATIVE_INFINITY) {
            return of(max, sum);
        }
        float natural = (float) (max * LN2);
        double rounded = max * LN2 - natural;
        double scale = ofRounding(rounded);
        return new RowSum(natural, sum * scale, scale);
    }

    private static double ofRounding(double x) {
        if (x > -SMALL && x < SMALL) {
            return 1 + x * (1 + x / 2 * (1 + x / 3));
        }
        // of a maximum beyond 2^30, beside which no sum counts, it may be more than an exponent takes
        return x > -LARGE && x < LARGE ? StrictMath.exp(x) : 1;
    }

    /** With a logit that takes part in the sum and carries no value; -inf is no sink. */
    RowSum withSink(float sink) {
        if (sink == Float.NEGATIVE_INFINITY) {
            return this;
        }
        float joint = max > sink ? max : sink;
        double shrink = max == Float.NEGATIVE_INFINITY ? 0 : StrictMath.exp((double) max - joint);
        return new RowSum(joint, sum * shrink + StrictMath.exp((double) sink - joint), scale * shrink);
    }

    /** Factor of the accumulator that gives the output; 0 for an empty row. */
    float factor() {
        return max == Float.NEGATIVE_INFINITY && !Double.isNaN(sum) ? 0 : (float) (scale / sum);
    }

    /** The same for a row without a sink, of a maximum and a sum to the same base. */
    static float factor(float max, float sum) {
        return max == Float.NEGATIVE_INFINITY && !Float.isNaN(sum) ? 0 : 1 / sum;
    }

    float logSumExp() {
        return (float) (max + StrictMath.log(sum));
    }
}
