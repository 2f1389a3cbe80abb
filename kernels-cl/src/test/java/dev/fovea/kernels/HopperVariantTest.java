package dev.fovea.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.ExprParser;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spi.TuningPoint;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What no compiler of this machine can tell: local memory and registers of every shape, as hopper_tiles.clh refuses them. */
class HopperVariantTest {
    private static final int MOST_LOCAL_BYTES = 231424;

    private static AttentionSpec spec(DType storage, int headDim, int valueDim, Expr mask) {
        return new AttentionSpec(
                storage,
                headDim,
                valueDim,
                4,
                2,
                2,
                Expressions.score(),
                Expressions.score(),
                mask,
                QueryOffset.TOP_LEFT,
                false,
                false,
                false,
                true,
                Optional.empty());
    }

    private static int define(String text, String name) {
        Matcher m = Pattern.compile("#define " + name + " (\\d+)\n").matcher(text);
        assertThat(m.find()).as(name).isTrue();
        return Integer.parseInt(m.group(1));
    }

    private static int panels(int dim) {
        return Math.ceilDiv(dim, 64) * 128;
    }

    private static void check(HopperVariant v) {
        String text = v.defines();
        int keys = define(text, "KEYS");
        int rows = 64 * define(text, "CONSUMERS");
        int key = panels(define(text, "HEAD_DIM"));
        int value = panels(define(text, "VALUE_DIM"));
        int local = define(text, "PLANES")
                        * (define(text, "QUERY_STAGES") * rows * key + define(text, "STAGES") * keys * (key + value))
                + (define(text, "PLANES") == 2 ? 2 * define(text, "STAGES") * 8 * (4 + keys) : 0);
        assertThat(local).as(v.toString()).isLessThanOrEqualTo(MOST_LOCAL_BYTES);
        assertThat(keys % 16).isZero();
        int atStart = define(text, "CONSUMERS") == 3 ? 512 : 504; // 65536 registers by warps of whole groups
        assertThat(define(text, "FEEDER_REGISTERS") + define(text, "CONSUMERS") * define(text, "CONSUMER_REGISTERS"))
                .as(v.toString())
                .isLessThanOrEqualTo(atStart);
        HopperVariant smaller = v.smaller();
        if (smaller != null) {
            assertThat(smaller.keys()).isLessThan(keys);
            check(smaller);
        }
    }

    @Test
    void everyShapeFits() {
        Expr judged = ExprParser.parse(
                "kpos <= qpos && kpos > qpos - 100 && ids[b, q] == ids[b, k]", Map.of("ids", DType.I32), Map.of());
        for (DType storage : new DType[] {DType.BF16, DType.F16, DType.F32}) {
            int widest = storage == DType.F32 ? 128 : 256;
            for (int d = 8; d <= widest; d += 8) {
                for (int dv : new int[] {8, d, 128, widest}) {
                    for (Expr mask : new Expr[] {Expressions.causal(), judged}) {
                        AttentionSpec spec = spec(storage, d, dv, mask);
                        assertThat(HopperVariant.takes(spec)).isTrue();
                        check(HopperVariant.of(spec, 1000));
                        check(HopperVariant.of(spec, 100_000));
                    }
                }
            }
        }
    }

    @Test
    void everyPointThatTuningMayChooseFits() {
        int points = 0;
        for (DType storage : new DType[] {DType.BF16, DType.F32}) {
            for (int d = 32; d <= (storage == DType.F32 ? 128 : 256); d += 32) {
                AttentionSpec spec = spec(storage, d, d, Expressions.causal());
                for (long keys : new long[] {1000, 100_000}) {
                    HopperVariant usual = HopperVariant.of(spec, keys);
                    assertThat(usual.with(spec, usual.point())).contains(usual);
                    assertThat(usual.with(spec, TuningPoint.DEFAULTS)).contains(usual);
                    for (TuningPoint point : HopperVariant.SPACE.around(
                            usual.point(), p -> usual.with(spec, p).isPresent())) {
                        HopperVariant v = usual.with(spec, point).orElseThrow();
                        assertThat(v.point()).isEqualTo(point);
                        check(v);
                        points++;
                    }
                }
            }
        }
        assertThat(points).isGreaterThan(200);
    }

    @Test
    void manyKeysHaveTheTileThatWastesLittle() {
        AttentionSpec all = spec(DType.BF16, 128, 128, Expressions.constant(true));
        assertThat(List.of(1024, 2048, 2304, 4096, 6144, 8192, 16384))
                .map(keys -> HopperVariant.of(all, keys).keys())
                .containsExactly(128, 160, 128, 160, 160, 160, 160);
        AttentionSpec causal = spec(DType.BF16, 128, 128, Expressions.causal());
        assertThat(HopperVariant.of(causal, 2048).keys()).isEqualTo(128);
        assertThat(HopperVariant.of(causal, 16384).keys()).isEqualTo(160);
        assertThat(HopperVariant.keysSeen(causal, 16384, Map.of())).isEqualTo(16384);
        AttentionSpec window =
                spec(DType.BF16, 128, 128, ExprParser.parse("kpos <= qpos && kpos > qpos - 1024", Map.of(), Map.of()));
        assertThat(HopperVariant.keysSeen(window, 8192, Map.of())).isEqualTo(1024);
        assertThat(HopperVariant.keysSeen(window, 100, Map.of())).isEqualTo(100);
    }

    @Test
    void pointsThatNoKernelTakes() {
        AttentionSpec spec = spec(DType.BF16, 128, 128, Expressions.causal());
        HopperVariant usual = HopperVariant.of(spec, 1000);
        for (TuningPoint point : List.of(
                TuningPoint.DEFAULTS.with("keys", 100),
                TuningPoint.DEFAULTS.with("keys", 0),
                TuningPoint.DEFAULTS.with("keys", 240),
                TuningPoint.DEFAULTS.with("consumers", 4),
                TuningPoint.DEFAULTS.with("stages", 1),
                TuningPoint.DEFAULTS.with("stages", 4))) {
            assertThat(usual.with(spec, point)).as(point.toString()).isEmpty();
        }
    }

    @Test
    void whatTheEngineDoesNotDoGoesAnotherWay() {
        assertThat(HopperVariant.takes(spec(DType.BF16, 264, 64, Expressions.causal())))
                .isFalse();
        assertThat(HopperVariant.takes(spec(DType.BF16, 60, 64, Expressions.causal())))
                .isFalse();
        assertThat(HopperVariant.takes(spec(DType.F32, 136, 64, Expressions.causal())))
                .isFalse();
        assertThat(HopperVariant.takes(spec(DType.F32, 7, 63, Expressions.causal())))
                .isFalse();
    }

    @Test
    void theProductsOfTheSourcesAreThoseOfTheDefaults() {
        assertThat(new KernelText(Map.of()).flatten("wgmma.clh")).isEqualTo(WgmmaText.of("bf16", 128, 128));
    }
}
