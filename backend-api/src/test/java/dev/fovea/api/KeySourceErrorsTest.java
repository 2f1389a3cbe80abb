package dev.fovea.api;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeyArguments;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spec.Schedule;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Tables, lists and schedules that do not say what the run needs: a backend would read memory that is not the caller's. */
class KeySourceErrorsTest {
    private final Backend fovea = new Backend(new HeapDevice("heap"));

    private Tensor f32(long... shape) {
        return fovea.allocate(DType.F32, shape);
    }

    private static AttentionSpec spec(KeySource source, boolean lengths) {
        return new AttentionSpec(
                        DType.F32,
                        8,
                        8,
                        2,
                        1,
                        1,
                        Expressions.score(),
                        Expressions.score(),
                        Expressions.constant(true),
                        QueryOffset.TOP_LEFT,
                        false,
                        false,
                        lengths,
                        false,
                        Optional.empty())
                .with(source);
    }

    private static KeySource dense() {
        return KeySource.dense(DType.F32);
    }

    private static void refuses(ThrowingCallable call, String... words) {
        assertThatThrownBy(call).isInstanceOf(InvalidArgument.class).hasMessageContainingAll(words);
    }

    @Test
    void aScheduleIsForItsLengthsAlone() {
        AttentionPlan plan = fovea.prepare(spec(dense(), true));
        AttentionArguments a = new AttentionArguments(
                        f32(2, 2, 1, 8), f32(2, 1, 9, 8), f32(2, 1, 9, 8), f32(2, 2, 1, 8))
                .withKeyLengths(fovea.copyOf(new int[] {9, 4}, 2));
        try (Schedule right = plan.schedule(new int[] {1, 1}, new int[] {9, 4});
                Schedule shorter = plan.schedule(new int[] {1, 1}, new int[] {8, 4});
                Schedule more = plan.schedule(new int[] {1, 1, 1}, new int[] {9, 4, 0});
                Schedule queries = plan.schedule(new int[] {1, 0}, new int[] {9, 4})) {
            assertThatCode(() -> plan.run(a.with(right))).doesNotThrowAnyException();
            refuses(() -> plan.run(a.with(shorter)), "schedule", "[9, 4]", "[8, 4]");
            refuses(() -> plan.run(a.with(more)), "schedule", "[1, 1, 1]");
            refuses(() -> plan.run(a.with(queries)), "schedule", "queries");
            Tensor perHead = fovea.copyOf(new int[] {9, 4}, 2, 1);
            assertThatCode(() -> plan.run(a.withKeyLengths(perHead).with(right)))
                    .doesNotThrowAnyException();
        }
    }

    @Test
    void aScheduleOfRaggedKeysKnowsTheirStarts() {
        AttentionPlan plan = fovea.prepare(spec(dense().with(KeySource.Layout.RAGGED), false));
        AttentionArguments a = new AttentionArguments(
                        f32(2, 2, 1, 8), f32(1, 1, 9, 8), f32(1, 1, 9, 8), f32(2, 2, 1, 8))
                .with(KeyArguments.NONE.withKeyStarts(fovea.copyOf(new int[] {0, 6, 9}, 3)));
        try (Schedule right = plan.schedule(new int[] {1, 1}, new int[] {6, 3});
                Schedule swapped = plan.schedule(new int[] {1, 1}, new int[] {3, 6})) {
            assertThatCode(() -> plan.run(a.with(right))).doesNotThrowAnyException();
            refuses(() -> plan.run(a.with(swapped)), "schedule", "[6, 3]");
        }
    }

    @Test
    void startsAreNotReadThroughGaps() {
        AttentionPlan plan = fovea.prepare(spec(dense().with(KeySource.Layout.RAGGED), false));
        // every second entry is 0, 9: the steps between neighbours in memory say nothing of it
        Tensor gaps = fovea.copyOf(new int[] {0, 5, 9, 9}, 2, 2).select(1, 0);
        AttentionArguments a =
                new AttentionArguments(f32(1, 2, 1, 8), f32(1, 1, 9, 8), f32(1, 1, 9, 8), f32(1, 2, 1, 8));
        refuses(() -> plan.run(a.with(KeyArguments.NONE.withKeyStarts(gaps))), "key starts");
    }

    @Test
    void listsComeWithTheCountsTheyWereCheckedWith() {
        AttentionPlan plan = fovea.prepare(spec(dense().with(KeySource.Selection.TOKENS), false));
        AttentionArguments a =
                new AttentionArguments(f32(1, 2, 2, 8), f32(1, 1, 9, 8), f32(1, 1, 9, 8), f32(1, 2, 2, 8));
        Tensor lists = fovea.listsOf(new int[] {3, 1, 0, 2, 0, 0}, new int[] {2, 1}, 1, 1, 2, 3);
        Tensor counts = fovea.copyOf(new int[] {2, 1}, 1, 1, 2);
        Tensor larger = fovea.copyOf(new int[] {2, 3}, 1, 1, 2); // 2, 0, 0: a key twice
        Tensor unchecked = fovea.copyOf(new int[6], 1, 1, 2, 3);
        assertThatCode(() -> plan.run(with(a, lists, counts))).doesNotThrowAnyException();
        refuses(() -> plan.run(with(a, lists, larger)), "selected keys", "other counts");
        refuses(() -> plan.run(with(a, unchecked, counts)), "selected keys", "never checked");
        refuses(() -> fovea.listsOf(new int[] {3, 3}, new int[] {2}, 1, 2), "lists", "3 twice");
    }

    private static AttentionArguments with(AttentionArguments a, Tensor lists, Tensor counts) {
        return a.with(KeyArguments.NONE.withSelected(new KeyArguments.Selected(lists, counts, 1, 1)));
    }
}
