package dev.fovea.tools.bench.gpu;

import dev.fovea.api.Attention;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.tools.bench.gpu.AttentionInputs.Stored;
import dev.fovea.tools.bench.gpu.GpuCase.Row;
import dev.fovea.tools.bench.gpu.RowReference.Expected;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A case of attention on a device: its inputs, its outputs, and what sampled rows of these have to be. */
final class AttentionProblem {
    private final GpuCase c;
    private final AttentionSpec spec;
    private final AttentionArguments arguments;
    private final List<Row> rows;
    private final RowReference reference;
    private @Nullable Right right;

    /**
     * What sampled rows have to be.
     *
     * @param plain how far plain f32 arithmetic is from it; NaN for other types
     */
    private record Right(List<Expected> rows, Deviation plain) {}

    AttentionProblem(Backend backend, DeviceInputs inputs, GpuCase c) {
        this.c = c;
        this.rows = c.rows();
        AttentionInputs in = AttentionInputs.of(backend, inputs, c);
        this.reference = new RowReference(
                c, in.query().rows(), in.key().rows(), in.value().rows());
        this.spec = options(in)
                .spec(in.query().tensor(), in.key().tensor(), in.value().tensor());
        this.arguments = arguments(backend, inputs, in, spec);
    }

    AttentionSpec spec() {
        return spec;
    }

    AttentionArguments arguments() {
        return arguments;
    }

    private Attention options(AttentionInputs in) {
        Attention a = c.pairs().attention();
        Stored k = in.key();
        Stored v = in.value();
        if (k.scales() != null && v.scales() != null) {
            a = a.quantised(c.format(), k.scales(), k.zeros(), v.scales(), v.zeros());
        }
        return c.logSumExp() ? a.logSumExp() : a;
    }

    private AttentionArguments arguments(Backend backend, DeviceInputs inputs, AttentionInputs in, AttentionSpec spec) {
        Map<String, Tensor> captures = new HashMap<>();
        c.pairs().captures().forEach((name, x) -> captures.put(name, inputs.keep(backend.copyOf(x, 1, x.length))));
        Map<String, Number> scalars = new HashMap<>();
        if (c.pairs() instanceof Pairs.Causal causal) {
            scalars.put(Expressions.WINDOW_LEFT, causal.left());
        }
        scalars.keySet().retainAll(spec.scalars().keySet());
        Tensor output = c.bshd()
                ? inputs.keep(inputs.output(c.dtype(), c.batch(), c.queries(), c.heads(), c.valueDim())
                        .permute(0, 2, 1, 3))
                : inputs.output(c.dtype(), c.batch(), c.heads(), c.queries(), c.valueDim());
        Tensor logSumExp =
                c.logSumExp() ? inputs.keep(backend.allocate(DType.F32, c.batch(), c.heads(), c.queries())) : null;
        float scale = (float) (1 / Math.sqrt((double) c.headDim()));
        return new AttentionArguments(
                        in.query().tensor(),
                        in.key().tensor(),
                        in.value().tensor(),
                        output,
                        scale,
                        null,
                        null,
                        null,
                        null,
                        null,
                        logSumExp,
                        null,
                        captures,
                        scalars)
                .with(in.keyArguments());
    }

    /** Worked out at the first check, since it takes a while. */
    private Right right() {
        Right r = right;
        if (r == null) {
            List<Expected> all = rows.parallelStream().map(reference::row).toList();
            Deviation plain = c.dtype() == DType.F32
                    ? Deviation.of(rows.parallelStream().map(reference::plain).toList(), all)
                    : new Deviation(Double.NaN, Double.NaN, 0);
            r = new Right(all, plain);
            right = r;
        }
        return r;
    }

    /** Spoils the sampled rows, so that only a run after this can make them right. */
    void spoil() {
        byte[] nan = new byte[c.valueDim() * c.dtype().bytes()];
        Arrays.fill(nan, (byte) 0xff); // a NaN in every type
        for (Row r : rows) {
            write(arguments.output(), r, nan);
            Tensor lse = arguments.logSumExp();
            if (lse != null) {
                write(lse, r, new byte[] {-1, -1, -1, -1});
            }
        }
    }

    private static void write(Tensor t, Row r, byte[] row) {
        long at = t.offset() + r.batch() * t.stride(0) + r.head() * t.stride(1) + r.query() * t.stride(2);
        t.storage().write(at * t.dtype().bytes(), MemorySegment.ofArray(row));
    }

    /** How far the sampled rows of the output are from float64. */
    RowError check() {
        List<Expected> expected = right().rows();
        Deviation plain = right().plain();
        Tensor output = arguments.output();
        Deviation got = Deviation.of(rows.stream().map(r -> read(output, r)).toList(), expected);
        double share = got.largestShare() / roundings();
        double lse = Double.NaN;
        Tensor sums = arguments.logSumExp();
        if (sums != null) {
            lse = 0;
            for (int i = 0; i < rows.size(); i++) {
                double right = expected.get(i).logSumExp();
                double error = Deviation.finite(Math.abs(read(sums, rows.get(i))[0] - right));
                lse = Math.max(lse, error);
                share = Math.max(share, error / (1e-5 * Math.max(1, Math.abs(right))));
            }
        }
        return new RowError(rows.size(), got.max(), got.rms(), lse, plain.max(), plain.rms(), share);
    }

    /**
     * What an error may be as a share of the largest value: rounding of probabilities and output, and f32 sums over long rows; {@code
     * fovea conformance} has the exact bound.
     */
    private double roundings() {
        return (c.dtype() == DType.F32 ? 0 : 2 * c.dtype().unitRoundoff()) + 1e-5;
    }

    private static float[] read(Tensor t, Row r) {
        try (Tensor batch = t.select(0, r.batch());
                Tensor head = batch.select(0, r.head());
                Tensor row = head.select(0, r.query())) {
            return row.toFloatArray();
        }
    }
}
