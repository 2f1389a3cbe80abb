package dev.fovea.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Attention;
import dev.fovea.api.AttentionPlan;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.OpenBackend;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionArguments;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class WarmUpTest {
    @Test
    void runsUntilItGetsNoFasterOrTimeIsUpAndLeavesTheResult() {
        try (Backend cpu = OpenBackend.of(CpuProvider.open(1, KernelSet.choose()));
                Tensor q = cpu.copyOf(AttentionNumericsTest.gaussians(20 * 8), 1, 1, 20, 8);
                Tensor expected = cpu.attend(q, q, q, Attention.full());
                Tensor o = cpu.allocate(DType.F32, 1, 1, 20, 8);
                AttentionPlan plan = cpu.prepare(Attention.full().spec(q, q, q))) {
            AttentionArguments arguments = new AttentionArguments(q, q, q, o);
            assertThat(plan.warmUp(arguments, Duration.ZERO)).isEqualTo(1);
            assertThat(o.toFloatArray()).isEqualTo(expected.toFloatArray());
            long start = System.nanoTime();
            int runs = plan.warmUp(arguments, Duration.ofMinutes(5));
            assertThat(runs).isGreaterThanOrEqualTo(20);
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMinutes(5));
            assertThat(o.toFloatArray()).isEqualTo(expected.toFloatArray());
        }
    }
}
