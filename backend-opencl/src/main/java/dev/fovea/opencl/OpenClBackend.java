package dev.fovea.opencl;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.GatherSpec;
import dev.fovea.api.spec.MapSpec;
import dev.fovea.api.spec.MatMulSpec;
import dev.fovea.api.spec.MergeSpec;
import dev.fovea.api.spec.Primitive;
import dev.fovea.api.spec.ReduceSpec;
import dev.fovea.api.spec.RotarySpec;
import dev.fovea.api.spec.SelectSpec;
import dev.fovea.api.spec.TransferSpec;
import dev.fovea.api.spi.BuildCount;
import dev.fovea.api.spi.DeviceBackend;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.api.spi.EngineReport;
import dev.fovea.api.spi.Storage;
import dev.fovea.api.spi.Support;
import dev.fovea.api.spi.Tunable;
import dev.fovea.api.spi.TuningPoint;
import dev.fovea.opencl.runtime.BinaryCache;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceStorage;
import dev.fovea.opencl.runtime.DeviceStream;
import dev.fovea.opencl.runtime.FoundDevice;
import dev.fovea.opencl.tuning.Tuning;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One OpenCL device. A context that died is replaced at the next call; what was in it stays lost. */
final class OpenClBackend implements DeviceBackend, BuildCount, EngineReport, Tunable, OpenClInterop {
    private final FoundDevice device;
    private final BinaryCache binaries;
    private final Tuning tables;
    private final AtomicLong builds = new AtomicLong();
    private volatile Consumer<Built> buildListener = _ -> {};
    private @Nullable DeviceContext current;
    private final boolean foreign;
    private final DeviceStream firstStream;
    private boolean firstGiven;
    private boolean closed;

    OpenClBackend(FoundDevice device, BinaryCache binaries) {
        this.device = device;
        this.tables = tables(device);
        // CPU drivers keep a cache of their own, and PoCL compiles every kernel a second time to hand out a binary
        this.binaries = device.info().kind() == DeviceInfo.Kind.OPENCL_CPU ? BinaryCache.none() : binaries;
        this.current = DeviceContext.open(device, this.binaries, this::built);
        this.foreign = false;
        this.firstStream = new DeviceStream();
    }

    /** On a context and queue that somebody else made. */
    OpenClBackend(FoundDevice device, Handles handles, BinaryCache binaries) {
        this.device = device;
        this.tables = tables(device);
        this.binaries = device.info().kind() == DeviceInfo.Kind.OPENCL_CPU ? BinaryCache.none() : binaries;
        DeviceContext adopted =
                DeviceContext.adopt(device, handles.context(), handles.queue(), this.binaries, this::built);
        this.current = adopted;
        this.foreign = true;
        this.firstStream = DeviceStream.on(adopted);
    }

    /** The tables that hold for a device. */
    static Tuning tables(FoundDevice device) {
        return Tuning.of(TunedKernels.layers(device), KernelFamily.parameters());
    }

    FoundDevice device() {
        return device;
    }

    Tuning tables() {
        return tables;
    }

    @Override
    public DeviceInfo info() {
        return device.info();
    }

    /** The context to make new things in. */
    synchronized DeviceContext context() {
        if (closed) {
            throw new Closed("backend " + device.info().id());
        }
        DeviceContext context = current;
        if (foreign && context != null) {
            return context; // if it was lost, every use says so: whoever made it has to make another
        }
        if (context == null || context.isLost()) {
            if (context != null) {
                context.close();
            }
            current = null; // opening may fail, and is then tried again at the next call
            context = DeviceContext.open(device, binaries, this::built);
            current = context;
        }
        return context;
    }

    @Override
    public Support supports(Primitive<?> primitive) {
        return switch (primitive) {
            case AttentionSpec _, MergeSpec _, TransferSpec _, RotarySpec _ -> new Support.Yes();
            case MatMulSpec _, MapSpec _, ReduceSpec _, GatherSpec _, SelectSpec _ -> new Support.Yes();
        };
    }

    @Override
    public DevicePlan prepare(Primitive<?> primitive) {
        return switch (primitive) {
            case AttentionSpec spec -> new AttentionRoutes(this, spec);
            case MergeSpec spec -> new OpenClMergePlan(this, spec);
            case TransferSpec spec -> new OpenClTransferPlan(this, spec);
            case RotarySpec spec -> new OpenClRotaryPlan(this, spec);
            case MatMulSpec spec -> new OpenClMatMulPlan(this, spec);
            case MapSpec spec -> new OpenClMapPlan(this, spec);
            case ReduceSpec spec -> new OpenClReducePlan(this, spec);
            case GatherSpec spec -> new OpenClGatherPlan(this, spec);
            case SelectSpec spec -> new OpenClSelectPlan(this, spec);
        };
    }

    @Override
    public Storage allocate(long bytes) {
        return context().allocate(bytes);
    }

    @Override
    public Storage wrap(MemorySegment segment) {
        throw new Unsupported(
                device.info().id() + " has memory of its own, which the caller's cannot be used as", "use copyOf");
    }

    /** The first one, which a {@code Backend} takes for the calls that name none, is the one that others may share. */
    @Override
    public synchronized ExecutionStream newStream() {
        if (firstGiven) {
            return new DeviceStream();
        }
        firstGiven = true;
        return firstStream;
    }

    @Override
    public Handles handles() {
        DeviceContext context = context();
        return new Handles(context.rawHandle(), device.rawHandle(), firstStream.rawHandle(context));
    }

    @Override
    public Storage storageOf(long memory) {
        return context().adoptMemory(memory, firstStream);
    }

    @Override
    public long memoryOf(Tensor tensor) {
        if (tensor.storage() instanceof DeviceStorage s) {
            s.share(firstStream);
            return s.rawHandle();
        }
        throw new Unsupported("a tensor of another backend has no cl_mem", "copy it over by copyOf");
    }

    @Override
    public synchronized long allocatedBytes() {
        return current == null ? 0 : current.liveBytes();
    }

    @Override
    public long kernelBuilds() {
        return builds.get();
    }

    @Override
    public void onBuild(Consumer<Built> listener) {
        buildListener = listener;
    }

    private void built(Built program) {
        if (!program.cached()) {
            builds.incrementAndGet();
        }
        buildListener.accept(program);
    }

    @Override
    public String testedEngine() {
        return EngineSelfTests.report(context());
    }

    @Override
    public List<Layer> layers() {
        return tables.layers();
    }

    @Override
    public String tuning() {
        return tables.describe();
    }

    @Override
    public List<Choice> choices(AttentionSpec spec, AttentionArguments arguments) {
        return TunedKernels.choices(this, spec, arguments);
    }

    @Override
    public DevicePlan prepare(AttentionSpec spec, String family, TuningPoint point) {
        return TunedKernels.plan(this, spec, KernelFamily.of(family), point);
    }

    @Override
    public int kernelsFromOthers() {
        return binaries.most();
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            if (current != null) {
                current.close();
            }
        }
    }
}
