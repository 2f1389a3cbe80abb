package dev.fovea.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.DType;
import dev.fovea.api.OpenBackend;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.KeySource.Layout;
import dev.fovea.api.spec.KeySource.Rotary;
import dev.fovea.api.spec.RotarySpec.Pairing;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Queries and keys turned while they are loaded, against the formula on the rows before. */
class RowTurnTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void everySource(int seed) {
        KernelSet kernels = seed == 4 ? KernelSet.scalar(List.of()) : KernelSet.choose();
        try (Backend cpu = OpenBackend.of(CpuProvider.open(2, kernels))) {
            for (int i = 0; i < 25; i++) {
                Random random = new Random(1000L * seed + i);
                try (KeySourceProblem p = KeySourceTest.problem(cpu, random)) {
                    p.rotary = new Rotary(
                            i % 2 == 0 ? Pairing.HALVES : Pairing.NEIGHBOURS, 2 + 2 * random.nextInt(p.dim / 2));
                    check(cpu, p, "seed " + seed + " case " + i);
                }
            }
        }
    }

    /** Keys in f32, which without a rotary embedding few rows read where they lie. */
    @Test
    void keysThatCouldBeReadInPlace() {
        try (Backend cpu = Backends.open("cpu")) {
            for (Layout layout : Layout.values()) {
                for (Pairing pairing : Pairing.values()) {
                    for (int queries : new int[] {1, 3, 90}) {
                        try (KeySourceProblem p = new KeySourceProblem(cpu, new Random(queries))) {
                            p.layout = layout;
                            p.dim = 64;
                            p.valueDim = 64;
                            p.queryLengths = new int[] {queries, queries};
                            p.keyLengths = new int[] {1300, 1300};
                            p.rotary = new Rotary(pairing, 64);
                            check(cpu, p, layout + " " + pairing + " " + queries);
                        }
                    }
                }
            }
        }
    }

    /** Values that are NaN behind the mask, so that the rows are summed again. */
    @ParameterizedTest
    @EnumSource(Pairing.class)
    void theCarefulWay(Pairing pairing) {
        try (Backend cpu = Backends.open("cpu")) {
            for (int queries : new int[] {1, 3, 90}) {
                try (KeySourceProblem p = new KeySourceProblem(cpu, new Random(queries))) {
                    p.dim = 64;
                    p.valueDim = 64;
                    p.causal = true;
                    p.behind = 10;
                    p.queryLengths = new int[] {queries, queries};
                    p.keyLengths = new int[] {300, 300};
                    p.rotary = new Rotary(pairing, 48);
                    p.fill();
                    p.value[0][1][295][3] = Float.NaN;
                    p.value[1][0][291][0] = Float.NaN;
                    check(cpu, p, pairing + " " + queries, false);
                }
            }
        }
    }

    private static void check(Backend cpu, KeySourceProblem p, String what) {
        check(cpu, p, what, true);
    }

    private static void check(Backend cpu, KeySourceProblem p, String what, boolean fill) {
        if (fill) {
            p.fill();
        }
        AttentionArguments a = p.build(true);
        p.solve();
        try (var plan = cpu.prepare(Objects.requireNonNull(p.spec))) {
            plan.run(a);
        }
        double tolerance = p.storage == DType.F32 ? 2e-5 : p.storage == DType.F16 ? 4e-3 : 3e-2;
        String all = what + " " + p.spec + " " + a;
        assertThat(Reference.difference(p.output, a.output().toFloatArray()))
                .as(all)
                .isLessThan(tolerance);
        assertThat(Reference.difference(
                        p.logSumExp, Objects.requireNonNull(a.logSumExp()).toFloatArray()))
                .as(all)
                .isLessThan(2e-5);
    }
}
