package dev.fovea.api.spec;

import dev.fovea.api.FoveaException.InvalidArgument;

/**
 * Rows of keys or values moved between slots, converted on the way: append to a cache, gather, compaction, copies of pages,
 * quantising and dequantising are all this. A tensor [pages, H, page size, D] has the slots {@code page * page size + position}; a dense
 * [B, H, S, D] is one of B pages.
 *
 * <p>Quantising a row to INT8 or INT4 takes the range of its finite values and 0: {@code scale = (hi - lo) / (2^bits - 1)} rounded to F16
 * (1 if that is 0), {@code zero = round(least - lo / scale)} with least = -128 or 0, {@code q = clamp(round(x / scale) + zero)}, rounding
 * to nearest even. FP8 divides by the scale that the target page has, rounds to nearest even and saturates. Between equal formats with a
 * scale for each row the bytes move as they are; FP8 is converted, since pages differ.
 *
 * @param from format of the source
 * @param to format of the target
 * @param dim columns of a row
 * @param heads heads of both
 */
public record TransferSpec(KvFormat from, KvFormat to, int dim, int heads) implements Primitive<TransferArguments> {
    public TransferSpec {
        if (dim < 1 || heads < 1) {
            throw new InvalidArgument(
                    "rows", "at least 1 column and 1 head", dim + " columns, " + heads + " heads", "correct them");
        }
    }
}
