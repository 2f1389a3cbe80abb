package dev.fovea.conformance;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.HalfFloats;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.ValueType;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.MergeArguments;
import dev.fovea.api.spec.MergeSpec;
import dev.fovea.api.spec.Normaliser;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Evaluates a problem as partial results over ranges of the keys, cut by a mask with runtime bounds, and merges them on the device. */
final class Parts {
    private static final String FROM = "part_from";
    private static final String TO = "part_to";

    private final Backend backend;
    private final Agreement.Plans plans;
    private final int parts;

    Parts(Backend backend, Agreement.Plans plans, int parts) {
        this.backend = backend;
        this.plans = plans;
        this.parts = parts;
    }

    static AttentionSpec partial(AttentionSpec s) {
        Expr k = Expressions.index(IndexKind.KEY);
        Expr inside =
                new Expr.Scalar(FROM, ValueType.I32).atMost(k).and(k.lessThan(new Expr.Scalar(TO, ValueType.I32)));
        return new AttentionSpec(
                        s.storage(),
                        s.headDim(),
                        s.valueDim(),
                        s.queryHeads(),
                        s.keyHeads(),
                        s.valueHeads(),
                        s.cap(),
                        s.score(),
                        inside.and(s.mask()),
                        s.offset(),
                        false,
                        s.past(),
                        s.keyLengths(),
                        false,
                        Optional.empty())
                .with(s.normaliser())
                .withProbability(s.probability())
                .with(s.source())
                .withPartials();
    }

    static MergeSpec merge(AttentionSpec s) {
        boolean softmax = s.normaliser() == Normaliser.SOFTMAX;
        return new MergeSpec(
                s.storage(),
                s.valueDim(),
                softmax ? MergeSpec.Rule.LOG_SUM_EXP : MergeSpec.Rule.RATIO,
                softmax && s.sink(),
                softmax && s.logSumExp());
    }

    /** The merged output, row-major [outer, H, inner, Dv]. Without a normaliser the parts are summed up here. */
    double[] run(HostProblem p, DeviceProblem d, Guarded out, @Nullable Tensor logSumExp) {
        AttentionSpec spec = p.spec();
        AttentionSpec partial = partial(spec);
        long[] rows = {parts, d.outerRows(), spec.queryHeads(), d.innerRows()};
        long[] columns = Arrays.copyOf(rows, 5);
        columns[4] = spec.valueDim();
        Tensor maxima = nans(d, rows);
        Tensor sums = nans(d, rows);
        Tensor accumulators = nans(d, columns);
        AttentionArguments whole = d.arguments(accumulators, null, null);
        Tensor sinks = whole.sinks();
        for (int i = 0; i < parts; i++) {
            Map<String, Number> scalars = new HashMap<>(p.scalars());
            scalars.put(FROM, (int) ((long) p.keys() * i / parts));
            scalars.put(TO, (int) ((long) p.keys() * (i + 1) / parts));
            plans.of(backend, partial)
                    .run(new AttentionArguments(
                            whole.query(),
                            whole.key(),
                            whole.value(),
                            d.keep(accumulators.select(0, i)),
                            whole.scale(),
                            whole.pastKey(),
                            whole.pastValue(),
                            whole.keyLengths(),
                            whole.queryOffsets(),
                            null,
                            null,
                            null,
                            whole.captures().entrySet().stream()
                                    .filter(e -> partial.captures().containsKey(e.getKey()))
                                    .collect(java.util.stream.Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue)),
                            scalars,
                            whole.source(),
                            d.keep(maxima.select(0, i)),
                            d.keep(sums.select(0, i)),
                            null));
        }
        if (spec.normaliser() == Normaliser.IDENTITY) {
            return summed(accumulators.toFloatArray(), spec.storage());
        }
        backend.run(merge(spec), new MergeArguments(maxima, sums, accumulators, null, sinks, out.tensor(), logSumExp));
        return out.read();
    }

    private double[] summed(float[] all, DType storage) {
        double[] sum = new double[all.length / parts];
        for (int i = 0; i < all.length; i++) {
            sum[i % sum.length] += all[i];
        }
        return Arrays.stream(sum)
                .map(x -> HalfFloats.rounded((float) x, storage))
                .toArray();
    }

    private Tensor nans(DeviceProblem d, long... shape) {
        float[] all = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        Arrays.fill(all, Float.NaN);
        return d.keep(backend.copyOf(all, shape));
    }
}
