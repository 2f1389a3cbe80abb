package dev.fovea.opencl;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.FoveaException.Closed;
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
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceStream;
import dev.fovea.opencl.runtime.Kernel;
import dev.fovea.opencl.runtime.KernelArgument;
import dev.fovea.opencl.runtime.Launch;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Attention by the tiled kernel. The kernel with 64-bit distances is
 * built at the first run that needs it.
 */
final class OpenClAttentionPlan implements DevicePlan {

    private final OpenClBackend backend;
    private final AttentionSpec spec;
    private final AttentionVariant preferred;
    private final RangeLaunches ranges = new RangeLaunches();
    private @Nullable Built built;
    private boolean closed;

    OpenClAttentionPlan(OpenClBackend backend, AttentionSpec spec) {
        this(backend, spec, usual(backend.info(), spec));
    }

    /** A plan of the caller's variant, which must fit the spec. */
    OpenClAttentionPlan(OpenClBackend backend, AttentionSpec spec, AttentionVariant variant) {
        this.backend = backend;
        this.spec = spec;
        this.preferred = variant;
    }

    /** Builds the kernel ahead of the first run. */
    void prepare() {
        built(backend.context());
    }

    /** The variant unless tuning says otherwise. */
    static AttentionVariant usual(DeviceInfo device, AttentionSpec spec) {
        AttentionVariant variant = AttentionVariant.of(spec);
        return device.kind() == DeviceInfo.Kind.OPENCL_CPU ? variant.compact() : variant;
    }

    /** The kernels in one context. */
    private static final class Built {
        private final DeviceContext context;
        private final AttentionSpec spec;
        private final AttentionVariant variant;
        private final KernelSource source;
        private final Kernel narrow;
        private @Nullable Kernel wide;

        Built(DeviceContext context, AttentionSpec spec, AttentionVariant preferred) {
            this.context = context;
            this.spec = spec;
            AttentionVariant v = preferred;
            KernelSource text = Kernels.attention(v, spec);
            Kernel kernel = v.workItems() <= context.device().info().maxWorkGroup()
                    ? context.programs().kernel(text.text(), text.entry())
                    : null;
            if (kernel == null || kernel.maxWorkGroup() < v.workItems()) {
                if (kernel != null) {
                    kernel.close();
                }
                v = v.smaller();
                text = Kernels.attention(v, spec);
                kernel = context.programs().kernel(text.text(), text.entry());
            }
            if (kernel.maxWorkGroup() < v.workItems()) {
                long most = kernel.maxWorkGroup();
                kernel.close();
                throw new Unsupported(
                        context.device().info().id() + " runs the attention kernel with at most " + most
                                + " work-items, " + v.workItems() + " are needed",
                        "use another device");
            }
            this.variant = v;
            this.source = text;
            this.narrow = kernel;
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
            b = new Built(context, spec, preferred);
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
            queue.run(b.context, List.of(new Launch(kernel, list, groups, b.variant.workItems())));
            return;
        }
        queue.run(b.context, wanted.bytes(), workspace -> {
            List<Launch> launches = wanted.launches(b.context, workspace);
            wanted.addTo(list, workspace);
            launches.add(new Launch(kernel, list, groups, b.variant.workItems()));
            return launches;
        });
    }

    @Override
    public synchronized String describe() {
        Built b = built;
        return b == null
                ? "attention.cl, to be built again in a new context"
                : "attention.cl: " + b.variant.rows() + " queries x 32 keys x " + b.variant.slice()
                        + " value columns a work-group of " + b.variant.workItems() + ", queries "
                        + (b.variant.resident() > 0 ? "kept in local memory" : "staged for each tile") + ", f32 FMA";
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
