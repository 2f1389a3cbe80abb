package dev.fovea.conformance;

import dev.fovea.api.Alignment;
import dev.fovea.api.Attention;
import dev.fovea.api.AttentionResult;
import dev.fovea.api.Backend;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.ExprParser;
import dev.fovea.api.expr.ValueType;
import dev.fovea.api.spec.ScoreStage;
import dev.fovea.conformance.Laws.Law;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;

/** Relations between two calls of attention, on tensors [batch, heads, positions, headDim]. */
final class AttentionLaws {
    private final int batch;
    private final int heads;
    private final int positions;
    private final int headDim;
    private final int size;

    /** Heads come in pairs. */
    AttentionLaws(int batch, int heads, int positions, int headDim) {
        this.batch = batch;
        this.heads = heads;
        this.positions = positions;
        this.headDim = headDim;
        this.size = batch * heads * positions * headDim;
    }

    List<Law> all() {
        return List.of(
                new Law("constant values come out constant", this::constantValues),
                new Law("the order of the keys does not matter", this::permutedKeys),
                new Law("grouped heads are repeated heads", this::groupedHeads),
                new Law("a window wider than the sequence is none", this::wideWindow),
                new Law("BSHD strides give what BHSD gives", this::strides),
                new Law("a key length is a shorter sequence", this::shortened),
                new Law("past and new keys are one sequence", this::past),
                new Law("an expression means what the option means", this::expressions),
                new Law("the same call gives the same bits", this::sameBits),
                new Law("probabilities of a row sum to 1", this::sums));
    }

    private static float[] data(long seed, int n) {
        SplittableRandom r = new SplittableRandom(seed);
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) r.nextGaussian();
        }
        return x;
    }

    private float[] attend(Backend fovea, float[] q, float[] k, float[] v, int keyHeads, int keys, Attention options) {
        try (Tensor tq = fovea.copyOf(q, batch, heads, positions, headDim);
                Tensor tk = fovea.copyOf(k, batch, keyHeads, keys, headDim);
                Tensor tv = fovea.copyOf(v, batch, keyHeads, keys, headDim);
                Tensor o = fovea.attend(tq, tk, tv, options)) {
            return o.toFloatArray();
        }
    }

    private static String near(float[] a, float[] b, double bound) {
        for (int i = 0; i < a.length; i++) {
            if (!(Math.abs(a[i] - b[i]) <= bound)) {
                return "element " + i + ": " + a[i] + " and " + b[i];
            }
        }
        return a.length == b.length ? "" : a.length + " and " + b.length + " elements";
    }

    private String constantValues(Backend fovea) {
        float[] v = new float[size];
        Arrays.fill(v, 0.75f);
        float[] o = attend(fovea, data(1, size), data(2, size), v, heads, positions, Attention.causal());
        return near(o, v, 1e-6);
    }

    private String permutedKeys(Backend fovea) {
        float[] q = data(1, size);
        float[] k = data(2, size);
        float[] v = data(3, size);
        float[] straight = attend(fovea, q, k, v, heads, positions, Attention.full());
        float[] other = attend(fovea, q, reversed(k), reversed(v), heads, positions, Attention.full());
        return near(straight, other, 5e-6);
    }

    private float[] reversed(float[] x) {
        float[] y = new float[x.length];
        for (int bh = 0; bh < batch * heads; bh++) {
            for (int n = 0; n < positions; n++) {
                System.arraycopy(
                        x, (bh * positions + n) * headDim, y, (bh * positions + positions - 1 - n) * headDim, headDim);
            }
        }
        return y;
    }

    private String groupedHeads(Backend fovea) {
        float[] q = data(1, size);
        float[] k = data(2, size / 2);
        float[] v = data(3, size / 2);
        float[] grouped = attend(fovea, q, k, v, heads / 2, positions, Attention.causal());
        return near(grouped, attend(fovea, q, repeated(k), repeated(v), heads, positions, Attention.causal()), 5e-6);
    }

    private float[] repeated(float[] x) {
        float[] y = new float[2 * x.length];
        int head = positions * headDim;
        for (int h = 0; h < x.length / head; h++) {
            System.arraycopy(x, h * head, y, 2 * h * head, head);
            System.arraycopy(x, h * head, y, (2 * h + 1) * head, head);
        }
        return y;
    }

    private String wideWindow(Backend fovea) {
        float[] q = data(1, size);
        float[] k = data(2, size);
        float[] v = data(3, size);
        float[] dense = attend(fovea, q, k, v, heads, positions, Attention.full());
        return near(
                dense,
                attend(fovea, q, k, v, heads, positions, Attention.full().window(positions, Integer.MAX_VALUE)),
                5e-6);
    }

    private String strides(Backend fovea) {
        float[] x = data(1, size);
        try (Tensor a = fovea.copyOf(x, batch, positions, heads, headDim);
                Tensor bshd = a.permute(0, 2, 1, 3);
                Tensor bhsd = fovea.copyOf(bshd.toFloatArray(), batch, heads, positions, headDim);
                Tensor o1 = fovea.attend(bshd, bshd, bshd, Attention.causal());
                Tensor o2 = fovea.attend(bhsd, bhsd, bhsd, Attention.causal())) {
            return near(o1.toFloatArray(), o2.toFloatArray(), 0);
        }
    }

    private String shortened(Backend fovea) {
        float[] q = data(1, size);
        int shorter = 41;
        int[] lengths = new int[batch];
        Arrays.fill(lengths, shorter);
        try (Tensor tq = fovea.copyOf(q, batch, heads, positions, headDim);
                Tensor tk = fovea.copyOf(data(2, size), batch, heads, positions, headDim);
                Tensor tv = fovea.copyOf(data(3, size), batch, heads, positions, headDim);
                Tensor ks = tk.slice(2, 0, shorter);
                Tensor vs = tv.slice(2, 0, shorter);
                Tensor o1 = fovea.attend(tq, tk, tv, Attention.full().keyLengths(lengths));
                Tensor o2 = fovea.attend(tq, ks, vs, Attention.full())) {
            return near(o1.toFloatArray(), o2.toFloatArray(), 5e-6);
        }
    }

    private String past(Backend fovea) {
        int cut = 30;
        Attention causal = Attention.causal();
        try (Tensor tq = fovea.copyOf(data(1, size), batch, heads, positions, headDim);
                Tensor tk = fovea.copyOf(data(2, size), batch, heads, positions, headDim);
                Tensor tv = fovea.copyOf(data(3, size), batch, heads, positions, headDim);
                Tensor k0 = tk.slice(2, 0, cut);
                Tensor v0 = tv.slice(2, 0, cut);
                Tensor k1 = tk.slice(2, cut, positions);
                Tensor v1 = tv.slice(2, cut, positions);
                Tensor q1 = tq.slice(2, cut, positions);
                Tensor whole = fovea.attend(tq, tk, tv, causal);
                Tensor tail = whole.slice(2, cut, positions);
                Tensor o = fovea.attend(q1, k1, v1, causal.past(k0, v0).aligned(Alignment.PAST))) {
            return near(o.toFloatArray(), tail.toFloatArray(), 5e-6);
        }
    }

    private String expressions(Backend fovea) {
        float[] q = data(1, size);
        float[] k = data(2, size);
        Expr band = ExprParser.parse("kpos <= qpos && qpos - kpos <= reach", Map.of(), Map.of("reach", ValueType.I32));
        Expr cap = ExprParser.parse("3.0 * tanh(s / 3.0)", Map.of(), Map.of());
        float[] named = attend(
                fovea,
                q,
                k,
                k,
                heads,
                positions,
                Attention.causal().window(10, -1).softcap(3));
        Attention own = Attention.full().visibleWhere(band).scalar("reach", 10).rescored(cap);
        return near(named, attend(fovea, q, k, k, heads, positions, own), 5e-6);
    }

    private String sameBits(Backend fovea) {
        float[] q = data(1, size);
        float[] k = data(2, size);
        float[] first =
                attend(fovea, q, k, k, heads, positions, Attention.causal().softcap(5));
        for (int i = 0; i < 5; i++) {
            String difference = near(
                    first,
                    attend(fovea, q, k, k, heads, positions, Attention.causal().softcap(5)),
                    0);
            if (!difference.isEmpty()) {
                return difference;
            }
        }
        return "";
    }

    private String sums(Backend fovea) {
        try (Tensor q = fovea.copyOf(data(1, size), batch, heads, positions, headDim);
                Tensor k = fovea.copyOf(data(2, size), batch, heads, positions, headDim);
                AttentionResult r = fovea.attendAll(q, k, k, Attention.causal().scores(ScoreStage.PROBABILITY))) {
            float[] p = Objects.requireNonNull(r.scores()).toFloatArray();
            for (int row = 0; row < batch * heads * positions; row++) {
                double sum = 0;
                for (int i = 0; i < positions; i++) {
                    sum += p[row * positions + i];
                }
                if (!(Math.abs(sum - 1) < 1e-5)) {
                    return "row " + row + " sums to " + sum;
                }
            }
            return "";
        }
    }
}
