package dev.fovea.api.spec;

import dev.fovea.api.DType;

/**
 * The k largest of each row, by falling score, of equal ones the lower index first; -inf and NaN are never selected. Slots beyond the number
 * selected hold -1. k is the width of the index tensor of the run.
 *
 * @param input F32, F16 or BF16
 * @param counts whether the number selected of each row is an output
 * @param chosen whether a BOOL for each element of a row, true if it was selected, is an output
 */
public record SelectSpec(DType input, boolean counts, boolean chosen) implements Primitive<SelectArguments> {
    public SelectSpec {
        MatMulSpec.real("scores", input);
    }
}
