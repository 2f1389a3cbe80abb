package dev.fovea.conformance.mechanisms;

import dev.fovea.api.Backend;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Port;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Holds a mechanism on a backend to its oracle. What an element may be off follows from the formula alone: by how much the oracle itself
 * moves when its inputs move by a few f32 roundings, and a few roundings of the largest element. A problem whose oracle moves much more than
 * that is refused: a tie or a threshold decides it, and it could not tell right from wrong.
 */
public final class MechanismCheck {
    private static final int TRIALS = 3;
    private static final double SHARE = 4;
    private static final double ROUNDINGS = 32 * 0x1p-24;
    private static final double MOST_MOVED = 1e-3;

    private final Problem problem;
    private final Map<String, double[]> expected;
    private final Map<String, Double> allowed = new LinkedHashMap<>();

    private MechanismCheck(Problem problem, Map<String, double[]> expected) {
        this.problem = problem;
        this.expected = expected;
    }

    /** Evaluates the oracle and how far it moves. */
    public static MechanismCheck of(Problem problem) {
        Oracle oracle = Oracles.of(problem.mechanism().declaration().id());
        MechanismCheck check = new MechanismCheck(problem, oracle.outputs(problem));
        Map<String, Double> moved = new LinkedHashMap<>();
        for (int trial = 0; trial < TRIALS; trial++) {
            Map<String, double[]> other = oracle.outputs(problem.perturbed(trial + 1L));
            check.expected.forEach((name, x) -> moved.merge(name, distance(x, of(other, name)), Math::max));
        }
        check.expected.forEach((name, x) -> {
            double largest = Arrays.stream(x)
                    .map(Math::abs)
                    .filter(Double::isFinite)
                    .max()
                    .orElse(0);
            double shift = Objects.requireNonNull(moved.get(name));
            if (shift > MOST_MOVED * Math.max(largest, 1e-30)) {
                throw new IllegalStateException(
                        problem.text() + ": " + name + " hangs on a rounding; choose other inputs");
            }
            check.allowed.put(name, SHARE * shift + ROUNDINGS * largest);
        });
        return check;
    }

    private static double[] of(Map<String, double[]> all, String name) {
        return Objects.requireNonNull(all.get(name), name);
    }

    private static double distance(double[] a, double[] b) {
        double most = 0;
        for (int i = 0; i < a.length; i++) {
            double d = Double.compare(a[i], b[i]) == 0 ? 0 : Math.abs(a[i] - b[i]);
            most = Double.isNaN(d) ? Double.POSITIVE_INFINITY : Math.max(most, d);
        }
        return a.length == b.length ? most : Double.POSITIVE_INFINITY;
    }

    public Problem problem() {
        return problem;
    }

    /** Runs on the backend; a sentence, or the empty string if all outputs agree. */
    public String violation(Backend backend) {
        Map<String, Tensor> inputs = new LinkedHashMap<>();
        Map<String, Tensor> outputs = Map.of();
        try {
            problem.inputs().forEach((name, t) -> inputs.put(name, t.upload(backend)));
            outputs = problem.mechanism().run(backend, inputs);
            return disagreement(outputs);
        } finally {
            inputs.values().forEach(Tensor::close);
            outputs.values().forEach(Tensor::close);
        }
    }

    /** What is wrong with the outputs of a run on the inputs of the problem; the empty string if all agree. */
    public String disagreement(Map<String, Tensor> outputs) {
        for (Port port : problem.mechanism().declaration().outputs()) {
            String wrong = compare(port, Objects.requireNonNull(outputs.get(port.name()), port.name()));
            if (!wrong.isEmpty()) {
                return wrong;
            }
        }
        return "";
    }

    /** Largest distance of an element of an output from the oracle; equal infinities are no distance. */
    public double error(String output, Tensor t) {
        return distance(values(t), of(expected, output));
    }

    /** What that distance may be. */
    public double allowed(String output) {
        return Objects.requireNonNull(allowed.get(output), output);
    }

    private String compare(Port port, Tensor t) {
        long[] shape =
                Arrays.stream(problem.example().shape(port)).asLongStream().toArray();
        if (!Arrays.equals(shape, t.shape())) {
            return port.name() + ": shape " + Arrays.toString(t.shape()) + ", declared " + Arrays.toString(shape);
        }
        double[] got = values(t);
        double[] want = of(expected, port.name());
        if (want.length != got.length) {
            return port.name() + ": the oracle has " + want.length + " elements, declared " + got.length;
        }
        double bound = Objects.requireNonNull(allowed.get(port.name()));
        for (int i = 0; i < got.length; i++) {
            if (!(Math.abs(got[i] - want[i]) <= bound) && Double.compare(got[i], want[i]) != 0) {
                return String.format(
                        "%s: element %d is %.9g, the oracle %.9g, allowed %.2g",
                        port.name(), i, got[i], want[i], bound);
            }
        }
        return "";
    }

    private static double[] values(Tensor t) {
        if (!t.dtype().isFloat()) {
            return Arrays.stream(t.toIntArray()).asDoubleStream().toArray();
        }
        float[] x = t.toFloatArray();
        double[] out = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            out[i] = x[i];
        }
        return out;
    }
}
