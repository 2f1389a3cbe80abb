package dev.fovea.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.fovea.api.Attention;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.OpenBackend;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.ExprParser;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.ValueType;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.QueryOffset;
import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Tiles of keys that a mask hides are left out and those that it does not touch are not masked, with the same results. */
class VerdictsTest {
    private static final int N = 330;

    private static final List<String> MASKS = List.of(
            "k <= q",
            "k <= q && q - k < window",
            "k <= q || k < 70",
            "kpos <= qpos && (q - k < window || k < 4)",
            "doc[q] == doc[k]",
            "doc[q] == doc[k] && k <= q",
            "k >= start[q] && k <= q",
            "open[h, k] && k <= q",
            "block[q // 64, k // 64]",
            "(q - k) % 3 == 0",
            "q // 50 == k // 50",
            "k >= 128 && k < 192",
            "!(k >= 128 && k < 192)",
            "h == 1 && k < 10 || h == 0 && k > 300",
            "k < 0");

    private static Expr mask(String text) {
        return ExprParser.parse(
                text,
                Map.of("doc", DType.I32, "start", DType.I32, "open", DType.BOOL, "block", DType.BOOL),
                Map.of("window", ValueType.I32));
    }

    static List<KernelSet> kernelSets() {
        return List.of(KernelSet.choose(), KernelSet.scalar(List.of()));
    }

    @ParameterizedTest
    @MethodSource("kernelSets")
    void masksOfManyTiles(KernelSet kernels) {
        Random random = new Random(5);
        int[] ids = new int[N];
        int[] starts = new int[N];
        for (int i = 1; i < N; i++) {
            boolean next = random.nextInt(70) == 0;
            ids[i] = ids[i - 1] + (next ? 1 : 0);
            starts[i] = next ? i : starts[i - 1];
        }
        boolean[] open = new boolean[4 * N];
        for (int i = 0; i < open.length; i++) {
            open[i] = i / 100 % 2 == 0;
        }
        boolean[] blocks = new boolean[36];
        for (int i = 0; i < blocks.length; i++) {
            blocks[i] = random.nextInt(3) == 0;
        }
        try (Backend cpu = OpenBackend.of(CpuProvider.open(1, kernels));
                Tensor q = cpu.copyOf(AttentionNumericsTest.gaussians(4 * N * 8), 1, 4, N, 8);
                Tensor k = cpu.copyOf(AttentionNumericsTest.gaussians(2 * N * 8), 1, 2, N, 8);
                Tensor o = cpu.allocate(DType.F32, 1, 4, N, 8);
                Tensor doc = cpu.copyOf(ids, N);
                Tensor start = cpu.copyOf(starts, N);
                Tensor seen = cpu.copyOf(open, 4, N);
                Tensor block = cpu.copyOf(blocks, 6, 6)) {
            for (String text : MASKS) {
                AttentionSpec spec = new AttentionSpec(
                        DType.F32,
                        8,
                        8,
                        4,
                        2,
                        2,
                        Expressions.score(),
                        Expressions.score(),
                        mask(text),
                        QueryOffset.TOP_LEFT,
                        false,
                        false,
                        false,
                        false,
                        Optional.empty());
                for (Expr p : List.of(
                        Expressions.probability(), Expressions.probability().minus(Expressions.constant(.001f)))) {
                    AttentionSpec shaped = spec.withProbability(p);
                    Map<String, Tensor> captures =
                            new HashMap<>(Map.of("doc", doc, "start", start, "open", seen, "block", block));
                    captures.keySet().retainAll(shaped.captures().keySet());
                    AttentionArguments a = new AttentionArguments(q, k, k, o)
                            .withExpressions(captures, text.contains("window") ? Map.of("window", 100) : Map.of());
                    try (var plan = cpu.prepare(shaped)) {
                        plan.run(a);
                    }
                    assertThat(Reference.difference(new Reference(shaped, a).output, o.toFloatArray()))
                            .as(text + " " + p.text())
                            .isLessThan(1e-5);
                }
            }
        }
    }

    @Test
    void boundsOfRanges() {
        Random random = new Random(6);
        int[] x = new int[3 * 5000];
        for (int i = 0; i < x.length; i++) {
            x[i] = random.nextInt();
        }
        try (Backend cpu = OpenBackend.of(CpuProvider.open(1, KernelSet.scalar(List.of())));
                Tensor t = cpu.copyOf(x, 3, 5000);
                Tensor turned = t.permute(1, 0);
                Tensor repeated = t.slice(0, 1, 2).broadcastTo(7, 5000)) {
            CaptureBounds all = bounds(t);
            CaptureBounds other = bounds(turned);
            CaptureBounds one = bounds(repeated);
            assertThat(CaptureBounds.of(Capture.of(t), 14_999)).isNull();
            int[] found = new int[2];
            for (int i = 0; i < 2000; i++) {
                int from = random.nextInt(5100) - 50;
                int to = from + (i % 3 == 0 ? random.nextInt(5000) : random.nextInt(50));
                int row = random.nextInt(3);
                int last = row + random.nextInt(2);
                int least = Integer.MAX_VALUE;
                int largest = Integer.MIN_VALUE;
                for (int r = row; r <= Math.min(2, last); r++) {
                    for (int k = Math.clamp(from, 0, 4999); k <= Math.clamp(to, 0, 4999); k++) {
                        least = Math.min(least, x[r * 5000 + k]);
                        largest = Math.max(largest, x[r * 5000 + k]);
                    }
                }
                assertThat(all.range(new int[] {row, from}, new int[] {last, to}, found))
                        .isTrue();
                assertThat(found).containsExactly(least, largest);
                assertThat(other.range(new int[] {from, row}, new int[] {to, last}, found))
                        .isTrue();
                assertThat(found).containsExactly(least, largest);
                if (row == 1 && last == 1) {
                    assertThat(one.range(new int[] {0, from}, new int[] {6, to}, found))
                            .isTrue();
                    assertThat(found).containsExactly(least, largest);
                }
            }
        }
    }

    private static CaptureBounds bounds(Tensor t) {
        return java.util.Objects.requireNonNull(CaptureBounds.of(Capture.of(t), 1 << 20));
    }

    /** Only the bookkeeping of tiles, however many pairs there are. */
    @ParameterizedTest
    @MethodSource("kernelSets")
    void nothingOfTheSizeOfTheMap(KernelSet kernels) {
        int n = 4096;
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        int[] ids = new int[n];
        for (int i = 0; i < n; i++) {
            ids[i] = i / 700;
        }
        try (Backend cpu = OpenBackend.of(CpuProvider.open(1, kernels));
                Tensor q = cpu.copyOf(AttentionNumericsTest.gaussians(n * 8), 1, 1, n, 8);
                Tensor doc = cpu.copyOf(ids, n)) {
            Attention options =
                    Attention.causal().visibleWhere(mask("doc[q] == doc[k]")).capture("doc", doc);
            AttentionSpec spec = options.spec(q, q, q)
                    .withProbability(Expressions.probability().minus(Expressions.constant(.001f)));
            long least = Long.MAX_VALUE;
            long limit = (long) n * n / 4;
            long end = System.nanoTime() + 60_000_000_000L;
            try (Tensor o = cpu.allocate(DType.F32, 1, 1, n, 8);
                    var plan = cpu.prepare(spec)) {
                AttentionArguments a = new AttentionArguments(q, q, q, o).withExpressions(Map.of("doc", doc), Map.of());
                while (least > limit && System.nanoTime() < end) {
                    long before = threads.getCurrentThreadAllocatedBytes();
                    plan.run(a);
                    least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
                }
                assertThat(least).isLessThan(limit);
                assertThat(cpu.allocatedBytes()).isLessThan(limit);
            }
        }
    }
}
