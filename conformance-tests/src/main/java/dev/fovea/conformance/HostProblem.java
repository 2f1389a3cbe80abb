package dev.fovea.conformance;

import dev.fovea.api.spec.AttentionSpec;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An attention spec with its arguments in host memory; shapes as in {@link dev.fovea.api.spec.AttentionArguments}. A captured
 * tensor keeps its own shape and broadcasts when read.
 */
public record HostProblem(
        AttentionSpec spec,
        HostTensor query,
        HostTensor key,
        HostTensor value,
        float scale,
        @Nullable HostTensor pastKey,
        @Nullable HostTensor pastValue,
        @Nullable HostTensor keyLengths,
        @Nullable HostTensor queryOffsets,
        @Nullable HostTensor sinks,
        Map<String, HostTensor> captures,
        Map<String, Number> scalars) {

    public int batch() {
        return query.size(0);
    }

    public int queries() {
        return query.size(2);
    }

    public int pastKeys() {
        return pastKey == null ? 0 : pastKey.size(2);
    }

    /** Past and new keys. */
    public int keys() {
        return pastKeys() + key.size(2);
    }

    public int keyHead(int head) {
        return head / (spec.queryHeads() / spec.keyHeads());
    }

    public int valueHead(int head) {
        return head / (spec.queryHeads() / spec.valueHeads());
    }

    /** Keys of the sequence that a query head reads. */
    public int keyLength(int b, int head) {
        return keyLengths == null ? keys() : (int) perSequence(keyLengths, b, head);
    }

    /** Queries of a sequence. */
    public int queryLength(int b) {
        return queries();
    }

    /** kpos of a key index. */
    public int keyPosition(int b, int head, int k) {
        return k;
    }

    /** {@code qpos - q}. */
    public int offset(int b, int head) {
        return switch (spec.offset()) {
            case TOP_LEFT -> 0;
            case BOTTOM_RIGHT -> keyLength(b, head) - queries();
            case PAST -> pastKeys();
            case GIVEN -> (int) perSequence(java.util.Objects.requireNonNull(queryOffsets), b, head);
        };
    }

    private double perSequence(HostTensor t, int b, int head) {
        return t.rank() == 1 ? t.at(b) : t.at(b, keyHead(head));
    }

    public double keyAt(int b, int head, int k, int d) {
        int past = pastKeys();
        return pastKey != null && k < past ? pastKey.at(b, keyHead(head), k, d) : key.at(b, keyHead(head), k - past, d);
    }

    public double valueAt(int b, int head, int k, int d) {
        int past = pastKeys();
        return pastValue != null && k < past
                ? pastValue.at(b, valueHead(head), k, d)
                : value.at(b, valueHead(head), k - past, d);
    }
}
