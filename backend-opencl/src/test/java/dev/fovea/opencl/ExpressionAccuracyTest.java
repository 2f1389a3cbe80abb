package dev.fovea.opencl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Attention;
import dev.fovea.api.AttentionResult;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.ExprParser;
import dev.fovea.api.spec.ScoreStage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.DoubleUnaryOperator;
import java.util.function.IntBinaryOperator;
import org.junit.jupiter.api.Test;

/** What the device makes of the operators, seen through a score expression that looks its argument up. */
class ExpressionAccuracyTest {
    private static final float[] NUMBERS = {
        Float.NEGATIVE_INFINITY,
        -3e38f,
        -1e10f,
        -200,
        -104,
        -87.5f,
        -20,
        -3,
        -1.5f,
        -1,
        -0.5f,
        -1e-3f,
        -1e-30f,
        -0f,
        0,
        1e-30f,
        1e-3f,
        0.3f,
        0.5f,
        0.99f,
        1,
        1.01f,
        1.5f,
        2,
        3,
        20,
        87.5f,
        88.8f,
        128,
        200,
        1e10f,
        3e38f,
        Float.POSITIVE_INFINITY,
        Float.NaN
    };
    private static final int[] WHOLE = {
        Integer.MIN_VALUE, Integer.MIN_VALUE + 1, -100, -7, -2, -1, 0, 1, 2, 3, 7, 100, Integer.MAX_VALUE
    };

    /** The scores {@code text} of keys 0 to n - 1. */
    private static float[] scores(String text, int n, Map<String, Object> captures) {
        try (Backend fovea = FirstDevice.open();
                Tensor q = fovea.copyOf(new float[1], 1, 1, 1, 1);
                Tensor k = fovea.copyOf(new float[n], 1, 1, n, 1)) {
            Attention a = Attention.full().scores(ScoreStage.MASKED);
            Map<String, DType> types = new HashMap<>();
            List<Tensor> tensors = new ArrayList<>();
            for (Map.Entry<String, Object> e : captures.entrySet()) {
                boolean whole = e.getValue() instanceof int[];
                Tensor t = e.getValue() instanceof int[] x
                        ? fovea.copyOf(x, x.length)
                        : fovea.copyOf((float[]) e.getValue(), NUMBERS.length);
                types.put(e.getKey(), whole ? DType.I32 : DType.F32);
                tensors.add(t);
                a = a.capture(e.getKey(), t);
            }
            a = a.rescored(ExprParser.parse(text, types, Map.of()));
            try (AttentionResult r = fovea.attendAll(q, k, k, a)) {
                return Objects.requireNonNull(r.scores()).toFloatArray();
            } finally {
                tensors.forEach(Tensor::close);
            }
        }
    }

    private static void check(String what, float got, double want) {
        if (Double.isNaN(want)) {
            assertThat(got).as(what).isNaN();
        } else if (Math.abs(want) < Float.MIN_NORMAL) {
            assertThat(Math.abs((double) got)).as(what).isLessThan(Float.MIN_NORMAL);
        } else if (Double.isInfinite((float) want)) {
            assertThat(got).as(what).isEqualTo((float) want);
        } else {
            assertThat(Math.abs(got / want - 1)).as(what).isLessThan(5e-7);
        }
    }

    @Test
    void functionsOfOneNumber() {
        Map<String, DoubleUnaryOperator> all = new LinkedHashMap<>();
        all.put("exp", Math::exp);
        all.put("exp2", x -> Math.pow(2, x));
        all.put("log", Math::log);
        all.put("log2", x -> Math.log(x) / Math.log(2));
        all.put("sqrt", Math::sqrt);
        all.put("tanh", Math::tanh);
        all.put("sigmoid", x -> 1 / (1 + Math.exp(-x)));
        int n = NUMBERS.length;
        String text = "0.0"; // one kernel for all of them: function i of number j for key i n + j
        List<String> names = List.copyOf(all.keySet());
        for (int i = names.size() - 1; i >= 0; i--) {
            text = "select(k // " + n + " == " + i + ", " + names.get(i) + "(x[k % " + n + "]), " + text + ")";
        }
        float[] got = scores(text, names.size() * n, Map.of("x", NUMBERS));
        for (int i = 0; i < got.length; i++) {
            String name = names.get(i / n);
            float x = NUMBERS[i % n];
            double want = Objects.requireNonNull(all.get(name)).applyAsDouble(x);
            check(name + "(" + x + ") = " + got[i] + ", not " + want, got[i], want);
        }
    }

    @Test
    void toWholeNumbers() {
        float[] got = scores("select(int(x[k]) == w[k], 1.0, 0.0)", NUMBERS.length, Map.of("x", NUMBERS, "w", casts()));
        assertThat(got).containsOnly(1);
    }

    private static int[] casts() {
        int[] all = new int[NUMBERS.length];
        for (int i = 0; i < all.length; i++) {
            all[i] = (int) NUMBERS[i];
        }
        return all;
    }

    @Test
    void wholeNumbersWrapAndDivideDownward() {
        Map<String, IntBinaryOperator> all = new LinkedHashMap<>();
        all.put("//", (a, b) -> b == 0 ? 0 : Math.floorDiv(a, b));
        all.put("%", (a, b) -> b == 0 ? 0 : Math.floorMod(a, b));
        all.put("*", (a, b) -> a * b);
        all.put("-", (a, b) -> a - b);
        int n = WHOLE.length;
        Map<String, Object> captures = new HashMap<>(Map.of("a", WHOLE));
        StringBuilder text = new StringBuilder();
        all.forEach((op, exact) -> {
            int[] want = new int[n * n];
            for (int i = 0; i < want.length; i++) {
                want[i] = exact.applyAsInt(WHOLE[i / n], WHOLE[i % n]);
            }
            String name = "w" + captures.size();
            captures.put(name, want);
            text.append(text.isEmpty() ? "" : " && ");
            text.append("a[k // " + n + "] " + op + " a[k % " + n + "] == " + name + "[k]");
        });
        float[] got = scores("select(" + text + ", 1.0, 0.0)", n * n, captures);
        for (int i = 0; i < got.length; i++) {
            assertThat(got[i]).as("%d and %d", WHOLE[i / n], WHOLE[i % n]).isEqualTo(1);
        }
    }
}
