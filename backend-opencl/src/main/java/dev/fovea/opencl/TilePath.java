package dev.fovea.opencl;

import dev.fovea.api.FoveaException.KernelBuild;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.kernels.AttentionBlock;
import dev.fovea.kernels.Kernels;
import dev.fovea.kernels.TileEngine;
import dev.fovea.kernels.TileVariant;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceStream;
import dev.fovea.opencl.runtime.KernelArgument;
import dev.fovea.opencl.runtime.MatrixEngine;
import java.util.List;
import java.util.Optional;

/** Attention on the matrix units of AMD and Intel: tile_attention.cl. */
final class TilePath implements EnginePath {
    private static final System.Logger LOG = System.getLogger(TilePath.class.getName());

    private final AttentionSpec spec;
    private final TileVariant variant;
    private final ContextKernel narrow;
    private final ContextKernel wide;
    private final RangeLaunches ranges = new RangeLaunches();

    private boolean refused;

    TilePath(AttentionSpec spec, TileEngine engine, boolean emulated) {
        this.spec = spec;
        this.variant = TileVariant.of(engine, emulated, spec);
        this.narrow = new ContextKernel(Kernels.tile(variant, spec));
        this.wide = new ContextKernel(Kernels.tile(variant.widened(), spec));
    }

    /** The path for a spec where a device has such an engine, or an emulation is asked for, that suits it. */
    static Optional<TilePath> of(DeviceContext context, AttentionSpec spec) {
        Optional<TileEngine> emulated = EngineSelfTests.emulated();
        if (emulated.isPresent()) {
            return emulated.filter(e -> TileVariant.takes(e, spec)).map(e -> new TilePath(spec, e, true));
        }
        for (MatrixEngine engine : MatrixEngine.values()) {
            Optional<TileEngine> tiles = engine.tiles().filter(e -> TileVariant.takes(e, spec));
            if (tiles.isPresent()
                    && engine.isOn(context.device())
                    && EngineSelfTests.verdict(engine, spec.storage(), context).passed()) {
                return tiles.map(e -> new TilePath(spec, e, false));
            }
        }
        return Optional.empty();
    }

    @Override
    public synchronized boolean prepare(DeviceContext context) {
        if (!refused) {
            try {
                if (narrow.in(context).maxWorkGroup() < variant.workItems()) {
                    LOG.log(
                            System.Logger.Level.WARNING,
                            "attention without " + variant.engine() + ": it needs work-groups of "
                                    + variant.workItems());
                    refused = true;
                }
            } catch (KernelBuild e) {
                LOG.log(System.Logger.Level.WARNING, "attention without " + variant.engine() + ": " + e.getMessage());
                refused = true;
            }
        }
        return !refused;
    }

    @Override
    public boolean run(AttentionArguments a, DeviceContext context, DeviceStream stream) {
        if (!TileVariant.suits(spec, a) || !prepare(context)) {
            return false;
        }
        ContextKernel kernel = AttentionBlock.needsWide(a) ? wide : narrow;
        long groups = Launches.groups(Math.ceilDiv(a.queries(), variant.rows()) * a.batch() * spec.queryHeads());
        List<KernelArgument> list = Launches.attention(spec, a, kernel.source(), 1);
        ranges.run(kernel, a, list, groups, variant.workItems(), context, stream);
        return true;
    }

    @Override
    public String describe() {
        return "tile_attention.cl: " + variant.rows() + " queries x " + variant.keys() + " keys a work-group of "
                + variant.workItems() + ", " + variant.engine() + (variant.emulated() ? " emulated" : "");
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
