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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

class WarmingTest {
    private static final long SECOND = 1_000_000_000;

    @Test
    void plainLoopsWorkUntilTheVectorsAreFaster() throws InterruptedException {
        CountDownLatch tried = new CountDownLatch(1);
        CountDownLatch compiled = new CountDownLatch(1);
        Warming<String> warming = new Warming<>("plain", "vectors", kernel -> {
            tried.countDown();
            boolean slow = kernel.equals("vectors") && compiled.getCount() > 0;
            LockSupport.parkNanos(slow ? 4_000_000 : kernel.equals("plain") ? 1_000_000 : 1);
        });
        assertThat(tried.getCount()).isOne(); // not before somebody needs it
        assertThat(warming.kernel()).isEqualTo("plain");
        assertThat(tried.await(60, TimeUnit.SECONDS)).isTrue();
        assertThat(Warming.settled()).isFalse();
        assertThat(warming.kernel()).isEqualTo("plain");
        compiled.countDown();
        long end = System.nanoTime() + 60 * SECOND;
        while (warming.kernel().equals("plain") && System.nanoTime() < end) {
            LockSupport.parkNanos(1_000_000);
        }
        assertThat(warming.kernel()).isEqualTo("vectors");
    }

    @Test
    void theBitsOfACallAreThoseOfItsFirst() {
        try (Backend cpu = OpenBackend.of(CpuProvider.open(1, KernelSet.warming()));
                Tensor q = cpu.copyOf(AttentionNumericsTest.gaussians(2 * 80 * 24), 1, 2, 80, 24);
                Tensor first = cpu.attend(q, q, q, Attention.causal());
                Tensor o = cpu.allocate(DType.F32, 1, 2, 80, 24);
                AttentionPlan plan = cpu.prepare(Attention.causal().spec(q, q, q))) {
            plan.warmUp(new AttentionArguments(q, q, q, o), Duration.ofMinutes(2));
            assertThat(Warming.settled()).isTrue();
            assertThat(o.toFloatArray()).isEqualTo(first.toFloatArray());
        }
    }
}
