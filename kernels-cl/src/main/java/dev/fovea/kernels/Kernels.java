package dev.fovea.kernels;

import dev.fovea.api.expr.Expr.ValueKind;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.KeyBand;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.Normaliser;
import dev.fovea.api.spec.ScoreStage;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Assembles kernel sources. */
public final class Kernels {
    private static final boolean VERDICTS = true; // PoCL 3.1 loses the variables of their loop

    private Kernels() {}

    /** The attention kernel of a variant with the expressions of the spec. */
    public static KernelSource attention(AttentionVariant variant, AttentionSpec spec) {
        ExpressionText expressions = expressions(spec);
        boolean verdicts = VERDICTS && spec.source().selection() == KeySource.Selection.ALL && hasVerdicts(spec);
        expressions.define("VERDICTS", verdicts ? 1 : 0);
        if (verdicts) {
            expressions.verdict(spec.mask());
        }
        String text = variant.defines()
                + KeyTables.defines(spec.source())
                + "#define NORMALISER " + spec.normaliser() + "\n#define SWEEPS " + sweeps(spec)
                + "\n#define PARTIALS " + (spec.partials() ? 1 : 0) + "\n"
                + new KernelText(Map.of("expressions.clh", expressions.text())).flatten("attention.cl");
        return new KernelSource("attention", text, expressions.captures(), expressions.scalars(), expressions.ranges());
    }

    /** Weights as an output need the sums as much as a probability expression does that is not linear. */
    private static int sweeps(AttentionSpec spec) {
        boolean weights = spec.scores().filter(s -> s == ScoreStage.PROBABILITY).isPresent();
        return spec.twoPasses() || weights && spec.normaliser() != Normaliser.IDENTITY ? 2 : 1;
    }

    /** Work-items of a group of {@link #ranges}. */
    public static final int RANGE_THREADS = 64;

    /** The kernel that finds the least and largest number of blocks of a captured tensor. */
    public static KernelSource ranges() {
        return new KernelSource("ranges", new KernelText(Map.of()).flatten("ranges.cl"), List.of(), List.of());
    }

    /** Whether something beyond the band of keys can be known of a tile. */
    private static boolean hasVerdicts(AttentionSpec spec) {
        Map<String, Number> scalars = new HashMap<>();
        spec.scalars().keySet().forEach(name -> scalars.put(name, 0));
        return VerdictText.conjuncts(spec.mask()).stream()
                .anyMatch(e -> !KeyBand.of(e, scalars).exact() && new VerdictText(new ExpressionText()).knows(e));
    }

    private static ExpressionText expressions(AttentionSpec spec) {
        ExpressionText text = new ExpressionText();
        boolean weighted = !spec.probability().equals(Expressions.probability());
        boolean shaped = !spec.output().equals(Expressions.output());
        text.define("WEIGHTED", weighted ? 1 : 0);
        text.define("SHAPED", shaped ? 1 : 0);
        text.function("cap_expression", spec.cap(), ValueKind.SCORE);
        text.function("score_expression", spec.score(), ValueKind.SCORE);
        text.function("mask_expression", spec.mask());
        if (weighted) {
            text.function("weight_expression", spec.probability(), ValueKind.PROBABILITY, ValueKind.SCORE);
        }
        if (shaped) {
            text.function("output_expression", spec.output(), ValueKind.OUTPUT);
        }
        return text;
    }
}
