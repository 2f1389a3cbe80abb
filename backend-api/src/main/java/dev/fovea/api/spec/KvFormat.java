package dev.fovea.api.spec;

import dev.fovea.api.DType;

/** How keys and values are stored. Quantised formats are read as {@code scale * (q - zero)}. */
public enum KvFormat {
    F32(DType.F32),
    F16(DType.F16),
    BF16(DType.BF16),
    /** Signed bytes; one F16 scale and one F16 zero point for each position and head. */
    INT8(DType.BYTE),
    /** Two unsigned 4-bit numbers a byte, the low nibble the even column; scale and zero point as INT8 has them. */
    INT4(DType.BYTE),
    /** OCP E4M3FN, no infinities, saturating; one F32 scale for each page and head, no zero point. */
    FP8(DType.BYTE);

    private final DType dtype;

    KvFormat(DType dtype) {
        this.dtype = dtype;
    }

    public static KvFormat of(DType dtype) {
        return switch (dtype) {
            case F32 -> F32;
            case F16 -> F16;
            case BF16 -> BF16;
            case I32, BOOL, BYTE -> throw new IllegalArgumentException(dtype + " is no format of keys and values");
        };
    }

    /** Element type of the tensors that hold it. */
    public DType dtype() {
        return dtype;
    }

    public boolean quantised() {
        return dtype == DType.BYTE;
    }

    /** Whether each position has a scale and a zero point of its own. */
    public boolean scalesPositions() {
        return this == INT8 || this == INT4;
    }

    /** Elements of the last axis that hold {@code dim} columns. */
    public int elements(int dim) {
        return this == INT4 ? (dim + 1) / 2 : dim;
    }
}
