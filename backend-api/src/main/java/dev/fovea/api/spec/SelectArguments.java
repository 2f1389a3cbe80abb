package dev.fovea.api.spec;

import dev.fovea.api.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A run of {@link SelectSpec}.
 *
 * @param scores [.., N], one to four axes, any strides
 * @param indices I32 [.., k]
 * @param counts I32 [..]
 * @param chosen BOOL [.., N]
 */
public record SelectArguments(
        Tensor scores,
        Tensor indices,
        @Nullable Tensor counts,
        @Nullable Tensor chosen) implements Arguments {
    @Override
    public List<Tensor> inputs() {
        return List.of(scores);
    }

    @Override
    public List<Tensor> outputs() {
        List<Tensor> all = new ArrayList<>(List.of(indices));
        if (counts != null) {
            all.add(counts);
        }
        if (chosen != null) {
            all.add(chosen);
        }
        return all;
    }
}
