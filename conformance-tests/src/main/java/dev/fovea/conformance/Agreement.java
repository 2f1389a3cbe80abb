package dev.fovea.conformance;

import dev.fovea.api.AttentionPlan;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spi.Support;
import dev.fovea.conformance.AttentionCase.Layout;
import dev.fovea.conformance.CaseResult.Status;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Runs cases on one backend and holds what comes out to the reference. Not for use by several threads. */
public final class Agreement implements AutoCloseable {
    private final Backend backend;
    private final Plans plans = new Plans();

    /** The backend stays the caller's. */
    public Agreement(Backend backend) {
        this.backend = backend;
    }

    public CaseResult run(String group, Expected expected) {
        AttentionCase c = expected.testCase();
        String device = backend.info().id();
        try {
            if (support(expected.problem().spec(), c) instanceof Support.No no) {
                return new CaseResult(group, c, device, Status.SKIP, no.reason() + "; " + no.remedy(), 0, 0);
            }
            Outputs o = evaluate(expected.problem(), c);
            Comparison comparison = expected.compare(o.output, o.logSumExp, o.scores);
            if (!o.fault.isEmpty()) {
                return new CaseResult(group, c, device, Status.FAIL, o.fault, Double.NaN, Double.NaN);
            }
            Status status = comparison.passed() ? Status.PASS : Status.FAIL;
            return new CaseResult(
                    group, c, device, status, comparison.toString(), comparison.load(), comparison.maxAbs());
        } catch (RuntimeException e) {
            return new CaseResult(group, c, device, Status.FAIL, "threw " + e, Double.NaN, Double.NaN);
        }
    }

    private Support support(AttentionSpec spec, AttentionCase c) {
        if (c.weights().parts() == 0) {
            return backend.supports(spec);
        }
        Support partial = backend.supports(Parts.partial(spec));
        return partial instanceof Support.No ? partial : backend.supports(Parts.merge(spec));
    }

    private record Outputs(double[] output, double[] logSumExp, double[] scores, String fault) {}

    private Outputs evaluate(HostProblem p, AttentionCase c) {
        AttentionSpec spec = p.spec();
        try (DeviceProblem d = new DeviceProblem(backend, p, c.layout())) {
            int heads = spec.queryHeads();
            int[] rows = {d.outerRows(), heads, d.innerRows()};
            Guarded out = d.keep(
                    Guarded.output(backend, spec.storage(), c.layout(), rows[0], rows[1], rows[2], spec.valueDim()));
            Guarded lse = d.keep(Guarded.output(backend, DType.F32, Layout.BHSD, rows));
            Guarded scores = spec.scores().isEmpty()
                    ? null
                    : d.keep(Guarded.output(backend, DType.F32, Layout.BHSD, p.batch(), heads, p.queries(), p.keys()));
            @Nullable Tensor lseTensor = spec.logSumExp() ? lse.tensor() : null;
            double[] output;
            if (c.weights().parts() > 0) {
                output = new Parts(backend, plans, c.weights().parts()).run(p, d, out, lseTensor);
            } else {
                plans.of(backend, spec)
                        .run(d.arguments(out.tensor(), lseTensor, scores == null ? null : scores.tensor()));
                output = out.read();
            }
            boolean intact = out.guardsIntact() && lse.guardsIntact() && (scores == null || scores.guardsIntact());
            return new Outputs(
                    d.unpacked(output, heads, spec.valueDim()),
                    spec.logSumExp() ? d.unpacked(lse.read(), heads, 1) : new double[0],
                    scores == null ? new double[0] : scores.read(),
                    intact ? "" : "wrote outside an output");
        }
    }

    /** The plans made so far, kept since equal specs come again. */
    static final class Plans implements AutoCloseable {
        private final Map<AttentionSpec, AttentionPlan> made = new LinkedHashMap<>();

        AttentionPlan of(Backend backend, AttentionSpec spec) {
            return made.computeIfAbsent(spec, backend::prepare);
        }

        @Override
        public void close() {
            made.values().forEach(AttentionPlan::close);
        }
    }

    @Override
    public void close() {
        plans.close();
    }
}
