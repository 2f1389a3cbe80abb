package dev.fovea.api.spec;

import dev.fovea.api.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A run of {@link RotarySpec}.
 *
 * @param input [B, H, S, dim], any strides but 1 along the last axis
 * @param output likewise; the same tensor as the input turns it in place
 * @param positions I32 [B or 1, S] for one section, [sections, B or 1, S] for more: rows of the tables
 * @param cosines F32 [positions, pairs]
 * @param sines F32 [positions, pairs]
 * @param sections I32 [pairs], the position axis of each pair; null for one section
 */
public record RotaryArguments(
        Tensor input,
        Tensor output,
        Tensor positions,
        Tensor cosines,
        Tensor sines,
        @Nullable Tensor sections) implements Arguments {

    @Override
    public List<Tensor> inputs() {
        List<Tensor> all = new ArrayList<>(List.of(input, positions, cosines, sines));
        if (sections != null) {
            all.add(sections);
        }
        return all;
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(output);
    }
}
