package dev.fovea.tools.mechanisms;

import dev.fovea.api.Backend;
import dev.fovea.api.Tensor;
import dev.fovea.conformance.mechanisms.MechanismCheck;
import dev.fovea.conformance.mechanisms.Problem;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.tools.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A run on example inputs beside the formula.
 *
 * @param check the formula's outputs; null if these inputs cannot tell right from wrong
 * @param unfit why they cannot
 * @param wrong where the outputs disagree; empty if they agree
 * @param errors of the outputs
 * @param again milliseconds of a second run
 */
record ExampleRun(
        Problem problem,
        long seed,
        @Nullable MechanismCheck check,
        String unfit,
        String wrong,
        List<OutputError> errors,
        double again) {

    /**
     * How far an output is from the formula.
     *
     * @param largest distance of an element
     * @param allowed what it may be
     */
    record OutputError(String output, double largest, double allowed) {}

    static ExampleRun of(Problem problem, long seed) {
        try {
            return new ExampleRun(problem, seed, MechanismCheck.of(problem), "", "", List.of(), 0);
        } catch (IllegalStateException e) { // a tie or a threshold in the random inputs
            return new ExampleRun(problem, seed, null, String.valueOf(e.getMessage()), "", List.of(), 0);
        }
    }

    /** Runs again, now that everything is prepared, and compares. */
    ExampleRun compared(Outcome first, Backend backend, Map<String, Tensor> inputs) {
        double second = Outcome.of(problem.mechanism(), backend, inputs).millis();
        if (check == null) {
            return new ExampleRun(problem, seed, null, unfit, "", List.of(), second);
        }
        Map<String, Tensor> outputs = problem.mechanism().run(backend, inputs);
        try {
            List<OutputError> found = new ArrayList<>();
            outputs.forEach((name, t) -> found.add(new OutputError(name, check.error(name, t), check.allowed(name))));
            return new ExampleRun(problem, seed, check, "", check.disagreement(outputs), found, second);
        } finally {
            outputs.values().forEach(Tensor::close);
        }
    }

    private String sizes() {
        return problem.example().sizes().entrySet().stream()
                .map(e -> e.getKey() + "=" + e.getValue())
                .collect(Collectors.joining(" "));
    }

    private String parameters() {
        return problem.mechanism().declaration().parameters().stream()
                .map(this::text)
                .collect(Collectors.joining(" "));
    }

    private <T> String text(Parameter<T> p) {
        return p.name() + "=" + p.text(problem.values().get(p));
    }

    /** What went in, as rows beside those of the outputs. */
    List<List<String>> rows() {
        List<List<String>> rows = new ArrayList<>();
        problem.inputs().forEach((name, t) -> {
            HostValues v = HostValues.of(t);
            rows.add(List.of("input", name, v.shapeText(), v.range().text()));
        });
        return rows;
    }

    String head() {
        String values = parameters();
        return problem.mechanism().declaration().id() + ", " + sizes() + (values.isEmpty() ? "" : "; " + values)
                + "; seed " + seed;
    }

    List<String> tail(@Nullable Path saved) {
        List<String> lines = new ArrayList<>();
        lines.add(String.format(Locale.ROOT, "a second run took %.1f ms", again));
        if (check == null) {
            lines.add("not compared with the formula: " + unfit + " (another --seed)");
        } else if (wrong.isEmpty()) {
            errors.forEach(e -> lines.add(String.format(
                    Locale.ROOT,
                    "%s agrees with the formula in float64: largest error %.2g, allowed %.2g",
                    e.output,
                    e.largest,
                    e.allowed)));
        } else {
            lines.add("DISAGREES with the formula in float64: " + wrong);
        }
        if (saved != null) {
            lines.add("the same from files:");
            StringBuilder command = new StringBuilder("  fovea mechanisms run "
                    + problem.mechanism().declaration().id());
            problem.inputs()
                    .keySet()
                    .forEach(name -> command.append(" \\\n      --in ")
                            .append(name)
                            .append('=')
                            .append(saved.resolve(name + ".npy")));
            problem.example()
                    .parameters()
                    .forEach((name, text) -> command.append(" \\\n      --param ")
                            .append(name)
                            .append('=')
                            .append(text));
            command.toString().lines().forEach(lines::add);
        }
        return lines;
    }

    void write(Json json) throws IOException {
        json.field("example", problem.example().text())
                .field("seed", seed)
                .field("parameters", parameters())
                .field("secondMs", again)
                .field("compared", check != null)
                .field("agrees", check != null && wrong.isEmpty())
                .field("disagreement", wrong)
                .objects(
                        "errors",
                        errors,
                        (j, e) -> j.field("output", e.output)
                                .field("largest", e.largest)
                                .field("allowed", e.allowed));
    }
}
