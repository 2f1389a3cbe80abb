package dev.fovea.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.DType;
import dev.fovea.api.OpenBackend;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.KeySource.Layout;
import dev.fovea.api.spec.KeySource.Selection;
import dev.fovea.api.spec.KvFormat;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every layout, selection and format against the formula on the same logical problem. */
class KeySourceTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void agreesWithTheFormula(int seed) {
        KernelSet kernels = seed == 8 ? KernelSet.scalar(java.util.List.of()) : KernelSet.choose();
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
}
