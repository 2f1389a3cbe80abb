package dev.fovea.api;

import org.jspecify.annotations.Nullable;

/**
 * The outputs of one attention call; closing closes them all.
 *
 * @param output [B, Hq, Sq, Dv] in the storage type
 * @param logSumExp [B, Hq, Sq] f32, natural logarithm; null unless asked for
 * @param scores [B, Hq, Sq, Sk] f32; null unless asked for
 */
public record AttentionResult(
        Tensor output, @Nullable Tensor logSumExp, @Nullable Tensor scores) implements AutoCloseable {
    @Override
    public void close() {
        output.close();
        if (logSumExp != null) {
            logSumExp.close();
        }
        if (scores != null) {
            scores.close();
        }
    }
}
