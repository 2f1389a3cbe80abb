package dev.fovea.opencl;

import dev.fovea.api.FoveaException.KernelBuild;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spi.TuningPoint;
import dev.fovea.kernels.AttentionBlock;
import dev.fovea.kernels.Kernels;
import dev.fovea.kernels.MmaVariant;
import dev.fovea.kernels.PlanesBlock;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceStream;
import dev.fovea.opencl.runtime.KernelArgument;
import dev.fovea.opencl.runtime.KernelArgument.Memory;
import dev.fovea.opencl.runtime.KernelArgument.Value;
import dev.fovea.opencl.runtime.Launch;
import dev.fovea.opencl.runtime.MatrixEngine;
import java.util.ArrayList;
import java.util.List;

/** Attention on the matrix units of NVIDIA's compute capability 8.0 and later: mma_attention.cl, after planes.cl where operands are f32. */
final class MmaPath implements EnginePath {
    private static final System.Logger LOG = System.getLogger(MmaPath.class.getName());

    private final OpenClBackend backend;
    private final AttentionSpec spec;
    private final boolean exactly;
    private final ContextKernel planes = new ContextKernel(Kernels.planes());
    private final RangeLaunches ranges = new RangeLaunches();

    private volatile Kernel kernel;
    private boolean refused;

    private record Kernel(MmaVariant variant, ContextKernel narrow, ContextKernel wide) {
        static Kernel of(MmaVariant variant, AttentionSpec spec) {
            return new Kernel(
                    variant,
                    new ContextKernel(Kernels.mma(variant, spec)),
                    new ContextKernel(Kernels.mma(variant.widened(), spec)));
        }

        void close() {
            narrow.close();
            wide.close();
        }
    }

    /**
     * The path for a spec.
     *
     * @param point what of the variant is not as usual
     * @param exactly whether a variant that cannot be built is an error, instead of a reason for the usual one
     */
    MmaPath(OpenClBackend backend, AttentionSpec spec, TuningPoint point, boolean exactly) {
        this.backend = backend;
        this.exactly = exactly;
        DeviceContext context = backend.context();
        this.spec = spec;
        MmaVariant usual = usual(context, spec);
        this.kernel =
                Kernel.of(usual.with(point, context.device().staticLocalBytes()).orElse(usual), spec);
    }

    /** The variant unless tuning says otherwise. */
    static MmaVariant usual(DeviceContext context, AttentionSpec spec) {
        return MmaVariant.of(spec, context.device().staticLocalBytes());
    }

    /**
     * Whether a spec can go this way at all. f32 only where it is asked for: its kernel has run on a card, the conformance suite has not run
     * with it there.
     */
    static boolean takes(DeviceContext context, AttentionSpec spec) {
        return MatrixEngine.MMA_SYNC.isOn(context.device())
                && (!PlanesBlock.splits(spec) || EngineSelfTests.asksFor(MatrixEngine.MMA_SYNC))
                && MmaVariant.takes(spec, context.device().staticLocalBytes())
                && EngineSelfTests.verdict(MatrixEngine.MMA_SYNC, context).passed();
    }

    @Override
    public synchronized boolean prepare(DeviceContext context) {
        if (!refused) {
            try {
                kernel.narrow().in(context);
            } catch (KernelBuild e) {
                if (exactly) {
                    throw e;
                }
                MmaVariant usual = usual(context, spec);
                if (!kernel.variant().equals(usual)) { // a table's choice, measured with other options
                    LOG.log(System.Logger.Level.DEBUG, "the usual tiles instead", e);
                    kernel.close();
                    kernel = Kernel.of(usual, spec);
                    return prepare(context);
                }
                LOG.log(System.Logger.Level.WARNING, "attention without mma.sync: " + e.getMessage());
                refused = true;
            }
        }
        return !refused;
    }

    @Override
    public boolean run(AttentionArguments a, DeviceContext context, DeviceStream stream) {
        boolean splits = PlanesBlock.splits(spec);
        long planesBytes = splits ? RangeLaunches.aligned(PlanesBlock.bytes(a)) : 0;
        if (!MmaVariant.suits(spec, a) || planesBytes > backend.info().maxAllocationBytes() / 4 || !prepare(context)) {
            return false;
        }
        MmaVariant variant = this.kernel.variant();
        ContextKernel kernel = AttentionBlock.needsWide(a) ? this.kernel.wide() : this.kernel.narrow();
        long groups = Launches.groups(Math.ceilDiv(a.queries(), variant.rows()) * a.batch() * spec.queryHeads());
        if (groups == 0) {
            return true;
        }
        List<KernelArgument> list = Launches.attention(spec, a, kernel.source(), 1);
        if (!splits) {
            ranges.run(kernel, a, list, groups, variant.workItems(), context, stream);
            return true;
        }
        RangeLaunches.Wanted wanted = ranges.of(kernel.source(), a, planesBytes);
        stream.run(context, planesBytes + wanted.bytes(), workspace -> {
            List<Launch> launches = new ArrayList<>();
            long splitting = Launches.groups(Math.ceilDiv(PlanesBlock.items(a), Kernels.PLANES_THREADS));
            launches.add(Launches.split(a, planes.in(context), workspace, PlanesBlock.bytesOf(a), splitting));
            list.addAll(0, List.of(new Memory(workspace), new Value(PlanesBlock.places(a))));
            launches.addAll(wanted.launches(context, workspace));
            wanted.addTo(list, workspace);
            launches.add(new Launch(kernel.in(context), list, groups, variant.workItems()));
            return launches;
        });
        return true;
    }

    @Override
    public String describe() {
        MmaVariant variant = kernel.variant();
        return "mma_attention.cl: " + variant.rows() + " queries x " + variant.keys() + " keys a work-group of "
                + variant.workItems() + ", mma.sync" + (variant.planes() == 1 ? "" : " on three bf16 planes of f32");
    }

    @Override
    public String source() {
        return kernel.narrow().source().text();
    }

    @Override
    public void close() {
        kernel.close();
        planes.close();
        ranges.close();
    }
}
