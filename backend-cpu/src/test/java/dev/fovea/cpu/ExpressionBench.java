package dev.fovea.cpu;

import dev.fovea.api.Attention;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.OpenBackend;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.ExprParser;
import dev.fovea.api.expr.ValueType;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** What expressions cost beside a built-in option of equal work, call by call in turn: {@code ExpressionBench [rounds] [name part]}. */
public final class ExpressionBench {
    private record Call(String name, Tensor q, Attention options) {}

    private final Backend cpu;
    private final Random random = new Random(1);
    private final int rounds;
    private final String part;

    private ExpressionBench(Backend cpu, int rounds, String part) {
        this.cpu = cpu;
        this.rounds = rounds;
        this.part = part;
    }

    public static void main(String[] args) {
        int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 7;
        try (Backend cpu = OpenBackend.of(CpuProvider.open(1, KernelSet.choose()))) {
            System.out.println(cpu.info());
            new ExpressionBench(cpu, rounds, args.length > 1 ? args[1] : "").run();
        }
    }

    private Tensor floats(long... shape) {
        long n = 1;
        for (long s : shape) {
            n *= s;
        }
        float[] x = new float[(int) n];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return cpu.copyOf(x, shape);
    }

    private static Expr expr(String text) {
        return ExprParser.parse(
                text,
                Map.of("doc", DType.I32, "gate", DType.F32),
                Map.of("window", ValueType.I32, "slope", ValueType.F32));
    }

    private void run() {
        int n = 4096;
        Tensor q = floats(1, 8, n, 64);
        Attention causal = Attention.causal();
        compare(
                "masks",
                new Call("causal flag", q, causal),
                new Call("k <= q", q, Attention.full().visibleWhere(expr("k <= q"))),
                new Call(
                        "causal and scalar",
                        q,
                        Attention.full()
                                .visibleWhere(expr("kpos <= qpos && (q - k < window || k < 4)"))
                                .scalar("window", 1 << 20)),
                new Call("prefix 512", q, Attention.full().visibleWhere(expr("k <= q || k < 512"))),
                new Call("one document", q, documents(causal, n, 1)),
                new Call("dilated", q, Attention.full().visibleWhere(expr("k <= q && (q - k) % 4 == 0"))),
                new Call("full", q, Attention.full()),
                new Call("full softcap", q, Attention.full().softcap(30)),
                new Call("full alibi", q, Attention.full().alibi(cpu.copyOf(new float[8], 8))),
                new Call("full bias", q, Attention.full().bias(floats(1, 1, n, n))),
                new Call("full mask", q, Attention.full().mask(checkered(n))));
        compare(
                "window",
                new Call("window flag", q, causal.window(1024)),
                new Call(
                        "window and 4 sinks",
                        q,
                        Attention.full()
                                .visibleWhere(expr("k <= q && (q - k < window || k < 4)"))
                                .scalar("window", 1024)));
        Tensor parts = floats(8, 8, n / 8, 64);
        compare(
                "documents",
                new Call("8 sequences, causal", parts, causal),
                new Call("8 documents", q, documents(causal, n, 8)));
        Tensor two = floats(2, 8, n / 2, 64);
        compare(
                "two documents",
                new Call("2 sequences, causal", two, causal),
                new Call("2 documents", q, documents(causal, n, 2)));
        Tensor longer = floats(1, 8, 2L * n, 64);
        compare("long", new Call("causal 8192", longer, causal), new Call("window 1024", longer, causal.window(1024)));
    }

    private Tensor checkered(int n) {
        boolean[] x = new boolean[Math.multiplyExact(n, n)];
        for (int i = 0; i < x.length; i++) {
            x[i] = random.nextInt(8) != 0;
        }
        return cpu.copyOf(x, n, n);
    }

    private Attention documents(Attention base, int n, int count) {
        int[] ids = new int[n];
        for (int i = 0; i < n; i++) {
            ids[i] = (int) ((long) i * count / n);
        }
        return base.visibleWhere(expr("doc[q] == doc[k]")).capture("doc", cpu.copyOf(ids, n));
    }

    private void compare(String title, Call... calls) {
        List<Call> all = new ArrayList<>();
        for (int i = 0; i < calls.length; i++) {
            if (i == 0 || calls[i].name.contains(part) || title.contains(part)) {
                all.add(calls[i]);
            }
        }
        if (all.size() < 2) {
            return;
        }
        double[] best = new double[all.size()];
        java.util.Arrays.fill(best, Double.MAX_VALUE);
        for (int round = 0; round < rounds; round++) {
            for (int i = 0; i < best.length; i++) {
                Call c = all.get(i);
                long t = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
                cpu.attend(c.q, c.q, c.q, c.options).close();
                best[i] = Math.min(best[i], ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - t);
            }
        }
        for (int i = 0; i < best.length; i++) {
            System.out.printf(
                    "%-16s %-22s %9.2f ms  %.3f of %s%n",
                    title, all.get(i).name, best[i] / 1e6, best[i] / best[0], all.get(0).name);
        }
    }
}
