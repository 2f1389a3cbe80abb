package dev.fovea.conformance;

import static dev.fovea.conformance.OperationRun.law;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.spec.MatMulArguments;
import dev.fovea.api.spec.MatMulSpec;
import dev.fovea.conformance.Laws.Law;
import dev.fovea.conformance.OperationRun.Output;
import dev.fovea.conformance.Placed.Form;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Products of matrices against float64 loops, within what sums in f32 cost. */
final class MatMulLaws {
    private static final List<DType> REALS = List.of(DType.F32, DType.F16, DType.BF16);
    private static final int[][] SMALL = {
        {0, 3, 5},
        {3, 0, 5},
        {3, 5, 0},
        {1, 1, 1},
        {1, 70, 33},
        {3, 17, 1},
        {15, 16, 17},
        {16, 15, 31},
        {33, 9, 64},
        {5, 65, 63}
    };
    private static final int[][] LARGE = {
        {63, 64, 65},
        {65, 63, 129},
        {129, 129, 64},
        {64, 1, 128},
        {1, 2050, 129},
        {2, 1023, 511},
        {129, 300, 1},
        {8, 4099, 24},
        {200, 257, 150}
    };

    private MatMulLaws() {}

    static List<Law> small() {
        return List.of(
                law("matrices multiply, edges", b -> sizes(b, SMALL)),
                law("matrices multiply, all types", MatMulLaws::types),
                law("matrices multiply, all strides", MatMulLaws::forms),
                law("what is not finite reaches its row and column alone", MatMulLaws::notFinite));
    }

    static List<Law> large() {
        return List.of(
                law("matrices multiply, larger sizes", b -> sizes(b, LARGE)),
                law("matrices multiply, larger, all types and strides", MatMulLaws::largeForms));
    }

    /** A product [m, k] [k, n] under leading axes, in places of three forms. */
    private record Problem(int[] lead, int m, int k, int n, MatMulSpec spec, Form left, Form right, Form output) {
        int[] shape(int rows, int columns) {
            int[] s = Arrays.copyOf(lead, lead.length + 2);
            s[lead.length] = rows;
            s[lead.length + 1] = columns;
            return s;
        }

        void holds(Backend b) {
            SplittableRandom r = new SplittableRandom(m * 1000L + k * 10L + n);
            HostTensor x = OperationRun.formed(OperationRun.gaussian(r, spec.left(), shape(m, k)), left);
            HostTensor y = OperationRun.formed(OperationRun.gaussian(r, spec.right(), shape(k, n)), right);
            double[] expected = OperationLoops.matmul(x, y);
            double most = OperationRun.largest(OperationLoops.matmul(absolute(x), absolute(y)));
            double bound = OperationRun.bound(expected, plain(x, y), most, spec.output());
            OperationRun.near(text(), product(b, this, x, y), expected, e -> bound);
        }

        private static HostTensor absolute(HostTensor t) {
            return t.map(Math::abs);
        }

        private List<double[]> plain(HostTensor x, HostTensor y) {
            List<double[]> all = new ArrayList<>();
            for (int order = 0; order < 3; order++) {
                double[] out = new double[OperationLoops.count(shape(m, n))];
                for (int i = 0; i < out.length; i++) {
                    int row = i / n;
                    int column = i % n;
                    out[i] = OperationRun.sum(
                            order,
                            k,
                            t -> (float) x.values()[row * k + t] * (float) y.values()[(row / m * k + t) * n + column]);
                }
                all.add(out);
            }
            return all;
        }

        String text() {
            return Arrays.toString(shape(m, k)) + " by " + Arrays.toString(shape(k, n)) + " " + spec + " " + left + " "
                    + right + " " + output;
        }
    }

    private static double[] product(Backend b, Problem p, HostTensor x, HostTensor y) {
        try (Placed left = Placed.input(b, x, p.left);
                Placed right = Placed.input(b, y, p.right)) {
            List<Output> outputs = List.of(new Output(p.spec.output(), p.shape(p.m, p.n)));
            return OperationRun.run(
                            b,
                            p.text(),
                            p.spec,
                            p.output,
                            outputs,
                            o -> new MatMulArguments(left.tensor(), right.tensor(), o.getFirst()))
                    .getFirst();
        }
    }

    private static MatMulSpec f32() {
        return new MatMulSpec(DType.F32, DType.F32, DType.F32);
    }

    private static void sizes(Backend b, int[][] sizes) {
        for (int[] s : sizes) {
            new Problem(new int[0], s[0], s[1], s[2], f32(), Form.DENSE, Form.DENSE, Form.DENSE).holds(b);
        }
    }

    private static void types(Backend b) {
        for (DType left : REALS) {
            for (DType right : REALS) {
                for (DType output : REALS) {
                    MatMulSpec spec = new MatMulSpec(left, right, output);
                    new Problem(new int[] {2}, 5, 19, 9, spec, Form.DENSE, Form.TURNED, Form.DENSE).holds(b);
                }
            }
        }
    }

    private static void forms(Backend b) {
        int[][] leads = {{}, {2}, {2, 3}};
        int i = 0;
        for (Form left : Form.values()) {
            for (Form right : Form.values()) {
                for (Form output : List.of(Form.DENSE, Form.TURNED, Form.STEPPED)) {
                    new Problem(leads[i++ * 5 % 7 % 3], 4, 7, 9, f32(), left, right, output).holds(b);
                }
            }
        }
    }

    private static void largeForms(Backend b) {
        int i = 0;
        for (Form left : Form.values()) {
            for (Form right : Form.values()) {
                for (Form output : List.of(Form.DENSE, Form.TURNED, Form.STEPPED)) {
                    MatMulSpec spec = new MatMulSpec(REALS.get(i % 3), REALS.get(i / 3 % 3), REALS.get(i / 9 % 3));
                    int m = i % 5 == 0 ? 1 : 40 + i % 7;
                    new Problem(new int[] {2}, m, 60 + i, 50 + i % 11, spec, left, right, output).holds(b);
                    i++;
                }
            }
        }
    }

    private static void notFinite(Backend b) {
        SplittableRandom r = new SplittableRandom(5);
        Problem p = new Problem(new int[0], 9, 21, 37, f32(), Form.DENSE, Form.DENSE, Form.DENSE);
        HostTensor x = OperationRun.gaussian(r, DType.F32, 9, 21);
        HostTensor y = OperationRun.gaussian(r, DType.F32, 21, 37);
        x.values()[3 * 21 + 20] = Double.NaN;
        x.values()[8 * 21] = Double.POSITIVE_INFINITY;
        y.values()[20 * 37 + 36] = Double.NEGATIVE_INFINITY;
        y.values()[5] = Double.NaN;
        OperationRun.near(p.text(), product(b, p, x, y), OperationLoops.matmul(x, y), e -> 1e-4);
    }
}
