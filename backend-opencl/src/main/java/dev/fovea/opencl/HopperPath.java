package dev.fovea.opencl;

import static dev.fovea.opencl.Launches.memory;
import static dev.fovea.opencl.Launches.optional;

import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.KernelBuild;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spi.TuningPoint;
import dev.fovea.kernels.AttentionBlock;
import dev.fovea.kernels.HopperBlock;
import dev.fovea.kernels.HopperVariant;
import dev.fovea.kernels.KernelSource;
import dev.fovea.kernels.Kernels;
import dev.fovea.kernels.ScaledPlanes;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceStorage;
import dev.fovea.opencl.runtime.DeviceStream;
import dev.fovea.opencl.runtime.KernelArgument;
import dev.fovea.opencl.runtime.KernelArgument.Memory;
import dev.fovea.opencl.runtime.KernelArgument.Value;
import dev.fovea.opencl.runtime.Launch;
import dev.fovea.opencl.runtime.MatrixEngine;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Attention on the matrix units of NVIDIA's compute capability 9.0: hopper_attention.cl, after scaled_planes.cl where operands are f32. */
final class HopperPath implements EnginePath {
    private static final System.Logger LOG = System.getLogger(HopperPath.class.getName());

    private final OpenClBackend backend;
    private final AttentionSpec spec;
    private final TuningPoint point;
    private final boolean exactly;
    private final Map<HopperVariant, ContextKernel> built = new HashMap<>();
    private final Set<HopperVariant> refused = new HashSet<>();
    private final ContextKernel planes = new ContextKernel(Kernels.scaledPlanes());
    private final RangeLaunches ranges = new RangeLaunches();
    private @Nullable Ready last;

    /**
     * The path for a spec.
     *
     * @param point what of the variants is not as usual
     * @param exactly whether a variant that cannot be built is an error, instead of a reason for smaller tiles
     */
    HopperPath(OpenClBackend backend, AttentionSpec spec, TuningPoint point, boolean exactly) {
        this.backend = backend;
        this.spec = spec;
        this.point = point;
        this.exactly = exactly;
    }

    private HopperVariant variant(long keys) {
        HopperVariant usual = HopperVariant.of(spec, keys);
        return point.isDefault() ? usual : usual.with(spec, point).orElse(usual);
    }

    /** Whether a spec can go this way at all. */
    static boolean takes(DeviceContext context, AttentionSpec spec) {
        return MatrixEngine.WGMMA.isOn(context.device())
                && HopperVariant.takes(spec)
                && EngineSelfTests.verdict(MatrixEngine.WGMMA, context).passed()
                && (!ScaledPlanes.splits(spec)
                        || EngineSelfTests.verdict(MatrixEngine.WGMMA, DType.F16, context)
                                .passed());
    }

    private boolean suits(AttentionArguments a) {
        return HopperVariant.suits(spec, a)
                && (!ScaledPlanes.splits(spec)
                        || ScaledPlanes.mostBytes(a) <= backend.info().maxAllocationBytes() / 4);
    }

    /** A variant and its kernel, as found for so many keys in a context. */
    private record Ready(HopperVariant variant, ContextKernel kernel, long keys, DeviceContext context) {}

    /** The kernel for so many keys: mostly that of the run before, since to choose one looks through the expressions. */
    private synchronized @Nullable Ready ready(long keys, DeviceContext context) {
        Ready r = last;
        if (r == null || r.keys != keys || r.context != context) {
            r = chosen(keys, context);
            last = r;
        }
        return r;
    }

    /** Of smaller tiles where the compiler cannot do with the registers; null if it can for none. */
    private @Nullable Ready chosen(long keys, DeviceContext context) {
        for (HopperVariant v = variant(keys); v != null; v = v.smaller()) {
            if (!refused.contains(v)) {
                ContextKernel kernel = built.computeIfAbsent(v, w -> new ContextKernel(Kernels.hopper(w, spec)));
                try {
                    kernel.in(context);
                    return new Ready(v, kernel, keys, context);
                } catch (KernelBuild e) {
                    if (exactly) {
                        throw e;
                    }
                    LOG.log(System.Logger.Level.DEBUG, "smaller tiles instead", e);
                    refused.add(v);
                }
            }
        }
        return null;
    }

    @Override
    public boolean prepare(DeviceContext context) {
        return ready(0, context) != null;
    }

    @Override
    public boolean run(AttentionArguments a, DeviceContext context, DeviceStream stream) {
        Ready ready = suits(a) ? ready(HopperVariant.keysSeen(spec, a.keys(), a.scalars()), context) : null;
        if (ready == null) {
            return false;
        }
        HopperVariant variant = ready.variant;
        long items = HopperBlock.items(spec, a, variant);
        if (items > 0) {
            run(a, context, stream, ready, items);
        }
        return true;
    }

    private void run(AttentionArguments a, DeviceContext context, DeviceStream stream, Ready ready, long items) {
        HopperVariant variant = ready.variant;
        ContextKernel kernel = ready.kernel;
        int units = Math.max(1, backend.info().computeUnits());
        long groups = Math.min(items, units);
        DeviceStorage tickets = stream.tickets(context, HopperBlock.ticketBytes(units));
        int keys = variant.keys();
        long planesBytes = ScaledPlanes.splits(spec) ? RangeLaunches.aligned(ScaledPlanes.bytes(a, keys)) : 0;
        RangeLaunches.Wanted wanted = ranges.of(kernel.source(), a, planesBytes);
        long bytes = planesBytes + wanted.bytes();
        if (bytes == 0) {
            stream.run(context, List.of(attention(kernel, a, context, variant, groups, tickets, null, wanted)));
            return;
        }
        stream.run(context, bytes, workspace -> {
            List<Launch> launches = new ArrayList<>();
            if (ScaledPlanes.splits(spec)) {
                long splitting = Launches.groups(ScaledPlanes.groups(a, keys));
                launches.add(Launches.split(a, planes.in(context), workspace, ScaledPlanes.block(a, keys), splitting));
            }
            launches.addAll(wanted.launches(context, workspace));
            launches.add(attention(kernel, a, context, variant, groups, tickets, workspace, wanted));
            return launches;
        });
    }

    private Launch attention(
            ContextKernel kernel,
            AttentionArguments a,
            DeviceContext context,
            HopperVariant variant,
            long groups,
            DeviceStorage tickets,
            @Nullable DeviceStorage workspace,
            RangeLaunches.Wanted wanted) {
        KernelSource source = kernel.source();
        List<KernelArgument> list = new ArrayList<>();
        list.add(memory(a.query()));
        list.add(memory(a.key()));
        list.add(memory(a.value()));
        list.add(memory(a.output()));
        for (Tensor t :
                new @Nullable Tensor[] {a.keyLengths(), a.queryOffsets(), a.sinks(), a.logSumExp(), a.maxima(), a.sums()
                }) {
            list.add(optional(t));
        }
        list.add(workspace == null ? KernelArgument.NONE : new Memory(workspace));
        list.add(new Memory(tickets));
        list.add(new Value(HopperBlock.of(spec, a, variant)));
        list.add(new Value(AttentionBlock.of(spec, a, 1)));
        list.addAll(Launches.keysAndExpressions(spec, a, source));
        if (workspace != null) {
            wanted.addTo(list, workspace);
        }
        return new Launch(kernel.in(context), list, groups, variant.workItems());
    }

    @Override
    public String describe() {
        HopperVariant v = variant(0);
        return "hopper_attention.cl: " + v.rows() + " queries x " + v.keys() + " keys a tile, "
                + (v.planes() == 1 ? "wgmma" : "wgmma on two f16 planes of f32")
                + ", bulk tensor loads";
    }

    @Override
    public String source() {
        return Kernels.hopper(variant(0), spec).text();
    }

    @Override
    public synchronized void close() {
        built.values().forEach(ContextKernel::close);
        built.clear();
        planes.close();
        ranges.close();
    }
}
