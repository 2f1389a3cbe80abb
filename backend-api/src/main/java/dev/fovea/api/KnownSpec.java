package dev.fovea.api;

import dev.fovea.api.spec.AttentionSpec;

/** The spec that options meant for the tensors of a call, kept since the next call's tensors are usually alike. */
record KnownSpec(
        DType storage,
        DType keyType,
        long headDim,
        long valueDim,
        long queryHeads,
        long keyHeads,
        long valueHeads,
        AttentionSpec spec) {
    static KnownSpec of(Tensor query, Tensor key, Tensor value, AttentionSpec spec) {
        return new KnownSpec(
                query.dtype(),
                key.dtype(),
                query.size(3),
                value.size(3),
                query.size(1),
                key.size(1),
                value.size(1),
                spec);
    }

    /** Whether options mean the same for these tensors, all of rank 4. */
    boolean isFor(Tensor query, Tensor key, Tensor value) {
        return query.dtype() == storage
                && key.dtype() == keyType
                && query.size(3) == headDim
                && value.size(3) == valueDim
                && query.size(1) == queryHeads
                && key.size(1) == keyHeads
                && value.size(1) == valueHeads;
    }
}
