package dev.fovea.tools.bench;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * Somebody else's attention on the CPU, timed beside ours by {@code fovea bench --peers}; found by {@link java.util.ServiceLoader}.
 * f32, as many heads of keys as of queries.
 */
public interface Peer {
    /** A short name for tables, such as {@code ort-mha}. */
    String name();

    /** Name and version of the library, for people. */
    String version();

    /** Makes inputs, output and whatever the library needs; throws {@code IOException} with a sentence where that fails. */
    Call prepare(Problem problem, int threads) throws IOException;

    /**
     * Attention to compute, with the scale 1/sqrt(head dim).
     *
     * @param causal whether a query sees the keys up to its own index only
     * @param query f32, native, [batch, heads, queries, headDim], row-major
     * @param key likewise, [batch, heads, keys, headDim]
     * @param value likewise
     */
    record Problem(
            int batch,
            int heads,
            int queries,
            int keys,
            int headDim,
            boolean causal,
            MemorySegment query,
            MemorySegment key,
            MemorySegment value) {}

    /** A problem made ready. */
    interface Call extends AutoCloseable {
        /** Computes the output once; returns when it is there. */
        void run() throws IOException;

        /** A row of the last output. */
        float[] row(int batch, int head, int query);

        @Override
        void close();
    }
}
