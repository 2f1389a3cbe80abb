package dev.fovea.opencl;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.api.spi.DeviceSchedule;
import dev.fovea.api.spi.Explained;
import dev.fovea.api.spi.TuningPoint;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceStream;
import dev.fovea.opencl.tuning.Tuning.Found;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Attention by tiles of queries, on matrix units where there are such, or, where few rows see many keys, by parts of the keys. */
final class AttentionRoutes implements DevicePlan, Explained {
    private final OpenClBackend backend;
    private final EnginePath tiles;
    private final List<EnginePath> engines = new ArrayList<>();
    private final @Nullable DecodePath decode;
    private final String decodeTuning;

    AttentionRoutes(OpenClBackend backend, AttentionSpec spec) {
        this.backend = backend;
        DeviceContext context = backend.context();
        this.tiles =
                tuned(KernelFamily.ATTENTION, spec, p -> new TilesPath(TunedKernels.tiles(backend, spec, p, false)));
        if (HopperPath.takes(context, spec)) {
            engines.add(tuned(KernelFamily.HOPPER, spec, p -> new HopperPath(backend, spec, p, false)));
        }
        if (MmaPath.takes(context, spec)) {
            engines.add(tuned(KernelFamily.MMA, spec, p -> new MmaPath(backend, spec, p, false)));
        }
        TilePath.of(context, spec).ifPresent(engines::add);
        // the best one is built ahead, what its runs do not suit at the first that does not
        while (!engines.isEmpty() && !engines.getFirst().prepare(context)) {
            engines.removeFirst().close();
        }
        if (engines.isEmpty()) {
            tiles.prepare(context);
        }
        Optional<Found> tuned = KernelFamily.DECODE.tuning(backend, spec).ofAll();
        this.decode = DecodePath.takes(backend.info(), spec)
                ? new DecodePath(backend, spec, tuned.map(Found::point).orElse(TuningPoint.DEFAULTS))
                : null;
        this.decodeTuning = tuned.map(f -> "; tuning: " + f.point() + " (" + f.origin() + ")")
                .orElse("");
        // a CPU compiles for seconds, and most of its plans never decode
        if (decode != null && backend.info().kind() != DeviceInfo.Kind.OPENCL_CPU) {
            decode.prepare(backend.context());
        }
    }

    private EnginePath tuned(KernelFamily family, AttentionSpec spec, Function<TuningPoint, EnginePath> make) {
        return TunedPath.of(family.tuning(backend, spec), make);
    }

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        AttentionArguments a = (AttentionArguments) arguments;
        DeviceContext context = backend.context();
        DeviceStream queue = Launches.stream(stream);
        DecodePath.Work work = decode == null ? null : decode.suited(a);
        if (decode != null && work != null) {
            decode.run(a, work, context, queue);
        } else if (engines.stream().noneMatch(e -> e.run(a, context, queue))) {
            tiles.run(a, context, queue);
        }
    }

    @Override
    public DeviceSchedule schedule(int[] queryLengths, int[] keyLengths) {
        DeviceSchedule made = decode == null ? null : decode.schedule(queryLengths, keyLengths);
        return made == null ? new DeviceSchedule.None() : made;
    }

    @Override
    public String describe() {
        return (engines.isEmpty() ? tiles.describe() : engines.getFirst().describe())
                + (decode == null ? "" : "; " + decode.describe() + decodeTuning);
    }

    @Override
    public String source() {
        return engines.isEmpty() ? tiles.source() : engines.getFirst().source();
    }

    @Override
    public void close() {
        tiles.close();
        engines.forEach(EnginePath::close);
        if (decode != null) {
            decode.close();
        }
    }
}
