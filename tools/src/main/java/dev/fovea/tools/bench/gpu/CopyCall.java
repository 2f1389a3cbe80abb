package dev.fovea.tools.bench.gpu;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.ExecutionStream;
import dev.fovea.api.Plan;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.ExprParser;
import dev.fovea.api.spec.MapArguments;
import dev.fovea.api.spec.MapSpec;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;

/** Every element of one tensor into another: what the memory of a device can do. */
final class CopyCall implements ReadyCase {
    private static final int SAMPLES = 64;

    private final GpuCase c;
    private final Plan<MapArguments> plan;
    private final Tensor from;
    private final Tensor to;
    private final Queue queue;

    CopyCall(Backend backend, ExecutionStream stream, DeviceInputs inputs, GpuCase c) {
        this.c = c;
        this.from = inputs.random(DeviceInputs.VALUE, DType.F32, c.copied());
        this.to = inputs.output(DType.F32, c.copied());
        this.plan = backend.prepare(new MapSpec(DType.F32, ExprParser.parse("x[d]", Map.of("x", DType.F32), Map.of())));
        MapArguments arguments = new MapArguments(to, Map.of("x", from), Map.of());
        this.queue = new Queue(stream, () -> plan.run(arguments, stream));
    }

    @Override
    public GpuCase description() {
        return c;
    }

    @Override
    public String path() {
        return plan.describe();
    }

    @Override
    public Measurement measure(int rounds) {
        return queue.measure(rounds);
    }

    @Override
    public double deviceSeconds() {
        return queue.events();
    }

    private long[] samples() {
        return new SplittableRandom(3).longs(SAMPLES, 0, c.copied()).toArray();
    }

    @Override
    public void spoil() {
        for (long i : samples()) {
            to.storage().write(4 * i, MemorySegment.ofArray(new float[] {Float.NaN}));
        }
    }

    @Override
    public RowError check() {
        NormalData data = new NormalData(DeviceInputs.VALUE, DType.F32);
        long wrong = Arrays.stream(samples())
                .filter(i -> {
                    float[] got = new float[1];
                    to.storage().read(4 * i, MemorySegment.ofArray(got));
                    return got[0] != data.at(i);
                })
                .count();
        return new RowError(
                SAMPLES, 0, 0, Double.NaN, Double.NaN, Double.NaN, wrong == 0 ? 0 : Double.POSITIVE_INFINITY);
    }

    @Override
    public void close() {
        plan.close();
    }
}
