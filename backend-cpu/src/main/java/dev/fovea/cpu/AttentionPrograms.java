package dev.fovea.cpu;

import dev.fovea.api.expr.Expr.ValueKind;
import dev.fovea.api.expr.MaskAnalysis;
import dev.fovea.api.spec.AttentionSpec;
import org.jspecify.annotations.Nullable;

/**
 * The compiled expressions of a spec; null where there is nothing to do.
 *
 * @param analysis of the mask; a thread works with a copy
 */
record AttentionPrograms(
        @Nullable TileProgram cap,
        @Nullable TileProgram score,
        @Nullable TileProgram mask,
        @Nullable TileProgram probability,
        @Nullable TileProgram output,
        MaskAnalysis analysis) {

    static AttentionPrograms of(AttentionSpec spec) {
        boolean headVaries = AttentionCall.groupHeads(spec) > 1;
        return new AttentionPrograms(
                ProgramCompiler.compile(spec.cap(), headVaries, ValueKind.SCORE),
                ProgramCompiler.compile(spec.score(), headVaries, ValueKind.SCORE),
                ProgramCompiler.compile(spec.mask(), headVaries, ValueKind.SCORE),
                ProgramCompiler.compile(spec.probability(), headVaries, ValueKind.PROBABILITY),
                ProgramCompiler.compile(spec.output(), headVaries, ValueKind.OUTPUT),
                MaskAnalysis.of(spec.mask()));
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
