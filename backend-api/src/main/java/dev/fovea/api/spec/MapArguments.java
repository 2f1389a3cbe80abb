package dev.fovea.api.spec;

import dev.fovea.api.Tensor;
import java.util.List;
import java.util.Map;

/**
 * A run of {@link MapSpec}.
 *
 * @param output one to four axes, any strides
 * @param captures tensors by the names in the expression, any strides; a load clamps its indices, so that an axis of size 1 repeats
 * @param scalars numbers by the names in the expression
 */
public record MapArguments(Tensor output, Map<String, Tensor> captures, Map<String, Number> scalars)
        implements Arguments {
    public MapArguments {
        captures = Map.copyOf(captures);
        scalars = Map.copyOf(scalars);
    }

    @Override
    public List<Tensor> inputs() {
        return List.copyOf(captures.values());
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(output);
    }
}
