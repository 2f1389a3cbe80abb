package dev.fovea.conformance;

import static dev.fovea.conformance.OperationRun.law;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.GatherArguments;
import dev.fovea.api.spec.GatherSpec;
import dev.fovea.api.spec.ReduceArguments;
import dev.fovea.api.spec.ReduceSpec;
import dev.fovea.api.spec.ReduceSpec.Rule;
import dev.fovea.api.spec.SelectArguments;
import dev.fovea.api.spec.SelectSpec;
import dev.fovea.conformance.Laws.Law;
import dev.fovea.conformance.OperationRun.Output;
import dev.fovea.conformance.OperationRun.Violation;
import dev.fovea.conformance.Placed.Form;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Reductions, gathers and selections of rows, and concatenation, against float64 loops. */
final class RowLaws {
    private static final List<DType> REALS = List.of(DType.F32, DType.F16, DType.BF16);
    private static final List<Form> FORMS = List.of(Form.values());
    private static final List<Form> OUTPUTS = List.of(Form.DENSE, Form.TURNED, Form.STEPPED);
    private static final int[] SMALL = {0, 1, 2, 7, 16, 33, 65};
    private static final int[] LARGE = {127, 255, 257, 1000, 1025, 4097, 5000};

    private RowLaws() {}

    static List<Law> small() {
        List<Law> laws = new ArrayList<>();
        for (Rule rule : Rule.values()) {
            laws.add(law("rows reduce by " + rule, b -> reduce(b, rule, SMALL)));
        }
        laws.add(law("rows are gathered as they are", RowLaws::gathers));
        laws.add(law("the largest of rows are selected", b -> selects(b, SMALL)));
        laws.add(law("parts concatenate along any axis", RowLaws::concatenates));
        return laws;
    }

    static List<Law> large() {
        List<Law> laws = new ArrayList<>();
        for (Rule rule : Rule.values()) {
            laws.add(law("long rows reduce by " + rule, b -> reduce(b, rule, LARGE)));
        }
        laws.add(law("the largest of long rows are selected", b -> selects(b, LARGE)));
        laws.add(law("long rows are gathered", b -> gather(b, DType.F32, Form.DENSE, Form.DENSE, 300, 700, 260, 1)));
        return laws;
    }

    private static int[] shape(int i, int n) {
        int[][] leads = {{}, {5}, {2, 3}, {2, 2, 3}};
        int[] lead = leads[i % leads.length];
        int[] s = Arrays.copyOf(lead, lead.length + 1);
        s[lead.length] = n;
        return s;
    }

    /** Rows with ties, NaN, infinities and zeros of both signs, and plain ones. */
    private static HostTensor special(SplittableRandom r, DType dtype, int... shape) {
        int n = shape[shape.length - 1];
        double[] x = new double[OperationLoops.count(shape)];
        for (int i = 0; i < x.length; i++) {
            double tie = r.nextInt(4) - 1;
            x[i] = switch (i / n % 6) {
                case 0 -> r.nextGaussian();
                case 1 -> tie == 0 ? (i % 2 == 0 ? -0.0 : 0.0) : Math.min(tie, 0);
                case 2 -> r.nextInt(9) == 0 ? Double.NaN : tie;
                case 3 -> Double.NEGATIVE_INFINITY;
                case 4 -> r.nextInt(5) == 0 ? Double.NEGATIVE_INFINITY : r.nextGaussian();
                default -> r.nextInt(7) == 0 ? Double.POSITIVE_INFINITY : tie;
            };
        }
        return new HostTensor(dtype, x, shape);
    }

    private static void reduce(Backend b, Rule rule, int[] sizes) {
        int i = 0;
        for (int n : sizes) {
            for (DType input : REALS) {
                for (Form form : Form.values()) {
                    DType real = REALS.get(i / 2 % 3);
                    SplittableRandom r = new SplittableRandom(i);
                    int[] shape = shape(i, n);
                    HostTensor x = i % 2 == 0 ? special(r, input, shape) : OperationRun.gaussian(r, input, shape);
                    reduce(
                            b,
                            new ReduceSpec(input, rule.givesIndex() ? DType.I32 : real, rule),
                            OperationRun.formed(x, form),
                            form,
                            OUTPUTS.get(i % 3));
                    i++;
                }
            }
        }
    }

    private static void reduce(Backend b, ReduceSpec spec, HostTensor x, Form form, Form outputForm) {
        int[] shape = x.shape();
        int n = shape[shape.length - 1];
        int[] rows = Arrays.copyOf(shape, shape.length - 1);
        String what = spec.rule() + " of " + spec.input() + Arrays.toString(shape) + " " + form + " to " + spec.output()
                + " " + outputForm;
        double[] expected = OperationLoops.reduce(spec.rule(), x);
        double[] got;
        try (Placed in = Placed.input(b, x, form)) {
            got = OperationRun.run(
                            b,
                            what,
                            spec,
                            outputForm,
                            List.of(new Output(spec.output(), rows)),
                            o -> new ReduceArguments(in.tensor(), o.getFirst()))
                    .getFirst();
        }
        switch (spec.rule()) {
            case SUM, MEAN -> {
                double by = spec.rule() == Rule.MEAN ? n : 1;
                List<double[]> plain = new ArrayList<>();
                for (int order = 0; order < 3; order++) {
                    double[] sums = new double[expected.length];
                    for (int row = 0; row < sums.length; row++) {
                        int first = row * n;
                        sums[row] = OperationRun.sum(order, n, t -> (float) x.values()[first + t]) / (float) by;
                    }
                    plain.add(sums);
                }
                double most = OperationRun.largest(OperationLoops.reduce(spec.rule(), x.map(Math::abs)));
                double bound = OperationRun.bound(expected, plain, most, spec.output());
                OperationRun.near(what, got, expected, e -> bound);
            }
            case MAX, MIN -> OperationRun.exactly(what, got, OperationRun.stored(expected, spec.output()));
            case ARGMAX, ARGMIN -> OperationRun.exactly(what, got, expected);
        }
    }

    private static void gathers(Backend b) {
        int i = 0;
        for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16, DType.I32, DType.BOOL)) {
            for (Form form : Form.values()) {
                for (Form indexForm : List.of(Form.DENSE, Form.STEPPED, Form.REPEATED)) {
                    gather(b, dtype, form, indexForm, 6, i % 5 == 0 ? 0 : 9, i % 3 == 0 ? 1 : 5 + i % 4, i);
                    i++;
                }
            }
            gather(b, dtype, Form.DENSE, Form.DENSE, 6, 9, 0, 1); // rows of nothing once left their memory
        }
    }

    private static void gather(
            Backend b, DType dtype, Form form, Form indexForm, int n, int m, int columns, int variant) {
        int[][] leads = {{}, {3}, {2, 3}};
        int[] lead = leads[variant % 3];
        int[] shape = Arrays.copyOf(lead, lead.length + 2);
        shape[lead.length] = n;
        shape[lead.length + 1] = columns;
        int[] lists = Arrays.copyOf(lead, lead.length + 1);
        if (variant % 2 == 1 && lead.length > 0) {
            lists[variant % lead.length] = 1;
        }
        lists[lead.length] = m;
        SplittableRandom r = new SplittableRandom(variant);
        HostTensor source = OperationRun.formed(elements(r, dtype, shape), form);
        double[] at = new double[OperationLoops.count(lists)];
        Arrays.setAll(at, k -> r.nextInt(n + 1) - 1);
        HostTensor indices = OperationRun.formed(new HostTensor(DType.I32, at, lists), indexForm);
        double fill = dtype == DType.I32 ? -7 : dtype == DType.BOOL ? variant % 2 : Double.NEGATIVE_INFINITY;
        int[] out = shape.clone();
        out[lead.length] = m;
        String what = dtype + Arrays.toString(shape) + " " + form + " by " + Arrays.toString(lists) + " " + indexForm;
        try (Placed in = Placed.input(b, source, form);
                Placed list = Placed.input(b, indices, indexForm)) {
            double[] got = OperationRun.run(
                            b,
                            what,
                            new GatherSpec(dtype),
                            OUTPUTS.get(variant % 3),
                            List.of(new Output(dtype, out)),
                            o -> new GatherArguments(in.tensor(), list.tensor(), o.getFirst(), fill))
                    .getFirst();
            OperationRun.sameBits(what, got, OperationLoops.gather(source, indices, fill));
        }
    }

    private static HostTensor elements(SplittableRandom r, DType dtype, int... shape) {
        double[] x = new double[OperationLoops.count(shape)];
        for (int i = 0; i < x.length; i++) {
            x[i] = switch (dtype) {
                case BOOL -> r.nextInt(2);
                case I32 -> r.nextInt();
                default ->
                    switch (r.nextInt(12)) {
                        case 0 -> Double.NaN;
                        case 1 -> -0.0;
                        case 2 -> Double.NEGATIVE_INFINITY;
                        case 3 -> dtype == DType.F16 ? 0x3p-24 : 0x3p-132; // subnormal
                        default -> r.nextGaussian();
                    };
            };
        }
        return new HostTensor(dtype, x, shape);
    }

    private static void selects(Backend b, int[] sizes) {
        int i = 0;
        for (int n : sizes) {
            for (int k : new int[] {0, 1, 3, n / 2, n, n + 2}) {
                if (k > 3 && n > 500) {
                    k = k == n / 2 ? 200 : k == n ? 64 : 17;
                }
                DType dtype = REALS.get(i % 3);
                Form form = FORMS.get(i % 4);
                SplittableRandom r = new SplittableRandom(i);
                int[] shape = shape(i, n);
                HostTensor x = i % 5 == 4 ? OperationRun.gaussian(r, dtype, shape) : special(r, dtype, shape);
                select(b, OperationRun.formed(x, form), form, k, i % 3 != 1, i % 4 != 2, OUTPUTS.get(i / 2 % 3));
                i++;
            }
        }
    }

    private static void select(
            Backend b, HostTensor x, Form form, int k, boolean counts, boolean chosen, Form outputForm) {
        int[] slots = x.shape();
        slots[slots.length - 1] = k;
        List<Output> outputs = new ArrayList<>(List.of(new Output(DType.I32, slots)));
        if (counts) {
            outputs.add(new Output(DType.I32, Arrays.copyOf(slots, slots.length - 1)));
        }
        if (chosen) {
            outputs.add(new Output(DType.BOOL, x.shape()));
        }
        String what = k + " of " + x.dtype() + Arrays.toString(x.shape()) + " " + form + " to " + outputForm;
        OperationLoops.Selected expected = OperationLoops.select(x, k);
        try (Placed in = Placed.input(b, x, form)) {
            List<double[]> got = OperationRun.run(
                    b,
                    what,
                    new SelectSpec(x.dtype(), counts, chosen),
                    outputForm,
                    outputs,
                    o -> new SelectArguments(
                            in.tensor(), o.get(0), counts ? o.get(1) : null, chosen ? o.getLast() : null));
            OperationRun.exactly(what + ", indices", got.get(0), expected.indices());
            if (counts) {
                OperationRun.exactly(what + ", counts", got.get(1), expected.counts());
            }
            if (chosen) {
                OperationRun.exactly(what + ", chosen", got.getLast(), expected.chosen());
            }
        }
    }

    private static void concatenates(Backend b) {
        for (DType dtype : List.of(DType.F32, DType.BF16, DType.I32, DType.BOOL)) {
            for (int rank = 1; rank <= 4; rank++) {
                for (int axis = 0; axis < rank; axis++) {
                    concatenate(b, dtype, rank, axis);
                }
            }
        }
    }

    private static void concatenate(Backend b, DType dtype, int rank, int axis) {
        SplittableRandom r = new SplittableRandom(rank * 10L + axis);
        int[] lengths = {2, 0, 1, 4};
        int[] shape = Arrays.copyOf(new int[] {2, 3, 2, 5}, rank);
        List<HostTensor> parts = new ArrayList<>();
        try (Operations ops = new Operations(b)) {
            Tensor[] tensors = new Tensor[lengths.length];
            for (int i = 0; i < lengths.length; i++) {
                shape[axis] = lengths[i];
                parts.add(elements(r, dtype, shape));
                tensors[i] = ops.own(parts.get(i).upload(b));
            }
            shape[axis] = Arrays.stream(lengths).sum();
            Tensor all = ops.concat(axis, tensors);
            if (!Arrays.equals(all.shape(), Arrays.stream(shape).asLongStream().toArray())) {
                throw new Violation("concatenated to " + all + ", expected " + Arrays.toString(shape));
            }
            int from = 0;
            for (int i = 0; i < lengths.length; i++) {
                Tensor part = ops.slice(all, axis, from, from + lengths[i]);
                from += lengths[i];
                OperationRun.sameBits(
                        "part " + i + " of " + all + " along axis " + axis,
                        numbers(part),
                        parts.get(i).values());
            }
        }
    }

    private static double[] numbers(Tensor t) {
        if (!t.dtype().isFloat()) {
            return Arrays.stream(t.toIntArray()).asDoubleStream().toArray();
        }
        float[] x = t.toFloatArray();
        double[] d = new double[x.length];
        Arrays.setAll(d, i -> x[i]);
        return d;
    }
}
