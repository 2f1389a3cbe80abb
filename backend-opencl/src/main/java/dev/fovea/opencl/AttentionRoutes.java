package dev.fovea.opencl;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.api.spi.DeviceSchedule;
import dev.fovea.api.spi.Explained;
import org.jspecify.annotations.Nullable;

/** Attention by tiles of queries, on matrix units where there are such, or, where few rows see many keys, by parts of the keys. */
final class AttentionRoutes implements DevicePlan, Explained {
    private final OpenClBackend backend;
    private final OpenClAttentionPlan tiles;
    private final @Nullable HopperPath hopper;
    private final @Nullable DecodePath decode;

    AttentionRoutes(OpenClBackend backend, AttentionSpec spec) {
        this.backend = backend;
        this.tiles = new OpenClAttentionPlan(backend, spec);
        this.hopper = HopperPath.takes(backend.context(), spec) ? new HopperPath(backend, spec) : null;
        if (hopper == null) {
            tiles.prepare();
        } else {
            hopper.prepare(backend.context());
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
        DecodePath.Work work = decode == null ? null : decode.suited(a);
        if (decode != null && work != null) {
            decode.run(a, work, backend.context(), Launches.stream(stream));
        } else if (hopper != null && hopper.suits(a)) {
            hopper.run(a, backend.context(), Launches.stream(stream));
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
        return (hopper == null ? tiles.describe() : hopper.describe())
                + (decode == null ? "" : "; " + decode.describe());
    }

    @Override
    public String source() {
        return hopper == null ? tiles.source() : hopper.source();
    }

    @Override
    public void close() {
        tiles.close();
        if (hopper != null) {
            hopper.close();
        }
        if (decode != null) {
            decode.close();
        }
    }
}
