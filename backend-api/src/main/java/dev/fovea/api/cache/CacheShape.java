package dev.fovea.api.cache;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.spec.KvFormat;

/**
 * The size and layout of a {@link KvCache}: keys [pages, heads, pageSize, keyDim] and values [pages, heads, pageSize, valueDim].
 *
 * @param pageSize positions of a page, 1 to 256: the unit of sharing and of allocation
 * @param pages pages of the cache; for each head where tables are per head
 * @param heads key heads, and value heads
 * @param keyDim columns of a key
 * @param valueDim columns of a value
 * @param format how both are stored
 * @param keyScale scale of every page of keys, FP8 only; else 1
 * @param valueScale scale of every page of values, likewise
 * @param perHead whether each head has page tables and lengths of its own, so that heads can keep different keys
 * @param valuesInKeys whether the values are the first valueDim columns of the keys and take no memory of their own, as the latent
 *     attention of DeepSeek-V2 (2024) has it
 */
public record CacheShape(
        int pageSize,
        int pages,
        int heads,
        int keyDim,
        int valueDim,
        KvFormat format,
        float keyScale,
        float valueScale,
        boolean perHead,
        boolean valuesInKeys) {

    public CacheShape {
        if (pageSize < 1 || pageSize > 256) {
            throw new InvalidArgument("page size", "from 1 to 256 positions", "" + pageSize, "choose another");
        }
        if (pages < 1 || heads < 1 || keyDim < 1 || valueDim < 1) {
            throw new InvalidArgument(
                    "cache shape",
                    "at least one page, head and column",
                    pages + " pages, " + heads + " heads, " + keyDim + " and " + valueDim + " columns",
                    "correct them");
        }
        if ((long) pages * pageSize > 1 << 29) {
            throw new InvalidArgument(
                    "pages", "at most 2^29 positions", (long) pages * pageSize + "", "split the cache");
        }
        boolean scaled = keyScale != 1 || valueScale != 1;
        if (!(keyScale > 0 && valueScale > 0) || Float.isInfinite(keyScale) || Float.isInfinite(valueScale)) {
            throw new InvalidArgument(
                    "page scales", "finite numbers above 0", keyScale + ", " + valueScale, "1 is usual");
        }
        if (scaled && format != KvFormat.FP8) {
            throw new InvalidArgument("page scales", "scales for FP8 only", format.name(), "leave them out");
        }
        if (valuesInKeys && (valueDim > keyDim || keyScale != valueScale)) {
            throw new InvalidArgument(
                    "values in keys",
                    "at most the " + keyDim + " columns of a key, one scale",
                    valueDim + " columns, scales " + keyScale + " and " + valueScale,
                    "values are the first columns of the keys here");
        }
    }

    /** Keys and values of the same width, one page table a sequence. */
    public static CacheShape of(int pages, int pageSize, int heads, int dim, KvFormat format) {
        return new CacheShape(pageSize, pages, heads, dim, dim, format, 1, 1, false, false);
    }

    public CacheShape withValueDim(int columns) {
        return new CacheShape(
                pageSize, pages, heads, keyDim, columns, format, keyScale, valueScale, perHead, valuesInKeys);
    }

    /** With FP8 scales: a stored number q means {@code scale * q}, of at most 448 in size. */
    public CacheShape withPageScales(float keys, float values) {
        return new CacheShape(pageSize, pages, heads, keyDim, valueDim, format, keys, values, perHead, valuesInKeys);
    }

    /** With page tables and lengths for each head. */
    public CacheShape withHeadTables() {
        return new CacheShape(
                pageSize, pages, heads, keyDim, valueDim, format, keyScale, valueScale, true, valuesInKeys);
    }

    /** With values that are the first columns of the keys. */
    public CacheShape withValuesInKeys(int columns) {
        return new CacheShape(pageSize, pages, heads, keyDim, columns, format, keyScale, keyScale, perHead, true);
    }

    /** Device memory that a cache of this shape holds, scales and zero points included. */
    public long bytes() {
        return rowBytes(keyDim) + (valuesInKeys ? 0 : rowBytes(valueDim));
    }

    private long rowBytes(int dim) {
        long headPages = (long) pages * heads;
        long rows = headPages * pageSize * format.elements(dim) * format.dtype().bytes();
        return switch (format) {
            case F32, F16, BF16 -> rows;
            case INT8, INT4 -> rows + headPages * pageSize * 4; // an F16 scale and an F16 zero point
            case FP8 -> rows + headPages * 4;
        };
    }

    /** Page tables of a sequence: one, or one a head. */
    int lanes() {
        return perHead ? heads : 1;
    }
}
