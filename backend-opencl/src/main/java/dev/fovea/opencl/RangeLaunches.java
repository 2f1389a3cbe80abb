package dev.fovea.opencl;

import static dev.fovea.opencl.Launches.memory;

import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.kernels.AttentionBlock;
import dev.fovea.kernels.KernelSource;
import dev.fovea.kernels.Kernels;
import dev.fovea.kernels.RangeBlock;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceStorage;
import dev.fovea.opencl.runtime.DeviceStream;
import dev.fovea.opencl.runtime.Kernel;
import dev.fovea.opencl.runtime.KernelArgument;
import dev.fovea.opencl.runtime.KernelArgument.Memory;
import dev.fovea.opencl.runtime.KernelArgument.Value;
import dev.fovea.opencl.runtime.Launch;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Least and largest numbers of captured tensors, found before the kernel that judges tiles by them, in its workspace. */
final class RangeLaunches implements AutoCloseable {
    private static final int PAIR_BYTES = RangeBlock.PAIR_BYTES;

    private final ContextKernel kernel = new ContextKernel(Kernels.ranges());

    /** What one run wants to know; bytes: of the workspace that it takes. */
    final class Wanted {
        private final List<RangeBlock> blocks = new ArrayList<>();
        private long pairs;

        long bytes() {
            return pairs * PAIR_BYTES;
        }

        List<Launch> launches(DeviceContext context, DeviceStorage workspace) {
            List<Launch> launches = new ArrayList<>();
            for (RangeBlock r : blocks) {
                List<KernelArgument> list = List.of(
                        memory(r.tensor()),
                        memory(r.tensor()),
                        new Memory(workspace),
                        new Value(AttentionBlock.capture(r.tensor())),
                        new Value(r.bytes()),
                        Value.of(r.axis()),
                        Value.of(r.isBool() ? 1 : 0),
                        Value.of(r.tensor().elementCount() == 0 ? 0 : r.count()));
                launches.add(new Launch(
                        kernel.in(context),
                        list,
                        Math.ceilDiv(r.count(), Kernels.RANGE_THREADS),
                        Kernels.RANGE_THREADS));
            }
            return launches;
        }

        /** The parameters that the judging kernel ends with. */
        void addTo(List<KernelArgument> list, DeviceStorage workspace) {
            if (!blocks.isEmpty()) {
                list.add(new Memory(workspace));
                blocks.forEach(r -> list.add(new Value(r.bytes())));
            }
        }
    }

    /** So many bytes of a workspace, filled up so that what these launches find can lie behind them. */
    static long aligned(long bytes) {
        return Math.ceilDiv(bytes, PAIR_BYTES) * PAIR_BYTES;
    }

    /** Enqueues the only kernel of a run, after what finds the numbers that it wants to know; {@code arguments} are those before them. */
    void run(
            ContextKernel judging,
            AttentionArguments a,
            List<KernelArgument> arguments,
            long groups,
            int workItems,
            DeviceContext context,
            DeviceStream stream) {
        Kernel built = judging.in(context);
        Wanted wanted = of(judging.source(), a, 0);
        if (wanted.bytes() == 0) {
            stream.run(context, List.of(new Launch(built, arguments, groups, workItems)));
            return;
        }
        stream.run(context, wanted.bytes(), workspace -> {
            List<Launch> launches = new ArrayList<>(wanted.launches(context, workspace));
            wanted.addTo(arguments, workspace);
            launches.add(new Launch(built, arguments, groups, workItems));
            return launches;
        });
    }

    /** For a kernel and a run; they lie {@code offset} bytes into the workspace. */
    Wanted of(KernelSource source, AttentionArguments a, long offset) {
        Wanted wanted = new Wanted();
        for (KernelSource.Range range : source.ranges()) {
            Tensor t = Objects.requireNonNull(a.captures().get(range.capture()));
            RangeBlock r = RangeBlock.of(t, range.axis(), offset / PAIR_BYTES + wanted.pairs);
            wanted.pairs += r.count();
            wanted.blocks.add(r);
        }
        return wanted;
    }

    @Override
    public void close() {
        kernel.close();
    }
}
