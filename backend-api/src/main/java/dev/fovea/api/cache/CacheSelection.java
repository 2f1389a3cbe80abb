package dev.fovea.api.cache;

import dev.fovea.api.spec.KeyArguments.Selected;
import java.util.List;

/**
 * Key lists made for sequences of a cache, with the generation that the indices belong to: {@link CacheView#with} refuses it once one of
 * them was compacted. Its tensors stay the caller's.
 */
public record CacheSelection(Selected lists, List<KvSequence> sequences, List<Long> generations) {
    public CacheSelection {
        sequences = List.copyOf(sequences);
        generations = List.copyOf(generations);
    }
}
