package dev.fovea.demo;

import dev.fovea.api.Attention;
import dev.fovea.api.Backend;
import dev.fovea.api.Tensor;

/** The encoder's attention on a Fovea device. The projections' [B, S, H, D] arrays are read through views, without a transpose. */
final class FoveaAttention implements LayerAttention {
    /** How padding is kept out. */
    enum Padding {
        /** By the number of valid keys of each sentence. */
        KEY_LENGTHS,
        /** By a boolean mask [B, 1, 1, S]. */
        MASK
    }

    private final Backend backend;
    private final Padding padding;

    FoveaAttention(Backend backend, Padding padding) {
        this.backend = backend;
        this.padding = padding;
    }

    @Override
    public float[] attend(float[] q, float[] k, float[] v, TokenBatch batch) {
        return switch (padding) {
            case KEY_LENGTHS ->
                attend(
                        q,
                        k,
                        v,
                        batch,
                        Attention.full()
                                .keyLengths(batch.lengths().stream()
                                        .mapToInt(Integer::intValue)
                                        .toArray()));
            case MASK -> {
                try (Tensor mask = backend.copyOf(batch.valid(), batch.size(), 1, 1, batch.width())) {
                    yield attend(q, k, v, batch, Attention.full().mask(mask));
                }
            }
        };
    }

    private float[] attend(float[] q, float[] k, float[] v, TokenBatch batch, Attention options) {
        try (Tensor query = heads(q, batch);
                Tensor key = heads(k, batch);
                Tensor value = heads(v, batch);
                Tensor output = backend.attend(query, key, value, options);
                Tensor rows = output.permute(0, 2, 1, 3)) {
            return rows.toFloatArray();
        }
    }

    /** A [B, H, S, D] view of the rows as they lie. */
    private Tensor heads(float[] rows, TokenBatch batch) {
        try (Tensor bshd = backend.copyOf(rows, batch.size(), batch.width(), Encoder.HEADS, Encoder.HEAD_DIM)) {
            return bshd.permute(0, 2, 1, 3);
        }
    }
}
