package dev.fovea.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.fovea.api.Attention;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.OpenBackend;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.TransferArguments;
import dev.fovea.api.spec.TransferSpec;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A vector that the compiler cannot keep in a register becomes an object, and the kernel ten times slower: a call would allocate
 * hundreds of megabytes. Once the code is compiled, a call allocates the bookkeeping of its blocks and nothing else.
 */
class BoxingTest {
    /** Bookkeeping of a tile of query rows, twice what was seen. */
    private static final long BYTES_A_TILE = 12 << 10;

    private static final long PATIENCE = 60_000_000_000L;

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "F16", "BF16"})
    void kernelsDoNotBox(DType dtype) {
        // without expressions other kernels run than with some; the rows end in a narrow tile of 16 lanes, or in one of
        // 48
        for (int n : new int[] {656, 688}) {
            warmCallsAllocateLittle(dtype, n, _ -> Attention.full());
            warmCallsAllocateLittle(dtype, n, _ -> Attention.causal().window(200));
            warmCallsAllocateLittle(
                    dtype, n, bias -> Attention.causal().window(200).softcap(3).bias(bias));
        }
    }

    private static void warmCallsAllocateLittle(DType dtype, int n, Function<Tensor, Attention> withBias) {
        KernelSet kernels = KernelSet.choose();
        Assumptions.assumeTrue(kernels.vectorBits() > 0, "no vectors here: " + kernels.notes());
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        int d = 40;
        float[] x = AttentionNumericsTest.gaussians(2 * n * d);
        try (Backend cpu = OpenBackend.of(CpuProvider.open(1, kernels));
                Tensor q = cpu.copyOf(x, dtype, 1, 2, n, d);
                Tensor bias = cpu.copyOf(AttentionNumericsTest.gaussians(n * n), n, n)) {
            Attention options = withBias.apply(bias);
            long limit = BYTES_A_TILE
                    * 2
                    * ((n + kernels.wide().lanes() - 1) / kernels.wide().lanes());
            long least = Long.MAX_VALUE;
            long end = System.nanoTime() + PATIENCE;
            while (least > limit && System.nanoTime() < end) {
                long before = threads.getCurrentThreadAllocatedBytes();
                cpu.attend(q, q, q, options).close();
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            assertThat(least).isLessThanOrEqualTo(limit);
        }
    }

    /** Few rows over few keys, by a block of their own where vectors are long. */
    @Test
    void smallBlocksDoNotBox() {
        KernelSet kernels = KernelSet.choose();
        Assumptions.assumeTrue(kernels.vectorBits() > 0, "no vectors here: " + kernels.notes());
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (Backend cpu = OpenBackend.of(CpuProvider.open(1, kernels));
                Tensor q = cpu.copyOf(AttentionNumericsTest.gaussians(8 * 16 * 64), 1, 8, 16, 64)) {
            long limit = kernels.vectorBits() == SmallBlock.VECTOR_BITS ? BYTES_A_TILE : 8 * BYTES_A_TILE;
            for (Attention options : List.of(Attention.full(), Attention.causal())) {
                long least = Long.MAX_VALUE;
                long end = System.nanoTime() + PATIENCE;
                while (least > limit && System.nanoTime() < end) {
                    long before = threads.getCurrentThreadAllocatedBytes();
                    cpu.attend(q, q, q, options).close();
                    least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
                }
                assertThat(least).isLessThanOrEqualTo(limit);
            }
        }
    }

    /** Few rows over long keys: the kernels with lanes along the columns, where keys lie, in one stream, and from converted tiles. */
    @ParameterizedTest
    @CsvSource({"F32, 5, 64, 64", "F16, 5, 64, 64", "F32, 1, 64, 64", "F32, 1, 128, 128", "F32, 1, 192, 128"})
    void rowKernelsDoNotBox(DType dtype, int heads, int dim, int valueDim) {
        KernelSet kernels = KernelSet.choose();
        Assumptions.assumeTrue(kernels.vectorBits() > 0, "no vectors here: " + kernels.notes());
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        int keys = 4096;
        int splits = 4;
        try (Backend cpu = OpenBackend.of(CpuProvider.open(1, kernels));
                Tensor q = cpu.copyOf(AttentionNumericsTest.gaussians(heads * dim), dtype, 1, heads, 1, dim);
                Tensor k = cpu.copyOf(AttentionNumericsTest.gaussians(keys * dim), dtype, 1, 1, keys, dim);
                Tensor v = cpu.copyOf(AttentionNumericsTest.gaussians(keys * valueDim), dtype, 1, 1, keys, valueDim)) {
            long limit = BYTES_A_TILE * splits;
            long least = Long.MAX_VALUE;
            long end = System.nanoTime() + PATIENCE;
            while (least > limit && System.nanoTime() < end) {
                long before = threads.getCurrentThreadAllocatedBytes();
                cpu.attend(q, k, v, Attention.full()).close();
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            assertThat(least).isLessThanOrEqualTo(limit);
        }
    }

    /** The same with 8-bit codes, which are widened in registers. */
    @Test
    void codeKernelsDoNotBox() {
        KernelSet kernels = KernelSet.choose();
        Assumptions.assumeTrue(kernels.vectorBits() > 0, "no vectors here: " + kernels.notes());
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        int keys = 4096;
        int[] slots = new int[keys];
        Arrays.setAll(slots, i -> i);
        try (Backend cpu = OpenBackend.of(CpuProvider.open(1, kernels));
                Tensor q = cpu.copyOf(AttentionNumericsTest.gaussians(4 * 64), 1, 4, 1, 64);
                Tensor rows = cpu.copyOf(AttentionNumericsTest.gaussians(keys * 64), 1, 1, keys, 64);
                Tensor k = cpu.allocate(DType.BYTE, 1, 1, keys, 64);
                Tensor scales = cpu.allocate(DType.F16, 1, 1, keys);
                Tensor zeros = cpu.allocate(DType.F16, 1, 1, keys);
                Tensor all = cpu.copyOf(slots, keys)) {
            cpu.run(
                    new TransferSpec(KvFormat.F32, KvFormat.INT8, 64, 1),
                    new TransferArguments(rows, null, null, k, scales, zeros, all, all));
            Attention options = Attention.full().quantised(KvFormat.INT8, scales, zeros, scales, zeros);
            long limit = BYTES_A_TILE * 4;
            long least = Long.MAX_VALUE;
            long end = System.nanoTime() + PATIENCE;
            while (least > limit && System.nanoTime() < end) {
                long before = threads.getCurrentThreadAllocatedBytes();
                cpu.attend(q, k, k, options).close();
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            assertThat(least).isLessThanOrEqualTo(limit);
        }
    }
}
