package dev.fovea.opencl;

import dev.fovea.api.AttentionPlan;
import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.DType;
import dev.fovea.api.ExecutionStream;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeyArguments;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.KeySource.Layout;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spec.Schedule;
import dev.fovea.api.spi.Profiled;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Device time of one decode step over a paged cache, and what a schedule makes of skewed lengths: {@code DecodeBench device [sequences
 * [most keys]]}. The data is all zeros, which costs the same.
 */
final class DecodeBench {
    private static final int HEADS = 32;
    private static final int KEY_HEADS = 8;
    private static final int DIM = 128;
    private static final int PAGE = 16;
    private static final int ROUNDS = 20;

    private DecodeBench() {}

    public static void main(String[] args) {
        int sequences = args.length > 1 ? Integer.parseInt(args[1]) : 32;
        int most = args.length > 2 ? Integer.parseInt(args[2]) : 16384;
        int[] skewed = new int[sequences];
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < sequences; i++) {
            skewed[i] = (int) Math.round(Math.pow(most, random.nextDouble()));
        }
        skewed[0] = most;
        int[] equal = new int[sequences];
        Arrays.fill(equal, Arrays.stream(skewed).sum() / sequences);
        try (Backend fovea = Backends.open(args[0])) {
            for (KvFormat format : KvFormat.values()) {
                double even = measure(fovea, format, equal, most, false);
                double plain = measure(fovea, format, skewed, most, false);
                double scheduled = measure(fovea, format, skewed, most, true);
                double bytes =
                        2.0 * KEY_HEADS * format.elements(DIM) * format.dtype().bytes() * sum(equal);
                System.out.printf(
                        Locale.ROOT,
                        "%s: equal %.1f us (%.0f GB/s), skewed %.1f us (%.2fx), scheduled %.1f us (%.2fx)%n",
                        format,
                        even / 1e3,
                        bytes / even,
                        plain / 1e3,
                        plain / even,
                        scheduled / 1e3,
                        scheduled / even);
            }
        }
    }

    private static double sum(int[] lengths) {
        return Arrays.stream(lengths).asDoubleStream().sum();
    }

    /** Nanoseconds, the best of several. */
    private static double measure(Backend fovea, KvFormat format, int[] lengths, int most, boolean scheduled) {
        int batch = lengths.length;
        int width = Math.ceilDiv(most, PAGE);
        int[] table = new int[batch * width];
        int pages = 0;
        for (int b = 0; b < batch; b++) {
            for (int i = 0; i < Math.ceilDiv(lengths[b], PAGE); i++) {
                table[b * width + i] = pages++;
            }
        }
        DType storage = format.quantised() ? DType.F16 : format.dtype();
        AttentionSpec spec = new AttentionSpec(
                        storage,
                        DIM,
                        DIM,
                        HEADS,
                        KEY_HEADS,
                        KEY_HEADS,
                        Expressions.score(),
                        Expressions.score(),
                        new Expr.BoolConst(true),
                        QueryOffset.TOP_LEFT,
                        false,
                        false,
                        true,
                        false,
                        Optional.empty())
                .with(KeySource.dense(storage).with(Layout.PAGED).with(format));
        long[] rows = {pages, KEY_HEADS, PAGE, format.elements(DIM)};
        try (Tensor q = zeros(fovea, storage, batch, HEADS, 1, DIM);
                Tensor k = zeros(fovea, format.dtype(), rows);
                Tensor v = zeros(fovea, format.dtype(), rows);
                Tensor halves = zeros(fovea, DType.F16, pages, KEY_HEADS, PAGE);
                Tensor floats = zeros(fovea, DType.F32, pages, KEY_HEADS);
                Tensor o = fovea.allocate(storage, batch, HEADS, 1, DIM);
                Tensor t = fovea.copyOf(table, batch, width);
                Tensor n = fovea.copyOf(lengths, batch);
                ExecutionStream stream = fovea.newStream();
                AttentionPlan plan = fovea.prepare(spec)) {
            Tensor scales = format == KvFormat.FP8 ? floats : format.quantised() ? halves : null;
            Tensor zeros = format.scalesPositions() ? halves : null;
            KeyArguments keys = new KeyArguments(null, null, t, null, null, scales, zeros, scales, zeros, null, null);
            AttentionArguments a =
                    new AttentionArguments(q, k, v, o).withKeyLengths(n).with(keys);
            int[] ones = new int[batch];
            Arrays.fill(ones, 1);
            try (Schedule schedule = plan.schedule(ones, lengths)) {
                return best(plan, scheduled ? a.with(schedule) : a, stream);
            }
        }
    }

    private static Tensor zeros(Backend fovea, DType type, long... shape) {
        Tensor t = fovea.allocate(type, shape);
        byte[] some = new byte[1 << 24];
        long bytes = t.elementCount() * type.bytes();
        for (long at = 0; at < bytes; at += some.length) {
            t.storage().write(at, MemorySegment.ofArray(some).asSlice(0, Math.min(some.length, bytes - at)));
        }
        return t;
    }

    private static double best(AttentionPlan plan, AttentionArguments a, ExecutionStream stream) {
        @Nullable Profiled profiled = stream instanceof Profiled p ? p : null;
        if (profiled != null) {
            profiled.profile(true);
        }
        double best = Double.MAX_VALUE;
        for (int i = 0; i < ROUNDS; i++) {
            long start = System.nanoTime();
            plan.run(a, stream);
            stream.await();
            long wall = System.nanoTime() - start;
            long device = profiled == null ? -1 : profiled.lastRunNanos();
            best = Math.min(best, device > 0 ? device : wall);
        }
        return best;
    }
}
