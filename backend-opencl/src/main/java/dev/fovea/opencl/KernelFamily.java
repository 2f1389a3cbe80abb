package dev.fovea.opencl;

import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spi.TuningPoint;
import dev.fovea.kernels.AttentionVariant;
import dev.fovea.kernels.DecodeVariant;
import dev.fovea.kernels.HopperVariant;
import dev.fovea.kernels.MmaVariant;
import dev.fovea.kernels.TileLimits;
import dev.fovea.kernels.TuningSpace;
import dev.fovea.opencl.tuning.PlanTuning;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Kernels of attention whose parameters tables can choose, in the order in which a plan asks them. */
enum KernelFamily {
    DECODE("decode") {
        @Override
        TuningSpace space() {
            return DecodeVariant.SPACE;
        }

        @Override
        boolean takes(OpenClBackend backend, AttentionSpec spec) {
            return DecodePath.takes(backend.info(), spec);
        }

        @Override
        boolean suits(OpenClBackend backend, AttentionSpec spec, AttentionArguments a) {
            try (DecodePath path = new DecodePath(backend, spec, TuningPoint.DEFAULTS)) {
                return path.suited(a) != null;
            }
        }

        @Override
        TuningPoint point(OpenClBackend backend, AttentionSpec spec, long keys, TuningPoint changes) {
            TuningPoint point = DecodePath.usual(spec);
            for (Map.Entry<String, Integer> e : changes.values().entrySet()) {
                point = point.with(e.getKey(), e.getValue());
            }
            return point;
        }

        @Override
        boolean fits(OpenClBackend backend, AttentionSpec spec, long keys, TuningPoint point) {
            return DecodePath.fits(spec, point);
        }

        @Override
        String bucket(AttentionSpec spec, long queries, long keys) {
            return PlanTuning.bucket(spec); // a schedule must cut as runs of whatever lengths do
        }

        @Override
        List<TuningPoint> points(OpenClBackend backend, AttentionSpec spec, long keys) {
            List<TuningPoint> all = super.points(backend, spec, keys);
            return DecodePath.onMatrixUnits(backend.context(), spec)
                    ? all.stream().filter(DecodePath.hasUsualLanes(spec)).toList()
                    : all;
        }
    },
    HOPPER("hopper") {
        @Override
        TuningSpace space() {
            return HopperVariant.SPACE;
        }

        @Override
        boolean takes(OpenClBackend backend, AttentionSpec spec) {
            return HopperPath.takes(backend.context(), spec);
        }

        @Override
        boolean suits(OpenClBackend backend, AttentionSpec spec, AttentionArguments a) {
            return HopperVariant.suits(spec, a);
        }

        @Override
        TuningPoint point(OpenClBackend backend, AttentionSpec spec, long keys, TuningPoint changes) {
            HopperVariant usual = HopperVariant.of(spec, keys);
            return usual.with(spec, changes).orElse(usual).point();
        }

        @Override
        boolean fits(OpenClBackend backend, AttentionSpec spec, long keys, TuningPoint point) {
            return HopperVariant.of(spec, keys).with(spec, point).isPresent();
        }

        @Override
        boolean isWorthTrying(TuningPoint usual, TuningPoint point) {
            // small tiles left the matrix units waiting on every card and shape seen
            return 2 * point.get("keys", 0) >= usual.get("keys", 0);
        }
    },
    MMA("mma") {
        @Override
        TuningSpace space() {
            return MmaVariant.SPACE;
        }

        @Override
        boolean takes(OpenClBackend backend, AttentionSpec spec) {
            return MmaPath.takes(backend.context(), spec);
        }

        @Override
        boolean suits(OpenClBackend backend, AttentionSpec spec, AttentionArguments a) {
            return MmaVariant.suits(spec, a);
        }

        @Override
        TuningPoint point(OpenClBackend backend, AttentionSpec spec, long keys, TuningPoint changes) {
            MmaVariant usual = MmaPath.usual(backend.context(), spec);
            return usual.with(changes, backend.context().device().staticLocalBytes())
                    .orElse(usual)
                    .point();
        }

        @Override
        boolean fits(OpenClBackend backend, AttentionSpec spec, long keys, TuningPoint point) {
            return MmaPath.usual(backend.context(), spec)
                    .with(point, backend.context().device().staticLocalBytes())
                    .isPresent();
        }
    },
    ATTENTION("attention") {
        @Override
        TuningSpace space() {
            return AttentionVariant.SPACE;
        }

        @Override
        boolean takes(OpenClBackend backend, AttentionSpec spec) {
            return true;
        }

        @Override
        boolean suits(OpenClBackend backend, AttentionSpec spec, AttentionArguments a) {
            // where such an engine takes the run, tuning this one would change nothing
            Optional<TilePath> engine = TilePath.of(backend.context(), spec);
            engine.ifPresent(TilePath::close);
            return engine.isEmpty();
        }

        @Override
        TuningPoint point(OpenClBackend backend, AttentionSpec spec, long keys, TuningPoint changes) {
            AttentionVariant usual = usual(backend, spec);
            return usual.with(spec, changes, limits(backend)).orElse(usual).point();
        }

        @Override
        boolean fits(OpenClBackend backend, AttentionSpec spec, long keys, TuningPoint point) {
            return usual(backend, spec).with(spec, point, limits(backend)).isPresent();
        }

        @Override
        List<TuningPoint> points(OpenClBackend backend, AttentionSpec spec, long keys) {
            Stream<TuningPoint> all = OpenClAttentionPlan.variantsFor(backend.device(), spec).stream()
                    .flatMap(v -> space().around(v.point(), p -> fits(backend, spec, keys, p)).stream());
            return all.distinct().toList();
        }

        private AttentionVariant usual(OpenClBackend backend, AttentionSpec spec) {
            return OpenClAttentionPlan.variantsFor(backend.device(), spec).getFirst();
        }

        private TileLimits limits(OpenClBackend backend) {
            return OpenClAttentionPlan.widestLimits(backend.device());
        }
    };

    private final String label;

    KernelFamily(String label) {
        this.label = label;
    }

    /** What tables call it. */
    String label() {
        return label;
    }

    /** Its parameters. */
    abstract TuningSpace space();

    /** Whether it can compute a spec on a device. */
    abstract boolean takes(OpenClBackend backend, AttentionSpec spec);

    /** Whether it computes such runs of a spec that it takes. */
    abstract boolean suits(OpenClBackend backend, AttentionSpec spec, AttentionArguments a);

    /** All parameters with these changes; as usual where they do not fit. */
    abstract TuningPoint point(OpenClBackend backend, AttentionSpec spec, long keys, TuningPoint changes);

    /** Whether it can be at a point. */
    abstract boolean fits(OpenClBackend backend, AttentionSpec spec, long keys, TuningPoint point);

    /** What tables call such runs. */
    String bucket(AttentionSpec spec, long queries, long keys) {
        return PlanTuning.bucket(spec, queries, keys);
    }

    /** The points worth trying for runs with so many keys, those nearest to the defaults first. */
    List<TuningPoint> points(OpenClBackend backend, AttentionSpec spec, long keys) {
        TuningPoint usual = point(backend, spec, keys, TuningPoint.DEFAULTS);
        return space().around(usual, p -> isWorthTrying(usual, p) && fits(backend, spec, keys, p));
    }

    boolean isWorthTrying(TuningPoint usual, TuningPoint point) {
        return true;
    }

    /** What tables say of it for a spec. */
    PlanTuning tuning(OpenClBackend backend, AttentionSpec spec) {
        return new PlanTuning(backend.tables(), label, spec, (point, keys) -> fits(backend, spec, keys, point));
    }

    static KernelFamily of(String label) {
        Predicate<KernelFamily> named = f -> f.label.equals(label);
        return Arrays.stream(values()).filter(named).findFirst().orElseThrow(() -> new IllegalArgumentException(label));
    }

    /** Names of all of them, with those of their parameters. */
    static Map<String, Set<String>> parameters() {
        return Arrays.stream(values())
                .collect(Collectors.toMap(f -> f.label, f -> f.space().parameters()));
    }
}
