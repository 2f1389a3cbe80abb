package dev.fovea.kernels;

import dev.fovea.api.spec.SelectArguments;

/**
 * A run of select.cl: {@code struct select_block} and the work-groups.
 *
 * @param groups work-groups
 * @param bytes the struct
 */
public record SelectBlock(long groups, byte[] bytes) {
    public static SelectBlock of(SelectArguments a) {
        View scores = View.of(a.scores());
        View indices = View.of(a.indices());
        StructWriter w = new StructWriter();
        scores.write(w);
        indices.write(w);
        (a.counts() == null ? indices : View.ofRows(a.counts())).write(w);
        (a.chosen() == null ? scores : View.of(a.chosen())).write(w);
        scores.writeRows(w);
        w.int32(scores.size(3)).int32(indices.size(3));
        w.flag(a.counts() != null).flag(a.chosen() != null);
        return new SelectBlock(scores.rows(), w.bytes());
    }
}
