package dev.fovea.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.Names;
import dev.fovea.api.OpenBackend;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.MapArguments;
import dev.fovea.api.spec.MapSpec;
import dev.fovea.api.spec.MatMulArguments;
import dev.fovea.api.spec.MatMulSpec;
import dev.fovea.api.spec.ReduceArguments;
import dev.fovea.api.spec.ReduceSpec;
import dev.fovea.api.spec.SelectArguments;
import dev.fovea.api.spec.SelectSpec;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Tensor operations on the CPU: bits that do not depend on threads, and kernels that allocate nothing for an element. */
class OperationsCpuTest {
    private static final long PATIENCE = 60_000_000_000L;

    static List<KernelSet> kernelSets() {
        return List.of(KernelSet.choose(), KernelSet.scalar(List.of()));
    }

    private static List<float[]> results(KernelSet kernels, int threads) {
        List<float[]> all = new ArrayList<>();
        try (Backend cpu = OpenBackend.of(CpuProvider.open(threads, kernels));
                Operations ops = new Operations(cpu)) {
            Tensor x = ops.own(cpu.copyOf(AttentionNumericsTest.gaussians(2 * 150 * 300), 2, 150, 300));
            Tensor y = ops.permute(x, 0, 2, 1);
            Tensor half = ops.convert(x, DType.F16);
            Tensor few = ops.slice(x, 1, 0, 3);
            all.add(ops.matmul(x, y).toFloatArray());
            all.add(ops.matmul(half, y).toFloatArray());
            all.add(ops.matmul(few, y).toFloatArray());
            all.add(ops.matmul(few, ops.copy(y)).toFloatArray());
            all.add(ops.matmul(y, ops.convert(ops.slice(x, 0, 0, 1), DType.BF16))
                    .toFloatArray());
            all.add(ops.sum(x, 2).toFloatArray());
            all.add(ops.sum(x, 1).toFloatArray());
            all.add(ops.map("tanh(x[h, q, d]) * x[h, d, q] + exp(x[h, q, d - 1])")
                    .with("x", x)
                    .like(x)
                    .toFloatArray());
        }
        return all;
    }

    @ParameterizedTest
    @MethodSource("kernelSets")
    void bitsDoNotDependOnThreads(KernelSet kernels) {
        List<float[]> one = results(kernels, 1);
        for (int threads = 2; threads < 5; threads++) {
            List<float[]> more = results(kernels, threads);
            for (int i = 0; i < one.size(); i++) {
                assertThat(more.get(i)).isEqualTo(one.get(i));
            }
        }
    }

    @Test
    void matricesMultiplyWithoutObjects() {
        try (Backend cpu = backend();
                Tensor x = cpu.copyOf(AttentionNumericsTest.gaussians(256 * 256), 256, 256);
                Tensor few = x.slice(0, 0, 5);
                Tensor turned = x.permute(1, 0);
                Tensor o = cpu.allocate(DType.F32, 256, 256);
                Tensor row = cpu.allocate(DType.F32, 5, 256)) {
            MatMulSpec spec = new MatMulSpec(DType.F32, DType.F32, DType.F32);
            allocatesLittle(() -> cpu.run(spec, new MatMulArguments(x, x, o)));
            allocatesLittle(() -> cpu.run(spec, new MatMulArguments(few, x, row)));
            allocatesLittle(() -> cpu.run(spec, new MatMulArguments(few, turned, row)));
        }
    }

    @Test
    void elementsAndRowsTakeNoObjects() {
        try (Backend cpu = backend();
                Tensor x = cpu.copyOf(AttentionNumericsTest.gaussians(64 * 1024), 64, 1024);
                Tensor half = cpu.copyOf(AttentionNumericsTest.gaussians(64 * 1024), DType.F16, 64, 1024);
                Tensor o = cpu.allocate(DType.F32, 64, 1024);
                Tensor row = cpu.allocate(DType.F32, 64);
                Tensor top = cpu.allocate(DType.I32, 64, 8)) {
            Names names = Names.of("x", x).with("y", half);
            MapSpec map = new MapSpec(DType.F32, names.parse("x[q, d] * sigmoid(y[q, d]) + y[q, d]"));
            allocatesLittle(() -> cpu.run(map, new MapArguments(o, names.tensors(), Map.of())));
            ReduceSpec sum = new ReduceSpec(DType.F32, DType.F32, ReduceSpec.Rule.SUM);
            allocatesLittle(() -> cpu.run(sum, new ReduceArguments(x, row)));
            SelectSpec select = new SelectSpec(DType.F32, false, false);
            allocatesLittle(() -> cpu.run(select, new SelectArguments(x, top, null, null)));
        }
    }

    private static Backend backend() {
        KernelSet kernels = KernelSet.choose();
        Assumptions.assumeTrue(kernels.vectorBits() > 0, "no vectors here: " + kernels.notes());
        return OpenBackend.of(CpuProvider.open(1, kernels));
    }

    /** Once the code is compiled; an object for a vector of the 64 K elements would be megabytes. */
    private static void allocatesLittle(Runnable run) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long limit = 128 << 10;
        long least = Long.MAX_VALUE;
        long end = System.nanoTime() + PATIENCE;
        while (least > limit && System.nanoTime() < end) {
            long before = threads.getCurrentThreadAllocatedBytes();
            run.run();
            least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
        }
        assertThat(least).isLessThanOrEqualTo(limit);
    }
}
