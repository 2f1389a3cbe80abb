package dev.fovea.tools.bench;

import dev.fovea.api.Attention;
import dev.fovea.api.AttentionPlan;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.ExecutionStream;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.ExprParser;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeyArguments;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spec.Schedule;
import dev.fovea.api.spec.TransferArguments;
import dev.fovea.api.spec.TransferSpec;
import dev.fovea.tools.bench.Contest.Resources;
import dev.fovea.tools.bench.Contest.Sides;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** What options cost: masks against the causal flag, caches against dense keys, uneven batches against even ones. All f32. */
final class OptionSuite {
    private static final int PAGE = 16;

    private final Backend fovea;
    private final ExecutionStream stream;

    OptionSuite(Backend backend, ExecutionStream stream) {
        this.fovea = backend;
        this.stream = stream;
    }

    List<Contest> contests() {
        return List.of(
                new Contest("mask expression k <= q : causal flag, 1x8x4096x64", 1.10, false, this::expression),
                new Contest("two documents by captured ids : causal flag, 1x8x4096x64", 1.15, false, this::documents),
                new Contest("window of 1024 keys : causal, 1x8x8192x64", 3.2, true, this::window),
                new Contest("paged by 16 : dense, decode 1x32/8x1x16384x128", 1.10, false, r -> cache(r, KvFormat.F32)),
                new Contest(
                        "int8 : f32 keys and values, decode 1x32/8x1x16384x128",
                        1.8,
                        true,
                        r -> cache(r, KvFormat.INT8)),
                new Contest(
                        "32 sequences of 1 to 16384 keys, scheduled : equal lengths, decode 32/8 heads x128",
                        1.15,
                        false,
                        this::uneven));
    }

    private Tensor random(Resources r, long seed, long... shape) {
        float[] x = new float[Math.toIntExact(Arrays.stream(shape).reduce(1, (a, b) -> a * b))];
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return r.keep(fovea.copyOf(x, shape));
    }

    private Runnable call(Resources r, AttentionSpec spec, AttentionArguments arguments, Map<String, Tensor> captures) {
        AttentionPlan plan = r.keep(fovea.prepare(spec));
        AttentionArguments bound = arguments.withExpressions(captures, arguments.scalars());
        return () -> {
            plan.run(bound, stream);
            stream.await();
        };
    }

    private Tensor output(Resources r, Tensor query) {
        return r.keep(fovea.allocate(DType.F32, query.shape()));
    }

    private Sides expression(Resources r) {
        Tensor x = random(r, 1, 1, 8, 4096, 64);
        Tensor own = output(r, x);
        Tensor flag = output(r, x);
        Expr mask = ExprParser.parse("k <= q", Map.of(), Map.of());
        return new Sides(
                call(
                        r,
                        Attention.full().visibleWhere(mask).spec(x, x, x),
                        new AttentionArguments(x, x, x, own),
                        Map.of()),
                call(r, Attention.causal().spec(x, x, x), new AttentionArguments(x, x, x, flag), Map.of()),
                () -> Contest.difference(own, flag, 1e-5));
    }

    private Sides documents(Resources r) {
        int n = 4096;
        Tensor x = random(r, 1, 1, 8, n, 64);
        int[] ids = new int[n];
        Arrays.fill(ids, n / 2, n, 1); // two documents of n / 2: the work of a causal mask
        Tensor doc = r.keep(fovea.copyOf(ids, n));
        Tensor own = output(r, x);
        Tensor flag = output(r, x);
        Expr mask = ExprParser.parse("doc[q] == doc[k]", Map.of("doc", DType.I32), Map.of());
        return new Sides(
                call(
                        r,
                        Attention.full().visibleWhere(mask).spec(x, x, x),
                        new AttentionArguments(x, x, x, own),
                        Map.of("doc", doc)),
                call(r, Attention.causal().spec(x, x, x), new AttentionArguments(x, x, x, flag), Map.of()),
                () -> {
                    try (Tensor half = x.slice(2, 0, n / 2);
                            Tensor apart = fovea.attend(half, half, half, Attention.full());
                            Tensor together = own.slice(2, 0, n / 2)) {
                        return Contest.difference(together, apart, 1e-5);
                    }
                });
    }

    private Sides window(Resources r) {
        int n = 8192;
        Tensor x = random(r, 1, 1, 8, n, 64);
        Tensor own = output(r, x);
        Tensor flag = output(r, x);
        AttentionSpec spec = Attention.causal().window(1024).spec(x, x, x);
        AttentionArguments plain = new AttentionArguments(x, x, x, own);
        AttentionArguments bounded = plain.withExpressions(Map.of(), Map.of(Expressions.WINDOW_LEFT, 1023));
        return new Sides(
                call(r, spec, bounded, Map.of()),
                call(r, Attention.causal().spec(x, x, x), new AttentionArguments(x, x, x, flag), Map.of()),
                () -> {
                    try (Tensor a = own.slice(2, 0, 1024);
                            Tensor b = flag.slice(2, 0, 1024)) {
                        return Contest.difference(a, b, 1e-5);
                    }
                });
    }

    private AttentionSpec decode(KeySource source, boolean lengths) {
        return new AttentionSpec(
                        DType.F32,
                        128,
                        128,
                        32,
                        8,
                        8,
                        Expressions.score(),
                        Expressions.score(),
                        Expressions.constant(true),
                        QueryOffset.TOP_LEFT,
                        false,
                        false,
                        lengths,
                        false,
                        Optional.empty())
                .with(source);
    }

    private Sides cache(Resources r, KvFormat format) {
        int keys = 16384;
        int pages = keys / PAGE;
        Tensor q = random(r, 1, 1, 32, 1, 128);
        Tensor k = random(r, 2, 1, 8, keys, 128);
        Tensor v = random(r, 3, 1, 8, keys, 128);
        Tensor own = output(r, q);
        Tensor dense = output(r, q);
        KeySource source = KeySource.dense(DType.F32);
        KeyArguments where = KeyArguments.NONE;
        Tensor length = null;
        Stored sk;
        Stored sv;
        if (format == KvFormat.F32) {
            source = source.with(KeySource.Layout.PAGED);
            int[] table = shuffled(pages);
            where = where.withPageTable(r.keep(fovea.copyOf(table, 1, pages)));
            length = r.keep(fovea.copyOf(new int[] {keys}, 1));
            sk = stored(r, k, format, pages, PAGE, slots(table));
            sv = stored(r, v, format, pages, PAGE, slots(table));
        } else {
            source = source.with(format);
            int[] same = slots(range(pages));
            sk = stored(r, k, format, 1, keys, same);
            sv = stored(r, v, format, 1, keys, same);
            where = where.withScales(
                    Objects.requireNonNull(sk.scales()), sk.zeros(), Objects.requireNonNull(sv.scales()), sv.zeros());
        }
        AttentionArguments a = new AttentionArguments(q, sk.rows(), sv.rows(), own).with(where);
        a = length == null ? a : a.withKeyLengths(length);
        double bound = format == KvFormat.F32 ? 1e-5 : 2e-3;
        return new Sides(
                call(r, decode(source, length != null), a, Map.of()),
                call(r, decode(KeySource.dense(DType.F32), false), new AttentionArguments(q, k, v, dense), Map.of()),
                () -> Contest.difference(own, dense, bound));
    }

    private record Stored(
            Tensor rows, @Nullable Tensor scales, @Nullable Tensor zeros) {}

    private Stored stored(Resources r, Tensor rows, KvFormat format, int pages, int size, int[] targets) {
        int keys = targets.length;
        Tensor to = r.keep(fovea.allocate(format.dtype(), pages, 8, size, format.elements(128)));
        boolean scaled = format.scalesPositions();
        Tensor scales = scaled ? r.keep(fovea.allocate(DType.F16, pages, 8, size)) : null;
        Tensor zeros = scaled ? r.keep(fovea.allocate(DType.F16, pages, 8, size)) : null;
        Tensor from = r.keep(fovea.copyOf(range(keys), keys));
        Tensor target = r.keep(fovea.copyOf(targets, keys));
        fovea.run(
                new TransferSpec(KvFormat.F32, format, 128, 8),
                new TransferArguments(rows, null, null, to, scales, zeros, from, target));
        return new Stored(to, scales, zeros);
    }

    private static int[] range(int n) {
        int[] all = new int[n];
        Arrays.setAll(all, i -> i);
        return all;
    }

    private static int[] shuffled(int n) {
        int[] order = range(n);
        SplittableRandom random = new SplittableRandom(5);
        for (int i = n - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int t = order[i];
            order[i] = order[j];
            order[j] = t;
        }
        return order;
    }

    private static int[] slots(int[] pages) {
        int[] all = new int[pages.length * PAGE];
        Arrays.setAll(all, k -> pages[k / PAGE] * PAGE + k % PAGE);
        return all;
    }

    private Sides uneven(Resources r) {
        int[] lengths = new int[32];
        SplittableRandom random = new SplittableRandom(11);
        // log-uniform: many short sequences, few long ones
        Arrays.setAll(lengths, i -> (int) Math.round(Math.pow(16384, random.nextDouble())));
        lengths[7] = 1;
        lengths[20] = 16384;
        int total = Arrays.stream(lengths).sum();
        int[] equal = new int[32];
        Arrays.setAll(equal, i -> total / 32 + (i < total % 32 ? 1 : 0));
        Tensor q = random(r, 1, 32, 32, 1, 128);
        Tensor k = random(r, 2, 1, 8, total, 128);
        Tensor v = random(r, 3, 1, 8, total, 128);
        Tensor own = output(r, q);
        Tensor other = output(r, q);
        Tensor unscheduled = output(r, q);
        AttentionSpec spec = decode(KeySource.dense(DType.F32).with(KeySource.Layout.RAGGED), false);
        AttentionPlan plan = r.keep(fovea.prepare(spec));
        Runnable subject = scheduled(r, plan, q, k, v, own, lengths);
        Runnable baseline = scheduled(r, plan, q, k, v, other, equal);
        return new Sides(subject, baseline, () -> {
            plan.run(ragged(r, q, k, v, unscheduled, lengths), stream);
            stream.await();
            return Contest.difference(own, unscheduled, 0);
        });
    }

    private AttentionArguments ragged(Resources r, Tensor q, Tensor k, Tensor v, Tensor o, int[] lengths) {
        int[] starts = new int[lengths.length + 1];
        for (int i = 0; i < lengths.length; i++) {
            starts[i + 1] = starts[i] + lengths[i];
        }
        Tensor t = r.keep(fovea.copyOf(starts, starts.length));
        return new AttentionArguments(q, k, v, o).with(KeyArguments.NONE.withKeyStarts(t));
    }

    private Runnable scheduled(Resources r, AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor o, int[] lengths) {
        int[] ones = new int[lengths.length];
        Arrays.fill(ones, 1);
        Schedule schedule = r.keep(plan.schedule(ones, lengths));
        AttentionArguments a = ragged(r, q, k, v, o, lengths).with(schedule);
        return () -> {
            plan.run(a, stream);
            stream.await();
        };
    }
}
