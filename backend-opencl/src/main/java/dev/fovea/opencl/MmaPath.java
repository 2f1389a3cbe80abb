package dev.fovea.opencl;

import dev.fovea.api.FoveaException.KernelBuild;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spi.TuningPoint;
import dev.fovea.kernels.AttentionBlock;
import dev.fovea.kernels.Kernels;
import dev.fovea.kernels.MmaVariant;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceStream;
import dev.fovea.opencl.runtime.Kernel;
import dev.fovea.opencl.runtime.KernelArgument;
import dev.fovea.opencl.runtime.Launch;
import dev.fovea.opencl.runtime.MatrixEngine;
import java.util.ArrayList;
import java.util.List;

/** Attention on the matrix units of NVIDIA's compute capability 8.0 and later: mma_attention.cl. */
final class MmaPath implements EnginePath {
    private static final System.Logger LOG = System.getLogger(MmaPath.class.getName());

    private final AttentionSpec spec;
    private final MmaVariant variant;
    private final ContextKernel narrow;
    private final ContextKernel wide;
    private final RangeLaunches ranges = new RangeLaunches();

    private boolean refused;

    /**
     * The path for a spec.
     *
     * @param point what of the variant is not as usual
     */
    MmaPath(DeviceContext context, AttentionSpec spec, TuningPoint point) {
        this.spec = spec;
        MmaVariant usual = usual(context, spec);
        this.variant = usual.with(point, context.device().staticLocalBytes()).orElse(usual);
        this.narrow = new ContextKernel(Kernels.mma(variant, spec));
        this.wide = new ContextKernel(Kernels.mma(variant.widened(), spec));
    }

    /** The variant unless tuning says otherwise. */
    static MmaVariant usual(DeviceContext context, AttentionSpec spec) {
        return MmaVariant.of(spec, context.device().staticLocalBytes());
    }

    /** Whether a spec can go this way at all. */
    static boolean takes(DeviceContext context, AttentionSpec spec) {
        return MatrixEngine.MMA_SYNC.isOn(context.device())
                && MmaVariant.takes(spec)
                && EngineSelfTests.verdict(MatrixEngine.MMA_SYNC, context).passed();
    }

    @Override
    public synchronized boolean prepare(DeviceContext context) {
        if (!refused) {
            try {
                narrow.in(context);
            } catch (KernelBuild e) {
                LOG.log(System.Logger.Level.WARNING, "attention without mma.sync: " + e.getMessage());
                refused = true;
            }
        }
        return !refused;
    }

    @Override
    public boolean run(AttentionArguments a, DeviceContext context, DeviceStream stream) {
        if (!MmaVariant.suits(spec, a) || !prepare(context)) {
            return false;
        }
        ContextKernel kernel = AttentionBlock.needsWide(a) ? wide : narrow;
        Kernel built = kernel.in(context);
        long groups = Launches.groups(Math.ceilDiv(a.queries(), variant.rows()) * a.batch() * spec.queryHeads());
        List<KernelArgument> list = Launches.attention(spec, a, kernel.source(), 1);
        RangeLaunches.Wanted wanted = ranges.of(kernel.source(), a, 0);
        if (wanted.bytes() == 0) {
            stream.run(context, List.of(new Launch(built, list, groups, variant.workItems())));
            return true;
        }
        stream.run(context, wanted.bytes(), workspace -> {
            List<Launch> launches = new ArrayList<>(wanted.launches(context, workspace));
            wanted.addTo(list, workspace);
            launches.add(new Launch(built, list, groups, variant.workItems()));
            return launches;
        });
        return true;
    }

    @Override
    public String describe() {
        return "mma_attention.cl: " + variant.rows() + " queries x " + variant.keys() + " keys a work-group of "
                + variant.workItems() + ", mma.sync";
    }

    @Override
    public String source() {
        return narrow.source().text();
    }

    @Override
    public void close() {
        narrow.close();
        wide.close();
        ranges.close();
    }
}
