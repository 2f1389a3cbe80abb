package dev.fovea.conformance;

import static dev.fovea.conformance.OperationRun.law;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.BinaryOp;
import dev.fovea.api.expr.Expr.UnaryOp;
import dev.fovea.api.expr.ExprParser;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.ValueType;
import dev.fovea.api.spec.MapArguments;
import dev.fovea.api.spec.MapSpec;
import dev.fovea.conformance.Laws.Law;
import dev.fovea.conformance.OperationRun.Output;
import dev.fovea.conformance.Placed.Form;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;

/** Elementwise expressions against their interpretation in float64. */
final class MapLaws {
    private static final List<DType> REALS = List.of(DType.F32, DType.F16, DType.BF16);
    private static final List<Form> OUTPUTS = List.of(Form.DENSE, Form.TURNED, Form.STEPPED);
    private static final double[] NUMBERS = {
        0.0,
        -0.0,
        1,
        -1,
        0.375,
        -2.5,
        19.25,
        -30,
        1e-3,
        3e4,
        3e38,
        -3e38,
        Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY,
        Double.NaN
    };
    private static final double[] INTEGERS = {
        0, 1, -1, 2, -3, 7, 100, -64, 65_536, 16_777_217, Integer.MAX_VALUE, Integer.MIN_VALUE
    };
    /** Error of a function in units in the last place. */
    private static final double FUNCTION_ULPS = 8;

    private MapLaws() {}

    static List<Law> small() {
        return List.of(
                law("functions of special numbers", MapLaws::unary),
                law("operators on special numbers", MapLaws::binary),
                law("operators on whole numbers, wrapping", MapLaws::whole),
                law("operators on truth values", MapLaws::truth),
                law("copies keep bits and conversions round once", MapLaws::copies),
                law("loads clamp and repeat", MapLaws::loads),
                law("elements at any strides", MapLaws::forms),
                law("random expressions of elements", b -> random(b, 0, 12, 2, 3, 4, 9)));
    }

    static List<Law> large() {
        return List.of(
                law("many random expressions of elements", b -> random(b, 12, 150, 2, 2, 5, 67)),
                law("random expressions of long rows", b -> random(b, 150, 160, 1, 2, 3, 1500)));
    }

    private record Problem(
            String what, MapSpec spec, int[] shape, Map<String, HostTensor> captures, Map<String, Number> scalars) {

        double[] run(Backend b, Form input, Form output) {
            Map<String, Placed> placed = new LinkedHashMap<>();
            try {
                Map<String, Tensor> tensors = new HashMap<>();
                spec.captures().keySet().forEach(name -> {
                    placed.put(name, Placed.input(b, Objects.requireNonNull(captures.get(name)), input));
                    tensors.put(name, placed.get(name).tensor());
                });
                Map<String, Number> numbers = new HashMap<>(scalars);
                numbers.keySet().retainAll(spec.scalars().keySet());
                return OperationRun.run(
                                b,
                                what,
                                spec,
                                output,
                                List.of(new Output(spec.output(), shape)),
                                o -> new MapArguments(o.getFirst(), tensors, numbers))
                        .getFirst();
            } finally {
                placed.values().forEach(Placed::close);
            }
        }

        double[] expected(boolean single) {
            return OperationLoops.map(spec.value(), shape, captures, scalars, single);
        }
    }

    private static Expr load(String name, DType dtype, Expr... at) {
        return new Expr.Load(name, dtype, List.of(at));
    }

    private static final Expr Q = Expressions.index(Expr.IndexKind.QUERY);
    private static final Expr D = Expressions.index(Expr.IndexKind.CHANNEL);

    private static DType outputOf(Expr e, DType real) {
        return switch (e.type()) {
            case F32 -> real;
            case I32 -> DType.I32;
            case BOOL -> DType.BOOL;
        };
    }

    private static void unary(Backend b) {
        HostTensor x = new HostTensor(DType.F32, NUMBERS, NUMBERS.length);
        Expr load = load("x", DType.F32, D);
        for (UnaryOp op : UnaryOp.values()) {
            if (op == UnaryOp.TO_FLOAT || op == UnaryOp.NOT) {
                continue;
            }
            Expr e = new Expr.Unary(op, load);
            Problem p = new Problem(
                    op + " of a number", new MapSpec(outputOf(e, DType.F32), e), x.shape(), Map.of("x", x), Map.of());
            double[] expected = OperationRun.stored(p.expected(false), p.spec.output());
            double[] got = p.run(b, Form.DENSE, Form.DENSE);
            switch (op) {
                case NEGATE, ABS -> OperationRun.sameBits(p.what, got, expected);
                case TO_INT -> OperationRun.exactly(p.what, got, expected);
                default ->
                    OperationRun.near(
                            p.what, got, expected, v -> FUNCTION_ULPS * Math.ulp((float) v) + Float.MIN_NORMAL);
            }
        }
    }

    /** All pairs of numbers: one along q, the other along d. */
    private static Problem pairs(String what, double[] numbers, DType type, Expr e) {
        HostTensor x = new HostTensor(type, numbers, numbers.length);
        int[] shape = {numbers.length, numbers.length};
        return new Problem(what, new MapSpec(outputOf(e, DType.F32), e), shape, Map.of("x", x), Map.of());
    }

    private static boolean takes(BinaryOp op, ValueType type) {
        boolean logical = op == BinaryOp.AND || op == BinaryOp.OR;
        boolean whole = op == BinaryOp.FLOOR_DIVIDE || op == BinaryOp.MODULO;
        return switch (type) {
            case F32 -> !logical && !whole;
            case I32 -> !logical && op != BinaryOp.DIVIDE;
            case BOOL -> logical;
        };
    }

    private static void binary(Backend b) {
        for (BinaryOp op : BinaryOp.values()) {
            if (takes(op, ValueType.F32)) {
                Expr e = new Expr.Binary(op, load("x", DType.F32, Q), load("x", DType.F32, D));
                Problem p = pairs(op + " of two numbers", NUMBERS, DType.F32, e);
                double[] expected = OperationRun.stored(p.expected(false), p.spec.output());
                OperationRun.near(
                        p.what,
                        p.run(b, Form.DENSE, Form.DENSE),
                        expected,
                        v -> op == BinaryOp.DIVIDE ? 2.5 * Math.ulp((float) v) + Float.MIN_NORMAL : 0);
            }
        }
        Expr e = new Expr.Select(
                load("x", DType.F32, Q).lessThan(load("x", DType.F32, D)),
                load("x", DType.F32, Q),
                Expressions.constant(-0f));
        Problem p = pairs("the smaller of two numbers", NUMBERS, DType.F32, e);
        OperationRun.sameBits(p.what, p.run(b, Form.DENSE, Form.TURNED), p.expected(true));
    }

    private static void whole(Backend b) {
        Expr left = load("x", DType.I32, Q);
        Expr right = load("x", DType.I32, D);
        for (BinaryOp op : BinaryOp.values()) {
            if (takes(op, ValueType.I32)) {
                Problem p = pairs(op + " of two integers", INTEGERS, DType.I32, new Expr.Binary(op, left, right));
                OperationRun.exactly(p.what, p.run(b, Form.DENSE, Form.DENSE), p.expected(false));
            }
            if (op == BinaryOp.FLOOR_DIVIDE || op == BinaryOp.MODULO) {
                for (int by : new int[] {0, 1, -1, 3, -7, 1000, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
                    Expr e = new Expr.Binary(op, left.plus(D), Expressions.constant(by));
                    Problem p = pairs(op + " by " + by, INTEGERS, DType.I32, e);
                    OperationRun.exactly(p.what, p.run(b, Form.DENSE, Form.DENSE), p.expected(false));
                }
            }
        }
        for (Expr e : List.of(
                left.unaryMinus(),
                left.abs(),
                left.plus(D).toFloat(),
                left.toFloat().toInt())) {
            Problem p = pairs(e.text(), INTEGERS, DType.I32, e);
            OperationRun.exactly(p.what, p.run(b, Form.DENSE, Form.DENSE), p.expected(true));
        }
    }

    private static void truth(Backend b) {
        Expr left = load("x", DType.BOOL, Q);
        Expr right = load("x", DType.BOOL, D);
        Expr three = new Expr.Select(Q.sameAs(D), Expressions.constant(7), Expressions.constant(-7));
        for (Expr e : List.of(
                left.and(right),
                left.or(right),
                left.not(),
                left,
                Expressions.constant(true),
                new Expr.Select(left, right, left.not()),
                new Expr.Select(left, D, Q),
                three)) {
            Problem p = pairs(e.text(), new double[] {0, 1, 1, 0, 1}, DType.BOOL, e);
            OperationRun.exactly(p.what, p.run(b, Form.STEPPED, Form.DENSE), p.expected(false));
        }
    }

    /** From every floating-point type to every other: ties to even, overflow to infinity, subnormals of 16 bits. */
    private static void copies(Backend b) {
        double[] more = {
            1 + 0x1p-11,
            1 + 0x3p-11,
            1 + 0x1p-8,
            1 + 0x3p-8,
            65_519,
            65_520,
            -70_000,
            0x1p-24,
            0x1p-25,
            0x3p-25,
            -0x5p-24,
            0x1.fffp-15
        };
        double[] all = Arrays.copyOf(NUMBERS, NUMBERS.length + more.length);
        System.arraycopy(more, 0, all, NUMBERS.length, more.length);
        for (DType from : REALS) {
            for (DType to : REALS) {
                HostTensor x = new HostTensor(from, all, 1, all.length);
                Expr e = load("x", from, Q, D);
                Problem p =
                        new Problem(from + " copied to " + to, new MapSpec(to, e), x.shape(), Map.of("x", x), Map.of());
                double[] expected = OperationRun.stored(p.expected(true), to);
                OperationRun.sameBits(p.what, p.run(b, Form.DENSE, Form.DENSE), expected);
                OperationRun.sameBits(p.what, p.run(b, Form.STEPPED, Form.STEPPED), expected);
            }
        }
    }

    private static void loads(Backend b) {
        SplittableRandom r = new SplittableRandom(8);
        Map<String, DType> types =
                Map.of("x", DType.F32, "row", DType.F16, "one", DType.BF16, "list", DType.I32, "flags", DType.BOOL);
        double[] list = {5, -3, 100, 0, 2, Integer.MIN_VALUE, Integer.MAX_VALUE, 1, 3};
        Map<String, HostTensor> captures = Map.of(
                "x", OperationRun.gaussian(r, DType.F32, 2, 3, 4, 9),
                "row", OperationRun.gaussian(r, DType.F16, 9),
                "one", OperationRun.gaussian(r, DType.BF16, 1, 4, 1),
                "list", new HostTensor(DType.I32, list, 9),
                "flags", new HostTensor(DType.BOOL, new double[] {1, 0, 1}, 3, 1));
        Map<String, Number> scalars = Map.of("n", 3, "y", 0.25f);
        for (String text : List.of(
                "x[b, h, q, d]",
                "x[b, h, q, d + 100]",
                "x[b, h, q - 9, d]",
                "x[h, b, 2147483647, -2147483647]",
                "x[b, h, q, list[d]]",
                "x[b, h, list[q], 8 - d]",
                "x[b, h, 3 - q, d // 2]",
                "x[b, h, q, d - n] * y",
                "x[b, h, q, 2 * d]",
                "row[d]",
                "row[q]",
                "row[d % n]",
                "one[h, q, d]",
                "one[b, h, q]",
                "list[d] + list[q]",
                "list[list[d]]",
                "flags[h, d]",
                "select(flags[h, d], x[b, h, q, d], one[b, q, h])",
                "flags[d, q] && d < n")) {
            Map<String, ValueType> numbers = Map.of("n", ValueType.I32, "y", ValueType.F32);
            Expr e = ExprParser.parse(text, types, numbers);
            int[] shape = {2, 3, 4, 9};
            for (int rank = 4; rank > 0; rank--) {
                int[] last = Arrays.copyOfRange(shape, 4 - rank, 4);
                Problem p = new Problem(
                        text + " of " + rank + " axes",
                        new MapSpec(outputOf(e, DType.F32), e),
                        last,
                        captures,
                        scalars);
                Form in = rank % 2 == 0 ? Form.DENSE : Form.STEPPED;
                OperationRun.exactly(p.what, p.run(b, in, OUTPUTS.get(rank % 3)), p.expected(true));
            }
        }
    }

    private static void forms(Backend b) {
        SplittableRandom r = new SplittableRandom(4);
        int[][] shapes = {{37}, {3, 17}, {2, 3, 9}, {2, 2, 3, 5}, {2, 0, 3}, {0}, {7, 1}, {1, 1, 1, 1}};
        Expr[] indices = {Expressions.index(Expr.IndexKind.BATCH), Expressions.index(Expr.IndexKind.HEAD), Q, D};
        int i = 0;
        for (int[] shape : shapes) {
            for (Form in : Form.values()) {
                if (OperationLoops.count(shape) == 0 && in == Form.REPEATED) {
                    continue;
                }
                for (Form out : OUTPUTS) {
                    DType type = REALS.get(i % 3);
                    DType to = REALS.get(i / 3 % 3);
                    HostTensor x = OperationRun.formed(OperationRun.gaussian(r, type, shape), in);
                    Expr e = load("x", type, Arrays.copyOfRange(indices, 4 - shape.length, 4));
                    Expr value = e.times(Expressions.constant(2f)).minus(D.toFloat());
                    Problem p = new Problem(
                            Arrays.toString(shape) + " " + type + " " + in + " to " + to + " " + out,
                            new MapSpec(to, value),
                            shape,
                            Map.of("x", x),
                            Map.of());
                    double[] expected = OperationRun.stored(p.expected(true), to);
                    OperationRun.near(p.what, p.run(b, in, out), expected, v -> OperationRun.ulp(v, to));
                    i++;
                }
            }
        }
    }

    private static void random(Backend b, int from, int to, int... shape) {
        for (int seed = from; seed < to; seed++) {
            DType type = REALS.get(seed % 3);
            DType real = REALS.get(seed / 3 % 3);
            RandomExpressions expressions = RandomExpressions.ofElements(seed, type);
            Map<String, HostTensor> captures = new HashMap<>(expressions.captures(shape[1], shape[3]));
            captures.put("x", OperationRun.gaussian(new SplittableRandom(seed), type, shape));
            Expr e = expressions.element();
            Problem p = new Problem(
                    "seed " + seed + ", " + e.text(),
                    new MapSpec(outputOf(e, real), e),
                    shape,
                    captures,
                    Map.of("shift", 3));
            double[] expected = p.expected(false);
            double[] single = p.expected(true);
            double worst = 0;
            for (int i = 0; i < expected.length; i++) {
                worst = Math.max(worst, Math.abs(expected[i] - single[i]));
            }
            // a function may err by several units in the last place where the plain evaluation rounds once
            boolean whole = !p.spec.output().isFloat();
            double bound =
                    whole ? 0 : 4 * worst + 0x1p-20 + OperationRun.ulp(OperationRun.largest(expected), p.spec.output());
            double[] got = p.run(b, seed % 2 == 0 ? Form.DENSE : Form.TURNED, OUTPUTS.get(seed % 3));
            OperationRun.near(p.what, got, expected, v -> bound);
        }
    }
}
