package dev.fovea.conformance;

import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.RotarySpec;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntToDoubleFunction;
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
        Map<String, Number> scalars,
        HostSource source) {

    /** Dense keys. */
    public HostProblem(
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
        this(
                spec,
                query,
                key,
                value,
                scale,
                pastKey,
                pastValue,
                keyLengths,
                queryOffsets,
                sinks,
                captures,
                scalars,
                HostSource.NONE);
    }

    HostProblem with(AttentionSpec other) {
        return copy(other, key, value, scalars, source);
    }

    HostProblem withScalars(Map<String, Number> others) {
        return copy(spec, key, value, others, source);
    }

    HostProblem withKeys(HostTensor keys, HostTensor values, HostSource where) {
        return copy(spec, keys, values, scalars, where);
    }

    private HostProblem copy(
            AttentionSpec s, HostTensor k, HostTensor v, Map<String, Number> numbers, HostSource where) {
        return new HostProblem(
                s, query, k, v, scale, pastKey, pastValue, keyLengths, queryOffsets, sinks, captures, numbers, where);
    }

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

    /** Queries of a sequence; those of the tensor beyond it are padding. */
    public int queryLength(int b) {
        return source.queryLengths() == null
                ? queries()
                : (int) source.queryLengths().at(b);
    }

    /** kpos of a key index. */
    public int keyPosition(int b, int head, int k) {
        HostTensor p = source.positions();
        return p == null ? k : (int) (p.rank() == 2 ? p.at(b, k) : p.at(b, keyHead(head), k));
    }

    /** Whether a query may see a key, mask and lengths apart. */
    public boolean selects(int b, int head, int q, int k) {
        return source.selected() == null || source.selected().contains(b, head, keyHead(head), spec.queryHeads(), q, k);
    }

    /** {@code qpos - q}. */
    public int offset(int b, int head) {
        return switch (spec.offset()) {
            case TOP_LEFT -> 0;
            case BOTTOM_RIGHT -> keyLength(b, head) - queryLength(b);
            case PAST -> pastKeys();
            case GIVEN -> (int) perSequence(Objects.requireNonNull(queryOffsets), b, head);
        };
    }

    private double perSequence(HostTensor t, int b, int head) {
        return t.rank() == 1 ? t.at(b) : t.at(b, keyHead(head));
    }

    /** An element of a query, turned if the problem turns them: in float64, or as f32 arithmetic does it. */
    public double queryAt(int b, int head, int q, int d, boolean single) {
        return turned(i -> query.at(b, head, q, i), d, q + offset(b, head), single);
    }

    /** An element of a key, likewise. */
    public double keyAt(int b, int head, int k, int d, boolean single) {
        return turned(i -> keyAt(b, head, k, i), d, keyPosition(b, head, k), single);
    }

    private double turned(IntToDoubleFunction row, int d, int position, boolean single) {
        if (spec.source().rotary().isEmpty()
                || d >= spec.source().rotary().get().dim()) {
            return row.applyAsDouble(d);
        }
        KeySource.Rotary rotary = spec.source().rotary().get();
        int pairs = rotary.pairs();
        boolean halves = rotary.pairing() == RotarySpec.Pairing.HALVES;
        int pair = halves ? d % pairs : d / 2;
        boolean first = halves ? d < pairs : d % 2 == 0;
        int partner = halves ? (first ? d + pairs : d - pairs) : d ^ 1;
        double cos = Objects.requireNonNull(source.cosines()).at(position, pair);
        double sin = Objects.requireNonNull(source.sines()).at(position, pair);
        double other = first ? -row.applyAsDouble(partner) : row.applyAsDouble(partner);
        return single
                ? (float) row.applyAsDouble(d) * (float) cos + (float) other * (float) sin
                : row.applyAsDouble(d) * cos + other * sin;
    }

    private double keyAt(int b, int head, int k, int d) {
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
