package dev.fovea.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.OpenBackend;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.BinaryOp;
import dev.fovea.api.expr.Expr.UnaryOp;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.ValueType;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spec.ScoreStage;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Random expressions over small integers, where f32 is exact, against their direct evaluation. */
class ProgramTest {
    private static final int DIM = 3;
    private static final List<Expr.IndexKind> INDICES =
            java.util.EnumSet.complementOf(java.util.EnumSet.of(Expr.IndexKind.CHANNEL)).stream()
                    .toList();

    static List<KernelSet> kernelSets() {
        return List.of(KernelSet.choose(), KernelSet.scalar(List.of()));
    }

    @ParameterizedTest
    @MethodSource("kernelSets")
    void agreesWithDirectEvaluation(KernelSet kernels) {
        try (Backend cpu = OpenBackend.of(CpuProvider.open(1, kernels));
                Tensor q = integers(cpu, 1, 2, 4, 19, DIM);
                Tensor k = integers(cpu, 2, 2, 2, 37, DIM);
                Tensor lengths = cpu.copyOf(new int[] {30, 37}, 2);
                Tensor i1 = cpu.copyOf(new int[] {3, -1, 4, 1, -5, 9, 2}, 7);
                Tensor f2 = integers(cpu, 3, 3, 50);
                Tensor f3 = integers(cpu, 4, 4, 19, 37);
                Tensor b2 = cpu.copyOf(new boolean[] {true, false, false, true, true, false}, 3, 2);
                Tensor o = cpu.allocate(DType.F32, 2, 4, 19, DIM);
                Tensor scores = cpu.allocate(DType.F32, 2, 4, 19, 37)) {
            Map<String, Tensor> captures = Map.of("i1", i1, "f2", f2, "f3", f3, "b2", b2);
            Map<String, Number> scalars = Map.of("si", 5, "sf", -3f);
            for (int i = 0; i < 150; i++) {
                Expr e = new Generator(new Random(i)).floats(5);
                AttentionSpec spec = new AttentionSpec(
                        DType.F32,
                        DIM,
                        DIM,
                        4,
                        2,
                        2,
                        e,
                        Expressions.score(),
                        Expressions.constant(true),
                        QueryOffset.BOTTOM_RIGHT,
                        false,
                        false,
                        true,
                        false,
                        Optional.of(ScoreStage.CAPPED));
                Map<String, Tensor> needed = new HashMap<>(captures);
                needed.keySet().retainAll(spec.captures().keySet());
                Map<String, Number> numbers = new HashMap<>(scalars);
                numbers.keySet().retainAll(spec.scalars().keySet());
                AttentionArguments a = new AttentionArguments(
                        q, k, k, o, 1, null, null, lengths, null, null, null, scores, needed, numbers);
                try (var plan = cpu.prepare(spec)) {
                    plan.run(a);
                }
                assertThat(Reference.difference(
                                new Reference(spec, a).capped,
                                Objects.requireNonNull(a.scores()).toFloatArray()))
                        .as("expression " + i + " " + e)
                        .isZero();
            }
        }
    }

    private static Tensor integers(Backend cpu, int seed, long... shape) {
        int n = 1;
        for (long s : shape) {
            n *= (int) s;
        }
        Random random = new Random(seed);
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = random.nextInt(5) - 2;
        }
        return cpu.copyOf(x, shape);
    }

    private record Generator(Random random) {
        Expr floats(int depth) {
            return switch (random.nextInt(depth == 0 ? 4 : 13)) {
                case 0, 1 -> Expressions.score();
                case 2 -> Expressions.constant((float) (random.nextInt(9) - 4));
                case 3 -> new Expr.Scalar("sf", ValueType.F32);
                case 4 -> new Expr.Load("f2", DType.F32, List.of(ints(depth - 1), ints(depth - 1)));
                case 5 ->
                    new Expr.Load(
                            "f3",
                            DType.F32,
                            List.of(
                                    Expressions.index(Expr.IndexKind.HEAD),
                                    Expressions.index(Expr.IndexKind.QUERY),
                                    Expressions.index(Expr.IndexKind.KEY)));
                case 6 -> new Expr.Unary(random.nextBoolean() ? UnaryOp.NEGATE : UnaryOp.ABS, floats(depth - 1));
                case 7 -> ints(depth - 1).toFloat();
                case 8 -> floats(depth - 1).times(Expressions.constant((float) (random.nextInt(5) - 2)));
                case 9 -> floats(depth - 1).div(Expressions.constant(random.nextBoolean() ? 2f : -4f));
                case 10 -> new Expr.Select(bools(depth - 1), floats(depth - 1), floats(depth - 1));
                default -> new Expr.Binary(arithmetic(), floats(depth - 1), floats(depth - 1));
            };
        }

        Expr ints(int depth) {
            return switch (random.nextInt(depth == 0 ? 5 : 11)) {
                case 0, 1, 2 -> Expressions.index(INDICES.get(random.nextInt(INDICES.size())));
                case 3 -> Expressions.constant(random.nextInt(9) - 4);
                case 4 -> new Expr.Scalar("si", ValueType.I32);
                case 5 -> new Expr.Load("i1", DType.I32, List.of(ints(depth - 1)));
                case 6 -> new Expr.Unary(random.nextBoolean() ? UnaryOp.NEGATE : UnaryOp.ABS, ints(depth - 1));
                case 7 -> ints(depth - 1).times(Expressions.constant(random.nextInt(5) - 2));
                case 8 -> new Expr.Select(bools(depth - 1), ints(depth - 1), ints(depth - 1));
                default -> new Expr.Binary(arithmetic(), ints(depth - 1), ints(depth - 1));
            };
        }

        Expr bools(int depth) {
            return switch (random.nextInt(depth == 0 ? 2 : 8)) {
                case 0 -> Expressions.constant(random.nextBoolean());
                case 1 -> Expressions.index(Expr.IndexKind.KEY).lessThan(Expressions.constant(random.nextInt(40)));
                case 2 -> new Expr.Load("b2", DType.BOOL, List.of(ints(depth - 1), ints(depth - 1)));
                case 3 -> bools(depth - 1).not();
                case 4 -> bools(depth - 1).and(bools(depth - 1));
                case 5 -> bools(depth - 1).or(bools(depth - 1));
                case 6 -> new Expr.Binary(comparison(), ints(depth - 1), ints(depth - 1));
                default -> new Expr.Binary(comparison(), floats(depth - 1), floats(depth - 1));
            };
        }

        private BinaryOp arithmetic() {
            return List.of(BinaryOp.ADD, BinaryOp.SUBTRACT, BinaryOp.MIN, BinaryOp.MAX)
                    .get(random.nextInt(4));
        }

        private BinaryOp comparison() {
            return List.of(BinaryOp.LESS, BinaryOp.LESS_EQUAL, BinaryOp.EQUAL).get(random.nextInt(3));
        }
    }
}
