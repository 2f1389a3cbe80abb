package dev.fovea.opencl;

import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spi.TuningPoint;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceStream;
import dev.fovea.opencl.tuning.PlanTuning;
import dev.fovea.opencl.tuning.Tuning.Found;
import java.util.IdentityHashMap;
import java.util.function.Function;

/** A kernel at the points that tables give for each class of runs, made at the first run that needs it; by default where one cannot be built. */
final class TunedPath implements EnginePath {
    /** Queries of the usual case. */
    private static final long MANY = Long.MAX_VALUE;

    private final PlanTuning tuning;
    private final Function<TuningPoint, EnginePath> make;
    /** By identity, since a lookup of each run is to cost little; the same kernel made twice shares its program. */
    private final IdentityHashMap<TuningPoint, EnginePath> paths = new IdentityHashMap<>();

    private TunedPath(PlanTuning tuning, Function<TuningPoint, EnginePath> make) {
        this.tuning = tuning;
        this.make = make;
    }

    /** The path that {@code make} makes of points, or of the defaults where tables say nothing. */
    static EnginePath of(PlanTuning tuning, Function<TuningPoint, EnginePath> make) {
        return tuning.isEmpty() ? make.apply(TuningPoint.DEFAULTS) : new TunedPath(tuning, make);
    }

    private TuningPoint point(long queries, long keys) {
        return tuning.of(queries, keys).map(Found::point).orElse(TuningPoint.DEFAULTS);
    }

    private synchronized EnginePath path(TuningPoint point) {
        return paths.computeIfAbsent(point, make);
    }

    private EnginePath usual() {
        return path(point(MANY, 0));
    }

    @Override
    public boolean prepare(DeviceContext context) {
        return usual().prepare(context) || path(TuningPoint.DEFAULTS).prepare(context);
    }

    @Override
    public boolean run(AttentionArguments a, DeviceContext context, DeviceStream stream) {
        return path(point(a.queries(), a.keys())).run(a, context, stream)
                || path(TuningPoint.DEFAULTS).run(a, context, stream);
    }

    @Override
    public String describe() {
        String tables = tuning.describe();
        return usual().describe() + (tables.isEmpty() ? "" : "; tuning: " + tables);
    }

    @Override
    public String source() {
        return usual().source();
    }

    @Override
    public synchronized void close() {
        paths.values().forEach(EnginePath::close);
        paths.clear();
    }
}
