package dev.fovea.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class CaseTest {
    @Test
    void textParsesBack() {
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < 500; i++) {
            AttentionCase c = Fuzz.random(random);
            assertThat(AttentionCase.parse(c.toString())).isEqualTo(c);
        }
        assertThat(AttentionCase.parse("dtype=f16 sq=3 causal seed=9").toString())
                .isEqualTo("dtype=f16 sq=3 causal seed=9");
    }

    @Test
    void unknownFieldsAreNamed() {
        assertThatThrownBy(() -> AttentionCase.parse("sqq=3"))
                .hasMessageContaining("sqq")
                .hasMessageContaining("sq,");
    }

    @Test
    void everyPairOfLevelsOccurs() {
        int[] levels = {3, 5, 2, 4, 2};
        List<int[]> rows = Pairwise.rows(levels, 1);
        for (int i = 0; i < levels.length; i++) {
            for (int j = i + 1; j < levels.length; j++) {
                Set<Integer> seen = new HashSet<>();
                for (int[] row : rows) {
                    seen.add(row[i] * 100 + row[j]);
                }
                assertThat(seen).hasSize(levels[i] * levels[j]);
            }
        }
        assertThat(rows.size()).isBetween(20, 35);
    }

    @Test
    void shrinkingFindsTheSmallestCaseThatFails() {
        AttentionCase start = AttentionCase.parse(
                "b=3 hq=4 hk=2 sq=130 sk=77 causal softcap=3.0 mask=full sink scores=masked dtype=f16 seed=12");
        AttentionCase small = Fuzz.shrink(start, c -> c.sk() >= 9 && c.causal());
        assertThat(small).isEqualTo(AttentionCase.parse("sq=0 sk=9 d=1 dv=1 causal seed=1"));
    }

    @Test
    void theSameSeedMakesTheSameData() {
        AttentionCase c = AttentionCase.parse("b=2 mask=full bias=plane seed=4");
        assertThat(CaseData.of(c).query().values())
                .containsExactly(CaseData.of(c).query().values());
        assertThat(CaseData.of(c.with("seed=5")).query().values())
                .isNotEqualTo(CaseData.of(c).query().values());
    }
}
