package dev.fovea.conformance;

import dev.fovea.api.AttentionPlan;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spi.Support;
import dev.fovea.conformance.AttentionCase.Layout;
import dev.fovea.conformance.CaseResult.Status;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Runs cases on one backend and holds what comes out to the reference. Not for use by several threads. */
public final class Agreement implements AutoCloseable {
    private final Backend backend;
    private final Map<AttentionSpec, AttentionPlan> plans = new LinkedHashMap<>();

    /** The backend stays the caller's. */
    public Agreement(Backend backend) {
        this.backend = backend;
    }

    public CaseResult run(String group, Expected expected) {
        AttentionCase c = expected.testCase();
        String device = backend.info().id();
        try {
            if (backend.supports(expected.problem().spec()) instanceof Support.No no) {
                return new CaseResult(group, c, device, Status.SKIP, no.reason() + "; " + no.remedy(), 0, 0);
            }
            Outputs o = evaluate(expected.problem(), c.layout());
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

    private record Outputs(double[] output, double[] logSumExp, double[] scores, String fault) {}

    private Outputs evaluate(HostProblem p, Layout layout) {
        AttentionSpec spec = p.spec();
        AttentionPlan plan = plans.computeIfAbsent(spec, backend::prepare);
        List<AutoCloseable> open = new ArrayList<>();
        try {
            Guarded out = keep(
                    Guarded.output(
                            backend,
                            spec.storage(),
                            layout,
                            p.batch(),
                            spec.queryHeads(),
                            p.queries(),
                            spec.valueDim()),
                    open);
            Guarded lse = keep(
                    Guarded.output(backend, DType.F32, Layout.BHSD, p.batch(), spec.queryHeads(), p.queries()), open);
            Guarded scores = spec.scores().isEmpty()
                    ? null
                    : keep(
                            Guarded.output(
                                    backend,
                                    DType.F32,
                                    Layout.BHSD,
                                    p.batch(),
                                    spec.queryHeads(),
                                    p.queries(),
                                    p.keys()),
                            open);
            plan.run(new AttentionArguments(
                    keep(Guarded.input(backend, p.query(), layout), open).tensor(),
                    keep(Guarded.input(backend, p.key(), layout), open).tensor(),
                    keep(Guarded.input(backend, p.value(), layout), open).tensor(),
                    out.tensor(),
                    p.scale(),
                    guarded(p.pastKey(), open),
                    guarded(p.pastValue(), open),
                    upload(p.keyLengths(), open),
                    upload(p.queryOffsets(), open),
                    upload(p.sinks(), open),
                    spec.logSumExp() ? lse.tensor() : null,
                    scores == null ? null : scores.tensor(),
                    captures(p, open),
                    p.scalars()));
            double[] output = out.read();
            boolean intact = out.guardsIntact() && lse.guardsIntact() && (scores == null || scores.guardsIntact());
            return new Outputs(
                    output,
                    lse.read(),
                    scores == null ? new double[0] : scores.read(),
                    intact ? "" : "wrote outside an output");
        } finally {
            for (AutoCloseable c : open.reversed()) {
                close(c);
            }
        }
    }

    private static void close(AutoCloseable c) {
        switch (c) {
            case Guarded g -> g.close();
            case Tensor t -> t.close();
            default -> throw new IllegalStateException();
        }
    }

    private Map<String, Tensor> captures(HostProblem p, List<AutoCloseable> open) {
        Map<String, Tensor> all = new HashMap<>();
        p.spec().captures().forEach((name, capture) -> {
            HostTensor host = java.util.Objects.requireNonNull(p.captures().get(name));
            Tensor t = keep(host.upload(backend), open);
            if (capture.rank() == 4) {
                int last = host.size(host.rank() - 1);
                t = keep(
                        t.broadcastTo(p.batch(), p.spec().queryHeads(), p.queries(), last == 1 ? p.keys() : last),
                        open);
            }
            all.put(name, t);
        });
        return all;
    }

    private @Nullable Tensor guarded(@Nullable HostTensor t, List<AutoCloseable> open) {
        return t == null
                ? null
                : keep(Guarded.input(backend, t, Layout.BHSD), open).tensor();
    }

    private @Nullable Tensor upload(@Nullable HostTensor t, List<AutoCloseable> open) {
        return t == null ? null : keep(t.upload(backend), open);
    }

    private static <T extends AutoCloseable> T keep(T t, List<AutoCloseable> open) {
        open.add(t);
        return t;
    }

    @Override
    public void close() {
        plans.values().forEach(AttentionPlan::close);
    }
}
