package dev.fovea.opencl;

import dev.fovea.api.FoveaException.KernelBuild;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
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
import org.jspecify.annotations.Nullable;

/** Attention on the matrix units of NVIDIA's compute capability 8.0 and later: mma_attention.cl. */
final class MmaPath implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(MmaPath.class.getName());

    private final AttentionSpec spec;
    private final MmaVariant variant;
    private final ContextKernel narrow;
    private final ContextKernel wide;
    private final RangeLaunches ranges = new RangeLaunches();

    private MmaPath(DeviceContext context, AttentionSpec spec) {
        this.spec = spec;
        this.variant = MmaVariant.of(spec, localBytes(context.device().computeCapability()));
        this.narrow = new ContextKernel(Kernels.mma(variant, spec));
        this.wide = new ContextKernel(Kernels.mma(variant.widened(), spec));
    }

    /** The path for a spec, its usual kernel built; null where the device or the kernel is not made for it. */
    static @Nullable MmaPath of(DeviceContext context, AttentionSpec spec) {
        if (!MatrixEngine.MMA_SYNC.isOn(context.device())
                || !MmaVariant.takes(spec)
                || !EngineSelfTests.verdict(MatrixEngine.MMA_SYNC, context).passed()) {
            return null;
        }
        MmaPath path = new MmaPath(context, spec);
        try {
            path.narrow.in(context);
            return path;
        } catch (KernelBuild e) {
            path.close();
            LOG.log(System.Logger.Level.WARNING, "attention without mma.sync: " + e.getMessage());
            return null;
        }
    }

    /** What a work-group can have; the driver says 48 KiB, which is what its arrays of dynamic size can. */
    private static int localBytes(int computeCapability) {
        return switch (computeCapability) {
            case 80, 87 -> 163 << 10;
            case 90, 100, 101, 103, 110 -> 226 << 10;
            default -> 99 << 10;
        };
    }

    /** Whether a run can. */
    boolean suits(AttentionArguments a) {
        return MmaVariant.suits(spec, a);
    }

    void run(AttentionArguments a, DeviceContext context, DeviceStream stream) {
        ContextKernel kernel = AttentionBlock.needsWide(a) ? wide : narrow;
        Kernel built = kernel.in(context);
        long groups = Launches.groups(Math.ceilDiv(a.queries(), variant.rows()) * a.batch() * spec.queryHeads());
        List<KernelArgument> list = Launches.attention(spec, a, kernel.source(), 1);
        RangeLaunches.Wanted wanted = ranges.of(kernel.source(), a, 0);
        if (wanted.bytes() == 0) {
            stream.run(context, List.of(new Launch(built, list, groups, variant.workItems())));
            return;
        }
        stream.run(context, wanted.bytes(), workspace -> {
            List<Launch> launches = new ArrayList<>(wanted.launches(context, workspace));
            wanted.addTo(list, workspace);
            launches.add(new Launch(built, list, groups, variant.workItems()));
            return launches;
        });
    }

    String describe() {
        return "mma_attention.cl: " + variant.rows() + " queries x " + variant.keys() + " keys a work-group of "
                + variant.workItems() + ", mma.sync";
    }

    /** The whole source of the kernel. */
    String source() {
        return narrow.source().text();
    }

    @Override
    public void close() {
        narrow.close();
        wide.close();
        ranges.close();
    }
}
