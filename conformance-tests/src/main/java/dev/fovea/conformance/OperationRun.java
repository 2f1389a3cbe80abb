package dev.fovea.conformance;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.HalfFloats;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.Primitive;
import dev.fovea.api.spi.Support;
import dev.fovea.conformance.Laws.Law;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;

/** Runs of one primitive for a law: onto poisoned outputs, twice, with the same bits. */
final class OperationRun {
    private OperationRun() {}

    /** What a law found. */
    static final class Violation extends RuntimeException {
        private static final long serialVersionUID = 1;

        Violation(String sentence) {
            super(sentence);
        }
    }

    /** Statements about a backend; a {@link Violation} says which does not hold. */
    interface Body {
        void run(Backend backend);
    }

    static Law law(String name, Body body) {
        return new Law(name, backend -> {
            try {
                body.run(backend);
                return "";
            } catch (Violation v) {
                return String.valueOf(v.getMessage());
            }
        });
    }

    record Output(DType dtype, int... shape) {}

    /** Runs a primitive and gives its outputs, row-major. */
    static <A extends Arguments> List<double[]> run(
            Backend b,
            String what,
            Primitive<A> spec,
            Placed.Form form,
            List<Output> outputs,
            Function<List<Tensor>, A> arguments) {
        if (b.supports(spec) instanceof Support.No no) {
            throw new Violation(no.reason() + "; " + no.remedy());
        }
        List<double[]> first = once(b, what, spec, form, false, outputs, arguments);
        List<double[]> second = once(b, what, spec, form, true, outputs, arguments);
        for (int i = 0; i < first.size(); i++) {
            if (!Arrays.equals(first.get(i), second.get(i))) {
                throw new Violation(what + ": two runs give other bits, or an element is not written");
            }
        }
        return first;
    }

    private static <A extends Arguments> List<double[]> once(
            Backend b,
            String what,
            Primitive<A> spec,
            Placed.Form form,
            boolean second,
            List<Output> outputs,
            Function<List<Tensor>, A> arguments) {
        List<Placed> placed = new ArrayList<>();
        try {
            outputs.forEach(o -> placed.add(Placed.output(b, o.dtype, form, second, o.shape)));
            b.run(spec, arguments.apply(placed.stream().map(Placed::tensor).toList()));
            List<double[]> read = placed.stream().map(Placed::read).toList();
            if (!placed.stream().allMatch(Placed::intact)) {
                throw new Violation(what + ": wrote outside an output");
            }
            return read;
        } finally {
            placed.forEach(Placed::close);
        }
    }

    static HostTensor gaussian(SplittableRandom r, DType dtype, int... shape) {
        double[] x = new double[OperationLoops.count(shape)];
        Arrays.setAll(x, i -> r.nextGaussian());
        return new HostTensor(dtype, x, shape);
    }

    /** Values that are equal along the first axis, so that it may repeat by stride 0. */
    static HostTensor repeating(HostTensor t) {
        int each = t.size(0) == 0 ? 1 : t.values().length / t.size(0);
        double[] x = new double[t.values().length];
        Arrays.setAll(x, i -> t.values()[i % each]);
        return new HostTensor(t.dtype(), x, t.shape());
    }

    static HostTensor formed(HostTensor t, Placed.Form form) {
        return form == Placed.Form.REPEATED ? repeating(t) : t;
    }

    /** Elements as expected: NaN and infinities exactly, the others within an error. */
    static void near(String what, double[] got, double[] expected, DoubleUnaryOperator allowed) {
        for (int i = 0; i < expected.length; i++) {
            double e = expected[i];
            boolean same = Double.isFinite(e) ? Math.abs(got[i] - e) <= allowed.applyAsDouble(e) : got[i] == e;
            if (!same && !(Double.isNaN(e) && Double.isNaN(got[i]))) {
                throw new Violation(what + ": element " + i + " is " + got[i] + ", expected " + e + " within "
                        + (Double.isFinite(e) ? allowed.applyAsDouble(e) : 0));
            }
        }
        if (got.length != expected.length) {
            throw new Violation(what + ": " + got.length + " elements, expected " + expected.length);
        }
    }

    static void exactly(String what, double[] got, double[] expected) {
        near(what, got, expected, e -> 0);
    }

    /** Bit by bit, zeros by their signs. */
    static void sameBits(String what, double[] got, double[] expected) {
        exactly(what, got, expected);
        for (int i = 0; i < expected.length; i++) {
            if (expected[i] == 0 && Double.compare(got[i], expected[i]) != 0) {
                throw new Violation(what + ": element " + i + " is " + got[i] + ", expected " + expected[i]);
            }
        }
    }

    /** Numbers as a type stores them. */
    static double[] stored(double[] x, DType dtype) {
        return new HostTensor(dtype, x, x.length).values();
    }

    /** Distance of neighbouring values of a type at x. */
    static double ulp(double x, DType dtype) {
        return switch (dtype) {
            case F16 -> Math.max(0x1p-24, Math.scalb(1.0, Math.getExponent(x) - 10));
            case BF16 -> Math.max(0x1p-133, Math.scalb(1.0, Math.getExponent(x) - 7));
            default -> Math.ulp((float) x);
        };
    }

    static double largest(double[] x) {
        return Arrays.stream(x).filter(Double::isFinite).map(Math::abs).max().orElse(0);
    }

    /** One term of a sum in f32. */
    interface Term {
        float at(int i);
    }

    /** The sum in f32 in one of three orders: forward, backward, eight partial sums. */
    static float sum(int order, int n, Term term) {
        float[] part = new float[order == 2 ? 8 : 1];
        for (int i = 0; i < n; i++) {
            part[i % part.length] += term.at(order == 1 ? n - 1 - i : i);
        }
        float s = 0;
        for (float p : part) {
            s += p;
        }
        return s;
    }

    /** Twice the worst error of plain f32 sums, and the floors of a correct sum in another order. */
    static double bound(double[] expected, List<double[]> plain, double largestSum, DType dtype) {
        double worst = 0;
        for (double[] p : plain) {
            for (int i = 0; i < p.length; i++) {
                double e = Math.abs(HalfFloats.rounded((float) p[i], dtype) - expected[i]);
                worst = Double.isFinite(e) ? Math.max(worst, e) : worst;
            }
        }
        return 2 * worst + 0x1p-24 * largestSum + 2 * ulp(largest(expected), dtype);
    }
}
