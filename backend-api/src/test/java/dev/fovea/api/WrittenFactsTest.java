package dev.fovea.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.BinaryOp;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.ValueType;
import dev.fovea.api.spec.GatherArguments;
import dev.fovea.api.spec.GatherSpec;
import dev.fovea.api.spec.MapArguments;
import dev.fovea.api.spec.MapSpec;
import dev.fovea.api.spec.ReduceArguments;
import dev.fovea.api.spec.ReduceSpec;
import dev.fovea.api.spec.SelectArguments;
import dev.fovea.api.spec.SelectSpec;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What is believed of integers that a device wrote holds of every value it can have written. */
class WrittenFactsTest {
    private static final int[] TABLE = {3, -1, 4, 100, -59, 26, 5};
    private static final List<IndexKind> AXES =
            List.of(IndexKind.BATCH, IndexKind.HEAD, IndexKind.QUERY, IndexKind.CHANNEL);
    private static final int SCALAR = -6;

    private final HeapDevice device = new HeapDevice("heap");
    private final Backend fovea = new Backend(device);
    private final Random random = new Random(3);

    private Expr whole(int depth) {
        int d = depth - 1;
        return switch (random.nextInt(depth == 0 ? 4 : 13)) {
            case 0, 1 -> Expressions.index(AXES.get(random.nextInt(4)));
            case 2 -> Expressions.constant(random.nextInt(8) == 0 ? random.nextInt() : random.nextInt(21) - 10);
            case 3 -> new Expr.Scalar("n", ValueType.I32);
            case 4 -> new Expr.Load("table", DType.I32, List.of(whole(d)));
            case 5 -> whole(d).unaryMinus();
            case 6 -> whole(d).abs();
            case 7 -> new Expr.Select(whole(d).lessThan(whole(d)), whole(d), whole(d));
            case 8 -> whole(d).floorDiv(whole(d));
            case 9 -> whole(d).mod(whole(d));
            default ->
                new Expr.Binary(
                        List.of(BinaryOp.ADD, BinaryOp.SUBTRACT, BinaryOp.MULTIPLY, BinaryOp.MIN, BinaryOp.MAX)
                                .get(random.nextInt(5)),
                        whole(d),
                        whole(d));
        };
    }

    private static int value(Expr e, int[] at) {
        return switch (e) {
            case Expr.Index i -> at[AXES.indexOf(i.kind())];
            case Expr.IntConst c -> c.value();
            case Expr.Scalar s -> SCALAR;
            case Expr.Load l -> TABLE[Math.clamp(value(l.indices().get(0), at), 0, TABLE.length - 1)];
            case Expr.Unary u ->
                u.op() == Expr.UnaryOp.ABS ? Math.abs(value(u.operand(), at)) : -value(u.operand(), at);
            case Expr.Select s -> value(s.condition(), at) != 0 ? value(s.ifTrue(), at) : value(s.ifFalse(), at);
            case Expr.Binary b -> {
                int x = value(b.left(), at);
                int y = value(b.right(), at);
                yield switch (b.op()) {
                    case ADD -> x + y;
                    case SUBTRACT -> x - y;
                    case MULTIPLY -> x * y;
                    case MIN -> Math.min(x, y);
                    case MAX -> Math.max(x, y);
                    case FLOOR_DIVIDE -> y == 0 ? 0 : Math.floorDiv(x, y);
                    case MODULO -> y == 0 ? 0 : Math.floorMod(x, y);
                    case LESS -> x < y ? 1 : 0;
                    default -> throw new IllegalArgumentException(b.op().name());
                };
            }
            default -> throw new IllegalArgumentException(e.text());
        };
    }

    private void map(Expr e, Tensor output, Tensor table) {
        MapSpec spec = new MapSpec(DType.I32, e);
        Map<String, Tensor> captures = new HashMap<>(Map.of("table", table));
        captures.keySet().retainAll(spec.captures().keySet());
        Map<String, Number> scalars = new HashMap<>(Map.of("n", SCALAR));
        scalars.keySet().retainAll(spec.scalars().keySet());
        fovea.run(spec, new MapArguments(output, captures, scalars));
    }

    @Test
    void boundsOfMapsHoldEveryValue() {
        int bounded = 0;
        try (Tensor table = fovea.copyOf(TABLE, TABLE.length);
                Tensor output = fovea.allocate(DType.I32, 2, 3, 4, 5)) {
            for (int n = 0; n < 3000; n++) {
                Expr e = whole(4);
                if (e.nodeCount() > Expr.NODE_LIMIT) {
                    continue;
                }
                map(e, output, table);
                IntFacts facts = output.facts();
                assertThat(facts.known()).isTrue();
                bounded += facts.least() > Integer.MIN_VALUE ? 1 : 0;
                for (int i = 0; i < 120; i++) {
                    int v = value(e, new int[] {i / 60, i / 20 % 3, i / 5 % 4, i % 5});
                    assertThat(v).as(e.text()).isBetween(facts.least(), facts.largest());
                }
            }
        }
        assertThat(bounded).isGreaterThan(500);
    }

    @Test
    void valuesOfRunsReplaceTheHosts() {
        Expr large = Expressions.constant(1000);
        try (Tensor table = fovea.copyOf(TABLE, TABLE.length);
                Tensor list = fovea.copyOf(new int[] {0, 1, 2}, 3)) {
            map(large, list, table);
            assertThat(list.facts().within(1000, 1000)).isTrue();
            assertThat(list.keptValues()).isNull();
        }
        try (Tensor table = fovea.copyOf(TABLE, TABLE.length);
                Tensor list = fovea.copyOf(new int[] {0, 1, 2}, 3);
                Tensor part = list.slice(0, 1, 2)) {
            map(large, part, table);
            assertThat(list.facts().within(0, 1000)).isTrue();
            assertThat(list.facts().within(0, 2)).isFalse();
        }
    }

    @Test
    void aFailedRunLeavesNothingKnown() {
        try (Tensor table = fovea.copyOf(TABLE, TABLE.length);
                Tensor list = fovea.copyOf(new int[] {0, 1, 2}, 3)) {
            device.failing = true;
            assertThatThrownBy(() -> map(Expressions.constant(1), list, table))
                    .isInstanceOf(IllegalStateException.class);
            assertThat(list.facts().known()).isFalse();
            assertThat(list.keptValues()).isNull();
        }
    }

    @Test
    void whatOperationsGuarantee() {
        try (Tensor x = fovea.allocate(DType.F32, 4, 9);
                Tensor picked = fovea.allocate(DType.I32, 4, 5);
                Tensor counts = fovea.allocate(DType.I32, 4);
                Tensor best = fovea.allocate(DType.I32, 4);
                Tensor source = fovea.copyOf(new int[] {5, 7, 6, 9}, 4, 1);
                Tensor lists = fovea.copyOf(new int[] {1, -1}, 2);
                Tensor rows = fovea.allocate(DType.I32, 2, 1);
                Tensor unset = fovea.allocate(DType.I32, 4, 1)) {
            fovea.run(new SelectSpec(DType.F32, true, false), new SelectArguments(x, picked, counts, null));
            assertThat(picked.facts()).isEqualTo(IntFacts.range(-1, 8));
            assertThat(counts.facts()).isEqualTo(IntFacts.range(0, 5));
            fovea.run(new ReduceSpec(DType.F32, DType.I32, ReduceSpec.Rule.ARGMIN), new ReduceArguments(x, best));
            assertThat(best.facts()).isEqualTo(IntFacts.range(-1, 8));
            fovea.run(new GatherSpec(DType.I32), new GatherArguments(source, lists, rows, -3));
            assertThat(rows.facts()).isEqualTo(IntFacts.range(-3, 9));
            fovea.run(new GatherSpec(DType.I32), new GatherArguments(unset, lists, rows, 0));
            assertThat(rows.facts().known()).isFalse();
        }
    }
}
