package dev.fovea.opencl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.ExecutionStream;
import dev.fovea.api.Names;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.MapArguments;
import dev.fovea.api.spec.MapSpec;
import dev.fovea.api.spec.MatMulArguments;
import dev.fovea.api.spec.MatMulSpec;
import dev.fovea.api.spec.SelectArguments;
import dev.fovea.api.spec.SelectSpec;
import dev.fovea.api.spi.BuildCount;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** What of the tensor operations is this backend's own: the choice of kernels, rounds of a selection, builds. */
class OperationsTest {
    private static float[] data(int n) {
        SplittableRandom r = new SplittableRandom(n);
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) r.nextGaussian();
        }
        return x;
    }

    private static void product(Operations ops, int m, int k, int n, boolean turnedRight) {
        float[] a = data(m * k);
        float[] b = data(k * n);
        Tensor right = ops.copyOf(b, turnedRight ? new long[] {n, k} : new long[] {k, n});
        float[] c = ops.matmul(ops.copyOf(a, m, k), turnedRight ? ops.permute(right, 1, 0) : right)
                .toFloatArray();
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                double sum = 0;
                for (int x = 0; x < k; x++) {
                    sum += (double) a[i * k + x] * b[turnedRight ? j * k + x : x * n + j];
                }
                assertThat((double) c[i * n + j])
                        .as("row %d, column %d of %d x %d x %d", i, j, m, k, n)
                        .isCloseTo(sum, Offset.offset(1e-4));
            }
        }
    }

    @Test
    void tilesFewRowsAndFewColumns() {
        try (Backend fovea = FirstDevice.open();
                Operations ops = new Operations(fovea)) {
            for (boolean turned : new boolean[] {false, true}) {
                product(ops, 70, 35, 67, turned);
                product(ops, 16, 50, 40, turned);
                product(ops, 5, 130, 33, turned);
                product(ops, 40, 50, 3, turned);
                product(ops, 1, 1, 1, turned);
                product(ops, 3, 0, 2, turned);
            }
        }
    }

    @Test
    void largeTilesGiveTheSameBits() {
        try (Backend fovea = FirstDevice.open();
                Operations ops = new Operations(fovea);
                ExecutionStream stream = fovea.newStream()) {
            Tensor a = ops.copyOf(data(150 * 21), 150, 21);
            Tensor b = ops.copyOf(data(21 * 140), 21, 140);
            Tensor small = ops.matmul(a, b);
            Tensor large = ops.allocate(DType.F32, 150, 140);
            OpenClBackend device = fovea.capability(OpenClBackend.class).orElseThrow();
            try (OpenClMatMulPlan plan =
                    new OpenClMatMulPlan(device, new MatMulSpec(DType.F32, DType.F32, DType.F32), 1)) {
                plan.run(new MatMulArguments(a, b, large), stream);
                assertThat(large.toFloatArray()).isEqualTo(small.toFloatArray());
            }
        }
    }

    /** Scores of few values, so that ties decide at the end of every round. */
    private static void select(Backend fovea, int n, int k, int values) {
        float[] x = new float[n];
        SplittableRandom r = new SplittableRandom(n + k);
        for (int i = 0; i < n; i++) {
            x[i] = r.nextInt(5) == 0 ? Float.NEGATIVE_INFINITY : r.nextInt(values) - 2 + (float) 0x1p-140;
        }
        int[] order = IntStream.range(0, n)
                .filter(i -> x[i] > Float.NEGATIVE_INFINITY)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -x[i]).thenComparing(i -> i))
                .mapToInt(i -> i)
                .toArray();
        int count = Math.min(order.length, k);
        int[] expected = Arrays.copyOf(order, k);
        Arrays.fill(expected, count, k, -1);
        int[] flags = new int[n];
        Arrays.stream(expected, 0, count).forEach(i -> flags[i] = 1);
        try (Tensor scores = fovea.copyOf(x, 1, n);
                Tensor indices = fovea.allocate(DType.I32, 1, k);
                Tensor counts = fovea.allocate(DType.I32, 1);
                Tensor chosen = fovea.allocate(DType.BOOL, 1, n)) {
            fovea.run(new SelectSpec(DType.F32, true, true), new SelectArguments(scores, indices, counts, chosen));
            assertThat(indices.toIntArray()).as("%d of %d", k, n).isEqualTo(expected);
            assertThat(counts.toIntArray()).containsExactly(count);
            assertThat(chosen.toIntArray()).isEqualTo(flags);
        }
    }

    @Test
    void selectionsOfSeveralRounds() {
        try (Backend fovea = FirstDevice.open()) {
            select(fovea, 1024, 5, 3);
            select(fovea, 1025, 1025, 1000);
            select(fovea, 1500, 7, 2);
            select(fovea, 2600, 1024, 1);
            select(fovea, 3000, 3000, 5);
            select(fovea, 70_000, 1100, 40);
        }
    }

    @Test
    void whatVariesAtRunTimeBuildsNothing() {
        try (Backend fovea = FirstDevice.open();
                Operations ops = new Operations(fovea)) {
            BuildCount builds = fovea.capability(BuildCount.class).orElseThrow();
            product(ops, 70, 20, 70, false);
            long before = builds.kernelBuilds();
            product(ops, 2, 9, 70, false);
            product(ops, 70, 9, 2, true);
            assertThat(builds.kernelBuilds()).isEqualTo(before);
        }
    }

    @Test
    void theMapWithWideDistancesGivesTheSame() {
        try (Backend fovea = FirstDevice.open();
                Operations ops = new Operations(fovea);
                ExecutionStream stream = fovea.newStream()) {
            String text = "x[b, h, q, d] * 2.0 + float(b * 1000 + h * 100 + q * 10 + d)";
            Tensor x = ops.copyOf(data(120), 2, 3, 4, 5);
            Tensor narrow = ops.map(text).with("x", x).like(x);
            Tensor wide = ops.allocate(DType.F32, 2, 3, 4, 5);
            MapSpec spec = new MapSpec(DType.F32, Names.of("x", x).parse(text));
            OpenClBackend device = fovea.capability(OpenClBackend.class).orElseThrow();
            try (OpenClMapPlan plan = new OpenClMapPlan(device, spec)) {
                plan.run(new MapArguments(wide, Map.of("x", x), Map.of()), stream, true);
                assertThat(wide.toFloatArray()).isEqualTo(narrow.toFloatArray());
            }
        }
    }
}
