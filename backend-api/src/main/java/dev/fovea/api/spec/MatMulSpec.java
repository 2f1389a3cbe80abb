package dev.fovea.api.spec;

import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.InvalidArgument;

/**
 * Products of matrices: {@code C[.., m, n] = sum over k of A[.., m, k] B[.., k, n]}, summed in f32 and rounded once to the type of C.
 *
 * @param left F32, F16 or BF16
 * @param right likewise
 * @param output likewise
 */
public record MatMulSpec(DType left, DType right, DType output) implements Primitive<MatMulArguments> {
    public MatMulSpec {
        real("left", left);
        real("right", right);
        real("output", output);
    }

    static void real(String what, DType type) {
        if (!type.isFloat()) {
            throw new InvalidArgument(what, "dtype F32, F16 or BF16", type.name(), "convert it to one of these");
        }
    }
}
