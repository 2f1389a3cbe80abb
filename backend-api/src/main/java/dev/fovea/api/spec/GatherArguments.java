package dev.fovea.api.spec;

import dev.fovea.api.Tensor;
import java.util.List;

/**
 * A run of {@link GatherSpec}.
 *
 * @param source [.., N, D], two to four axes, any strides
 * @param indices I32 [.., M], an axis fewer than the source; leading axes equal to the source's or 1; values from -1 to N - 1
 * @param output [.., M, D], any strides
 * @param fill what a row with index -1 holds, rounded to the type; not 0 is true for BOOL
 */
public record GatherArguments(Tensor source, Tensor indices, Tensor output, double fill) implements Arguments {
    @Override
    public List<Tensor> inputs() {
        return List.of(source, indices);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(output);
    }
}
