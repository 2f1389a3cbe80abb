package dev.fovea.api.expr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr.BinaryOp;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expr.UnaryOp;
import dev.fovea.api.expr.MaskAnalysis.Verdict;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MaskAnalysisTest {
    private static final int LENGTH = 48;

    @Test
    void verdictsOfRandomMasksAreSound() {
        SplittableRandom random = new SplittableRandom(2026);
        int decided = 0;
        int decidable = 0;
        for (int i = 0; i < 20_000; i++) {
            PairEvaluator at = evaluator(random);
            Expr mask = new RandomMasks(random).condition(random.nextInt(1, 6));
            MaskAnalysis analysis = MaskAnalysis.of(mask);
            for (int n = 0; n < 6; n++) {
                int q0 = random.nextInt(LENGTH);
                int q1 = Math.min(LENGTH - 1, q0 + random.nextInt(9));
                int k0 = random.nextInt(LENGTH);
                int k1 = Math.min(LENGTH - 1, k0 + random.nextInt(9));
                int offset = random.nextInt(-20, 20);
                Verdict truth = at.truth(mask, q0, q1, k0, k1, offset);
                Verdict got = analysis.verdict(at.tile(q0, q1, k0, k1, offset));
                assertThat(got)
                        .as("%s at q %d..%d k %d..%d offset %d", mask.text(), q0, q1, k0, k1, offset)
                        .isIn(truth, Verdict.PARTIAL);
                decided += got == Verdict.PARTIAL ? 0 : 1;
                decidable += truth == Verdict.PARTIAL ? 0 : 1;
            }
        }
        // an analysis that always says PARTIAL is sound and worth nothing
        assertThat(decided).isGreaterThan(decidable * 4 / 5);
    }

    private static PairEvaluator evaluator(SplittableRandom random) {
        PairEvaluator at = new PairEvaluator();
        at.captures.put(
                "ids", PairEvaluator.table(random.ints(LENGTH, 0, 6).sorted().toArray()));
        at.captures.put("any", PairEvaluator.table(random.ints(LENGTH, -9, 9).toArray()));
        at.captures.put("flags", PairEvaluator.table(random.ints(LENGTH, 0, 2).toArray()));
        at.captures.put(
                "slope",
                new PairEvaluator.Table(random.doubles(4).map(x -> (float) x).toArray(), 4));
        at.scalars.put("n", random.nextInt(-3, 30));
        at.scalars.put("x", (float) (random.nextDouble() * 20 - 10));
        at.set(IndexKind.HEAD, random.nextInt(4)).set(IndexKind.KEY_LENGTH, LENGTH);
        at.set(IndexKind.QUERY_LENGTH, LENGTH);
        return at;
    }

    /** Every operator, numbers near the edge of int among them. */
    private record RandomMasks(SplittableRandom random) {
        Expr condition(int depth) {
            int d = depth - 1;
            return switch (depth <= 0 ? random.nextInt(4) : random.nextInt(11)) {
                case 0 -> whole(1).lessThan(whole(0));
                case 1 -> whole(0).atMost(whole(1));
                case 2 -> whole(d).sameAs(whole(0));
                case 3 -> new Expr.Load("flags", DType.BOOL, List.of(whole(0)));
                case 4 -> condition(d).and(condition(d));
                case 5 -> condition(d).or(condition(d));
                case 6 -> condition(d).not();
                case 7 -> new Expr.Select(condition(d), condition(d), condition(d));
                case 8 -> floating(d).lessThan(floating(d));
                case 9 -> floating(d).atMost(floating(d));
                default -> floating(d).sameAs(floating(d));
            };
        }

        Expr whole(int depth) {
            int d = depth - 1;
            return switch (depth <= 0 ? random.nextInt(4) : random.nextInt(12)) {
                case 0, 1 -> new Expr.Index(pick(IndexKind.values(), IndexKind.values().length - 1));
                case 2 -> new Expr.Scalar("n", ValueType.I32);
                case 3 -> new Expr.IntConst(number());
                case 4 -> whole(d).abs();
                case 5 -> whole(d).unaryMinus();
                case 6 -> new Expr.Load(random.nextBoolean() ? "ids" : "any", DType.I32, List.of(whole(d)));
                case 7 -> floating(d).toInt();
                case 8 -> new Expr.Select(condition(d), whole(d), whole(d));
                default ->
                    new Expr.Binary(
                            pick(
                                    new BinaryOp[] {
                                        BinaryOp.ADD,
                                        BinaryOp.SUBTRACT,
                                        BinaryOp.SUBTRACT,
                                        BinaryOp.MULTIPLY,
                                        BinaryOp.MIN,
                                        BinaryOp.MAX,
                                        BinaryOp.FLOOR_DIVIDE,
                                        BinaryOp.MODULO,
                                        BinaryOp.MODULO
                                    },
                                    9),
                            whole(d),
                            whole(d));
            };
        }

        private int number() {
            return switch (random.nextInt(12)) {
                case 0 -> Integer.MAX_VALUE - random.nextInt(3);
                case 1 -> Integer.MIN_VALUE + random.nextInt(3);
                default -> random.nextInt(-6, 30);
            };
        }

        Expr floating(int depth) {
            int d = depth - 1;
            return switch (depth <= 0 ? random.nextInt(4) : random.nextInt(9)) {
                case 0, 1 -> whole(d).toFloat();
                case 2 -> new Expr.Scalar("x", ValueType.F32);
                case 3 ->
                    random.nextInt(3) == 0
                            ? new Expr.Load("slope", DType.F32, List.of(Expressions.index(IndexKind.HEAD)))
                            : new Expr.FloatConst(
                                    random.nextInt(20) == 0 ? Float.NaN : (float) (random.nextInt(-40, 40) / 4.0));
                case 4, 5 ->
                    new Expr.Unary(
                            pick(
                                    new UnaryOp[] {
                                        UnaryOp.NEGATE,
                                        UnaryOp.ABS,
                                        UnaryOp.TANH,
                                        UnaryOp.EXP,
                                        UnaryOp.EXP2,
                                        UnaryOp.LOG,
                                        UnaryOp.LOG2,
                                        UnaryOp.SQRT,
                                        UnaryOp.SIGMOID
                                    },
                                    9),
                            floating(d));
                case 6 -> new Expr.Select(condition(d), floating(d), floating(d));
                default ->
                    new Expr.Binary(
                            pick(
                                    new BinaryOp[] {
                                        BinaryOp.ADD,
                                        BinaryOp.SUBTRACT,
                                        BinaryOp.MULTIPLY,
                                        BinaryOp.DIVIDE,
                                        BinaryOp.MIN,
                                        BinaryOp.MAX
                                    },
                                    6),
                            floating(d),
                            floating(d));
            };
        }

        private <T> T pick(T[] all, int of) {
            return all[random.nextInt(of)];
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "kpos <= qpos",
                "k <= qpos",
                "kpos <= qpos && qpos - n <= kpos",
                "kpos <= qpos && qpos - kpos < n",
                "abs(qpos - kpos) <= n",
                "kpos <= qpos && (kpos < m || qpos - kpos < n)",
                "k <= q && (k < m || q - k < n)",
                "k < m || kpos <= qpos",
                "kpos < m || kpos <= qpos",
                "ids[q] == ids[k]",
                "ids[q] == ids[k] && k <= q",
                "(qpos - kpos) % step == 0",
                "(qpos - kpos) % step == 0 && kpos <= qpos",
                "kpos <= qpos && qpos - kpos < n && (qpos - kpos) % step == 0",
                "abs(qpos - kpos) <= n && abs(qpos - kpos) % step == 0",
                "kpos // step <= qpos // step",
                "q < m || k < m || abs(q - k) <= n",
                "qpos // step - kpos // step <= 2 && kpos <= qpos"
            })
    void masksOfTheLiteratureAreExact(String text) {
        Expr mask = ExprParser.parse(
                text, Map.of("ids", DType.I32), Map.of("n", ValueType.I32, "m", ValueType.I32, "step", ValueType.I32));
        MaskAnalysis analysis = MaskAnalysis.of(mask);
        SplittableRandom random = new SplittableRandom(text.hashCode());
        PairEvaluator at = new PairEvaluator();
        int decided = 0;
        for (int i = 0; i < 3000; i++) {
            at.captures.put("ids", PairEvaluator.table(documents(random)));
            at.scalars.putAll(
                    Map.of("n", random.nextInt(1, 20), "m", random.nextInt(0, 20), "step", random.nextInt(1, 9)));
            int q0 = random.nextInt(LENGTH);
            int q1 = Math.min(LENGTH - 1, q0 + random.nextInt(12));
            int k0 = random.nextInt(LENGTH);
            int k1 = Math.min(LENGTH - 1, k0 + random.nextInt(12));
            int offset = text.contains("ids") || text.contains("k <= qpos") ? 0 : random.nextInt(-20, 20);
            Verdict got = analysis.verdict(at.tile(q0, q1, k0, k1, offset));
            assertThat(got)
                    .as("%s, %s, q %d..%d k %d..%d offset %d", text, at.scalars, q0, q1, k0, k1, offset)
                    .isEqualTo(at.truth(mask, q0, q1, k0, k1, offset));
            decided += got == Verdict.PARTIAL ? 0 : 1;
        }
        assertThat(decided).isGreaterThan(300);
    }

    private static int[] documents(SplittableRandom random) {
        int[] ids = new int[LENGTH];
        for (int i = 1; i < LENGTH; i++) {
            ids[i] = ids[i - 1] + (random.nextInt(8) == 0 ? random.nextInt(1, 3) : 0);
        }
        return ids;
    }

    @Test
    void aVerdictAllocatesNothing() {
        Expr mask = ExprParser.parse(
                "kpos <= qpos && (kpos < n || qpos - kpos < n) && exp(float(qpos)) > 0.0",
                Map.of(),
                Map.of("n", ValueType.I32));
        MaskAnalysis analysis = MaskAnalysis.of(mask);
        PairEvaluator at = new PairEvaluator();
        at.scalars.put("n", 5);
        MaskAnalysis.Tile tile = at.tile(10, 20, 0, 12, 0);
        com.sun.management.ThreadMXBean threads =
                (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
        for (int i = 0; i < 20_000; i++) {
            analysis.verdict(tile);
        }
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 1000; i++) {
            analysis.verdict(tile);
        }
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(1000);
    }

    @Test
    void keysInAnyOrderAreNotReadOffTheirSlots() {
        Expr mask = ExprParser.parse("kpos - k == 0", Map.of(), Map.of());
        MaskAnalysis.Tile inOrder = new PairEvaluator().tile(0, 3, 0, 7, 0);
        MaskAnalysis.Tile anyOrder = new MaskAnalysis.Tile() {
            @Override
            public int least(IndexKind kind) {
                return inOrder.least(kind);
            }

            @Override
            public int largest(IndexKind kind) {
                return inOrder.largest(kind);
            }

            @Override
            public Number scalar(String name) {
                throw new IllegalStateException(name);
            }

            @Override
            public boolean range(Expr.Load load, int[] from, int[] to, int[] leastAndLargest) {
                return false;
            }
        };
        assertThat(MaskAnalysis.of(mask).verdict(inOrder)).isEqualTo(Verdict.FULL);
        assertThat(MaskAnalysis.of(mask).verdict(anyOrder)).isEqualTo(Verdict.PARTIAL);
    }

    @Test
    void onlyMasksAreAnalysed() {
        assertThatThrownBy(() -> MaskAnalysis.of(Expressions.score()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a mask is BOOL, got F32: s");
        assertThat(MaskAnalysis.of(Expressions.causal()).copy().verdict(new PairEvaluator().tile(5, 4, 0, 9, 0)))
                .as("an empty tile")
                .isEqualTo(Verdict.SKIP);
    }
}
