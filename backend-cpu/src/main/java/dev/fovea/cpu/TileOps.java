package dev.fovea.cpu;

import java.util.Arrays;

/**
 * Elementwise operations over the first n elements of arrays; the target may be one of the operands. A truth value is an int, 0 or
 * -1. Plain loops; a subclass may replace them by vectors with the same results.
 */
class TileOps {
    void addFloat(float[] a, float[] b, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = a[i] + b[i];
        }
    }

    void subtractFloat(float[] a, float[] b, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = a[i] - b[i];
        }
    }

    void multiplyFloat(float[] a, float[] b, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = a[i] * b[i];
        }
    }

    void divideFloat(float[] a, float[] b, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = a[i] / b[i];
        }
    }

    void minFloat(float[] a, float[] b, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = Math.min(a[i], b[i]);
        }
    }

    void maxFloat(float[] a, float[] b, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = Math.max(a[i], b[i]);
        }
    }

    void negateFloat(float[] a, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = -a[i];
        }
    }

    void absFloat(float[] a, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = Math.abs(a[i]);
        }
    }

    void tanh(float[] a, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = Exponential.tanh(a[i]);
        }
    }

    void exp(float[] a, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = Exponential.exp(a[i]);
        }
    }

    void exp2(float[] a, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = Exponential.exp2Wide(a[i]);
        }
    }

    void log(float[] a, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = Exponential.log(a[i]);
        }
    }

    void log2(float[] a, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = Exponential.log2(a[i]);
        }
    }

    void sqrt(float[] a, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = (float) Math.sqrt(a[i]);
        }
    }

    void sigmoid(float[] a, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = Exponential.sigmoid(a[i]);
        }
    }

    void toInt(float[] a, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = (int) a[i];
        }
    }

    void floorDivideInt(int[] a, int[] b, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = b[i] == 0 ? 0 : Math.floorDiv(a[i], b[i]);
        }
    }

    void moduloInt(int[] a, int[] b, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = b[i] == 0 ? 0 : Math.floorMod(a[i], b[i]);
        }
    }

    /** {@link #floorDivideInt} by one number. */
    void floorDivideInt(int[] a, int divisor, int[] out, int n) {
        if (divisor <= 0) {
            for (int i = 0; i < n; i++) {
                out[i] = divisor == 0 ? 0 : Math.floorDiv(a[i], divisor);
            }
            return;
        }
        float inverse = 1f / divisor;
        for (int i = 0;
                i < n;
                i++) { // no division of ints in vectors: two estimates leave a remainder that is off by one divisor at
            // most
            int first = (int) (a[i] * inverse);
            int rest = a[i] - first * divisor;
            int second = (int) (rest * inverse);
            rest -= second * divisor;
            int below = rest >> 31;
            rest += divisor & below;
            out[i] = first + second + below + (divisor - 1 - rest >>> 31);
        }
    }

    /** {@link #moduloInt} by one number. */
    void moduloInt(int[] a, int divisor, int[] out, int n) {
        if (divisor <= 0) {
            for (int i = 0; i < n; i++) {
                out[i] = divisor == 0 ? 0 : Math.floorMod(a[i], divisor);
            }
            return;
        }
        float inverse = 1f / divisor;
        for (int i = 0; i < n; i++) {
            int rest = a[i] - (int) (a[i] * inverse) * divisor;
            rest -= (int) (rest * inverse) * divisor;
            rest += divisor & rest >> 31;
            out[i] = rest - (divisor & divisor - 1 - rest >> 31);
        }
    }

    void toFloat(int[] a, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = a[i];
        }
    }

    void lessFloat(float[] a, float[] b, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = a[i] < b[i] ? -1 : 0;
        }
    }

    void lessEqualFloat(float[] a, float[] b, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = a[i] <= b[i] ? -1 : 0;
        }
    }

    void equalFloat(float[] a, float[] b, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = a[i] == b[i] ? -1 : 0;
        }
    }

    void selectFloat(int[] condition, float[] a, float[] b, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = condition[i] != 0 ? a[i] : b[i];
        }
    }

    void addInt(int[] a, int[] b, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = a[i] + b[i];
        }
    }

    void subtractInt(int[] a, int[] b, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = a[i] - b[i];
        }
    }

    void multiplyInt(int[] a, int[] b, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = a[i] * b[i];
        }
    }

    void minInt(int[] a, int[] b, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = Math.min(a[i], b[i]);
        }
    }

    void maxInt(int[] a, int[] b, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = Math.max(a[i], b[i]);
        }
    }

    void negateInt(int[] a, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = -a[i];
        }
    }

    void absInt(int[] a, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = a[i] < 0 ? -a[i] : a[i];
        }
    }

    void lessInt(int[] a, int[] b, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = a[i] < b[i] ? -1 : 0;
        }
    }

    void lessEqualInt(int[] a, int[] b, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = a[i] <= b[i] ? -1 : 0;
        }
    }

    void equalInt(int[] a, int[] b, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = a[i] == b[i] ? -1 : 0;
        }
    }

    void selectInt(int[] condition, int[] a, int[] b, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = a[i] & condition[i] | b[i] & ~condition[i];
        }
    }

    void and(int[] a, int[] b, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = a[i] & b[i];
        }
    }

    void or(int[] a, int[] b, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = a[i] | b[i];
        }
    }

    void not(int[] a, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = ~a[i];
        }
    }

    /** -inf where the mask is 0. */
    void mask(int[] mask, float[] s, int n) {
        for (int i = 0; i < n; i++) {
            s[i] = mask[i] != 0 ? s[i] : Float.NEGATIVE_INFINITY;
        }
    }

    /** 0 as the weight where a score is -inf. */
    void dropMasked(float[] s, float[] w, int n) {
        for (int i = 0; i < n; i++) {
            w[i] = s[i] == Float.NEGATIVE_INFINITY ? 0 : w[i];
        }
    }

    /** A value of each lane for all keys: {@code out[k][r] = a[r]}. */
    void expandLanesFloat(float[] a, float[] out, int keys, int lanes) {
        for (int k = 0; k < keys; k++) {
            System.arraycopy(a, 0, out, k * lanes, lanes);
        }
    }

    /** A value of each key for all lanes: {@code out[k][r] = a[k]}. */
    void expandKeysFloat(float[] a, float[] out, int keys, int lanes) {
        for (int k = 0; k < keys; k++) {
            Arrays.fill(out, k * lanes, (k + 1) * lanes, a[k]);
        }
    }

    /** {@code lanes[k][r] = rows[r][k] * factor}; the number of lanes is a multiple of 4. */
    void toLanesFloat(float[] rows, int keys, float factor, float[] lanes, int count) {
        Transpose.toLanes(rows, keys, factor, lanes, count);
    }

    /** {@code rows[r][d] = lanes[d][r] * factor[r]}; the number of lanes is a multiple of 4. */
    void fromLanesFloat(float[] lanes, int count, float[] factor, float[] rows, int dim) {
        Transpose.fromLanes(lanes, count, factor, rows, dim);
    }

    /** A value of each lane for all keys: {@code out[k][r] = a[r]}. */
    void expandLanesInt(int[] a, int[] out, int keys, int lanes) {
        for (int k = 0; k < keys; k++) {
            System.arraycopy(a, 0, out, k * lanes, lanes);
        }
    }

    /** A value of each key for all lanes: {@code out[k][r] = a[k]}. */
    void expandKeysInt(int[] a, int[] out, int keys, int lanes) {
        for (int k = 0; k < keys; k++) {
            Arrays.fill(out, k * lanes, (k + 1) * lanes, a[k]);
        }
    }

    /** {@code lanes[k][r] = rows[r][k]}; the number of lanes is a multiple of 4. */
    void toLanesInt(int[] rows, int keys, int[] lanes, int count) {
        Transpose.toLanes(rows, keys, lanes, count);
    }

    /**
     * {@code lanes[k][r] = rows[r][k] != 0 ? -1 : 0}.
     *
     * @param rows 64 truth values each
     * @param keys at most 64
     * @param work two ints for each lane
     */
    void truthToLanes(byte[] rows, int keys, int[] work, int[] lanes, int count) {
        for (int k = 0; k < keys; k++) {
            for (int r = 0; r < count; r++) {
                lanes[k * count + r] = rows[r * 64 + k] == 0 ? 0 : -1;
            }
        }
    }
}
