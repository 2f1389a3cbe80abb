package dev.fovea.cpu;

import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.ValueKind;
import dev.fovea.api.expr.KeyBand;
import dev.fovea.api.expr.MaskAnalysis;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeySource;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The compiled expressions of a spec; null where there is nothing to do.
 *
 * @param mask what the band of a mask does not say, where there is a band
 * @param analysis of the same; a thread works with a copy
 */
record AttentionPrograms(
        @Nullable TileProgram cap,
        @Nullable TileProgram score,
        @Nullable TileProgram mask,
        @Nullable TileProgram probability,
        @Nullable TileProgram output,
        MaskAnalysis analysis) {
    private static final Expr ALL = new Expr.BoolConst(true);

    static AttentionPrograms of(AttentionSpec spec) {
        Expr mask = usesBand(spec) ? beyondBand(spec.mask(), zeros(spec)) : spec.mask();
        boolean headVaries = AttentionCall.groupHeads(spec) > 1;
        return new AttentionPrograms(
                ProgramCompiler.compile(spec.cap(), headVaries, ValueKind.SCORE),
                ProgramCompiler.compile(spec.score(), headVaries, ValueKind.SCORE),
                ProgramCompiler.compile(mask, headVaries, ValueKind.SCORE),
                ProgramCompiler.compile(spec.probability(), headVaries, ValueKind.PROBABILITY),
                ProgramCompiler.compile(spec.output(), headVaries, ValueKind.OUTPUT),
                MaskAnalysis.of(mask));
    }

    /** Whether keys follow each other with their positions, so that the band of a mask cuts them. */
    static boolean usesBand(AttentionSpec spec) {
        return !spec.source().positions() && spec.source().selection() == KeySource.Selection.ALL;
    }

    /** The conjuncts of a mask that its band does not say already. Which these are depends on no scalar's value. */
    private static Expr beyondBand(Expr mask, Map<String, Number> zeros) {
        if (mask instanceof Expr.Binary(Expr.BinaryOp op, Expr a, Expr b) && op == Expr.BinaryOp.AND) {
            Expr left = beyondBand(a, zeros);
            Expr right = beyondBand(b, zeros);
            return left.equals(ALL) ? right : right.equals(ALL) ? left : left.and(right);
        }
        return KeyBand.of(mask, zeros).exact() ? ALL : mask;
    }

    private static Map<String, Number> zeros(AttentionSpec spec) {
        Map<String, Number> all = new HashMap<>();
        spec.scalars().keySet().forEach(name -> all.put(name, 0));
        return all;
    }

    /** Whether there is nothing to compute when this is the band of the mask. */
    boolean none(KeyBand band) {
        return cap == null && score == null && (mask == null || band.exact()) && probability == null && output == null;
    }

    /** Whether tiles of scores go through programs. */
    boolean onTiles() {
        return cap != null || score != null || mask != null;
    }

    String describe() {
        return text("cap", cap)
                + text("score", score)
                + text("mask", mask)
                + text("probability", probability)
                + text("output", output);
    }

    /** The steps of every program. */
    String source() {
        String all = source("cap", cap)
                + source("score", score)
                + source("mask", mask)
                + source("probability", probability)
                + source("output", output);
        return all.isEmpty() ? "no expression to compute\n" : all;
    }

    private static String source(String what, @Nullable TileProgram program) {
        return program == null ? "" : ProgramText.of(what, program);
    }

    private static String text(String what, @Nullable TileProgram program) {
        return program == null ? "" : ", " + what + " in " + program.stepCount() + " steps";
    }
}
