package dev.fovea.cpu;

import dev.fovea.api.Attention;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.OpenBackend;
import dev.fovea.api.Tensor;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Random;

/**
 * Speed of attention beside the FMA peak of the same run: {@code AttentionBench [threads] [name part]}. The best of many calls, since
 * other processes disturb; they slow down even the processor time, by the shared caches.
 */
public final class AttentionBench {
    private record Case(String name, DType dtype, int b, int hq, int hk, int sq, int sk, int d, Attention options) {
        double flops() {
            double pairs = (double) sq * sk;
            return 4.0 * b * hq * d * (name.contains("causal") ? pairs / 2 : pairs);
        }
    }

    private static final List<Case> CASES = List.of(
            new Case("1x8x1024x64 full", DType.F32, 1, 8, 8, 1024, 1024, 64, Attention.full()),
            new Case("1x8x1024x64 causal", DType.F32, 1, 8, 8, 1024, 1024, 64, Attention.causal()),
            new Case("1x8x2048x128 full", DType.F32, 1, 8, 8, 2048, 2048, 128, Attention.full()),
            new Case("4x12x256x32 full", DType.F32, 4, 12, 12, 256, 256, 32, Attention.full()),
            new Case("1x8x1024x64 f16", DType.F16, 1, 8, 8, 1024, 1024, 64, Attention.full()),
            new Case("1x8x1024x64 bf16", DType.BF16, 1, 8, 8, 1024, 1024, 64, Attention.full()),
            new Case(
                    "1x8x1024x64 softcap",
                    DType.F32,
                    1,
                    8,
                    8,
                    1024,
                    1024,
                    64,
                    Attention.full().softcap(30)),
            new Case("1x8x1024x64 alibi", DType.F32, 1, 8, 8, 1024, 1024, 64, Attention.full()),
            new Case("1x8x1024x64 bias", DType.F32, 1, 8, 8, 1024, 1024, 64, Attention.full()),
            new Case("1x8x1024x64 mask", DType.F32, 1, 8, 8, 1024, 1024, 64, Attention.full()),
            new Case("1x32(8)x1x4096x128 decode", DType.F32, 1, 32, 8, 1, 4096, 128, Attention.full()));

    private AttentionBench() {}

    public static void main(String[] args) {
        int threads = args.length > 0 ? Integer.parseInt(args[0]) : 1;
        String part = args.length > 1 ? args[1] : "";
        try (Backend cpu = OpenBackend.of(CpuProvider.open(threads, KernelSet.choose()))) {
            System.out.println(cpu.info());
            for (Case c : CASES) {
                if (c.name.contains(part)) {
                    run(cpu, c, threads);
                }
            }
        }
    }

    private static void run(Backend cpu, Case c, int threads) {
        Random random = new Random(1);
        Tensor q = tensor(cpu, c.dtype, random, c.b, c.hq, c.sq, c.d);
        Tensor k = tensor(cpu, c.dtype, random, c.b, c.hk, c.sk, c.d);
        Tensor v = tensor(cpu, c.dtype, random, c.b, c.hk, c.sk, c.d);
        Attention options = c.options;
        if (c.name.contains("bias")) {
            options = options.bias(tensor(cpu, DType.F32, random, 1, 1, c.sq, c.sk));
        } else if (c.name.contains("alibi")) {
            options = options.alibi(cpu.copyOf(new float[c.hq], c.hq));
        } else if (c.name.contains("mask")) {
            options = options.mask(cpu.copyOf(new boolean[c.sq * c.sk], c.sq, c.sk));
        }
        double best = Double.MAX_VALUE;
        double peak = 0;
        long end = System.nanoTime() + 4_000_000_000L;
        for (int i = 0; i < 20 || System.nanoTime() < end; i++) {
            long t = clock(threads);
            Tensor o = cpu.attend(q, k, v, options);
            best = Math.min(best, clock(threads) - t);
            o.close();
            peak = Math.max(peak, peak());
        }
        double gflops = c.flops() / best;
        System.out.printf(
                "%-28s %8.3f ms %7.1f GFLOP/s = %3.0f %% of %d x %.0f%n",
                c.name, best / 1e6, gflops, 100 * gflops / peak / threads, threads, peak);
    }

    /** With one thread its processor time, which other processes do not stretch. */
    private static long clock(int threads) {
        return threads == 1 ? ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() : System.nanoTime();
    }

    private static Tensor tensor(Backend cpu, DType dtype, Random random, int... shape) {
        float[] x = new float[shape[0] * shape[1] * shape[2] * shape[3]];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return cpu.copyOf(x, dtype, shape[0], shape[1], shape[2], shape[3]);
    }

    private static double peak() {
        int n = 30_000;
        float[] sink = new float[Species.LENGTH];
        RooflineLoops loops = new VectorRoofline();
        long t = System.nanoTime();
        loops.multiplyAdd(n, sink);
        return loops.flopsOf(n) / (System.nanoTime() - t);
    }
}
