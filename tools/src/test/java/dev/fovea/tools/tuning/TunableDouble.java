package dev.fovea.tools.tuning;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.FoveaException.KernelBuild;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.Primitive;
import dev.fovea.api.spi.BackendProvider;
import dev.fovea.api.spi.DeviceBackend;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.api.spi.Storage;
import dev.fovea.api.spi.Support;
import dev.fovea.api.spi.Tunable;
import dev.fovea.api.spi.TuningPoint;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.ServiceLoader;

/**
 * The CPU with one kernel that is slower by as many runs as a point says, is wrong where it says so, and cannot be built with two runs.
 */
final class TunableDouble implements DeviceBackend, Tunable {
    private final DeviceBackend cpu;
    private final TuningPoint inForce;
    private final boolean named;
    private final List<String> prepared = Collections.synchronizedList(new ArrayList<>());

    /** With so many runs in force. */
    TunableDouble(int runs, boolean named) {
        this.cpu = ServiceLoader.load(BackendProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(p -> p.name().equals("cpu"))
                .findFirst()
                .orElseThrow()
                .open("cpu");
        this.inForce = runs(runs);
        this.named = named;
    }

    /** Every point that a plan was asked for. */
    List<String> prepared() {
        return prepared;
    }

    private static TuningPoint runs(int n) {
        return TuningPoint.DEFAULTS.with("runs", n);
    }

    @Override
    public List<Layer> layers() {
        return List.of(new Layer("device", "double"), new Layer("any", ""));
    }

    @Override
    public String tuning() {
        return "none";
    }

    @Override
    public List<Choice> choices(AttentionSpec spec, AttentionArguments arguments) {
        List<TuningPoint> space = List.of(runs(4), runs(2), runs(1).with("wrong", 1), runs(1));
        return List.of(new Choice("double", "all", inForce, "a test", named, space));
    }

    @Override
    public int kernelsFromOthers() {
        return 0;
    }

    @Override
    public DevicePlan prepare(AttentionSpec spec, String family, TuningPoint point) {
        prepared.add(point.toString());
        int runs = point.get("runs", 0);
        if (runs == 2) {
            throw new KernelBuild("double", "double", "two is an odd number");
        }
        boolean wrong = point.get("wrong", false);
        DevicePlan plan = cpu.prepare(spec);
        return new DevicePlan() {
            @Override
            public void run(Arguments arguments, ExecutionStream stream) {
                for (int i = 0; i < runs; i++) {
                    AttentionArguments a = (AttentionArguments) arguments;
                    plan.run(wrong ? scaled(a) : a, stream);
                }
            }

            @Override
            public String describe() {
                return point.toString();
            }

            @Override
            public void close() {
                plan.close();
            }
        };
    }

    private static AttentionArguments scaled(AttentionArguments a) {
        return new AttentionArguments(
                a.query(),
                a.key(),
                a.value(),
                a.output(),
                a.scale() * 1.01f,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                a.captures(),
                a.scalars());
    }

    @Override
    public DeviceInfo info() {
        return cpu.info();
    }

    @Override
    public Support supports(Primitive<?> primitive) {
        return cpu.supports(primitive);
    }

    @Override
    public DevicePlan prepare(Primitive<?> primitive) {
        return cpu.prepare(primitive);
    }

    @Override
    public Storage allocate(long bytes) {
        return cpu.allocate(bytes);
    }

    @Override
    public Storage wrap(MemorySegment segment) {
        return cpu.wrap(segment);
    }

    @Override
    public ExecutionStream newStream() {
        return cpu.newStream();
    }

    @Override
    public long allocatedBytes() {
        return cpu.allocatedBytes();
    }

    @Override
    public void close() {
        cpu.close();
    }
}
