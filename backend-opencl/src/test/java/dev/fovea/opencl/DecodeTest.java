package dev.fovea.opencl;

import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.QueryOffset;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Few query rows over many keys against plain double arithmetic: rows, splits, dims, masks and normalisers. */
class DecodeTest {
    private static AttentionSpec spec(DType storage, int d, int dv, int heads, int keyHeads, int valueHeads) {
        return new AttentionSpec(
                storage,
                d,
                dv,
                heads,
                keyHeads,
                valueHeads,
                Expressions.score(),
                Expressions.score(),
                new Expr.BoolConst(true),
                QueryOffset.TOP_LEFT,
                false,
                false,
                false,
                true,
                Optional.empty());
    }

    private static AttentionArguments arguments(
            AttentionArguments a,
            @Nullable Tensor lengths,
            @Nullable Tensor offsets,
            @Nullable Tensor sinks,
            @Nullable Tensor lse) {
        return new AttentionArguments(
                a.query(),
                a.key(),
                a.value(),
                a.output(),
                a.scale(),
                null,
                null,
                lengths,
                offsets,
                sinks,
                lse,
                null,
                Map.of(),
                Map.of());
    }

    private static void plain(
            DType storage, int d, int dv, int heads, int kHeads, int vHeads, int queries, int keys, double bound) {
        try (DecodeRun run = new DecodeRun()) {
            AttentionSpec spec = spec(storage, d, dv, heads, kHeads, vHeads);
            float[] k = DecodeRun.data(2, 2 * kHeads * keys * d, storage);
            float[] v = DecodeRun.data(3, 2 * vHeads * keys * dv, storage);
            run.keys = DecodeRun.dense(k, kHeads, keys, d);
            run.values = DecodeRun.dense(v, vHeads, keys, dv);
            try (Tensor tq = run.fovea.copyOf(
                            DecodeRun.data(1, 2 * heads * queries * d, storage), storage, 2, heads, queries, d);
                    Tensor tk = run.fovea.copyOf(k, storage, 2, kHeads, keys, d);
                    Tensor tv = run.fovea.copyOf(v, storage, 2, vHeads, keys, dv);
                    Tensor to = run.output(spec, 2, queries);
                    Tensor lse = run.fovea.allocate(DType.F32, 2, heads, queries)) {
                run.check(spec, arguments(new AttentionArguments(tq, tk, tv, to), null, null, null, lse), keys, bound);
            }
        }
    }

    @Test
    void oneRow() {
        plain(DType.F32, 64, 64, 1, 1, 1, 1, 150, 3e-6);
    }

    @Test
    void twoRowsOfOddSizes() {
        plain(DType.F32, 37, 13, 2, 1, 1, 1, 67, 3e-6);
    }

    @Test
    void groupsOfFour() {
        plain(DType.F16, 72, 40, 8, 2, 2, 1, 131, 2e-3);
    }

    @Test
    void moreRowsThanAWorkGroupHas() {
        plain(DType.F32, 64, 32, 4, 1, 1, 3, 70, 3e-6);
    }

    @Test
    void keyAndValueHeadsThatDiffer() {
        plain(DType.BF16, 24, 8, 12, 2, 3, 1, 65, 2e-2);
    }

    @Test
    void latentDims() {
        plain(DType.F16, 576, 512, 4, 1, 1, 1, 40, 2e-3);
    }

    @Test
    void valuesBeyondASlice() {
        plain(DType.F32, 16, 520, 2, 1, 1, 1, 33, 3e-6);
    }
}
