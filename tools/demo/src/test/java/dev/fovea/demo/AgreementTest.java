package dev.fovea.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class AgreementTest {
    /** Two sentences of 1 and 2 tokens in a hidden state of width 2. */
    private static final TokenBatch BATCH = TokenBatch.of(List.of(new long[] {101}, new long[] {101, 102}));

    private static final float[] HIDDEN = {1, 2, 0, 0, 3, 4, 5, 6};

    @Test
    void equalStatesAgree() {
        assertThat(agreement(HIDDEN)).isEqualTo(new Agreement(1, 0));
    }

    @Test
    void paddingDoesNotCount() {
        assertThat(agreement(1, 2, Float.NaN, 9, 3, 4, 5, 6).passes()).isTrue();
    }

    @Test
    void notANumberDisagrees() {
        assertThat(agreement(1, 2, 0, 0, 3, Float.NaN, 5, 6).passes()).isFalse();
    }

    @Test
    void theLastTokenCounts() {
        Agreement agreement = agreement(1, 2, 0, 0, 3, 4, 5, 6.0005f);
        assertThat(agreement.lowestCosine()).isGreaterThan(Agreement.MIN_COSINE);
        assertThat(agreement.passes()).isFalse();
    }

    private static Agreement agreement(float... other) {
        return Agreement.of(List.of(BATCH), List.of(HIDDEN), List.of(other));
    }
}
