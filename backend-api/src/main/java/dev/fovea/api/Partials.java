package dev.fovea.api;

import dev.fovea.api.FoveaException.InvalidArgument;

/**
 * Partial results of attention over parts of the keys, one slot a part, for {@link Backend#attendPart} to fill and {@link
 * Backend#merge} to combine. They depend on nothing but their part, so they may come from anywhere.
 *
 * @param accumulators F32 [n, B, Hq, Sq, Dv]
 * @param maxima F32 [n, B, Hq, Sq]
 * @param sums F32 [n, B, Hq, Sq]
 */
public record Partials(Tensor accumulators, Tensor maxima, Tensor sums) implements AutoCloseable {
    static Partials allocate(Backend backend, int parts, Tensor query, long valueDim) {
        if (parts < 1) {
            throw new InvalidArgument("parts", "at least 1", "" + parts, "say how many calls there will be");
        }
        ArgumentCheck.rank("q", query, 4);
        long b = query.size(0);
        long h = query.size(1);
        long s = query.size(2);
        Tensor acc = backend.allocate(DType.F32, parts, b, h, s, valueDim);
        try {
            Tensor m = backend.allocate(DType.F32, parts, b, h, s);
            try {
                return new Partials(acc, m, backend.allocate(DType.F32, parts, b, h, s));
            } catch (RuntimeException | Error e) {
                m.close();
                throw e;
            }
        } catch (RuntimeException | Error e) {
            acc.close();
            throw e;
        }
    }

    @Override
    public void close() {
        accumulators.close();
        maxima.close();
        sums.close();
    }
}
