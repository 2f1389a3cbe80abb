package dev.fovea.api.spec;

import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.InvalidArgument;

/**
 * Rows picked by index: {@code O[.., m, d] = X[.., index[.., m], d]}, or the fill value where the index is -1. The elements move as they are.
 *
 * @param dtype type of source and output, not BYTE
 */
public record GatherSpec(DType dtype) implements Primitive<GatherArguments> {
    public GatherSpec {
        if (dtype == DType.BYTE) {
            throw new InvalidArgument("source", "a type of elements", "BYTE", "packed rows move by a TransferSpec");
        }
    }
}
