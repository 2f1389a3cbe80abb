package dev.fovea.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.FoveaException.OutOfDeviceMemory;
import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.ExprParser;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.ValueType;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.ScoreStage;
import dev.fovea.api.spi.Support;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Every wrong call is one sentence that names the argument, and leaves the backend usable. */
class AttentionErrorsTest {
    private final HeapDevice device = new HeapDevice("heap");
    private final Backend fovea = new Backend(device);
    private final Tensor q = fovea.allocate(DType.F32, 2, 4, 5, 8);
    private final Tensor k = fovea.allocate(DType.F32, 2, 2, 7, 8);
    private final Tensor v = fovea.allocate(DType.F32, 2, 2, 7, 6);

    private void refuses(ThrowingCallable call, String... words) {
        assertThatThrownBy(call).isInstanceOf(InvalidArgument.class).hasMessageContainingAll(words);
        assertThatCode(() -> fovea.attend(q, k, v, Attention.causal()).close()).doesNotThrowAnyException();
    }

    private Tensor f32(long... shape) {
        return fovea.allocate(DType.F32, shape);
    }

    private ThrowingCallable attend(Tensor a, Tensor b, Tensor c, Attention options) {
        return () -> fovea.attend(a, b, c, options);
    }

    @Test
    void shapesOfQueriesKeysAndValues() {
        refuses(attend(f32(2, 4, 5), k, v, Attention.full()), "q", "rank 4", "[2, 4, 5]");
        refuses(attend(q, f32(3, 2, 7, 8), v, Attention.full()), "k", "[2, 2, 7, 8]", "[3, 2, 7, 8]");
        refuses(attend(q, f32(2, 2, 7, 9), v, Attention.full()), "k", "[2, 2, 7, 9]");
        refuses(attend(q, k, f32(2, 2, 6, 6), Attention.full()), "v", "[2, 2, 7, 6]", "[2, 2, 6, 6]");
        refuses(attend(q, f32(2, 3, 7, 8), v, Attention.full()), "k", "divides", "4");
        refuses(attend(f32(2, 4, 5, 0), f32(2, 2, 7, 0), v, Attention.full()), "head dim", "at least 1", "0");
        refuses(attend(q, fovea.allocate(DType.F16, 2, 2, 7, 8), v, Attention.full()), "v", "F16", "F32");
        refuses(attend(fovea.copyOf(new int[2 * 4 * 5 * 8], 2, 4, 5, 8), k, v, Attention.full()), "q", "I32");
        refuses(attend(q.permute(0, 1, 3, 2), f32(2, 2, 7, 5), v, Attention.full()), "q", "stride 1");
    }

    @Test
    void options() {
        refuses(
                attend(q, k, v, Attention.full().mask(fovea.copyOf(new boolean[3 * 7], 3, 7))),
                "mask",
                "[3, 7]",
                "[2, 4, 5, 7]");
        refuses(attend(q, k, v, Attention.full().mask(fovea.copyOf(new boolean[8], 8))), "mask", "[8]");
        refuses(attend(q, k, v, Attention.full().bias(f32(2, 1, 1, 1, 7))), "bias", "[2, 1, 1, 1, 7]");
        refuses(attend(q, k, v, Attention.full().alibi(f32(2))), "alibi", "[4]", "[2]");
        refuses(attend(q, k, v, Attention.full().sink(f32(2))), "sink", "[4]", "[2]");
        refuses(attend(q, k, v, Attention.full().keyLengths(8, 3)), "key lengths", "0 to 7", "3 to 8");
        refuses(attend(q, k, v, Attention.full().keyLengths(3, -1)), "key lengths", "-1 to 3");
        refuses(attend(q, k, v, Attention.full().keyLengths(3)), "key lengths", "[2]", "[1]");
        refuses(
                attend(q, k, v, Attention.full().queryOffsets(fovea.copyOf(new int[3], 3))),
                "query offsets",
                "[2] or [2, 2]");
        refuses(attend(q, k, v, Attention.full().scale(Float.NaN)), "scale", "finite");
        refuses(() -> Attention.full().softcap(-1), "softcap", "-1.0");
        refuses(() -> Attention.full().window(-2, 3), "window", "-2");
        refuses(() -> Attention.full().window(0), "window", "at least 1");
        refuses(attend(q, k, v, Attention.full().past(f32(2, 2, 3, 9), f32(2, 2, 3, 6))), "past k", "[2, 2, 3, 8]");
        refuses(attend(q, k, v, Attention.full().past(f32(2, 2, 3, 8), f32(2, 2, 4, 6))), "past v", "[2, 2, 3, 6]");
    }

    @Test
    void expertArguments() {
        AttentionPlan plan = fovea.prepare(Attention.full().spec(q, k, v));
        Tensor o = f32(2, 4, 5, 6);
        assertThatCode(() -> plan.run(new AttentionArguments(q, k, v, o))).doesNotThrowAnyException();
        assertThat(device.runs).isEqualTo(1);
        refuses(() -> plan.run(new AttentionArguments(q, k, v, f32(2, 4, 5, 8))), "output", "[2, 4, 5, 6]");
        Tensor same = f32(2, 4, 5, 8);
        AttentionPlan square = fovea.prepare(Attention.full().spec(same, same, same));
        refuses(() -> square.run(new AttentionArguments(same, same, same, same)), "output", "memory of its own");
        AttentionPlan lse = fovea.prepare(Attention.full().logSumExp().spec(q, k, v));
        refuses(() -> lse.run(new AttentionArguments(q, k, v, o)), "log-sum-exp", "none");
        plan.close();
        assertThatThrownBy(() -> plan.run(new AttentionArguments(q, k, v, o))).isInstanceOf(Closed.class);
    }

    @Test
    void ownExpressions() {
        Expr document =
                ExprParser.parse("doc[k] <= doc[q] + gap", Map.of("doc", DType.I32), Map.of("gap", ValueType.I32));
        Attention options = Attention.causal().visibleWhere(document);
        Tensor doc = fovea.copyOf(new int[7], 7);
        refuses(attend(q, k, v, options), "captured tensors", "doc");
        refuses(attend(q, k, v, options.capture("doc", doc)), "scalars", "gap");
        refuses(attend(q, k, v, options.capture("doc", f32(7)).scalar("gap", 1)), "doc", "I32", "F32");
        refuses(() -> options.capture("mask", doc), "mask", "choose another");
        refuses(() -> options.visibleWhere(Expressions.score()), "mask expression", "BOOL");
        refuses(() -> options.rescored(document), "score expression", "F32");
        assertThatCode(() -> fovea.attend(q, k, v, options.capture("doc", doc).scalar("gap", 1))
                        .close())
                .doesNotThrowAnyException();
        Expr twice = ExprParser.parse("select(k < 3, 2.0 * s, s)", Map.of(), Map.of());
        assertThat(Attention.full()
                        .bias(f32(7))
                        .rescored(twice)
                        .spec(q, k, v)
                        .score()
                        .text())
                .isEqualTo("select(k < 3, 2.0 * (s + select(k < bias_keys, bias[b, h, q, k], -inf)), "
                        + "s + select(k < bias_keys, bias[b, h, q, k], -inf))");
    }

    @Test
    void useAfterClose() {
        Tensor gone = f32(2, 2, 7, 8);
        gone.close();
        gone.close();
        assertThat(device.freed).isEqualTo(1);
        assertThatThrownBy(() -> fovea.attend(q, gone, v, Attention.full()))
                .isInstanceOf(Closed.class)
                .hasMessageContaining("[2, 2, 7, 8]");
        assertThatThrownBy(gone::toFloatArray).isInstanceOf(Closed.class);
        Backend other = new Backend(new HeapDevice("other"));
        Tensor left = other.allocate(DType.F32, 3);
        other.close();
        other.close();
        assertThatThrownBy(left::toFloatArray).isInstanceOf(Closed.class).hasMessageContaining("other");
        left.close();
    }

    @Test
    void aViewKeepsItsOwnerAlive() {
        Tensor owner = fovea.copyOf(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
        Tensor view = owner.permute(1, 0);
        owner.close();
        assertThat(view.toFloatArray()).containsExactly(1, 4, 2, 5, 3, 6);
        assertThat(device.freed).isZero();
        view.close();
        assertThat(device.freed).isEqualTo(1);
    }

    @Test
    void tensorsOfAnotherBackend() {
        try (Backend other = new Backend(new HeapDevice("elsewhere"));
                Tensor foreign = other.allocate(DType.F32, 2, 2, 7, 8)) {
            refuses(attend(q, foreign, v, Attention.full()), "heap", "elsewhere", "copyOf");
        }
    }

    @Test
    void outOfMemorySaysWhatWasAskedAndWhatIsFree() {
        assertThatThrownBy(() -> fovea.allocate(DType.F32, 1 << 20))
                .isInstanceOfSatisfying(OutOfDeviceMemory.class, e -> {
                    assertThat(e.askedBytes()).isEqualTo(4 << 20);
                    assertThat(e.freeBytes()).isEqualTo(1 << 20);
                })
                .hasMessageContainingAll("4 MiB", "1 MiB");
        assertThatThrownBy(() -> fovea.allocate(DType.F32, 1L << 40, 1L << 40)).isInstanceOf(OutOfDeviceMemory.class);
        Tensor few = f32(1, 1, 1 << 15, 1);
        assertThatThrownBy(() -> fovea.attendAll(few, few, few, Attention.full().scores(ScoreStage.RAW)))
                .isInstanceOf(OutOfDeviceMemory.class)
                .hasMessageContaining("4 GiB");
        int freedBefore = device.freed;
        assertThat(freedBefore)
                .as("the output allocated before the scores is given back")
                .isPositive();
    }

    @Test
    void unsupportedCarriesReasonAndRemedy() {
        device.support = new Support.No("no such thing here", "use another device");
        assertThatThrownBy(() -> fovea.attend(q, k, v, Attention.full().softcap(3)))
                .isInstanceOfSatisfying(
                        Unsupported.class, e -> assertThat(e.remedy()).isEqualTo("use another device"))
                .hasMessageContaining("heap: no such thing here");
    }

    @Test
    void dataOfTheWrongSize() {
        assertThatThrownBy(() -> fovea.copyOf(new float[5], 2, 3)).hasMessageContainingAll("6 elements", "5");
        assertThatThrownBy(() -> fovea.copyOf(new float[5], -5)).isInstanceOf(InvalidArgument.class);
        assertThatThrownBy(() -> fovea.wrap(java.lang.foreign.MemorySegment.ofArray(new float[4]), DType.F32, 4))
                .hasMessageContaining("heap segment");
    }

    @Test
    void plansAreCachedByTheSpec() {
        fovea.attend(q, k, v, Attention.causal().window(3)).close();
        fovea.attend(q, k, v, Attention.causal().window(5).scale(2)).close();
        assertThat(device.prepared)
                .as("window and scale are arguments of the run")
                .isEqualTo(1);
        fovea.attend(q, k, v, Attention.causal()).close();
        assertThat(device.prepared).isEqualTo(2);
    }
}
