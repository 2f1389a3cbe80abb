package dev.fovea.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spec.ScoreStage;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class KernelsTest {
    private static AttentionSpec spec(
            int headDim, int valueDim, int heads, boolean sink, QueryOffset offset, Optional<ScoreStage> scores) {
        return new AttentionSpec(
                DType.F32,
                headDim,
                valueDim,
                heads,
                1,
                1,
                Expressions.score(),
                Expressions.score(),
                Expressions.causal(),
                offset,
                sink,
                false,
                sink,
                sink,
                scores);
    }

    private static String text(AttentionSpec s) {
        return Kernels.attention(AttentionVariant.of(s), s).text();
    }

    @Test
    void includesAreResolvedOnce() {
        String text = text(spec(64, 64, 1, false, QueryOffset.TOP_LEFT, Optional.empty()));
        assertThat(text).doesNotContain("#include");
        assertThat(text.split("struct attention_block \\{", -1)).hasSize(2);
    }

    @Test
    void whatIsCheapAtRunTimeSharesABuild() {
        String plain = text(spec(64, 64, 1, false, QueryOffset.TOP_LEFT, Optional.empty()));
        assertThat(text(spec(40, 33, 8, true, QueryOffset.GIVEN, Optional.empty())))
                .isEqualTo(plain);
        assertThat(text(spec(65, 64, 1, false, QueryOffset.TOP_LEFT, Optional.empty())))
                .isNotEqualTo(plain);
        assertThat(text(spec(64, 64, 1, false, QueryOffset.TOP_LEFT, Optional.of(ScoreStage.RAW))))
                .isNotEqualTo(plain);
    }

    @Test
    void everyValueDimIsCoveredBySlices() {
        for (int dim = 1; dim <= 1100; dim++) {
            AttentionVariant v = AttentionVariant.of(spec(dim, dim, 1, false, QueryOffset.PAST, Optional.empty()));
            assertThat(v.tile().slice()).isBetween(64, 128);
            assertThat(v.slices(dim) * v.tile().slice()).isGreaterThanOrEqualTo(dim);
            assertThat((v.slices(dim) - 1) * v.tile().slice()).isLessThan(dim);
            assertThat(v.tile().resident()).isIn(0, 64);
        }
    }

    @Test
    void tilesStayWithinLimits() {
        for (int bytes : new int[] {32 << 10, 48 << 10, 64 << 10, 226 << 10}) {
            TileLimits limits = new TileLimits(bytes, 256, 255, true, true);
            for (int dim : new int[] {16, 64, 96, 128, 192, 576}) {
                AttentionSpec s = spec(dim, Math.min(dim, 512), 1, false, QueryOffset.TOP_LEFT, Optional.empty());
                List<AttentionVariant> all = AttentionVariant.alternatives(s, limits);
                assertThat(all)
                        .doesNotHaveDuplicates()
                        .allMatch(v -> limits.allow(v.tile()) && v.tile().isPossible());
                assertThat(all.getLast().tile())
                        .isEqualTo(AttentionVariant.of(s).tile());
                assertThat(all)
                        .allMatch(v -> v.slices(s.valueDim()) * v.tile().slice() >= s.valueDim()
                                && (v.tile().resident() == 0 || v.tile().resident() >= s.headDim()));
            }
        }
    }

    @Test
    void moreLocalMemoryGivesLargerTiles() {
        AttentionSpec s = spec(64, 64, 1, false, QueryOffset.TOP_LEFT, Optional.empty());
        assertThat(AttentionVariant.of(s, new TileLimits(226 << 10, 1024, 255, true, true))
                        .tile()
                        .rows())
                .isEqualTo(128);
        assertThat(AttentionVariant.of(s, new TileLimits(48 << 10, 1024, 255, true, true))
                        .tile()
                        .itemKeys())
                .isEqualTo(8);
        assertThat(AttentionVariant.of(s, new TileLimits(226 << 10, 1024, 64, true, true))
                        .tile())
                .isEqualTo(AttentionVariant.of(s).tile());
    }

    @Test
    void onlyWhatIsUsedAsStoredIsCopiedAhead() {
        TileLimits limits = new TileLimits(226 << 10, 1024, 255, true, true);
        AttentionSpec s = spec(64, 64, 1, false, QueryOffset.TOP_LEFT, Optional.empty());
        List<AttentionVariant> all = AttentionVariant.alternatives(s, limits);
        assertThat(all.getFirst().tile().ahead()).isTrue();
        assertThat(all.getLast().tile().ahead()).isFalse();
        TileLimits oneLess = new TileLimits(163 << 10, 1024, 255, true, true); // 80 KiB twice, 96 KiB once
        assertThat(AttentionVariant.of(s, oneLess).tile().ahead()).isFalse();
        AttentionSpec wide = spec(128, 128, 1, false, QueryOffset.TOP_LEFT, Optional.empty());
        assertThat(AttentionVariant.alternatives(wide, limits))
                .noneMatch(v -> v.tile().ahead());
    }

    @Test
    void structsAreWholeWords() {
        assertThat(new StructWriter().int32(1).bytes()).hasSize(8);
        assertThat(new StructWriter().plane(null).int32(1).int32(2).bytes()).hasSize(40);
    }

    /** A kernel with a local of such a name does not compile for some specs, and they go a slower way without a word. */
    @Test
    void namesOfCapturesAndScalarsAreNobodyElses() {
        for (String file :
                List.of("hopper_attention.cl", "mma_attention.cl", "tile_attention.cl", "attention.cl", "decode.cl")) {
            String code = new KernelText(Map.of()).flatten(file).replaceAll("\"[^\"]*\"", "");
            assertThat(Pattern.compile("\\b[ctx]\\d+\\b")
                            .matcher(code)
                            .results()
                            .map(MatchResult::group))
                    .as(file)
                    .isEmpty();
        }
    }
}
