package dev.fovea.tools.bench;

import dev.fovea.api.AttentionPlan;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.ExecutionStream;
import dev.fovea.api.FoveaException.DeviceFailure;
import dev.fovea.api.HalfFloats;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spi.Profiled;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Times one case: first until the JVM and the device are warm, then as often as fits into the time given. */
final class BenchRun {
    private static final String EVENTS = "device, first kernel start to last kernel end";
    private static final String WALL = "wall clock, enqueue to end";
    private static final int LEAST_RUNS = 5;
    private static final int MOST_RUNS = 1000;

    private final Backend backend;
    private final double seconds;

    /** The seconds are spent twice, warming up and measuring. */
    BenchRun(Backend backend, double seconds) {
        this.backend = backend;
        this.seconds = seconds;
    }

    /** The times of a case; throws {@code DeviceFailure} if its result is wrong. */
    BenchResult run(BenchCase c) {
        BenchShape s = c.shape();
        float[] query = data(1, (int) s.queryElements(), c.dtype());
        float[] key = data(2, (int) s.keyElements(), c.dtype());
        float[] value = data(3, (int) s.keyElements(), c.dtype());
        try (Tensor q = backend.copyOf(query, c.dtype(), s.batch(), s.heads(), s.queries(), s.headDim());
                Tensor k = backend.copyOf(key, c.dtype(), s.batch(), s.keyHeads(), s.keys(), s.headDim());
                Tensor v = backend.copyOf(value, c.dtype(), s.batch(), s.keyHeads(), s.keys(), s.headDim());
                Tensor o = backend.allocate(c.dtype(), s.batch(), s.heads(), s.queries(), s.headDim())) {
            AttentionSpec spec = c.attention().spec(q, k, v);
            AttentionArguments arguments = arguments(c, spec, q, k, v, o);
            try (AttentionPlan plan = backend.prepare(spec);
                    ExecutionStream stream = backend.newStream()) {
                wallMillis(plan, arguments, stream);
                double worst = new RowCheck(c, query, key, value).worst(o);
                if (!(worst <= 1)) {
                    throw new DeviceFailure(
                            backend.info().id() + " computes " + s + " " + c.options()
                                    + " wrongly: sampled rows are off" + " by " + worst
                                    + " times what is allowed; fovea conformance shows more",
                            null);
                }
                Times warm = measure(plan, arguments, stream);
                if (stream instanceof Profiled p) {
                    p.profile(true);
                }
                Times times = measure(plan, arguments, stream);
                boolean events = !times.device.isEmpty() && times.device.size() == times.wall.size();
                return new BenchResult(
                        backend.info(),
                        c,
                        plan.describe(),
                        events ? EVENTS : WALL,
                        1 + warm.wall.size(),
                        times.wall.size(),
                        median(events ? times.device : times.wall),
                        Collections.min(events ? times.device : times.wall),
                        median(times.wall),
                        worst);
            }
        }
    }

    /** Milliseconds of each run: by the wall clock, and by the device where it tells. */
    private record Times(List<Double> wall, List<Double> device) {}

    private Times measure(AttentionPlan plan, AttentionArguments arguments, ExecutionStream stream) {
        Times times = new Times(new ArrayList<>(), new ArrayList<>());
        long end = System.nanoTime() + (long) (seconds * 1e9);
        while (times.wall.size() < LEAST_RUNS || System.nanoTime() < end && times.wall.size() < MOST_RUNS) {
            times.wall.add(wallMillis(plan, arguments, stream));
            long nanos = stream instanceof Profiled p ? p.lastRunNanos() : -1;
            if (nanos >= 0) {
                times.device.add(nanos / 1e6);
            }
        }
        return times;
    }

    private static double wallMillis(AttentionPlan plan, AttentionArguments arguments, ExecutionStream stream) {
        long start = System.nanoTime();
        plan.run(arguments, stream);
        stream.await();
        return (System.nanoTime() - start) / 1e6;
    }

    static AttentionArguments arguments(BenchCase c, AttentionSpec spec, Tensor q, Tensor k, Tensor v, Tensor o) {
        Map<String, Number> scalars =
                new HashMap<>(Map.of(Expressions.WINDOW_LEFT, c.left(), Expressions.WINDOW_RIGHT, c.right()));
        scalars.keySet().retainAll(spec.scalars().keySet());
        float scale = (float) (1 / Math.sqrt((double) c.shape().headDim()));
        return new AttentionArguments(q, k, v, o, scale, null, null, null, null, null, null, null, Map.of(), scalars);
    }

    /** Normally distributed, rounded to what the storage type holds, so that the check sees the device's own inputs. */
    private static float[] data(long seed, int count, DType dtype) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] x = new float[count];
        for (int i = 0; i < count; i++) {
            x[i] = HalfFloats.rounded((float) random.nextGaussian(), dtype);
        }
        return x;
    }

    static double median(List<Double> times) {
        double[] sorted = times.stream().mapToDouble(t -> t).sorted().toArray();
        int n = sorted.length;
        return n % 2 == 1
                ? sorted[n / 2]
                : Arrays.stream(sorted, n / 2 - 1, n / 2 + 1).average().orElseThrow();
    }
}
