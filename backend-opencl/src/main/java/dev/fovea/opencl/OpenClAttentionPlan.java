package dev.fovea.opencl;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.FoveaException.KernelBuild;
import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.kernels.AttentionBlock;
import dev.fovea.kernels.AttentionVariant;
import dev.fovea.kernels.KernelSource;
import dev.fovea.kernels.Kernels;
import dev.fovea.kernels.TileLimits;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceStream;
import dev.fovea.opencl.runtime.FoundDevice;
import dev.fovea.opencl.runtime.Kernel;
import dev.fovea.opencl.runtime.KernelArgument;
import dev.fovea.opencl.runtime.Launch;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Attention by the tiled kernel. The kernel with 64-bit distances is
 * built at the first run that needs it.
 */
final class OpenClAttentionPlan implements DevicePlan {
    private static final System.Logger LOG = System.getLogger(OpenClAttentionPlan.class.getName());

    private static final int MANY_REGISTERS = 256;

    private final OpenClBackend backend;
    private final AttentionSpec spec;
    private final List<AttentionVariant> variants;
    private final RangeLaunches ranges = new RangeLaunches();
    private @Nullable Built built;
    private boolean closed;

    OpenClAttentionPlan(OpenClBackend backend, AttentionSpec spec) {
        this(backend, spec, variantsFor(backend.context().device(), spec));
    }

    /** A plan of the first of the caller's variants that the device can build and run; they must fit the spec. */
    OpenClAttentionPlan(OpenClBackend backend, AttentionSpec spec, List<AttentionVariant> variants) {
        this.backend = backend;
        this.spec = spec;
        this.variants = List.copyOf(variants);
    }

    /** Builds the kernel ahead of the first run. */
    void prepare() {
        built(backend.context());
    }

    private static TileLimits limits(FoundDevice device) {
        return new TileLimits(
                device.staticLocalBytes(),
                device.info().maxWorkGroup(),
                device.registers(),
                device.nativeExp2(),
                device.copiesAhead());
    }

    /** Within which tables may choose, who know a device better than what it says of its registers. */
    static TileLimits widestLimits(FoundDevice device) {
        return new TileLimits(
                device.staticLocalBytes(),
                device.info().maxWorkGroup(),
                Math.max(MANY_REGISTERS, device.registers()),
                device.nativeExp2(),
                device.copiesAhead());
    }

    /** What fits a device, the best first. */
    static List<AttentionVariant> variantsFor(FoundDevice device, AttentionSpec spec) {
        DeviceInfo info = device.info();
        if (info.kind() == DeviceInfo.Kind.OPENCL_CPU) {
            AttentionVariant compact = AttentionVariant.of(spec).compact();
            return List.of(compact, compact.smaller());
        }
        List<AttentionVariant> variants = new ArrayList<>(AttentionVariant.alternatives(spec, limits(device)));
        variants.add(variants.getLast().smaller());
        return variants;
    }

    /** The kernels in one context. */
    private static final class Built {
        private final DeviceContext context;
        private final AttentionSpec spec;
        private final AttentionVariant variant;
        private final KernelSource source;
        private final Kernel narrow;
        private @Nullable Kernel wide;

        private Built(
                DeviceContext context,
                AttentionSpec spec,
                AttentionVariant variant,
                KernelSource source,
                Kernel narrow) {
            this.context = context;
            this.spec = spec;
            this.variant = variant;
            this.source = source;
            this.narrow = narrow;
        }

        /** The first variant that can be built and run; what the last one fails with if none can. */
        static Built first(DeviceContext context, AttentionSpec spec, List<AttentionVariant> variants) {
            for (AttentionVariant v : variants.subList(0, variants.size() - 1)) {
                try {
                    return of(context, spec, v);
                } catch (KernelBuild | Unsupported e) {
                    LOG.log(System.Logger.Level.DEBUG, "smaller tiles instead", e);
                }
            }
            return of(context, spec, variants.getLast());
        }

        private static Built of(DeviceContext context, AttentionSpec spec, AttentionVariant variant) {
            DeviceInfo device = context.device().info();
            KernelSource text = Kernels.attention(variant, spec);
            long most = device.maxWorkGroup();
            if (most >= variant.tile().workItems()) {
                Kernel kernel = context.programs().kernel(text.text(), text.entry());
                most = kernel.maxWorkGroup();
                if (most >= variant.tile().workItems()) {
                    return new Built(context, spec, variant, text, kernel);
                }
                kernel.close();
            }
            throw new Unsupported(
                    device.id() + " runs the attention kernel with at most " + most + " work-items, "
                            + variant.tile().workItems() + " are needed",
                    "use another device");
        }

        synchronized Kernel attention(boolean needsWide) {
            if (!needsWide) {
                return narrow;
            }
            Kernel w = wide;
            if (w == null) {
                KernelSource s = Kernels.attention(variant.widened(), spec);
                w = context.programs().kernel(s.text(), s.entry());
                wide = w;
            }
            return w;
        }

        synchronized void close() {
            narrow.close();
            if (wide != null) {
                wide.close();
            }
        }
    }

    private synchronized Built built(DeviceContext context) {
        if (closed) {
            throw new Closed("plan");
        }
        Built b = built;
        if (b == null || b.context != context) {
            if (b != null) {
                b.close();
            }
            built = null; // building may fail
            b = Built.first(context, spec, variants);
            built = b;
        }
        return b;
    }

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        AttentionArguments a = (AttentionArguments) arguments;
        DeviceStream queue = Launches.stream(stream);
        long rows = a.batch() * spec.queryHeads() * a.queries();
        if (rows == 0) {
            return;
        }
        Built b = built(backend.context());
        int slices = b.variant.slices(spec.valueDim());
        long groups = Launches.groups(b.variant.tiles(a) * slices * a.batch() * spec.queryHeads());
        Kernel kernel = b.attention(AttentionBlock.needsWide(a));
        List<KernelArgument> list = Launches.attention(spec, a, b.source, slices);
        RangeLaunches.Wanted wanted = ranges.of(b.source, a, 0);
        if (wanted.bytes() == 0) {
            queue.run(
                    b.context,
                    List.of(new Launch(kernel, list, groups, b.variant.tile().workItems())));
            return;
        }
        queue.run(b.context, wanted.bytes(), workspace -> {
            List<Launch> launches = wanted.launches(b.context, workspace);
            wanted.addTo(list, workspace);
            launches.add(new Launch(kernel, list, groups, b.variant.tile().workItems()));
            return launches;
        });
    }

    @Override
    public synchronized String describe() {
        Built b = built;
        return b == null
                ? "attention.cl, to be built again in a new context"
                : "attention.cl: " + b.variant.tile() + ", queries "
                        + (b.variant.tile().resident() > 0 ? "kept in local memory" : "staged for each tile")
                        + ", f32 FMA";
    }

    /** The whole source of the kernel. */
    String source() {
        return built(backend.context()).source.text();
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            ranges.close();
            if (built != null) {
                built.close();
                built = null;
            }
        }
    }
}
