package dev.fovea.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.ExprParser;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.ValueType;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.QueryOffset;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class VerdictTextTest {
    private static KernelSource kernel(Expr mask) {
        AttentionSpec spec = new AttentionSpec(
                DType.F32,
                64,
                64,
                1,
                1,
                1,
                Expressions.score(),
                Expressions.score(),
                mask,
                QueryOffset.TOP_LEFT,
                false,
                false,
                false,
                false,
                Optional.empty());
        return Kernels.attention(AttentionVariant.of(spec), spec);
    }

    private static KernelSource kernel(String mask) {
        Map<String, DType> captures =
                Map.of("doc", DType.I32, "seen", DType.BOOL, "dense", DType.BOOL, "limit", DType.F32);
        return kernel(ExprParser.parse(mask, captures, Map.of("n", ValueType.I32)));
    }

    @Test
    void aBandNeedsNoVerdict() {
        for (String mask : new String[] {"true", "kpos <= qpos", "kpos <= qpos && qpos - n <= kpos"}) {
            assertThat(kernel(mask).text())
                    .as(mask)
                    .contains("#define VERDICTS 0")
                    .doesNotContain("mask_verdict(struct");
        }
    }

    @Test
    void whatNothingIsKnownOfHasNone() {
        for (String mask : new String[] {"dense[q, k]", "float(k) < limit[q]", "kpos <= qpos && dense[q, k]"}) {
            assertThat(kernel(mask).text()).as(mask).contains("#define VERDICTS 0");
        }
    }

    @Test
    void loadsAlongOneAxisAskForItsRanges() {
        KernelSource s = kernel("doc[b, q] == doc[b, k] && seen[k]");
        assertThat(s.ranges()).containsExactly(new KernelSource.Range("doc", 1), new KernelSource.Range("seen", 0));
        assertThat(s.text())
                .contains("range_equal(")
                .contains("truth_of_range(range_of_blocks(ranges, r_1.offset, r_1.s0, r3, c1.last0))")
                .contains(", __global const int *ranges, struct capture r_0, struct capture r_1");
    }

    @Test
    void integersAreIntervals() {
        assertThat(kernel("k < 4 || q - k < n && !(k // 16 == q % 3)").text())
                .contains("range_less(r0, r1)")
                .contains("range_subtract(r3, r0)")
                .contains("range_floor_divide(r0, ")
                .contains("range_modulo(r3, ")
                .contains("truth_not(")
                .contains("truth_or(");
    }
}
