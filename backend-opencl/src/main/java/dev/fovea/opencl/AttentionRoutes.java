package dev.fovea.opencl;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.api.spi.DeviceSchedule;
import dev.fovea.api.spi.Explained;
import dev.fovea.opencl.runtime.DeviceContext;
import org.jspecify.annotations.Nullable;

/** Attention by tiles of queries, on a matrix unit where there is one, or, where few rows see many keys, by parts of the keys. */
final class AttentionRoutes implements DevicePlan, Explained {
    private final OpenClBackend backend;
    private final OpenClAttentionPlan tiles;
    private final @Nullable MmaPath mma;
    private final @Nullable DecodePath decode;

    AttentionRoutes(OpenClBackend backend, AttentionSpec spec) {
        this.backend = backend;
        this.tiles = new OpenClAttentionPlan(backend, spec);
        this.mma = MmaPath.of(backend.context(), spec);
        if (mma == null) {
            tiles.prepare();
        }
        this.decode = DecodePath.takes(backend.info(), spec) ? new DecodePath(backend, spec) : null;
        // a CPU compiles for seconds, and most of its plans never decode
        if (decode != null && backend.info().kind() != DeviceInfo.Kind.OPENCL_CPU) {
            decode.prepare(backend.context());
        }
    }

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        AttentionArguments a = (AttentionArguments) arguments;
        if (decode != null && decode.suits(a)) {
            DeviceContext context = backend.context();
            decode.run(a, context, Launches.stream(stream));
        } else if (mma != null && mma.suits(a)) {
            mma.run(a, backend.context(), Launches.stream(stream));
        } else {
            tiles.run(a, stream);
        }
    }

    @Override
    public DeviceSchedule schedule(int[] queryLengths, int[] keyLengths) {
        DeviceSchedule made = decode == null ? null : decode.schedule(queryLengths, keyLengths);
        return made == null ? new DeviceSchedule.None() : made;
    }

    @Override
    public String describe() {
        return (mma == null ? "" : mma.describe() + "; ")
                + tiles.describe()
                + (decode == null ? "" : "; " + decode.describe());
    }

    @Override
    public String source() {
        return mma == null ? tiles.source() : mma.source();
    }

    @Override
    public void close() {
        tiles.close();
        if (mma != null) {
            mma.close();
        }
        if (decode != null) {
            decode.close();
        }
    }
}
