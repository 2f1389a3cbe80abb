package dev.fovea.tools.expressions;

import dev.fovea.api.Backend;
import dev.fovea.api.Plan;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.Weights;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.Normaliser;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spi.Explained;
import dev.fovea.api.spi.Support;
import dev.fovea.tools.expressions.ExpressionOptions.Weighting;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** The attention call whose expressions are explained. */
record ExplainedCall(
        Optional<Expr> mask,
        Expr score,
        Optional<Expr> probability,
        Optional<Expr> output,
        Weighting weighting,
        ExplainShape shape) {

    boolean isPlain() {
        return mask.isEmpty()
                && score.equals(Expressions.score())
                && probability.isEmpty()
                && output.isEmpty()
                && weighting == Weighting.SOFTMAX;
    }

    List<Expr> expressions() {
        return List.of(visible(), score, weight(), finish());
    }

    private Expr visible() {
        return mask.orElse(Expressions.constant(true));
    }

    private Expr weight() {
        return switch (weighting) {
            case SIGMOID -> Weights.sigmoid();
            case RELU -> Weights.relu(1);
            default -> probability.orElse(Expressions.probability());
        };
    }

    private Expr finish() {
        return output.orElse(Expressions.output());
    }

    private AttentionSpec spec() {
        AttentionSpec softmax = new AttentionSpec(
                shape.dtype.dtype(),
                shape.headDim,
                shape.headDim,
                shape.heads,
                shape.keyHeads(),
                shape.keyHeads(),
                Expressions.score(),
                score,
                visible(),
                shape.offset == 0 ? QueryOffset.TOP_LEFT : QueryOffset.GIVEN,
                false,
                false,
                false,
                false,
                Optional.empty());
        return softmax.with(
                        switch (weighting) {
                            case SOFTMAX -> Normaliser.SOFTMAX;
                            case L1 -> Normaliser.L1;
                            case IDENTITY, SIGMOID, RELU -> Normaliser.IDENTITY;
                        })
                .withProbability(weight())
                .withOutput(finish());
    }

    void print(PrintWriter out, Map<String, Number> scalars) {
        AttentionSpec spec = spec();
        line(out, "mask", visible(), Expressions.constant(true));
        line(out, "score", score, Expressions.score());
        if (weighting != Weighting.SOFTMAX) {
            out.println("normaliser  " + spec.normaliser().name().toLowerCase(java.util.Locale.ROOT));
        }
        line(out, "weight", weight(), Expressions.probability());
        if (spec.twoPasses()) {
            out.println("            no factor times p: a second pass over the keys");
        }
        line(out, "output", finish(), Expressions.output());
        String captures = spec.captures().entrySet().stream()
                .map(e -> e.getKey() + " " + e.getValue().dtype() + " of rank "
                        + e.getValue().rank())
                .collect(Collectors.joining(", "));
        String numbers = spec.scalars().keySet().stream()
                .map(n -> n + (scalars.containsKey(n) ? " = " + scalars.get(n) : ""))
                .collect(Collectors.joining(", "));
        out.print(captures.isEmpty() ? "" : "captures    " + captures + "\n");
        out.print(numbers.isEmpty() ? "" : "scalars     " + numbers + "\n");
        out.printf(
                "shape       %d queries from position %d, %d keys; query heads %d, key heads %d, head dim %d; %s%n",
                shape.queries, shape.offset, shape.keys(), shape.heads, shape.keyHeads(), shape.headDim, shape.dtype);
    }

    private static void line(PrintWriter out, String what, Expr e, Expr nothing) {
        if (!e.equals(nothing)) {
            out.printf("%-12s%s   (%d nodes)%n", what, e.text(), e.nodeCount());
        }
    }

    /** What the device would run, or why it would not. */
    void printKernel(PrintWriter out, Backend backend, boolean source) {
        AttentionSpec spec = spec();
        out.println();
        out.println("device      " + backend.info().id());
        if (backend.supports(spec) instanceof Support.No no) {
            out.println("kernel      none: " + no.reason() + "; " + no.remedy());
            return;
        }
        try (Plan<AttentionArguments> plan = backend.prepare(spec)) {
            out.println("kernel      " + plan.describe());
            if (source) {
                out.println();
                out.println(plan.capability(Explained.class)
                        .map(Explained::source)
                        .orElse("(this device does not show its source)")
                        .stripTrailing());
            }
        }
    }
}
