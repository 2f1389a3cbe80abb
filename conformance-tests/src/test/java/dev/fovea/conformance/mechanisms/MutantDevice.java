package dev.fovea.conformance.mechanisms;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.GatherArguments;
import dev.fovea.api.spec.Primitive;
import dev.fovea.api.spi.DeviceBackend;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.api.spi.DeviceSchedule;
import dev.fovea.api.spi.Storage;
import dev.fovea.api.spi.Support;
import dev.fovea.conformance.mechanisms.Mutants.Mutant;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A device that runs another primitive in the place of one, or another number, and notes what it is asked for. */
final class MutantDevice implements DeviceBackend {
    /** What may be wrong in the numbers of a run. */
    enum Slip {
        NONE,
        SCALE,
        FILL
    }

    private final DeviceBackend device;
    private final @Nullable Mutant mutant;
    private final Slip slip;
    private final Set<Primitive<?>> seen = new LinkedHashSet<>();
    private boolean slipped;

    MutantDevice(DeviceBackend device, @Nullable Mutant mutant, Slip slip) {
        this.device = device;
        this.mutant = mutant;
        this.slip = slip;
    }

    /** The primitives asked for, in the order of their first call. */
    Set<Primitive<?>> seen() {
        return seen;
    }

    /** Whether the slip happened. */
    boolean slipped() {
        return slipped;
    }

    @Override
    public DevicePlan prepare(Primitive<?> primitive) {
        seen.add(primitive);
        DevicePlan plan =
                device.prepare(mutant != null && primitive.equals(mutant.original()) ? mutant.wrong() : primitive);
        return new DevicePlan() {
            @Override
            public void run(Arguments arguments, ExecutionStream stream) {
                plan.run(changed(arguments), stream);
            }

            @Override
            public DeviceSchedule schedule(int[] queryLengths, int[] keyLengths) {
                return plan.schedule(queryLengths, keyLengths);
            }

            @Override
            public String describe() {
                return plan.describe();
            }

            @Override
            public void close() {
                plan.close();
            }
        };
    }

    private Arguments changed(Arguments arguments) {
        if (slip == Slip.SCALE && arguments instanceof AttentionArguments a) {
            slipped = true;
            return new AttentionArguments(
                    a.query(),
                    a.key(),
                    a.value(),
                    a.output(),
                    1.1f * a.scale(),
                    a.pastKey(),
                    a.pastValue(),
                    a.keyLengths(),
                    a.queryOffsets(),
                    a.sinks(),
                    a.logSumExp(),
                    a.scores(),
                    a.captures(),
                    a.scalars(),
                    a.source(),
                    a.maxima(),
                    a.sums(),
                    a.schedule());
        }
        if (slip == Slip.FILL && arguments instanceof GatherArguments a && Double.isFinite(a.fill())) {
            slipped = true;
            return new GatherArguments(a.source(), a.indices(), a.output(), a.fill() + 1);
        }
        return arguments;
    }

    @Override
    public DeviceInfo info() {
        return device.info();
    }

    @Override
    public Support supports(Primitive<?> primitive) {
        return device.supports(primitive);
    }

    @Override
    public Storage allocate(long bytes) {
        return device.allocate(bytes);
    }

    @Override
    public Storage wrap(MemorySegment segment) {
        return device.wrap(segment);
    }

    @Override
    public ExecutionStream newStream() {
        return device.newStream();
    }

    @Override
    public long allocatedBytes() {
        return device.allocatedBytes();
    }

    /** The device is its opener's. */
    @Override
    public void close() {}
}
