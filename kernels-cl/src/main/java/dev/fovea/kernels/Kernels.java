package dev.fovea.kernels;

import dev.fovea.api.spec.AttentionSpec;
import java.util.List;
import java.util.Map;

/** Assembles kernel sources. */
public final class Kernels {
    private Kernels() {}

    /** The attention kernel of a variant with the expressions of the spec. */
    public static KernelSource attention(AttentionVariant variant, AttentionSpec spec) {
        ExpressionText expressions = new ExpressionText();
        expressions.function("cap_expression", spec.cap(), true);
        expressions.function("score_expression", spec.score(), true);
        expressions.function("mask_expression", spec.mask(), false);
        String text = variant.defines()
                + new KernelText(Map.of("expressions.clh", expressions.text())).flatten("attention.cl");
        return new KernelSource("attention", text, expressions.captures(), expressions.scalars());
    }

    /** Work-items of {@link #probability}. */
    public static final int PROBABILITY_THREADS = 128;

    /** The kernel that turns masked scores into softmax weights in place, a work-group of {@code threads} a row. */
    public static KernelSource probability(int threads) {
        String text = "#define THREADS " + threads + "\n" + new KernelText(Map.of()).flatten("probability.cl");
        return new KernelSource("probability", text, List.of(), List.of());
    }
}
