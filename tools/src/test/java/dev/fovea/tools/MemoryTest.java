package dev.fovea.tools;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.fovea.api.AttentionPlan;
import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.ExprParser;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spi.DeviceReport;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Nothing of the size of the score map is ever allocated, in the heap or outside it: 2 x 16384 x 16384 pairs are 512 MiB of bytes. In this module
 * PoCL compiles with its optimiser; without, these runs take it six times as long.
 */
class MemoryTest {
    private static final int N = 16384;
    private static final long PAIRS = 2L * N * N;
    private static final int MOST_RUNS = 20;
    private static final Map<String, DType> CAPTURES = Map.of("doc", DType.I32);

    private record Work(String name, String mask, String weight) {}

    @TestFactory
    Stream<DynamicTest> memoryStaysLinear() {
        return Backends.report().stream()
                .filter(r -> r instanceof DeviceReport.Available)
                .map(r -> ((DeviceReport.Available) r).info().id())
                .flatMap(id -> Stream.of(
                                new Work("documents", "doc[q] == doc[k] && k <= q", "p"),
                                new Work("two passes", "k <= q && q - k < 1024", "select(p > 0.01, p, 0.0)"))
                        .map(w -> DynamicTest.dynamicTest(w.name + " on " + id, () -> check(id, w))));
    }

    private static void check(String device, Work w) throws IOException {
        try (Backend fovea = Backends.open(device);
                Tensor x = fovea.copyOf(new float[2 * N * 64], 1, 2, N, 64);
                Tensor doc = fovea.copyOf(documents(), N);
                Tensor o = fovea.allocate(DType.F32, 1, 2, N, 64)) {
            AttentionSpec spec = spec(w);
            try (AttentionPlan plan = fovea.prepare(spec)) {
                AttentionArguments a = new AttentionArguments(x, x, x, o)
                        .withExpressions(spec.captures().isEmpty() ? Map.of() : Map.of("doc", doc), Map.of());
                ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
                long tensors = fovea.allocatedBytes();
                long read = 4L * 2 * N * 64;
                long allocated = Long.MAX_VALUE;
                long grown = Long.MAX_VALUE;
                // vector code boxes until it is compiled, which a busy machine puts off: what one run can do without,
                // none needs
                for (int i = 0; i < MOST_RUNS && (allocated >= PAIRS / 2 || grown >= PAIRS / 2); i++) {
                    long heap = threads.getTotalThreadAllocatedBytes();
                    long resident = resetPeak();
                    plan.run(a);
                    assertThat(o.toFloatArray()[0]).isZero();
                    allocated = threads.getTotalThreadAllocatedBytes() - heap - 2 * read;
                    grown = peak() - resident;
                }
                assertThat(allocated).as("bytes allocated in the heap").isLessThan(PAIRS / 2);
                assertThat(grown).as("growth of the resident set").isLessThan(PAIRS / 2);
                assertThat(fovea.allocatedBytes() - tensors)
                        .as("bytes kept on the device")
                        .isLessThan(PAIRS / 16);
            }
        }
    }

    private static AttentionSpec spec(Work w) {
        Expr mask = ExprParser.parse(w.mask, CAPTURES, Map.of());
        return new AttentionSpec(
                        DType.F32,
                        64,
                        64,
                        2,
                        2,
                        2,
                        Expressions.score(),
                        Expressions.score(),
                        mask,
                        QueryOffset.TOP_LEFT,
                        false,
                        false,
                        false,
                        false,
                        Optional.empty())
                .withProbability(ExprParser.parse(w.weight, Map.of(), Map.of()));
    }

    private static int[] documents() {
        int[] doc = new int[N];
        for (int i = 0; i < N; i++) {
            doc[i] = i / 1000;
        }
        return doc;
    }

    /** Starts the peak of the resident set anew; its present size, 0 where the system has no such figure. */
    private static long resetPeak() throws IOException {
        Path refs = Path.of("/proc/self/clear_refs");
        if (!Files.isWritable(refs)) {
            return 0;
        }
        Files.writeString(refs, "5");
        return peak();
    }

    private static long peak() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.isReadable(status)) {
            return 0;
        }
        try (Stream<String> lines = Files.lines(status)) {
            return lines.filter(l -> l.startsWith("VmHWM:"))
                    .mapToLong(l -> 1024 * Long.parseLong(l.replaceAll("\\D", "")))
                    .findFirst()
                    .orElse(0);
        }
    }
}
