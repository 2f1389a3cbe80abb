package dev.fovea.cpu;

import dev.fovea.api.spec.AttentionSpec;
import org.jspecify.annotations.Nullable;

/** The compiled expressions of a spec; null where there is nothing to do. */
record AttentionPrograms(
        @Nullable TileProgram cap,
        @Nullable TileProgram score,
        @Nullable TileProgram mask) {

    static AttentionPrograms of(AttentionSpec spec) {
        boolean headVaries = AttentionCall.groupHeads(spec) > 1;
        return new AttentionPrograms(
                ProgramCompiler.compile(spec.cap(), headVaries),
                ProgramCompiler.compile(spec.score(), headVaries),
                ProgramCompiler.compile(spec.mask(), headVaries));
    }

    String describe() {
        return text("cap", cap) + text("score", score) + text("mask", mask);
    }

    private static String text(String what, @Nullable TileProgram program) {
        return program == null ? "" : ", " + what + " in " + program.stepCount() + " steps";
    }
}
