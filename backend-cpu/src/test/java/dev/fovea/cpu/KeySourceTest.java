package dev.fovea.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Attention;
import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.DType;
import dev.fovea.api.OpenBackend;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeySource.Layout;
import dev.fovea.api.spec.KeySource.Selection;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.MergeArguments;
import dev.fovea.api.spec.MergeSpec;
import dev.fovea.api.spec.QueryOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every layout, selection and format against the formula on the same logical problem. */
class KeySourceTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void agreesWithTheFormula(int seed) {
        KernelSet kernels = seed == 8 ? KernelSet.scalar(List.of()) : KernelSet.choose();
        try (Backend cpu = OpenBackend.of(CpuProvider.open(2, kernels))) {
            for (int i = 0; i < 25; i++) {
                try (KeySourceProblem p = problem(cpu, new Random(1000L * seed + i))) {
                    p.fill();
                    AttentionArguments a = p.build(true);
                    p.solve();
                    try (var plan = cpu.prepare(Objects.requireNonNull(p.spec))) {
                        plan.run(a);
                    }
                    String what = "seed " + seed + " case " + i + " " + p.spec + " " + a;
                    double tolerance = p.storage == DType.F32 ? 2e-5 : p.storage == DType.F16 ? 4e-3 : 3e-2;
                    assertThat(Reference.difference(p.output, a.output().toFloatArray()))
                            .as(what)
                            .isLessThan(tolerance);
                    assertThat(Reference.difference(
                                    p.logSumExp,
                                    Objects.requireNonNull(a.logSumExp()).toFloatArray()))
                            .as(what)
                            .isLessThan(2e-5);
                }
            }
        }
    }

    @SafeVarargs
    private static <T> T any(Random random, T... of) {
        return of[random.nextInt(of.length)];
    }

    private static KeySourceProblem problem(Backend cpu, Random random) {
        KeySourceProblem p = new KeySourceProblem(cpu, random);
        p.batch = any(random, 1, 2, 3);
        p.keyHeads = any(random, 1, 2);
        p.valueHeads = random.nextInt(4) == 0 ? any(random, 1, 2) : p.keyHeads;
        p.queryHeads = any(random, 2, 4, 8);
        p.dim = any(random, 8, 24, 33, 64, 128);
        p.valueDim = any(random, 8, 17, 64, 96);
        p.storage = any(random, DType.F32, DType.F32, DType.F16, DType.BF16);
        p.format = any(random, KvFormat.values());
        p.layout = any(random, Layout.values());
        p.selection = any(random, Selection.values());
        p.packed = random.nextBoolean();
        p.positions = random.nextInt(3) == 0;
        p.causal = random.nextBoolean();
        p.alibi = random.nextInt(3) == 0;
        p.stripes = random.nextInt(3) == 0;
        p.sink = random.nextInt(3) == 0;
        p.pageSize = any(random, 1, 3, 16, 64);
        p.tablePerHead = p.keyHeads == p.valueHeads && random.nextBoolean();
        p.lengthsPerHead = random.nextInt(3) == 0;
        p.queryBlock = any(random, 1, 3, 16, 50);
        p.keyBlock = any(random, 1, 8, 64);
        p.listHeads = any(random, 1, p.keyHeads, p.queryHeads);
        p.queryLengths = new int[p.batch];
        p.keyLengths = new int[p.batch];
        int queries = any(random, 1, 2, 7, 40, 100);
        boolean ragged = p.layout == Layout.RAGGED || p.layout == Layout.PAGED;
        int keys = any(random, 5, 64, 130, 1500, 2100);
        for (int b = 0; b < p.batch; b++) {
            p.queryLengths[b] = p.packed && random.nextInt(3) == 0 ? random.nextInt(queries + 1) : queries;
            p.keyLengths[b] = ragged && random.nextInt(2) == 0 ? random.nextInt(keys + 1) : keys;
        }
        return p;
    }

    @Test
    void shuffledPagesGiveTheBitsOfContiguousKeys() {
        try (Backend cpu = Backends.open("cpu")) {
            for (int queries : new int[] {1, 60}) {
                float[] before = null;
                for (Layout layout : Layout.values()) {
                    for (boolean shuffled : new boolean[] {false, true}) {
                        try (KeySourceProblem p = new KeySourceProblem(cpu, new Random(5))) {
                            p.layout = layout;
                            p.queryLengths = new int[] {queries, queries};
                            p.keyLengths = new int[] {1300, 1300};
                            p.fill();
                            AttentionArguments a = p.build(shuffled);
                            try (var plan = cpu.prepare(Objects.requireNonNull(p.spec))) {
                                plan.run(a);
                            }
                            float[] now = a.output().toFloatArray();
                            assertThat(before == null || Arrays.equals(now, before))
                                    .as(layout + " " + shuffled)
                                    .isTrue();
                            before = now;
                        }
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void threadsAndSchedulesDoNotChangeBits(boolean packed) {
        float[] before = null;
        for (int threads = 1; threads <= 3; threads++) {
            try (Backend cpu = OpenBackend.of(CpuProvider.open(threads, KernelSet.choose()));
                    KeySourceProblem p = new KeySourceProblem(cpu, new Random(7))) {
                p.batch = 4;
                p.layout = Layout.PAGED;
                p.packed = packed;
                p.queryLengths = packed ? new int[] {1, 3, 0, 70} : new int[] {2, 2, 2, 2};
                p.keyLengths = new int[] {4000, 1, 900, 2500};
                p.causal = true;
                p.fill();
                AttentionArguments a = p.build(true);
                try (var plan = cpu.prepare(Objects.requireNonNull(p.spec))) {
                    for (int i = 0; i < 60; i++) {
                        try (var schedule = plan.schedule(p.queryLengths, p.keyLengths)) {
                            plan.run(i % 2 == 0 ? a : a.with(schedule));
                        }
                        float[] now = a.output().toFloatArray();
                        assertThat(before == null || Arrays.equals(now, before))
                                .as("threads " + threads + " run " + i)
                                .isTrue();
                        before = now;
                    }
                }
            }
        }
    }

    /** As of latent attention: so many heads over the same keys that their keys are split although rows are many. */
    @Test
    void manyHeadsOverLongKeys() {
        try (Backend cpu = Backends.open("cpu");
                KeySourceProblem p = new KeySourceProblem(cpu, new Random(9))) {
            p.batch = 1;
            p.queryHeads = 65;
            p.keyHeads = 1;
            p.valueHeads = 1;
            p.dim = 48;
            p.queryLengths = new int[] {1};
            p.keyLengths = new int[] {5003};
            p.alibi = true;
            p.fill();
            AttentionArguments a = p.build(false);
            p.solve();
            try (var plan = cpu.prepare(Objects.requireNonNull(p.spec))) {
                plan.run(a);
            }
            assertThat(Reference.difference(p.output, a.output().toFloatArray()))
                    .isLessThan(2e-5);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 50})
    void mergedPartialsAreTheWhole(int queries) {
        int keys = 3000;
        int cut = 1301;
        try (Backend cpu = Backends.open("cpu")) {
            Tensor q = cpu.copyOf(AttentionNumericsTest.gaussians(4 * queries * 32), 1, 4, queries, 32);
            Tensor k = cpu.copyOf(AttentionNumericsTest.gaussians(2 * keys * 32), 1, 2, keys, 32);
            Tensor v = cpu.copyOf(AttentionNumericsTest.gaussians(2 * keys * 40), 1, 2, keys, 40);
            Tensor whole = cpu.attend(q, k, v, Attention.full());
            AttentionSpec spec = new AttentionSpec(
                            DType.F32,
                            32,
                            40,
                            4,
                            2,
                            2,
                            Expressions.score(),
                            Expressions.score(),
                            Expressions.constant(true),
                            QueryOffset.TOP_LEFT,
                            false,
                            false,
                            false,
                            false,
                            Optional.empty())
                    .withPartials();
            Tensor maxima = cpu.allocate(DType.F32, 2, 1, 4, queries);
            Tensor sums = cpu.allocate(DType.F32, 2, 1, 4, queries);
            Tensor parts = cpu.allocate(DType.F32, 2, 1, 4, queries, 40);
            for (int i = 0; i < 2; i++) {
                int from = i == 0 ? 0 : cut;
                int to = i == 0 ? cut : keys;
                cpu.run(
                        spec,
                        new AttentionArguments(q, k.slice(2, from, to), v.slice(2, from, to), parts.select(0, i))
                                .withPartials(maxima.select(0, i), sums.select(0, i)));
            }
            Tensor merged = cpu.allocate(DType.F32, 1, 4, queries, 40);
            cpu.run(
                    new MergeSpec(DType.F32, 40, MergeSpec.Rule.LOG_SUM_EXP, false, false),
                    new MergeArguments(maxima, sums, parts, null, null, merged, null));
            float[] expected = whole.toFloatArray();
            double[] wide = new double[expected.length];
            Arrays.setAll(wide, i -> expected[i]);
            assertThat(Reference.difference(wide, merged.toFloatArray())).isLessThan(1e-5);
        }
    }
}
