package dev.fovea.api.spec;

import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.InvalidArgument;

/**
 * The last axis brought down to one number, in f32.
 *
 * @param input F32, F16 or BF16
 * @param output likewise; I32 for {@link Rule#ARGMAX} and {@link Rule#ARGMIN}
 */
public record ReduceSpec(DType input, DType output, Rule rule) implements Primitive<ReduceArguments> {
    public enum Rule {
        /** Of no elements: 0. */
        SUM,
        /** The sum by the number of elements; of none: NaN. */
        MEAN,
        /** NaN if one is NaN; of no elements: -inf. */
        MAX,
        /** NaN if one is NaN; of no elements: +inf. */
        MIN,
        /** The index of the largest, of several the lowest; -inf and NaN do not count, and -1 says that nothing did. */
        ARGMAX,
        /** The index of the smallest, of several the lowest; +inf and NaN do not count, and -1 says that nothing did. */
        ARGMIN;

        public boolean givesIndex() {
            return this == ARGMAX || this == ARGMIN;
        }
    }

    public ReduceSpec {
        MatMulSpec.real("input", input);
        if (rule.givesIndex() ? output != DType.I32 : !output.isFloat()) {
            throw new InvalidArgument(
                    "output",
                    rule.givesIndex() ? "dtype I32 for " + rule : "dtype F32, F16 or BF16 for " + rule,
                    output.name(),
                    "allocate another");
        }
    }
}
