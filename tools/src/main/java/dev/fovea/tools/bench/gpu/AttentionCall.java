package dev.fovea.tools.bench.gpu;

import dev.fovea.api.AttentionPlan;
import dev.fovea.api.Backend;
import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.AttentionArguments;

/** A case of attention: a prepared plan, called on an output that it shares with other cases. */
final class AttentionCall implements ReadyCase {
    private final GpuCase c;
    private final AttentionProblem problem;
    private final AttentionPlan plan;
    private final Queue queue;

    AttentionCall(Backend backend, ExecutionStream stream, DeviceInputs inputs, GpuCase c) {
        this.c = c;
        this.problem = new AttentionProblem(backend, inputs, c);
        this.plan = backend.prepare(problem.spec());
        this.queue = new Queue(stream, () -> plan.run(problem.arguments(), stream));
    }

    AttentionPlan plan() {
        return plan;
    }

    AttentionArguments arguments() {
        return problem.arguments();
    }

    Queue queue() {
        return queue;
    }

    @Override
    public GpuCase description() {
        return c;
    }

    @Override
    public String path() {
        return plan.describe();
    }

    @Override
    public Measurement measure(int rounds) {
        return queue.measure(rounds);
    }

    @Override
    public double deviceSeconds() {
        return queue.events();
    }

    @Override
    public void spoil() {
        problem.spoil();
    }

    @Override
    public RowError check() {
        return problem.check();
    }

    @Override
    public void close() {
        plan.close();
    }
}
