package dev.fovea.conformance;

import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.RotarySpec;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
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

    /** Which keys a query may see, mask and lengths apart. */
    public boolean[] selected(int b, int head, int q) {
        boolean[] seen = new boolean[keys()];
        if (source.selected() == null) {
            Arrays.fill(seen, true);
        } else {
            source.selected().mark(b, head, keyHead(head), spec.queryHeads(), q, seen);
        }
        return seen;
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

    /** A query, turned if the problem turns them: in float64, or as f32 arithmetic does it. */
    public double[] queryRow(int b, int head, int q, boolean single) {
        return turned(query.row(b, head, q), q + offset(b, head), single);
    }

    /** A key, likewise. */
    public double[] keyRow(int b, int head, int k, boolean single) {
        int past = pastKeys();
        double[] row =
                pastKey != null && k < past ? pastKey.row(b, keyHead(head), k) : key.row(b, keyHead(head), k - past);
        return turned(row, keyPosition(b, head, k), single);
    }

    public double[] valueRow(int b, int head, int k) {
        int past = pastKeys();
        return pastValue != null && k < past
                ? pastValue.row(b, valueHead(head), k)
                : value.row(b, valueHead(head), k - past);
    }

    private double[] turned(double[] row, int position, boolean single) {
        if (spec.source().rotary().isEmpty()) {
            return row;
        }
        KeySource.Rotary rotary = spec.source().rotary().get();
        HostTensor cosines = Objects.requireNonNull(source.cosines());
        HostTensor sines = Objects.requireNonNull(source.sines());
        int pairs = rotary.pairs();
        boolean halves = rotary.pairing() == RotarySpec.Pairing.HALVES;
        double[] turned = row.clone();
        for (int pair = 0; pair < pairs; pair++) {
            int i = halves ? pair : 2 * pair;
            int j = halves ? pair + pairs : 2 * pair + 1;
            double cos = cosines.at(position, pair);
            double sin = sines.at(position, pair);
            turned[i] = single
                    ? (float) row[i] * (float) cos + (float) -row[j] * (float) sin
                    : row[i] * cos + -row[j] * sin;
            turned[j] =
                    single ? (float) row[j] * (float) cos + (float) row[i] * (float) sin : row[j] * cos + row[i] * sin;
        }
        return turned;
    }
}
