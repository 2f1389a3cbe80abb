package dev.fovea.opencl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Attention;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.ExprParser;
import dev.fovea.api.expr.ValueType;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Masks whose tiles are left out or known to be whole, against a double loop over the same mask written in Java. */
class TileVerdictTest {
    private static final int HEADS = 2;
    private static final int DIM = 8;
    private static final int BATCH = 2;

    private interface Mask {
        boolean sees(int b, int h, int q, int k);
    }

    private static float[] data(long seed, int n) {
        SplittableRandom r = new SplittableRandom(seed);
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) r.nextGaussian();
        }
        return x;
    }

    private static double[] expected(float[] q, float[] k, float[] v, int queries, int keys, Mask mask) {
        double[] o = new double[q.length];
        for (int row = 0; row < BATCH * HEADS * queries; row++) {
            int head = row / queries;
            double sum = 0;
            double[] acc = new double[DIM];
            for (int j = 0; j < keys; j++) {
                if (mask.sees(head / HEADS, head % HEADS, row % queries, j)) {
                    double dot = 0;
                    for (int c = 0; c < DIM; c++) {
                        dot += (double) q[row * DIM + c] * k[(head * keys + j) * DIM + c];
                    }
                    double p = Math.exp(dot / Math.sqrt(DIM));
                    sum += p;
                    for (int c = 0; c < DIM; c++) {
                        acc[c] += p * v[(head * keys + j) * DIM + c];
                    }
                }
            }
            for (int c = 0; c < DIM; c++) {
                o[row * DIM + c] = sum == 0 ? 0 : acc[c] / sum;
            }
        }
        return o;
    }

    private static void check(String text, int queries, int keys, Map<String, Object> captures, Mask mask) {
        float[] q = data(1, BATCH * HEADS * queries * DIM);
        float[] k = data(2, BATCH * HEADS * keys * DIM);
        float[] v = data(3, BATCH * HEADS * keys * DIM);
        Map<String, Tensor> tensors = new HashMap<>();
        try (Backend fovea = FirstDevice.open();
                Tensor tq = fovea.copyOf(q, BATCH, HEADS, queries, DIM);
                Tensor tk = fovea.copyOf(k, BATCH, HEADS, keys, DIM);
                Tensor tv = fovea.copyOf(v, BATCH, HEADS, keys, DIM)) {
            Map<String, DType> types = new HashMap<>();
            captures.forEach((name, data) -> {
                if (data instanceof int[] all) {
                    tensors.put(name, fovea.copyOf(all, BATCH, all.length / BATCH));
                    types.put(name, DType.I32);
                } else {
                    boolean[] all = (boolean[]) data;
                    tensors.put(name, fovea.copyOf(all, BATCH, all.length / BATCH));
                    types.put(name, DType.BOOL);
                }
            });
            Attention a = Attention.full().visibleWhere(ExprParser.parse(text, types, Map.of("n", ValueType.I32)));
            for (Map.Entry<String, Tensor> e : tensors.entrySet()) {
                a = a.capture(e.getKey(), e.getValue());
            }
            if (text.matches(".*\\bn\\b.*")) {
                a = a.scalar("n", 70);
            }
            try (Tensor o = fovea.attend(tq, tk, tv, a)) {
                float[] got = o.toFloatArray();
                double[] want = expected(q, k, v, queries, keys, mask);
                for (int i = 0; i < got.length; i++) {
                    assertThat((double) got[i]).as("%s, element %d", text, i).isCloseTo(want[i], Offset.offset(2e-6));
                }
            }
            tensors.values().forEach(Tensor::close);
        }
    }

    /** Runs of 1 to 60 equal numbers, different for each batch entry. */
    private static int[] documents(int n) {
        SplittableRandom r = new SplittableRandom(5);
        int[] all = new int[BATCH * n];
        for (int b = 0; b < BATCH; b++) {
            int document = 0;
            int left = 0;
            for (int i = 0; i < n; i++, left--) {
                if (left == 0) {
                    document++;
                    left = r.nextInt(1, 60);
                }
                all[b * n + i] = document;
            }
        }
        return all;
    }

    @Test
    void documents() {
        int n = 150;
        int[] doc = documents(n);
        check("doc[b, q] == doc[b, k]", n, n, Map.of("doc", doc), (b, h, q, k) -> doc[b * n + q] == doc[b * n + k]);
        check(
                "doc[b, q] == doc[b, k] && kpos <= qpos",
                n,
                n,
                Map.of("doc", doc),
                (b, h, q, k) -> doc[b * n + q] == doc[b * n + k] && k <= q);
    }

    @Test
    void sinkAndWindow() {
        check("k < 4 || q - k < 40 && k <= q", 200, 200, Map.of(), (b, h, q, k) -> k < 4 || q - k < 40 && k <= q);
        check("k < n && kpos <= qpos", 50, 90, Map.of(), (b, h, q, k) -> k < 70 && k <= q);
        check("k < n || k <= q", 100, 170, Map.of(), (b, h, q, k) -> k < 70 || k <= q);
    }

    @Test
    void blocksOfPositions() {
        check("k // 48 <= q // 48", 130, 130, Map.of(), (b, h, q, k) -> k / 48 <= q / 48);
        check(
                "abs(q // 64 - k // 64) == 2 * h",
                200,
                200,
                Map.of(),
                (b, h, q, k) -> Math.abs(q / 64 - k / 64) == 2 * h);
        check(
                "(q - k) % 3 == 1 && k // 100 == b",
                70, 200, Map.of(), (b, h, q, k) -> Math.floorMod(q - k, 3) == 1 && k / 100 == b);
    }

    @Test
    void lookedUpVisibility() {
        int keys = 300;
        boolean[] seen = new boolean[BATCH * keys];
        for (int i = 0; i < seen.length; i++) {
            seen[i] = i % 97 < 33;
        }
        check("seen[b, k]", 70, keys, Map.of("seen", seen), (b, h, q, k) -> seen[b * keys + k]);
        check(
                "!seen[1 - b, k] && h == 0",
                3,
                keys,
                Map.of("seen", seen),
                (b, h, q, k) -> !seen[(1 - b) * keys + k] && h == 0);
        int[] until = new int[BATCH * 90];
        for (int i = 0; i < until.length; i++) {
            until[i] = 7 * (i % 90) / 2;
        }
        check("k < until[b, q]", 90, keys, Map.of("until", until), (b, h, q, k) -> k < until[b * 90 + q]);
        check(
                "until[b, until[b, q]] < k",
                90,
                keys,
                Map.of("until", until),
                (b, h, q, k) -> until[b * 90 + Math.min(89, until[b * 90 + q])] < k);
    }

    @Test
    void longStretchesWithNothingInThem() {
        // more tiles than a work-group judges at once
        check("k == 4500 || k // 7 == q", 2, 4600, Map.of(), (b, h, q, k) -> k == 4500 || k / 7 == q);
        check("k < 0 - q", 2, 4600, Map.of(), (b, h, q, k) -> false);
    }
}
