package dev.fovea.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.Masks;
import dev.fovea.api.expr.Weights;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.MergeArguments;
import dev.fovea.api.spec.MergeSpec;
import dev.fovea.api.spec.Normaliser;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What the options of the facade mean as specs and arguments; a device that computes nothing takes them. */
class AttentionFacadeTest {
    private final HeapDevice device = new HeapDevice("heap");
    private final Backend fovea = new Backend(device);

    private Tensor f32(long... shape) {
        return fovea.allocate(DType.F32, shape);
    }

    private final Tensor q = f32(2, 4, 5, 8);
    private final Tensor k = f32(2, 2, 7, 8);
    private final Tensor v = f32(2, 2, 7, 6);

    private AttentionSpec spec() {
        return (AttentionSpec) Objects.requireNonNull(device.lastSpec);
    }

    private AttentionArguments arguments() {
        return (AttentionArguments) Objects.requireNonNull(device.lastArguments);
    }

    @Test
    void weights() {
        fovea.attend(q, k, v, Attention.causal().sigmoid()).close();
        assertThat(spec().normaliser()).isEqualTo(Normaliser.IDENTITY);
        assertThat(spec().probability().text()).isEqualTo("sigmoid(p)");
        fovea.attend(q, k, v, Attention.causal().relu(2)).close();
        assertThat(spec().probability().text()).isEqualTo("max(p, 0.0) * max(p, 0.0)");
        Attention gated = Attention.causal()
                .normalised(Normaliser.L1)
                .finished(Weights.gate())
                .capture("gate", f32(2, 4, 5, 6));
        fovea.attend(q, k, v, gated).close();
        assertThat(spec().normaliser()).isEqualTo(Normaliser.L1);
        assertThat(spec().output().text()).isEqualTo("o * sigmoid(gate[b, h, q, d])");
        fovea.attend(q, k, v, Attention.full().weighted(Weights.threshold()).scalar("threshold", 0.01f))
                .close();
        assertThat(spec().twoPasses()).isTrue();
        assertThat(arguments().scalars()).containsOnlyKeys("threshold");
        assertThatThrownBy(() -> Attention.full().weighted(Masks.causal()))
                .isInstanceOf(InvalidArgument.class)
                .hasMessageContaining("probability expression");
        assertThatThrownBy(
                        () -> fovea.attend(q, k, v, Attention.full().sigmoid().sink(f32(4))))
                .hasMessageContaining("normaliser");
    }

    @Test
    void pagedKeys() {
        Tensor pages = f32(3, 2, 4, 8);
        Tensor table = fovea.copyOf(new int[] {0, 1, 2, 1}, 2, 2);
        fovea.attend(
                        q,
                        pages,
                        pages,
                        Attention.causal().paged(table).keyLengths(5, 8).queryOffset(3))
                .close();
        assertThat(spec().source().layout()).isEqualTo(KeySource.Layout.PAGED);
        assertThat(arguments().keys()).isEqualTo(8);
        assertThat(Objects.requireNonNull(arguments().queryOffsets()).shape()).containsExactly(2);
        assertThatThrownBy(
                        () -> fovea.attend(q, pages, pages, Attention.causal().paged(table)))
                .hasMessageContaining("key lengths");
    }

    @Test
    void packedSequences() {
        Tensor queries = f32(1, 4, 9, 8);
        Tensor keys = f32(1, 2, 20, 8);
        Tensor queryStarts = fovea.copyOf(new int[] {0, 4, 9}, 3);
        Tensor keyStarts = fovea.copyOf(new int[] {0, 12, 20}, 3);
        Attention options = Attention.causal()
                .packedQueries(queryStarts)
                .ragged(keyStarts)
                .queryOffset(1)
                .logSumExp();
        try (AttentionResult result = fovea.attendAll(queries, keys, keys, options)) {
            assertThat(result.output().shape()).containsExactly(1, 4, 9, 8);
            assertThat(Objects.requireNonNull(result.logSumExp()).shape()).containsExactly(1, 4, 9);
        }
        assertThat(spec().source().packedQueries()).isTrue();
        assertThat(arguments().batch()).isEqualTo(2);
        assertThat(arguments().queries()).isEqualTo(5);
        assertThat(arguments().keys()).isEqualTo(12);
        assertThat(Objects.requireNonNull(arguments().queryOffsets()).shape()).containsExactly(2);
    }

    @Test
    void selectionsAndPositions() {
        Tensor lists = fovea.listsOf(new int[] {0, 2, 3, 1, 0, 2}, new int[] {2, 1, 2}, 1, 1, 3, 2);
        Tensor counts = fovea.copyOf(new int[] {2, 1, 2}, 1, 1, 3);
        Tensor positions = fovea.copyOf(new int[14], 2, 7);
        fovea.attend(
                        q,
                        k,
                        v,
                        Attention.causal().selectedBlocks(lists, counts, 2, 2).keyPositions(positions))
                .close();
        assertThat(spec().source().selection()).isEqualTo(KeySource.Selection.BLOCKS);
        assertThat(spec().source().positions()).isTrue();
        fovea.attend(q, k, v, Attention.full().selectedTokens(lists, counts, 2)).close();
        assertThat(spec().source().selection()).isEqualTo(KeySource.Selection.TOKENS);
        assertThatThrownBy(() -> fovea.attend(q, k, v, Attention.full().selectedTokens(lists, counts, 1)))
                .hasMessageContaining("selected keys");
    }

    @Test
    void quantisedKeys() {
        Tensor bytes = fovea.allocate(DType.BYTE, 2, 2, 7, 4);
        Tensor scales = fovea.allocate(DType.F16, 2, 2, 7);
        Attention int4 = Attention.causal().quantised(KvFormat.INT4, scales, scales, scales, scales);
        try (Tensor o = fovea.attend(q, bytes, bytes, int4)) {
            assertThat(o.shape()).containsExactly(2, 4, 5, 8);
        }
        assertThat(spec().source().format()).isEqualTo(KvFormat.INT4);
        assertThatThrownBy(() -> fovea.attend(q, bytes, bytes, Attention.causal()))
                .hasMessageContaining("quantised()");
        assertThatThrownBy(() -> Attention.causal().quantised(KvFormat.F16, scales, null, scales, null))
                .hasMessageContaining("INT8, INT4 or FP8");
    }

    @Test
    void parts() {
        try (Partials parts = fovea.partials(2, q, 6)) {
            fovea.attendPart(q, k, v, Attention.causal(), parts, 0);
            fovea.attendPart(q, k, v, Attention.causal().queryOffset(-7), parts, 1);
            assertThat(spec().partials()).isTrue();
            assertThat(arguments().output().shape()).containsExactly(2, 4, 5, 6);
            try (Tensor o = fovea.merge(parts, DType.F16)) {
                assertThat(o.shape()).containsExactly(2, 4, 5, 6);
            }
            assertThat(device.lastSpec)
                    .isEqualTo(new MergeSpec(DType.F16, 6, MergeSpec.Rule.LOG_SUM_EXP, false, false));
            assertThat(((MergeArguments) Objects.requireNonNull(device.lastArguments)).accumulators())
                    .isSameAs(parts.accumulators());
            assertThatThrownBy(() -> fovea.attendPart(
                            q,
                            k,
                            v,
                            Attention.causal().finished(Expressions.output().tanh()),
                            parts,
                            0))
                    .hasMessageContaining("partials");
        }
        assertThatThrownBy(() -> fovea.partials(0, q, 6)).hasMessageContaining("at least 1");
    }
}
