package dev.fovea.conformance;

import dev.fovea.api.expr.Expr;
import dev.fovea.api.spec.ReduceSpec;
import java.util.Arrays;
import java.util.Map;

/** The tensor operations as their specs define them, in float64 loops over row-major arrays. */
final class OperationLoops {
    private OperationLoops() {}

    static int count(int... shape) {
        return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    }

    private static int last(HostTensor t) {
        return t.size(t.rank() - 1);
    }

    /** {@code [.., M, N]}; leading axes are equal. */
    static double[] matmul(HostTensor left, HostTensor right) {
        int m = left.size(left.rank() - 2);
        int k = last(left);
        int n = last(right);
        int matrices = count(Arrays.copyOf(left.shape(), left.rank() - 2));
        double[] out = new double[matrices * m * n];
        for (int i = 0; i < out.length; i++) {
            int row = i / n;
            double sum = 0;
            for (int x = 0; x < k; x++) {
                sum += left.values()[row * k + x] * right.values()[(row / m * k + x) * n + i % n];
            }
            out[i] = sum;
        }
        return out;
    }

    /** The elements of a tensor of one to four axes; with {@code single} every step is rounded to f32. */
    static double[] map(
            Expr value, int[] shape, Map<String, HostTensor> captures, Map<String, Number> scalars, boolean single) {
        int[] axes = {1, 1, 1, 1};
        System.arraycopy(shape, 0, axes, 4 - shape.length, shape.length);
        ExprInterpreter at = new ExprInterpreter(captures, scalars, single);
        double[] out = new double[count(shape)];
        for (int i = 0; i < out.length; i++) {
            int rest = i / axes[3];
            int b = rest / axes[2] / axes[1];
            out[i] = at.element(value, b, rest / axes[2] % axes[1], rest % axes[2], i % axes[3]);
        }
        return out;
    }

    static double[] reduce(ReduceSpec.Rule rule, HostTensor input) {
        int n = last(input);
        double[] out = new double[count(Arrays.copyOf(input.shape(), input.rank() - 1))];
        for (int row = 0; row < out.length; row++) {
            double[] x = Arrays.copyOfRange(input.values(), row * n, row * n + n);
            out[row] = switch (rule) {
                case SUM -> Arrays.stream(x).reduce(0, Double::sum);
                case MEAN -> Arrays.stream(x).reduce(0, Double::sum) / n;
                case MAX -> Arrays.stream(x).reduce(Double.NEGATIVE_INFINITY, Math::max);
                case MIN -> Arrays.stream(x).reduce(Double.POSITIVE_INFINITY, Math::min);
                case ARGMAX -> largest(x, 1);
                case ARGMIN -> largest(x, -1);
            };
        }
        return out;
    }

    private static int largest(double[] x, int sign) {
        int best = -1;
        for (int i = 0; i < x.length; i++) {
            if (sign * x[i] > (best < 0 ? Double.NEGATIVE_INFINITY : sign * x[best])) {
                best = i;
            }
        }
        return best;
    }

    /** {@code [.., M, D]}. */
    static double[] gather(HostTensor source, HostTensor indices, double fill) {
        int rank = source.rank();
        int[] shape = source.shape();
        shape[rank - 2] = last(indices);
        double[] out = new double[count(shape)];
        for (int i = 0; i < out.length; i++) {
            int[] at = new int[rank];
            int rest = i;
            for (int axis = rank - 1; axis >= 0; axis--) {
                at[axis] = rest % shape[axis];
                rest /= shape[axis];
            }
            int from = (int) indices.broadcastAt(Arrays.copyOf(at, rank - 1));
            at[rank - 2] = Math.max(0, from);
            out[i] = from < 0 ? fill : source.at(at);
        }
        return new HostTensor(source.dtype(), out, shape).values();
    }

    /** What a selection gives: indices [.., k], counts [..], chosen [.., N]. */
    record Selected(double[] indices, double[] counts, double[] chosen) {}

    static Selected select(HostTensor scores, int k) {
        int n = last(scores);
        int rows = count(Arrays.copyOf(scores.shape(), scores.rank() - 1));
        Selected s = new Selected(new double[rows * k], new double[rows], new double[rows * n]);
        Arrays.fill(s.indices, -1);
        for (int row = 0; row < rows; row++) {
            int first = row * n;
            for (int slot = 0; slot < k; slot++) {
                int best = -1;
                for (int i = 0; i < n; i++) {
                    double x = scores.values()[first + i];
                    boolean open = s.chosen[first + i] == 0 && x > Double.NEGATIVE_INFINITY;
                    best = open && (best < 0 || x > scores.values()[first + best]) ? i : best;
                }
                if (best < 0) {
                    break;
                }
                s.chosen[first + best] = 1;
                s.indices[row * k + slot] = best;
                s.counts[row]++;
            }
        }
        return s;
    }
}
