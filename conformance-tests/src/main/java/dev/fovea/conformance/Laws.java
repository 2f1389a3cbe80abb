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
import dev.fovea.conformance.mechanisms.MechanismLaws;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** What must hold between two calls of one backend, whatever the values: relations that need no reference. */
public final class Laws {
    /** A relation; {@link #violation} gives a sentence, or the empty string if it holds. */
    public record Law(String name, Check check) {
        public String violation(Backend backend) {
            return check.violation(backend);
        }
    }

    /** How a law looks at a backend. */
    public interface Check {
        String violation(Backend backend);
    }

    private static final int B = 2;
    private static final int H = 4;
    private static final int N = 75;
    private static final int D = 48;

    private Laws() {}

    public static List<Law> all() {
        List<Law> laws = new ArrayList<>(small());
        laws.addAll(OperationLaws.large());
        laws.addAll(CacheLaws.all());
        laws.addAll(LatentLaws.all());
        return List.copyOf(laws);
    }

    /** Those that a simulator gets through in a minute. */
    public static List<Law> small() {
        List<Law> laws = new ArrayList<>(ofAttention());
        laws.addAll(PrimitiveLaws.all());
        laws.addAll(OperationLaws.small());
        laws.addAll(MechanismLaws.all());
        return List.copyOf(laws);
    }

    private static List<Law> ofAttention() {
        return List.of(
                new Law("constant values come out constant", Laws::constantValues),
                new Law("the order of the keys does not matter", Laws::permutedKeys),
                new Law("grouped heads are repeated heads", Laws::groupedHeads),
                new Law("a window wider than the sequence is none", Laws::wideWindow),
                new Law("BSHD strides give what BHSD gives", Laws::strides),
                new Law("a key length is a shorter sequence", Laws::shortened),
                new Law("past and new keys are one sequence", Laws::past),
                new Law("an expression means what the option means", Laws::expressions),
                new Law("the same call gives the same bits", Laws::sameBits),
                new Law("probabilities of a row sum to 1", Laws::sums));
    }

    private static float[] data(long seed, int n) {
        SplittableRandom r = new SplittableRandom(seed);
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) r.nextGaussian();
        }
        return x;
    }

    private static float[] attend(
            Backend fovea, float[] q, float[] k, float[] v, int heads, int keys, Attention options) {
        try (Tensor tq = fovea.copyOf(q, B, H, N, D);
                Tensor tk = fovea.copyOf(k, B, heads, keys, D);
                Tensor tv = fovea.copyOf(v, B, heads, keys, D);
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

    private static final int SIZE = B * H * N * D;

    private static String constantValues(Backend fovea) {
        float[] v = new float[SIZE];
        Arrays.fill(v, 0.75f);
        float[] o = attend(fovea, data(1, SIZE), data(2, SIZE), v, H, N, Attention.causal());
        return near(o, v, 1e-6);
    }

    private static String permutedKeys(Backend fovea) {
        float[] q = data(1, SIZE);
        float[] k = data(2, SIZE);
        float[] v = data(3, SIZE);
        float[] straight = attend(fovea, q, k, v, H, N, Attention.full());
        float[] other = attend(fovea, q, reversed(k), reversed(v), H, N, Attention.full());
        return near(straight, other, 5e-6);
    }

    private static float[] reversed(float[] x) {
        float[] y = new float[x.length];
        for (int bh = 0; bh < B * H; bh++) {
            for (int n = 0; n < N; n++) {
                System.arraycopy(x, (bh * N + n) * D, y, (bh * N + N - 1 - n) * D, D);
            }
        }
        return y;
    }

    private static String groupedHeads(Backend fovea) {
        float[] q = data(1, SIZE);
        float[] k = data(2, SIZE / 2);
        float[] v = data(3, SIZE / 2);
        float[] grouped = attend(fovea, q, k, v, H / 2, N, Attention.causal());
        return near(grouped, attend(fovea, q, repeated(k), repeated(v), H, N, Attention.causal()), 5e-6);
    }

    private static float[] repeated(float[] x) {
        float[] y = new float[2 * x.length];
        int head = N * D;
        for (int h = 0; h < x.length / head; h++) {
            System.arraycopy(x, h * head, y, 2 * h * head, head);
            System.arraycopy(x, h * head, y, (2 * h + 1) * head, head);
        }
        return y;
    }

    private static String wideWindow(Backend fovea) {
        float[] q = data(1, SIZE);
        float[] k = data(2, SIZE);
        float[] v = data(3, SIZE);
        float[] dense = attend(fovea, q, k, v, H, N, Attention.full());
        return near(dense, attend(fovea, q, k, v, H, N, Attention.full().window(N, Integer.MAX_VALUE)), 5e-6);
    }

    private static String strides(Backend fovea) {
        float[] x = data(1, SIZE);
        try (Tensor a = fovea.copyOf(x, B, N, H, D);
                Tensor bshd = a.permute(0, 2, 1, 3);
                Tensor bhsd = fovea.copyOf(bshd.toFloatArray(), B, H, N, D);
                Tensor o1 = fovea.attend(bshd, bshd, bshd, Attention.causal());
                Tensor o2 = fovea.attend(bhsd, bhsd, bhsd, Attention.causal())) {
            return near(o1.toFloatArray(), o2.toFloatArray(), 0);
        }
    }

    private static String shortened(Backend fovea) {
        float[] q = data(1, SIZE);
        int shorter = 41;
        try (Tensor tq = fovea.copyOf(q, B, H, N, D);
                Tensor tk = fovea.copyOf(data(2, SIZE), B, H, N, D);
                Tensor tv = fovea.copyOf(data(3, SIZE), B, H, N, D);
                Tensor ks = tk.slice(2, 0, shorter);
                Tensor vs = tv.slice(2, 0, shorter);
                Tensor o1 = fovea.attend(tq, tk, tv, Attention.full().keyLengths(shorter, shorter));
                Tensor o2 = fovea.attend(tq, ks, vs, Attention.full())) {
            return near(o1.toFloatArray(), o2.toFloatArray(), 5e-6);
        }
    }

    private static String past(Backend fovea) {
        int cut = 30;
        Attention causal = Attention.causal();
        try (Tensor tq = fovea.copyOf(data(1, SIZE), B, H, N, D);
                Tensor tk = fovea.copyOf(data(2, SIZE), B, H, N, D);
                Tensor tv = fovea.copyOf(data(3, SIZE), B, H, N, D);
                Tensor k0 = tk.slice(2, 0, cut);
                Tensor v0 = tv.slice(2, 0, cut);
                Tensor k1 = tk.slice(2, cut, N);
                Tensor v1 = tv.slice(2, cut, N);
                Tensor q1 = tq.slice(2, cut, N);
                Tensor whole = fovea.attend(tq, tk, tv, causal);
                Tensor tail = whole.slice(2, cut, N);
                Tensor o = fovea.attend(q1, k1, v1, causal.past(k0, v0).aligned(Alignment.PAST))) {
            return near(o.toFloatArray(), tail.toFloatArray(), 5e-6);
        }
    }

    private static String expressions(Backend fovea) {
        float[] q = data(1, SIZE);
        float[] k = data(2, SIZE);
        Expr band = ExprParser.parse("kpos <= qpos && qpos - kpos <= reach", Map.of(), Map.of("reach", ValueType.I32));
        Expr cap = ExprParser.parse("3.0 * tanh(s / 3.0)", Map.of(), Map.of());
        float[] named =
                attend(fovea, q, k, k, H, N, Attention.causal().window(10, -1).softcap(3));
        Attention own = Attention.full().visibleWhere(band).scalar("reach", 10).rescored(cap);
        return near(named, attend(fovea, q, k, k, H, N, own), 5e-6);
    }

    private static String sameBits(Backend fovea) {
        float[] q = data(1, SIZE);
        float[] k = data(2, SIZE);
        float[] first = attend(fovea, q, k, k, H, N, Attention.causal().softcap(5));
        for (int i = 0; i < 5; i++) {
            String difference =
                    near(first, attend(fovea, q, k, k, H, N, Attention.causal().softcap(5)), 0);
            if (!difference.isEmpty()) {
                return difference;
            }
        }
        return "";
    }

    private static String sums(Backend fovea) {
        try (Tensor q = fovea.copyOf(data(1, SIZE), B, H, N, D);
                Tensor k = fovea.copyOf(data(2, SIZE), B, H, N, D);
                AttentionResult r = fovea.attendAll(q, k, k, Attention.causal().scores(ScoreStage.PROBABILITY))) {
            float[] p = java.util.Objects.requireNonNull(r.scores()).toFloatArray();
            for (int row = 0; row < B * H * N; row++) {
                double sum = 0;
                for (int i = 0; i < N; i++) {
                    sum += p[row * N + i];
                }
                if (!(Math.abs(sum - 1) < 1e-5)) {
                    return "row " + row + " sums to " + sum;
                }
            }
            return "";
        }
    }
}
