package dev.fovea.opencl;

import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceStream;

/** The kernel that every device has and every run suits. */
final class TilesPath implements EnginePath {
    private final OpenClAttentionPlan plan;

    TilesPath(OpenClAttentionPlan plan) {
        this.plan = plan;
    }

    @Override
    public boolean prepare(DeviceContext context) {
        plan.prepare();
        return true;
    }

    @Override
    public boolean run(AttentionArguments a, DeviceContext context, DeviceStream stream) {
        plan.run(a, stream);
        return true;
    }

    @Override
    public String describe() {
        return plan.describe();
    }

    @Override
    public String source() {
        return plan.source();
    }

    @Override
    public void close() {
        plan.close();
    }
}
