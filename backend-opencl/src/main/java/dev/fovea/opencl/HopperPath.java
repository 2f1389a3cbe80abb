package dev.fovea.opencl;

import static dev.fovea.opencl.Launches.memory;

import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.kernels.AttentionBlock;
import dev.fovea.kernels.HopperBlock;
import dev.fovea.kernels.HopperVariant;
import dev.fovea.kernels.KernelSource;
import dev.fovea.kernels.Kernels;
import dev.fovea.kernels.PlanesBlock;
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
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Attention on the matrix units of NVIDIA's compute capability 9.0: hopper_attention.cl, after planes.cl where operands are f32. */
final class HopperPath implements AutoCloseable {
    private final OpenClBackend backend;
    private final AttentionSpec spec;
    private final Map<HopperVariant, ContextKernel> built = new HashMap<>();
    private final ContextKernel planes = new ContextKernel(Kernels.planes());
    private final RangeLaunches ranges = new RangeLaunches();

    HopperPath(OpenClBackend backend, AttentionSpec spec) {
        this.backend = backend;
        this.spec = spec;
    }

    /** Whether a spec can go this way at all. */
    static boolean takes(DeviceContext context, AttentionSpec spec) {
        return MatrixEngine.WGMMA.isOn(context.device())
                && HopperVariant.takes(spec)
                && EngineSelfTests.verdict(MatrixEngine.WGMMA, context).passed();
    }

    /** Whether a run can. */
    boolean suits(AttentionArguments a) {
        return HopperVariant.suits(spec, a) && workspace(a) <= backend.info().maxAllocationBytes() / 4;
    }

    private long workspace(AttentionArguments a) {
        return HopperBlock.splits(spec) ? PlanesBlock.bytes(a) : 0;
    }

    private synchronized ContextKernel kernel(HopperVariant variant) {
        return built.computeIfAbsent(variant, v -> new ContextKernel(Kernels.hopper(v, spec)));
    }

    /** Builds the kernel of the usual case ahead of the first run. */
    void prepare(DeviceContext context) {
        kernel(HopperVariant.of(spec, 0)).in(context);
    }

    void run(AttentionArguments a, DeviceContext context, DeviceStream stream) {
        HopperVariant variant = HopperVariant.of(spec, a.keys());
        ContextKernel kernel = kernel(variant);
        long items = HopperBlock.items(spec, a, variant);
        if (items == 0) {
            return;
        }
        int units = Math.max(1, backend.info().computeUnits());
        long groups = Math.min(items, units);
        DeviceStorage tickets = stream.tickets(context, HopperBlock.ticketBytes(units));
        long planesBytes = Math.ceilDiv(workspace(a), RangeLaunches.PAIR_BYTES) * RangeLaunches.PAIR_BYTES;
        RangeLaunches.Wanted wanted = ranges.of(kernel.source(), a, planesBytes);
        long bytes = planesBytes + wanted.bytes();
        if (bytes == 0) {
            stream.run(context, List.of(attention(kernel, a, context, variant, groups, tickets, null, wanted)));
            return;
        }
        stream.run(context, bytes, workspace -> {
            List<Launch> launches = new ArrayList<>();
            if (HopperBlock.splits(spec)) {
                launches.add(split(a, context, workspace));
            }
            launches.addAll(wanted.launches(context, workspace));
            launches.add(attention(kernel, a, context, variant, groups, tickets, workspace, wanted));
            return launches;
        });
    }

    private Launch split(AttentionArguments a, DeviceContext context, DeviceStorage workspace) {
        List<KernelArgument> list = List.of(
                memory(a.query()),
                memory(a.key()),
                memory(a.value()),
                new Memory(workspace),
                new Value(PlanesBlock.bytesOf(a)));
        long groups = Launches.groups(Math.ceilDiv(PlanesBlock.items(a), Kernels.PLANES_THREADS));
        return new Launch(planes.in(context), list, groups, Kernels.PLANES_THREADS);
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
        for (Tensor optional :
                new @Nullable Tensor[] {a.keyLengths(), a.queryOffsets(), a.sinks(), a.logSumExp(), a.maxima(), a.sums()
                }) {
            list.add(memory(optional, a.output()));
        }
        list.add(workspace == null ? memory(a.query()) : new Memory(workspace));
        list.add(new Memory(tickets));
        list.add(new Value(HopperBlock.of(spec, a, variant)));
        list.add(new Value(AttentionBlock.of(spec, a, 1)));
        list.addAll(Launches.keysAndExpressions(spec, a, source));
        if (workspace != null) {
            wanted.addTo(list, workspace);
        }
        return new Launch(kernel.in(context), list, groups, variant.workItems());
    }

    String describe() {
        HopperVariant v = HopperVariant.of(spec, 0);
        return "hopper_attention.cl: " + v.rows() + " queries x " + v.keys() + " keys a tile, "
                + (v.planes() == 1 ? "wgmma" : "wgmma on three bf16 planes of f32")
                + ", bulk tensor loads";
    }

    /** The whole source of the kernel. */
    String source() {
        return kernel(HopperVariant.of(spec, 0)).source().text();
    }

    @Override
    public synchronized void close() {
        built.values().forEach(ContextKernel::close);
        built.clear();
        planes.close();
        ranges.close();
    }
}
