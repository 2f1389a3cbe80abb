package dev.fovea.api;

/** Element types of tensors in storage. Arithmetic is f32 whatever the storage type. */
public enum DType {
    /** IEEE 754 binary32. */
    F32(4, 0x1p-24),
    /** IEEE 754 binary16; conversions round to nearest even. */
    F16(2, 0x1p-11),
    /** bfloat16: the upper half of a binary32; conversions round to nearest even and keep NaN a NaN. */
    BF16(2, 0x1p-8),
    /** Two's complement 32-bit integer: lengths, offsets, indices. */
    I32(4, 0),
    /** One byte, 0 = false, anything else = true. */
    BOOL(1, 0),
    /** One byte of packed storage: the quantised formats of a key-value cache, see {@link dev.fovea.api.spec.KvFormat}. */
    BYTE(1, 0);

    private final int bytes;
    private final double unitRoundoff;

    DType(int bytes, double unitRoundoff) {
        this.bytes = bytes;
        this.unitRoundoff = unitRoundoff;
    }

    /** Bytes an element occupies. */
    public int bytes() {
        return bytes;
    }

    /** Largest relative error of one rounding to nearest; 0 for types without rounding. */
    public double unitRoundoff() {
        return unitRoundoff;
    }

    public boolean isFloat() {
        return unitRoundoff > 0;
    }
}
