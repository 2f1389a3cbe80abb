package dev.fovea.cpu;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.SelectArguments;
import dev.fovea.api.spec.SelectSpec;
import dev.fovea.api.spi.DevicePlan;
import java.util.Arrays;
import java.util.Objects;

/** The largest of each row, by sorting keys that order as (falling score, rising index) do. */
record SelectCpuPlan(CpuBackend backend, SelectSpec spec) implements DevicePlan {
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
        backend.forEach(scores.size(0) * scores.size(1) * rows, 1, (i, scratch) -> {
            long q = i % rows;
            long h = i / rows % scores.size(1);
            long b = i / rows / scores.size(1);
            long[] keys = new long[n];
            int candidates = 0;
            for (int d = 0; d < n; d++) {
                float x = scores.floatAt(scores.at(b, h, q, d));
                if (x > Float.NEGATIVE_INFINITY) {
                    keys[candidates++] = (long) ~ordered(x) << 32 | d;
                }
            }
            Arrays.sort(keys, 0, candidates);
            int count = Math.min(k, candidates);
            for (int d = 0; spec.chosen() && d < n; d++) {
                chosen.put(chosen.at(b, h, q, d), 0);
            }
            for (int j = 0; j < k; j++) {
                int index = j < count ? (int) keys[j] : -1;
                indices.put(indices.at(b, h, q, j), index);
                if (spec.chosen() && index >= 0) {
                    chosen.put(chosen.at(b, h, q, index), 1);
                }
            }
            if (spec.counts()) {
                counts.put(counts.at(b, h, q, 0), count);
            }
        });
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
