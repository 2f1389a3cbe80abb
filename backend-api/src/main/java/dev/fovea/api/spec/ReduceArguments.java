package dev.fovea.api.spec;

import dev.fovea.api.Tensor;
import java.util.List;

/**
 * A run of {@link ReduceSpec}.
 *
 * @param input [.., N], one to four axes, any strides
 * @param output the same without the last axis, any strides
 */
public record ReduceArguments(Tensor input, Tensor output) implements Arguments {
    @Override
    public List<Tensor> inputs() {
        return List.of(input);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(output);
    }
}
