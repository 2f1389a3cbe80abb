package dev.fovea.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spec.ScoreStage;
import dev.fovea.api.spi.TuningPoint;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class MmaVariantTest {
    private static final int[] LOCAL_BYTES = {99 << 10, 163 << 10, 226 << 10};
    private static final int MOST = 226 << 10;

    private static AttentionSpec spec(DType type, int headDim, int valueDim, Expr score, Optional<ScoreStage> scores) {
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
                false,
                false,
                true,
                scores);
    }

    private static AttentionSpec plain(DType type, int headDim, int valueDim) {
        return spec(type, headDim, valueDim, Expressions.score(), Optional.empty());
    }

    @Test
    void everyDimIsCoveredWithinTheLocalMemory() {
        for (int bytes : LOCAL_BYTES) {
            for (int head = 8; head <= 256; head += 8) {
                for (int value = 8; value <= 256; value += 8) {
                    MmaVariant v = MmaVariant.of(plain(DType.BF16, head, value), bytes);
                    assertThat(v.headDim()).isGreaterThanOrEqualTo(head);
                    assertThat(v.valueDim()).isGreaterThanOrEqualTo(value);
                    assertThat(v.localBytes()).isLessThanOrEqualTo(bytes);
                    assertThat(v.workItems()).isEqualTo(32 * v.warps()).isLessThanOrEqualTo(256);
                }
            }
        }
    }

    @Test
    void whatTheTilesCannotHoldIsNotTaken() {
        assertThat(MmaVariant.takes(plain(DType.BF16, 128, 128), MOST)).isTrue();
        assertThat(MmaVariant.takes(plain(DType.F16, 192, 128), MOST)).isTrue();
        assertThat(MmaVariant.takes(plain(DType.BF16, 100, 128), MOST)).isFalse();
        assertThat(MmaVariant.takes(plain(DType.BF16, 128, 264), MOST)).isFalse();
        AttentionSpec scores = spec(DType.BF16, 64, 64, Expressions.score(), Optional.of(ScoreStage.RAW));
        assertThat(MmaVariant.takes(scores, MOST)).isFalse();
    }

    @Test
    void f32IsThreePlanesWhereTheyFit() {
        assertThat(MmaVariant.takes(plain(DType.F32, 128, 128), MOST)).isTrue();
        assertThat(MmaVariant.takes(plain(DType.F32, 111, 66), MOST)).isTrue();
        assertThat(MmaVariant.takes(plain(DType.F32, 64, 33), MOST)).isFalse();
        assertThat(MmaVariant.takes(plain(DType.F32, 136, 64), MOST)).isFalse();
        assertThat(MmaVariant.takes(plain(DType.F32, 64, 64), LOCAL_BYTES[0])).isTrue();
        assertThat(MmaVariant.takes(plain(DType.F32, 128, 128), LOCAL_BYTES[0])).isFalse();
        assertThat(MmaVariant.of(plain(DType.F32, 128, 128), MOST).planes()).isEqualTo(3);
    }

    @Test
    void scaleGoesIntoTheExponentOnlyWithoutAnExpression() {
        assertThat(MmaVariant.of(plain(DType.BF16, 64, 64), 99 << 10).scored()).isFalse();
        AttentionSpec alibi = spec(DType.BF16, 64, 64, Expressions.alibi(), Optional.empty());
        assertThat(MmaVariant.of(alibi, 99 << 10).scored()).isTrue();
    }

    @Test
    void everyPointThatTuningMayChooseFits() {
        int points = 0;
        for (int bytes : LOCAL_BYTES) {
            for (int dim = 32; dim <= 256; dim += 32) {
                MmaVariant usual = MmaVariant.of(plain(DType.BF16, dim, dim), bytes);
                assertThat(usual.with(TuningPoint.DEFAULTS, bytes)).contains(usual);
                for (TuningPoint point : MmaVariant.SPACE.around(
                        usual.point(), p -> usual.with(p, bytes).isPresent())) {
                    MmaVariant v = usual.with(point, bytes).orElseThrow();
                    assertThat(v.point()).isEqualTo(point);
                    assertThat(v.localBytes()).isLessThanOrEqualTo(bytes);
                    points++;
                }
            }
        }
        assertThat(points).isGreaterThan(100);
    }

    @Test
    void theTextIsWhole() {
        AttentionSpec s = plain(DType.F16, 128, 128);
        KernelSource source = Kernels.mma(MmaVariant.of(s, 226 << 10), s);
        assertThat(source.text())
                .doesNotContain("#include")
                .contains("STORAGE STORAGE_F16", "__kernel", source.entry())
                .isEqualTo(Kernels.mma(MmaVariant.of(s, 226 << 10), s).text());
    }
}
