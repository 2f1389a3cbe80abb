package dev.fovea.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.QueryOffset;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class MmaDecodeVariantTest {
    private static AttentionSpec spec(DType type, int headDim, int valueDim, Expr score, boolean past) {
        return new AttentionSpec(
                type,
                headDim,
                valueDim,
                4,
                2,
                2,
                Expressions.score(),
                score,
                Expressions.causal(),
                QueryOffset.TOP_LEFT,
                false,
                past,
                false,
                true,
                Optional.empty());
    }

    private static AttentionSpec plain(DType type, int headDim, int valueDim) {
        return spec(type, headDim, valueDim, Expressions.score(), false);
    }

    @Test
    void everyColumnIsTakenByASliceOfWholePieces() {
        for (int head = 8; head <= 256; head += 8) {
            for (int value = 8; value <= 512; value += 8) {
                MmaDecodeVariant v = MmaDecodeVariant.of(plain(DType.BF16, head, value), 4, false);
                assertThat(v.columns() % 64).isZero();
                assertThat(v.columns()).isLessThanOrEqualTo(128);
                assertThat(v.columns() * v.slices(value)).isGreaterThanOrEqualTo(value);
                assertThat(v.columns() * (v.slices(value) - 1)).isLessThan(value);
                assertThat(v.workItems()).isEqualTo(128);
            }
        }
    }

    @Test
    void moreThanEightRowsShareTheirKeysWhereRegistersAllowIt() {
        assertThat(MmaDecodeVariant.of(plain(DType.F16, 128, 128), 8, false).rows())
                .isEqualTo(8);
        assertThat(MmaDecodeVariant.of(plain(DType.F16, 128, 128), 9, false).rows())
                .isEqualTo(16);
        assertThat(MmaDecodeVariant.of(plain(DType.F16, 192, 128), 9, false).rows())
                .isEqualTo(8);
    }

    @Test
    void whatTheKernelDoesNotComputeIsNotTaken() {
        assertThat(MmaDecodeVariant.takes(plain(DType.BF16, 128, 128))).isTrue();
        assertThat(MmaDecodeVariant.takes(plain(DType.F16, 192, 128))).isTrue();
        assertThat(MmaDecodeVariant.takes(plain(DType.F32, 128, 128))).isFalse();
        assertThat(MmaDecodeVariant.takes(plain(DType.BF16, 100, 128))).isFalse();
        assertThat(MmaDecodeVariant.takes(plain(DType.BF16, 576, 512))).isFalse();
        assertThat(MmaDecodeVariant.takes(spec(DType.BF16, 128, 128, Expressions.score(), true)))
                .isFalse();
    }

    @Test
    void partsAndMergeShareTheirText() {
        AttentionSpec spec = spec(DType.BF16, 64, 64, Expressions.score().times(Expressions.constant(2f)), false);
        MmaDecodeVariant v = MmaDecodeVariant.of(spec, 4, false);
        assertThat(v.parts(spec).text())
                .isEqualTo(v.merge(spec).text())
                .contains("#define SCORED 1\n", "#define V_DIM 64\n", "void mma_decode(", "void decode_merge(");
        assertThat(v.parts(spec).entry()).isEqualTo("mma_decode");
    }
}
