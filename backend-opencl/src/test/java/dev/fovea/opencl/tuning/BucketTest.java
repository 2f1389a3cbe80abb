package dev.fovea.opencl.tuning;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.ExprParser;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.QueryOffset;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class BucketTest {
    private static AttentionSpec spec(DType storage, int headDim, int valueDim, Expr score, Expr mask) {
        return new AttentionSpec(
                storage,
                headDim,
                valueDim,
                4,
                2,
                2,
                Expressions.score(),
                score,
                mask,
                QueryOffset.TOP_LEFT,
                false,
                false,
                false,
                false,
                Optional.empty());
    }

    @Test
    void texts() {
        Expr all = Expressions.constant(true);
        Expr score = Expressions.score();
        AttentionSpec plain = spec(DType.BF16, 128, 128, score, all);
        assertThat(PlanTuning.bucket(plain, 4096, 4096)).isEqualTo("bf16 128x128 q256 k4096 full");
        assertThat(PlanTuning.bucket(plain, 1, 1)).isEqualTo("bf16 128x128 q1 k1 full");
        assertThat(PlanTuning.bucket(plain, 15, 1023)).isEqualTo("bf16 128x128 q1 k1 full");
        assertThat(PlanTuning.bucket(plain, 16, 1024)).isEqualTo("bf16 128x128 q16 k1024 full");
        assertThat(PlanTuning.bucket(plain, Long.MAX_VALUE, 1L << 40)).isEqualTo("bf16 128x128 q256 k16384 full");
        assertThat(PlanTuning.bucket(plain)).isEqualTo("bf16 128x128 all full");
        AttentionSpec causal = spec(DType.F32, 40, 150, score, Expressions.causal());
        assertThat(PlanTuning.bucket(causal, 300, 300)).isEqualTo("f32 64x192 q256 k1 band");
        Expr odd = ExprParser.parse("(k + q) % 2 == 0", Map.of(), Map.of());
        Expr bias = ExprParser.parse("s + 0.5 * (k - q)", Map.of(), Map.of());
        assertThat(PlanTuning.bucket(spec(DType.F16, 64, 64, bias, odd), 300, 300))
                .isEqualTo("f16 64x64 q256 k1 mask scored");
    }

    /** An index is a class: what it starts from is in it. */
    @Test
    void classes() {
        for (int i = 0; i < Bucket.CLASSES; i++) {
            String[] words = Bucket.classes(i).split(" ");
            long queries = Long.parseLong(words[0].substring(1));
            long keys = Long.parseLong(words[1].substring(1));
            assertThat(Bucket.index(queries, keys)).isEqualTo(i);
            assertThat(keys).isEqualTo(Bucket.leastKeys(i));
        }
        assertThat(Bucket.index(0, 0)).isZero();
    }
}
