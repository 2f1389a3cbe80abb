package dev.fovea.tools.bench.gpu;

import dev.fovea.api.Backend;
import dev.fovea.api.ExecutionStream;
import dev.fovea.api.FoveaException.DeviceFailure;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.tools.UsageException;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The cases of the GPU suite on a device: bf16, f32 and quantised attention, masks, decode, memory and host time. A result is timed only
 * if sampled rows agree with float64, and checked again after the timed rounds.
 */
public final class GpuSuite implements AutoCloseable {
    private final Backend backend;
    private final ExecutionStream stream;
    private final List<GpuCase> cases;
    private final DeviceInputs inputs;

    /**
     * A suite on a device.
     *
     * @param only which cases, found in their names; null for all
     * @param shrink by how much sequences are shortened
     */
    public GpuSuite(Backend backend, @Nullable Pattern only, int shrink) {
        this.backend = backend;
        this.cases = GpuCases.all().stream()
                .filter(c -> only == null || only.matcher(c.name()).find())
                .map(c -> c.shrunk(shrink))
                .toList();
        if (cases.isEmpty()) {
            throw new UsageException("--only: no case has '" + only + "' in its name; there are "
                    + String.join(
                            ", ", GpuCases.all().stream().map(GpuCase::name).toList()));
        }
        this.stream = backend.newStream();
        this.inputs = new DeviceInputs(backend, cases);
    }

    List<GpuCase> cases() {
        return cases;
    }

    DeviceInfo device() {
        return backend.info();
    }

    /** Builds a case, runs it and checks the result; throws what is wrong. */
    ReadyCase prepare(GpuCase c) {
        ReadyCase ready = switch (c.kind()) {
            case ATTENTION -> new AttentionCall(backend, stream, inputs, c);
            case COPY -> new CopyCall(backend, stream, inputs, c);
            case HOST -> new HostCost(backend, stream, inputs, c);
        };
        try {
            measured(ready, 1);
            return ready;
        } catch (RuntimeException | Error e) {
            ready.close();
            throw e;
        }
    }

    /** Times of a case with the error of what the last of its calls wrote; throws if that is wrong. */
    Checked measured(ReadyCase ready, int rounds) {
        ready.spoil();
        Measurement times = ready.measure(rounds);
        RowError error = ready.check();
        if (!error.right()) {
            throw new DeviceFailure(
                    backend.info().id() + " computes "
                            + ready.description().name() + " wrongly: sampled rows are off by up to " + error.max()
                            + ", " + error.share() + " times what is allowed (" + ready.path() + ")",
                    null);
        }
        return new Checked(times, error);
    }

    /** Times and the error of the result that was timed. */
    record Checked(Measurement times, RowError error) {}

    @Override
    public void close() {
        inputs.close();
        stream.close();
    }
}
