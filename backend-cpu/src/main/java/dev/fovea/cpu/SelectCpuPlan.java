package dev.fovea.cpu;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.SelectArguments;
import dev.fovea.api.spec.SelectSpec;
import dev.fovea.api.spi.DevicePlan;
import java.util.Arrays;
import java.util.Objects;

/** The largest of each row: a heap of the best so far, of keys that order as (falling score, rising index) do. */
record SelectCpuPlan(CpuBackend backend, SelectSpec spec) implements DevicePlan {
    /** Elements of the scores in a task. */
    private static final int WORK = 8192;

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        backend.checkOpen();
        SelectArguments a = (SelectArguments) arguments;
        Elements scores = Elements.of(a.scores());
        Elements indices = Elements.of(a.indices());
        Elements counts = spec.counts() ? Elements.ofRows(Objects.requireNonNull(a.counts())) : indices;
        Elements chosen = spec.chosen() ? Elements.of(Objects.requireNonNull(a.chosen())) : indices;
        long rows = scores.size(2);
        int n = (int) scores.size(3);
        int k = (int) indices.size(3);
        int each = Math.max(1, WORK / Math.max(1, n));
        backend.forEach(scores.size(0) * scores.size(1) * rows, each, (i, scratch) -> {
            long q = i % rows;
            long h = i / rows % scores.size(1);
            long b = i / rows / scores.size(1);
            float[] row = scratch.floats(Scratch.Role.ROW, n);
            scores.read(scores.at(b, h, q, 0), scores.stride(3), row, 0, n, scratch);
            long[] keys = scratch.longs(Math.min(k, n));
            int count = best(row, n, keys, Math.min(k, n));
            Arrays.sort(keys, 0, count);
            int[] list = scratch.ints(Scratch.Role.LIST, Math.max(k, n));
            for (int slot = 0; slot < k; slot++) {
                list[slot] = slot < count ? (int) keys[slot] : -1;
            }
            indices.write(indices.at(b, h, q, 0), indices.stride(3), list, k, scratch);
            if (spec.chosen()) {
                Arrays.fill(list, 0, n, 0);
                for (int slot = 0; slot < count; slot++) {
                    list[(int) keys[slot]] = 1;
                }
                chosen.write(chosen.at(b, h, q, 0), chosen.stride(3), list, n, scratch);
            }
            if (spec.counts()) {
                counts.put(counts.at(b, h, q, 0), count);
            }
        });
    }

    /** Puts the most least keys of a row into a heap with the largest at the root; gives how many there are. */
    private static int best(float[] row, int n, long[] heap, int most) {
        int count = 0;
        for (int d = 0; d < n && most > 0; d++) {
            float x = row[d];
            if (!(x > Float.NEGATIVE_INFINITY)) {
                continue;
            }
            long key = (long) ~ordered(x) << 32 | d;
            if (count < most) {
                up(heap, count++, key);
            } else if (key < heap[0]) {
                down(heap, count, key);
            }
        }
        return count;
    }

    private static void up(long[] heap, int from, long key) {
        int at = from;
        while (at > 0 && heap[(at - 1) / 2] < key) {
            heap[at] = heap[(at - 1) / 2];
            at = (at - 1) / 2;
        }
        heap[at] = key;
    }

    private static void down(long[] heap, int count, long key) {
        int at = 0;
        for (int child = 1; child < count; child = 2 * at + 1) {
            if (child + 1 < count && heap[child + 1] > heap[child]) {
                child++;
            }
            if (heap[child] <= key) {
                break;
            }
            heap[at] = heap[child];
            at = child;
        }
        heap[at] = key;
    }

    /** An int that orders as the number does; -0 is 0. */
    private static int ordered(float x) {
        int bits = Float.floatToRawIntBits(x + 0f);
        return bits ^ bits >> 31 & Integer.MAX_VALUE;
    }

    @Override
    public String describe() {
        return "cpu, the largest of rows, " + backend.pool().size() + " threads";
    }

    @Override
    public void close() {}
}
