package dev.fovea.api.expr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.MaskAnalysis.Verdict;
import dev.fovea.api.expr.PairEvaluator.Table;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The menu against formulas written without expressions, pair by pair, and the verdicts of its masks. */
class MenuTest {
    private static final int N = 36;
    private static final int TILE = 6;

    private interface Rule {
        boolean visible(int q, int k);
    }

    private final PairEvaluator at = new PairEvaluator();

    private void holds(Expr mask, Rule rule, boolean exact) {
        for (int q = 0; q < N; q++) {
            for (int k = 0; k < N; k++) {
                assertThat(at.at(q, k, 0).test(mask))
                        .as("%s %s q=%d k=%d", mask.text(), at.scalars, q, k)
                        .isEqualTo(rule.visible(q, k));
            }
        }
        MaskAnalysis analysis = MaskAnalysis.of(mask);
        for (int q = 0; q < N; q += TILE) {
            for (int k = 0; k < N; k += TILE) {
                Verdict truth = at.truth(mask, q, q + TILE - 1, k, k + TILE - 1, 0);
                Verdict got = analysis.verdict(at.tile(q, q + TILE - 1, k, k + TILE - 1, 0));
                assertThat(got == truth || !exact && got == Verdict.PARTIAL)
                        .as("%s %s q=%d k=%d: %s, is %s", mask.text(), at.scalars, q, k, got, truth)
                        .isTrue();
            }
        }
    }

    private void scalar(String name, int value) {
        at.scalars.put(name, value);
    }

    private void table(String name, int[] values, int... shape) {
        at.captures.put(name, new Table(IntStream.of(values).asDoubleStream().toArray(), shape));
    }

    @Test
    void masksOfOneLine() {
        holds(Masks.causal(), (q, k) -> k <= q, true);
        for (int w : new int[] {1, 5, 12, 100}) {
            scalar("window", w);
            scalar("sinks", w / 3);
            scalar("dilation", 1 + w % 4);
            scalar("stride", w);
            scalar("globals", w / 4);
            scalar("radius", w / 2);
            scalar("block", w);
            holds(Masks.slidingWindow(), (q, k) -> k <= q && k > q - w, true);
            holds(Masks.sinkWindow(), (q, k) -> k <= q && (k < w / 3 || k > q - w), true);
            int r = 1 + w % 4;
            holds(Masks.dilated(), (q, k) -> IntStream.range(0, w).anyMatch(i -> k == q - i * r), true);
            holds(
                    Masks.strided(),
                    (q, k) -> k <= q && (q - k < w || IntStream.range(0, N).anyMatch(i -> k == q - i * w)),
                    false);
            holds(Masks.globalSliding(), (q, k) -> q < w / 4 || k < w / 4 || Math.abs(q - k) <= w / 2, true);
            holds(Masks.blockCausal(), (q, k) -> k < (q / w + 1) * w, true);
        }
        Set<Integer> powers = Set.of(0, 1, 2, 4, 8, 16, 32);
        holds(Masks.powersOfTwo(), (q, k) -> powers.contains(q - k), true);
    }

    @Test
    void masksByTables() {
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < 8; i++) {
            int prefix = random.nextInt(N);
            table("prefix", new int[] {prefix}, 1);
            holds(Masks.prefixLm(), (q, k) -> k < prefix || k <= q, true);
            int[] starts = random.ints(4, 0, N).sorted().toArray();
            int[] ids = new int[N];
            for (int p = 0; p < N; p++) {
                int at = p;
                ids[p] = (int) IntStream.of(starts).filter(s -> s <= at).count();
            }
            table("documents", ids, 1, N);
            holds(Masks.documents(), (q, k) -> ids[q] == ids[k], true);
            holds(Masks.documents().and(Masks.causal()), (q, k) -> ids[q] == ids[k] && k <= q, true);
            table("query_ids", ids, 1, N);
            int[] others = IntStream.range(0, N).map(p -> p / 9).toArray();
            table("key_ids", others, 1, N);
            holds(Masks.ragged(), (q, k) -> ids[q] == others[k], false);
            scalar("shared", starts[0]);
            table("branches", ids, 1, N);
            holds(Masks.sharedPrefix(), (q, k) -> k <= q && (k < starts[0] || ids[q] == ids[k]), false);
            int[] drawn = random.ints(36, 0, 2).toArray();
            table("random", drawn, 6, 6);
            scalar("block", 6);
            scalar("globals", i % 3);
            scalar("radius", i % 2);
            int near = i % 2;
            int first = i % 3;
            holds(
                    Masks.bigBird(),
                    (q, k) -> q / 6 < first
                            || k / 6 < first
                            || Math.abs(q / 6 - k / 6) <= near
                            || drawn[q / 6 * 6 + k / 6] != 0,
                    true);
            int[] any = random.ints(N * N, 0, 2).toArray();
            table("visible", any, 1, 1, N, N);
            holds(Masks.table(), (q, k) -> any[q * N + k] != 0, true);
        }
    }

    @Test
    void blockDiffusionSeesCleanBlocksBeforeAndTheOwnNoisyOne() {
        for (int block : new int[] {1, 3, 6, 7}) {
            int clean = N / 2;
            scalar("clean", clean);
            scalar("block", block);
            holds(
                    Masks.blockDiffusion(),
                    (q, k) -> {
                        int bq = q % clean / block;
                        int bk = k % clean / block;
                        boolean diagonal = bq == bk && (q < clean) == (k < clean);
                        boolean offset = bq > bk && q < clean && k >= clean;
                        boolean causal = bq >= bk && q >= clean && k >= clean;
                        return diagonal || offset || causal;
                    },
                    false);
        }
    }

    @Test
    void neighbourhoodsHaveOneSizeEverywhere() {
        for (int[] g : new int[][] {{N, 1, 1}, {6, 6, 1}, {4, 9, 1}, {3, 4, 3}}) {
            int axes = g[1] == 1 ? 1 : g[2] == 1 ? 2 : 3;
            for (int[] w : new int[][] {{3, 3, 3}, {1, 2, 3}, {2, 4, 1}, {9, 9, 9}}) {
                for (int a = 0; a < 3; a++) {
                    scalar("grid_" + "xyz".charAt(a), g[a]);
                    scalar("kernel_" + "xyz".charAt(a), w[a]);
                }
                Expr mask = Masks.neighbourhood(axes);
                holds(mask, (q, k) -> near(q, k, g, w), axes == 1);
                int size = 1;
                for (int a = 0; a < axes; a++) {
                    size *= Math.min(g[a], w[a]);
                }
                for (int q = 0; q < N; q++) {
                    int seen = 0;
                    for (int k = 0; k < N; k++) {
                        seen += at.at(q, k, 0).test(mask) ? 1 : 0;
                    }
                    assertThat(seen).as("keys of query %d", q).isEqualTo(size);
                }
            }
        }
    }

    /** By NATTEN's centre and two-sided distances, whole axes seen where the kernel is larger. */
    private static boolean near(int q, int k, int[] grid, int[] kernel) {
        boolean all = true;
        for (int axis = 0; axis < 3; axis++) {
            int i = q % grid[axis];
            int j = k % grid[axis];
            int left = kernel[axis] / 2;
            int right = left + kernel[axis] % 2 - 1;
            int centre = Math.max(Math.min(i, grid[axis] - 1 - right), left);
            all &= kernel[axis] >= grid[axis] || centre - j <= left && j - centre <= right;
            q /= grid[axis];
            k /= grid[axis];
        }
        return all;
    }

    @Test
    void tilesAreNeighbourhoodsOfTiles() {
        scalar("tile", 3);
        for (int[] g : new int[][] {{12, 1, 1}, {4, 3, 1}, {2, 3, 2}}) {
            int axes = g[1] == 1 ? 1 : g[2] == 1 ? 2 : 3;
            int[] w = {3, 1, 1};
            for (int a = 0; a < 3; a++) {
                scalar("tiles_" + "xyz".charAt(a), g[a]);
                scalar("window_" + "xyz".charAt(a), w[a]);
            }
            holds(Masks.tiles(axes), (q, k) -> near(q / 3, k / 3, g, w), axes == 1);
        }
        assertThatThrownBy(() -> Masks.tiles(4)).hasMessage("1 to 3 axes, got 4");
    }

    private double score(Expr e, double s) {
        at.score = s;
        return at.value(e);
    }

    @Test
    void scoresAreTheirFormulas() {
        SplittableRandom random = new SplittableRandom(8);
        float[] heads = floats(random, 2);
        float[] distances = floats(random, 2 * 11);
        float[] byPosition = floats(random, N);
        float[] pairs = floats(random, N * N);
        at.captures.put("slopes", table(heads, 2));
        at.captures.put("head_scale", table(heads, 2));
        at.captures.put("head_factor", table(heads, 2));
        at.captures.put("ssmax", table(heads, 2));
        at.captures.put("relative", table(distances, 2, 11));
        at.captures.put("position_scale", table(byPosition, N));
        at.captures.put("sandwich", table(Scores.sandwichTable(N, 32), N));
        at.captures.put("learned", table(pairs, 1, 1, N, N));
        at.captures.put("phi_q", table(floats(random, 2 * N * 4), 2, N, 4));
        at.captures.put("phi_k", table(floats(random, 2 * N * 4), 2, N, 4));
        scalar("reach", 5);
        at.scalars.put("cap", 2.5f);
        for (int i = 0; i < 500; i++) {
            int q = random.nextInt(N);
            int k = random.nextInt(N);
            int h = random.nextInt(2);
            double s = (float) random.nextGaussian();
            at.at(q, k, 0).set(IndexKind.HEAD, h);
            same(Scores.alibi(), s, s - heads[h] * Math.abs(q - k));
            same(Scores.relative(), s, s + distances[h * 11 + Math.clamp(k - q, -5, 5) + 5]);
            same(Scores.softcap(), s, 2.5 * Math.tanh(s / 2.5));
            same(Scores.headTemperature(), s, s * heads[h]);
            same(Scores.positionTemperature(), s, s * byPosition[q]);
            same(Scores.scalable(), s, s * heads[h] * Math.log(q + 1));
            same(Scores.learned(), s, s + pairs[q * N + k]);
            double cosines = -16;
            for (int j = 1; j <= 16; j++) {
                cosines += Math.cos((q - k) / Math.pow(10000, j / 16.0));
            }
            same(Scores.sandwich(), s, s + heads[h] * cosines);
            double product = s;
            for (int r = 0; r < 4; r++) {
                product += phi("phi_q", h, q, r) * phi("phi_k", h, k, r);
            }
            same(Scores.lowRank(4), s, product);
        }
        assertThat(Scores.lowRank(16).nodeCount()).isLessThan(Expr.NODE_LIMIT);
        assertThatThrownBy(() -> Scores.lowRank(17)).hasMessageContaining("append the factors");
    }

    private double phi(String name, int h, int row, int r) {
        return at.captures.getOrDefault(name, table(new float[0], 0)).data()[(h * N + row) * 4 + r];
    }

    private void same(Expr e, double s, double expected) {
        assertThat(score(e, s)).as(e.text()).isCloseTo(expected, within(1e-5 * (1 + Math.abs(expected))));
    }

    private static float[] floats(SplittableRandom random, int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }

    private static Table table(float[] x, int... shape) {
        double[] data = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            data[i] = x[i];
        }
        return new Table(data, shape);
    }

    /** By hand from T5's formula, 32 buckets and a reach of 128. */
    @Test
    void bucketsOfT5() {
        int[] both = Scores.bucketsOfT5(128, 32, true);
        assertThat(new int[] {both[128], both[127], both[121], both[120], both[112], both[96], both[64], both[0]})
                .containsExactly(0, 1, 7, 8, 10, 12, 14, 15);
        assertThat(new int[] {both[129], both[135], both[136], both[144], both[256]})
                .containsExactly(17, 23, 24, 26, 31);
        int[] past = Scores.bucketsOfT5(128, 32, false);
        assertThat(new int[] {past[129], past[128], past[113], past[112], past[96], past[64], past[0]})
                .containsExactly(0, 0, 15, 16, 21, 26, 31);
        table("buckets", both, 257);
        float[] weights = floats(new SplittableRandom(1), 2 * 32);
        at.captures.put("weights", table(weights, 2, 32));
        scalar("reach", 128);
        at.at(20, 4, 0).set(IndexKind.HEAD, 1);
        same(Scores.t5(), 0.5, 0.5 + weights[32 + 10]);
        at.at(0, 300, 0);
        same(Scores.t5(), 0.5, 0.5 + weights[32 + 31]);
    }

    @Test
    void weightsKeepTheRulesOfOnePass() {
        assertThat(Linearity.isLinear(Weights.keyWeight())).isTrue();
        assertThat(Linearity.isLinear(Weights.threshold())).isFalse();
        assertThat(Weights.relu(3).text()).isEqualTo("max(p, 0.0) * max(p, 0.0) * max(p, 0.0)");
        assertThat(Weights.gate().text()).isEqualTo("o * sigmoid(gate[b, h, q, d])");
        assertThat(Weights.threshold().text()).isEqualTo("select(threshold < p, p, 0.0)");
        assertThatThrownBy(() -> Weights.relu(0)).hasMessage("a power from 1 to 8, got 0");
    }

    @Test
    void everyEntryReadsBackFromItsText() {
        for (Menu.Entry e : Menu.entries()) {
            Map<String, DType> captures = new java.util.HashMap<>();
            Map<String, ValueType> scalars = new java.util.HashMap<>();
            leaves(e.expression(), captures, scalars);
            assertThat(ExprParser.parse(e.expression().text(), captures, scalars))
                    .as(e.name())
                    .isEqualTo(e.expression());
            assertThat(e.expression().type() == ValueType.BOOL).isEqualTo(e.stage() == Menu.Stage.MASK);
            assertThat(Menu.find(e.stage(), e.name())).contains(e);
        }
        assertThat(Menu.entries().stream().map(e -> e.stage() + e.name()).collect(Collectors.toSet()))
                .hasSameSizeAs(Menu.entries());
    }

    private static void leaves(Expr e, Map<String, DType> captures, Map<String, ValueType> scalars) {
        if (e instanceof Expr.Load l) {
            captures.put(l.name(), l.dtype());
        } else if (e instanceof Expr.Scalar s) {
            scalars.put(s.name(), s.type());
        }
        e.operands().forEach(o -> leaves(o, captures, scalars));
    }
}
