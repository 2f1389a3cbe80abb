package dev.fovea.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.GatherArguments;
import dev.fovea.api.spec.GatherSpec;
import dev.fovea.api.spec.MapArguments;
import dev.fovea.api.spec.MapSpec;
import dev.fovea.api.spec.MatMulArguments;
import dev.fovea.api.spec.MatMulSpec;
import dev.fovea.api.spec.ReduceArguments;
import dev.fovea.api.spec.ReduceSpec;
import dev.fovea.api.spec.SelectArguments;
import dev.fovea.api.spec.SelectSpec;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Wrong arguments of tensor operations are refused before a backend sees them, in sentences that name argument and shape. */
class OperationErrorsTest {
    private final HeapDevice device = new HeapDevice("heap");
    private final Backend fovea = new Backend(device);

    private Tensor f32(long... shape) {
        return fovea.allocate(DType.F32, shape);
    }

    private Tensor of(DType dtype, long... shape) {
        return fovea.allocate(dtype, shape);
    }

    private void refuses(ThrowingCallable call, String... words) {
        assertThatThrownBy(call).isInstanceOf(InvalidArgument.class).hasMessageContainingAll(words);
        assertThat(device.runs).isZero();
    }

    private void product(Tensor a, Tensor b, Tensor c) {
        fovea.run(new MatMulSpec(DType.F32, DType.F32, DType.F32), new MatMulArguments(a, b, c));
    }

    @Test
    void products() {
        refuses(() -> product(f32(3), f32(3, 2), f32(3, 2)), "left", "2 to 4 axes", "[3]");
        refuses(() -> product(f32(3, 4), f32(5, 2), f32(3, 2)), "right", "[4, 2]", "[5, 2]");
        refuses(() -> product(f32(2, 3, 4), f32(1, 4, 2), f32(2, 3, 2)), "right", "[2, 4, 2]");
        refuses(() -> product(f32(3, 4), f32(4, 2), f32(2, 3)), "output", "[3, 2]", "[2, 3]");
        refuses(() -> product(f32(3, 4), of(DType.F16, 4, 2), f32(3, 2)), "right", "F32", "F16");
        refuses(() -> product(f32(3, 4), f32(4), f32(3, 2)), "right", "rank 2");
        Tensor both = f32(4, 4);
        refuses(() -> product(both, f32(4, 4), both), "output", "an input");
        refuses(() -> product(f32(3, 4), f32(4, 2), f32(1, 2).broadcastTo(3, 2)), "output", "stride 0");
        assertThatThrownBy(() -> new MatMulSpec(DType.I32, DType.F32, DType.F32))
                .isInstanceOf(InvalidArgument.class)
                .hasMessageContainingAll("left", "I32");
    }

    private static Expr load() {
        return new Expr.Load("x", DType.F32, List.of(Expressions.index(IndexKind.CHANNEL)));
    }

    @Test
    void maps() {
        MapSpec spec = new MapSpec(DType.F32, load());
        refuses(() -> fovea.run(spec, new MapArguments(f32(3), Map.of(), Map.of())), "captured tensors", "x");
        refuses(() -> fovea.run(spec, new MapArguments(f32(3), Map.of("x", f32(1, 3)), Map.of())), "x", "rank 1");
        refuses(() -> fovea.run(spec, new MapArguments(f32(3), Map.of("x", of(DType.BF16, 3)), Map.of())), "x", "BF16");
        refuses(() -> fovea.run(spec, new MapArguments(f32(3), Map.of("x", f32(0)), Map.of())), "x", "at least one");
        refuses(
                () -> fovea.run(spec, new MapArguments(of(DType.F16, 3), Map.of("x", f32(3)), Map.of())),
                "output",
                "F16");
        refuses(() -> fovea.run(spec, new MapArguments(f32(3), Map.of("x", f32(3)), Map.of("n", 1))), "scalars", "n");
        refuses(
                () -> fovea.run(spec, new MapArguments(f32(1, 1, 1, 1, 3), Map.of("x", f32(3)), Map.of())),
                "output",
                "1 to 4 axes");
        refuses(() -> new MapSpec(DType.I32, load()), "I32");
        refuses(() -> new MapSpec(DType.F32, Expressions.score()), "score");
        refuses(() -> new MapSpec(DType.I32, Expressions.keyPosition()), "indices b, h, q and d");
    }

    @Test
    void reductions() {
        ReduceSpec sum = new ReduceSpec(DType.F32, DType.F32, ReduceSpec.Rule.SUM);
        refuses(() -> fovea.run(sum, new ReduceArguments(f32(2, 3), f32(3))), "output", "[2]", "[3]");
        refuses(() -> fovea.run(sum, new ReduceArguments(f32(2, 3), of(DType.F16, 2))), "output", "F16");
        refuses(() -> fovea.run(sum, new ReduceArguments(f32(), f32())), "input", "axes");
        refuses(() -> new ReduceSpec(DType.F32, DType.F32, ReduceSpec.Rule.ARGMAX), "I32", "ARGMAX");
    }

    @Test
    void gathers() {
        GatherSpec spec = new GatherSpec(DType.F32);
        Tensor list = fovea.copyOf(new int[] {0, 3, -1}, 3);
        refuses(
                () -> fovea.run(spec, new GatherArguments(f32(3, 2), list, f32(3, 2), 0)),
                "indices",
                "-1 to 2",
                "-1 to 3");
        Tensor below = fovea.copyOf(new int[] {0, -2}, 2);
        refuses(() -> fovea.run(spec, new GatherArguments(f32(3, 2), below, f32(2, 2), 0)), "indices", "-2 to 0");
        refuses(
                () -> fovea.run(spec, new GatherArguments(f32(4, 2), of(DType.I32, 3), f32(3, 2), 0)),
                "indices",
                "never checked");
        refuses(() -> fovea.run(spec, new GatherArguments(f32(4, 2), list, f32(4, 2), 0)), "output", "[3, 2]");
        Tensor two = fovea.copyOf(new int[] {0, 1, 2, 0, 1, 2}, 2, 3);
        refuses(() -> fovea.run(spec, new GatherArguments(f32(4, 4, 2), two, f32(4, 3, 2), 0)), "indices", "[2, 3]");
        refuses(() -> fovea.run(spec, new GatherArguments(f32(4, 4, 2), list, f32(4, 3, 2), 0)), "indices", "rank 2");
    }

    @Test
    void selections() {
        SelectSpec spec = new SelectSpec(DType.F32, true, false);
        Tensor slots = of(DType.I32, 2, 1);
        Tensor counts = of(DType.I32, 2);
        refuses(() -> fovea.run(spec, new SelectArguments(f32(2, 3), slots, null, null)), "counts", "the spec has it");
        refuses(
                () -> fovea.run(spec, new SelectArguments(f32(2, 3), slots, counts, of(DType.BOOL, 2, 3))),
                "chosen",
                "none");
        refuses(
                () -> fovea.run(spec, new SelectArguments(f32(3, 3), slots, counts, null)),
                "indices",
                "[3, 1]",
                "[2, 1]");
        refuses(() -> fovea.run(spec, new SelectArguments(f32(2, 3), slots, of(DType.I32, 3), null)), "counts", "[2]");
    }
}
