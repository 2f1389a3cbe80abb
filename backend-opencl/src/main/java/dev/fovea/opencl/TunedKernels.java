package dev.fovea.opencl;

import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.api.spi.Tunable.Choice;
import dev.fovea.api.spi.Tunable.Layer;
import dev.fovea.api.spi.TuningPoint;
import dev.fovea.kernels.AttentionVariant;
import dev.fovea.opencl.runtime.FoundDevice;
import dev.fovea.opencl.tuning.PlanTuning;
import dev.fovea.opencl.tuning.Tuning.Found;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What of this backend's kernels can be chosen, and plans that choose it. */
final class TunedKernels {
    private static final Pattern AMD_ARCHITECTURE = Pattern.compile("\\bgfx[0-9a-f]+");

    /** What the names of platforms begin with, and the vendors whose drivers they are. */
    private static final Map<String, String> VENDORS = Map.of(
            "nvidia", "nvidia",
            "amd ", "amd",
            "intel", "intel",
            "portable computing language", "pocl",
            "oclgrind", "oclgrind");

    private TunedKernels() {}

    /** What tables call a device. */
    static List<Layer> layers(FoundDevice device) {
        List<Layer> layers = new ArrayList<>();
        layers.add(new Layer("device", device.info().id().split("/")[1]));
        if (device.computeCapability() > 0) {
            layers.add(new Layer("architecture", "sm_" + device.computeCapability()));
        }
        Matcher amd = AMD_ARCHITECTURE.matcher(device.info().name());
        if (amd.find()) {
            layers.add(new Layer("architecture", amd.group()));
        }
        String platform = device.info().platform().toLowerCase(Locale.ROOT);
        VENDORS.entrySet().stream()
                .filter(v -> platform.startsWith(v.getKey()))
                .map(v -> new Layer("vendor", v.getValue()))
                .findFirst()
                .ifPresent(layers::add);
        layers.add(new Layer("any", ""));
        return List.copyOf(layers);
    }

    static List<Choice> choices(OpenClBackend backend, AttentionSpec spec, AttentionArguments a) {
        List<Choice> all = new ArrayList<>();
        for (KernelFamily family : KernelFamily.values()) {
            if (family.takes(backend, spec) && family.suits(backend, spec, a)) {
                all.add(choice(family, backend, spec, a));
            }
        }
        return all;
    }

    private static Choice choice(KernelFamily family, OpenClBackend backend, AttentionSpec spec, AttentionArguments a) {
        PlanTuning tuning = family.tuning(backend, spec);
        String bucket = family.bucket(spec, a.queries(), a.keys());
        Optional<Found> found = family == KernelFamily.DECODE ? tuning.ofAll() : tuning.of(a.queries(), a.keys());
        TuningPoint inForce =
                family.point(backend, spec, a.keys(), found.map(Found::point).orElse(TuningPoint.DEFAULTS));
        List<TuningPoint> space = new ArrayList<>(family.points(backend, spec, a.keys()));
        if (!space.contains(inForce)) {
            space.addFirst(inForce);
        }
        return new Choice(
                family.label(),
                bucket,
                inForce,
                found.map(Found::origin).orElse("the kernel's defaults"),
                found.map(Found::named).orElse(false),
                space);
    }

    /** A plan of one kernel at one point. */
    static DevicePlan plan(OpenClBackend backend, AttentionSpec spec, KernelFamily family, TuningPoint point) {
        if (!family.takes(backend, spec) || !family.fits(backend, spec, 0, point)) {
            throw new Unsupported(
                    "the kernel family " + family.label() + " cannot be " + point + " here", "choose another");
        }
        return switch (family) {
            case DECODE -> PointPlan.of(backend, new DecodePath(backend, spec, point), point);
            case HOPPER -> PointPlan.of(backend, new HopperPath(backend, spec, point, true), point);
            case MMA -> PointPlan.of(backend, new MmaPath(backend, spec, point, true), point);
            case ATTENTION -> PointPlan.of(backend, new TilesPath(tiles(backend, spec, point, true)), point);
        };
    }

    /** The tiled kernel at a point, if there is such a one; what the device has else comes after it. */
    static OpenClAttentionPlan tiles(OpenClBackend backend, AttentionSpec spec, TuningPoint point, boolean exactly) {
        List<AttentionVariant> usual = OpenClAttentionPlan.variantsFor(backend.device(), spec);
        if (point.isDefault()) {
            return new OpenClAttentionPlan(backend, spec, usual);
        }
        List<AttentionVariant> variants = new ArrayList<>();
        usual.getFirst()
                .with(spec, point, OpenClAttentionPlan.widestLimits(backend.device()))
                .ifPresent(variants::add);
        if (!exactly) {
            variants.addAll(usual);
        }
        return new OpenClAttentionPlan(backend, spec, variants);
    }
}
