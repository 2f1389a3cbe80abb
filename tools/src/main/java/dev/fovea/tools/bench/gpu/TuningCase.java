package dev.fovea.tools.bench.gpu;

import dev.fovea.api.Backend;
import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spi.DevicePlan;

/** A case on a device, for plans that somebody else makes: each is checked and timed on the same inputs. */
public final class TuningCase {
    private static final double ROUND_SECONDS = 0.02;

    private final GpuCase c;
    private final AttentionProblem problem;
    private final ExecutionStream stream;

    TuningCase(Backend backend, ExecutionStream stream, DeviceInputs inputs, GpuCase c) {
        this.c = c;
        this.problem = new AttentionProblem(backend, inputs, c);
        this.stream = stream;
    }

    public String name() {
        return c.name();
    }

    public AttentionSpec spec() {
        return problem.spec();
    }

    public AttentionArguments arguments() {
        return problem.arguments();
    }

    /** Multiplications and additions of a call. */
    public double flops() {
        return c.flops();
    }

    /** A plan on this case; it stays the caller's. */
    public Entrant entrant(DevicePlan plan) {
        return new Entrant(plan);
    }

    /** A plan on this case. */
    public final class Entrant {
        private final Queue queue;

        private Entrant(DevicePlan plan) {
            this.queue = new Queue(stream, () -> plan.run(problem.arguments(), stream), ROUND_SECONDS);
        }

        /**
         * Runs once on an output whose sampled rows were spoilt.
         *
         * @return the largest error of a row by what it may be: above 1 it is wrong
         */
        public double errorShare() {
            problem.spoil();
            queue.once();
            return problem.check().share();
        }

        /** Seconds of a call, over a round of queued ones. */
        public double round() {
            return queue.measure(1).median();
        }
    }
}
