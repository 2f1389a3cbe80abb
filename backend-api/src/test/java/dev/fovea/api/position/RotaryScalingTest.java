package dev.fovea.api.position;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.fovea.api.FoveaException.InvalidArgument;
import java.util.Arrays;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Frequencies against formulas written as the sources have them, and against constants that those publish. */
class RotaryScalingTest {
    private static final Offset<Double> EXACT = within(1e-14);

    private static void same(RotaryFrequencies f, IntToDoubleFunction expected) {
        for (int r = 0; r < f.pairs(); r++) {
            double e = expected.applyAsDouble(r);
            assertThat(f.radians()[r] / e).as("pair %d", r).isCloseTo(1, EXACT);
        }
    }

    private static double trained(double base, int dim, int r) {
        return 1 / Math.exp(Math.log(base) * (2 * r) / dim);
    }

    @Test
    void unscaledFrequenciesAreThoseOfRoFormer() {
        RotaryFrequencies f = new RotaryScaling.None().frequencies(10000, 128);
        assertThat(f.pairs()).isEqualTo(64);
        assertThat(f.amplitude()).isEqualTo(1);
        same(f, r -> trained(10000, 128, r));
        assertThat(f.radians()[32]).isCloseTo(0.01, EXACT); // 10000^(-1/2)
        assertThatThrownBy(() -> RotaryFrequencies.of(10000, 7)).isInstanceOf(InvalidArgument.class);
        assertThatThrownBy(() -> RotaryFrequencies.of(1, 8)).isInstanceOf(InvalidArgument.class);
    }

    @Test
    void interpolationTurnsAtAFractionOfTheSpeed() {
        same(new RotaryScaling.Linear(4).frequencies(10000, 96), r -> trained(10000, 96, r) / 4);
        assertThatThrownBy(() -> new RotaryScaling.Linear(0.5)).isInstanceOf(InvalidArgument.class);
    }

    @Test
    void ntkInterpolatesTheSlowestPairByTheFactorAndTheFastestNotAtAll() {
        int dim = 64;
        RotaryFrequencies f = new RotaryScaling.Ntk(8).frequencies(10000, dim);
        assertThat(f.radians()[0]).isEqualTo(1);
        assertThat(f.radians()[31] / trained(10000, dim, 31)).isCloseTo(1 / 8.0, EXACT);
        same(f, r -> trained(10000, dim, r) * Math.pow(8, -2.0 * r / (dim - 2)));
    }

    @Test
    void dynamicNtkStartsBeyondTheTrainedContext() {
        same(new RotaryScaling.DynamicNtk(2, 2048, 100).frequencies(10000, 64), r -> trained(10000, 64, r));
        same(new RotaryScaling.DynamicNtk(2, 2048, 2048).frequencies(10000, 64), r -> trained(10000, 64, r));
        // base * ((factor * seq_len / max_position) - (factor - 1)) ** (dim / (dim - 2))
        double base = 10000 * Math.pow((2.0 * 6144 / 2048) - (2 - 1), 64.0 / 62);
        same(new RotaryScaling.DynamicNtk(2, 2048, 6144).frequencies(10000, 64), r -> trained(base, 64, r));
    }

    @Test
    void yarnRampsBetweenThePairsThatItsCodeNames() {
        // DeepSeek-V2 and V3: rotary dim 64, base 10000, 4096 positions, factor 40: correction range 10 to 23
        RotaryFrequencies f = new RotaryScaling.Yarn(40, 4096).frequencies(10000, 64);
        same(f, r -> {
            double ramp = Math.min(1, Math.max(0, (r - 10) / 13.0));
            return trained(10000, 64, r) / 40 * ramp + trained(10000, 64, r) * (1 - ramp);
        });
        // Llama 2 with YaRN: dim 128: 20 to 46
        RotaryFrequencies g = new RotaryScaling.Yarn(16, 4096).frequencies(10000, 128);
        assertThat(g.radians()[20]).isCloseTo(trained(10000, 128, 20), EXACT);
        assertThat(g.radians()[21]).isLessThan(trained(10000, 128, 21) * 0.999);
        assertThat(g.radians()[45] * 16).isGreaterThan(trained(10000, 128, 45) * 1.001);
        assertThat(g.radians()[46] * 16 / trained(10000, 128, 46)).isCloseTo(1, EXACT);
    }

    @Test
    void yarnWithoutWholePairsIsThatOfGptOss() {
        // gpt-oss: base 150000, dim 64, 4096 positions, factor 32; d_half * log(context / (ntk * 2 pi)) / log(base)
        double low = 32 * Math.log(4096 / (32 * 2 * Math.PI)) / Math.log(150000);
        double high = 32 * Math.log(4096 / (1 * 2 * Math.PI)) / Math.log(150000);
        RotaryFrequencies f = new RotaryScaling.Yarn(32, 4096, 32, 1, false, RotaryScaling.Yarn.amplitude(32, 1))
                .frequencies(150000, 64);
        same(f, r -> {
            double ramp = Math.clamp((r - low) / (high - low), 0, 1);
            double mask = 1 - ramp;
            return trained(150000, 64, r) / 32 * (1 - mask) + trained(150000, 64, r) * mask;
        });
        assertThat(f.amplitude()).isCloseTo(1.3465735902799727, EXACT);
    }

    @Test
    void yarnScalesTheAmplitude() {
        assertThat(new RotaryScaling.Yarn(4, 32768).amplitude()).isCloseTo(1.138629436111989, EXACT);
        assertThat(new RotaryScaling.Yarn(1, 32768).amplitude()).isEqualTo(1);
        assertThat(RotaryScaling.Yarn.amplitude(40, 0.707)).isCloseTo(0.1 * 0.707 * Math.log(40) + 1, EXACT);
    }

    @Test
    void llama3RampsByWavelength() {
        int dim = 128;
        RotaryFrequencies f = new RotaryScaling.Llama3(8, 1, 4, 8192).frequencies(500000, dim);
        same(f, r -> {
            double freq = trained(500000, dim, r);
            double wavelength = 2 * Math.PI / freq;
            if (wavelength < 8192 / 4.0) {
                return freq;
            }
            if (wavelength > 8192 / 1.0) {
                return freq / 8;
            }
            double smooth = (8192 / wavelength - 1) / (4 - 1);
            return (1 - smooth) * freq / 8 + smooth * freq;
        });
        int kept = (int) IntStream.range(0, 64)
                .filter(r -> f.radians()[r] == Math.pow(500000, -2.0 * r / dim))
                .count();
        int eighths = (int) IntStream.range(0, 64)
                .filter(r -> f.radians()[r] == Math.pow(500000, -2.0 * r / dim) / 8)
                .count();
        assertThat(kept).isEqualTo(29);
        assertThat(eighths).isEqualTo(29);
    }

    @Test
    void longRopeHasAListForEachContext() {
        double[] within = new double[48];
        double[] beyond = new double[48];
        Arrays.setAll(within, r -> 1 + r / 100.0);
        Arrays.setAll(beyond, r -> 1.5 + r);
        double amplitude = RotaryScaling.LongRope.amplitude(4096, 131072);
        assertThat(amplitude).as("Phi-3-mini-128k").isCloseTo(1.1902380714238083, EXACT);
        assertThat(RotaryScaling.LongRope.amplitude(4096, 4096)).isEqualTo(1);
        RotaryFrequencies near =
                new RotaryScaling.LongRope(within, beyond, 4096, 4096, amplitude).frequencies(10000, 96);
        RotaryFrequencies far =
                new RotaryScaling.LongRope(within, beyond, 4096, 4097, amplitude).frequencies(10000, 96);
        same(near, r -> 1.0 / ((1 + r / 100.0) * Math.pow(10000, 2.0 * r / 96)));
        same(far, r -> 1.0 / ((1.5 + r) * Math.pow(10000, 2.0 * r / 96)));
        assertThat(far.amplitude()).isEqualTo(amplitude);
        assertThatThrownBy(() -> new RotaryScaling.LongRope(within, beyond, 4096, 1, 1).frequencies(10000, 64))
                .isInstanceOf(InvalidArgument.class);
    }

    @Test
    void sectionsNameTheAxisOfEachPair() {
        int[] blocks = RotarySections.blocks(16, 24, 24);
        assertThat(blocks).hasSize(64);
        assertThat(blocks[15]).isZero();
        assertThat(blocks[16]).isEqualTo(1);
        assertThat(blocks[39]).isEqualTo(1);
        assertThat(blocks[40]).isEqualTo(2);
        int[] turns = RotarySections.interleaved(24, 20, 20);
        int[] expected = new int[64]; // freqs_t[offset : 3 * section : 3] = freqs[axis][...] over axis 0
        for (int axis = 1; axis < 3; axis++) {
            for (int r = axis; r < 20 * 3; r += 3) {
                expected[r] = axis;
            }
        }
        assertThat(turns).isEqualTo(expected);
        assertThatThrownBy(() -> RotarySections.interleaved(20, 20, 4)).isInstanceOf(InvalidArgument.class);
        assertThatThrownBy(() -> RotarySections.blocks(1, 1, 1, 1)).isInstanceOf(InvalidArgument.class);
    }

    @Test
    void axesStartAnew() {
        RotaryFrequencies f = RotaryFrequencies.axial(10000, 16, 56, 56);
        assertThat(f.pairs()).isEqualTo(64);
        assertThat(f.radians()[0]).isEqualTo(1);
        assertThat(f.radians()[8]).isEqualTo(1);
        assertThat(f.radians()[36]).isEqualTo(1);
        assertThat(f.radians()[37]).isCloseTo(trained(10000, 56, 1), EXACT);
    }

    @Test
    void tablesAreRoundedOnce() {
        RotaryFrequencies f = new RotaryScaling.Yarn(4, 512).frequencies(10000, 32);
        float[] cos = RotaryTables.table(f, 70000, true);
        float[] sin = RotaryTables.table(f, 70000, false);
        for (int p : new int[] {0, 1, 4097, 69999}) {
            for (int r = 0; r < 16; r++) {
                double angle = p * f.radians()[r];
                assertThat(cos[p * 16 + r]).isEqualTo((float) (f.amplitude() * Math.cos(angle)));
                assertThat(sin[p * 16 + r]).isEqualTo((float) (f.amplitude() * Math.sin(angle)));
            }
        }
    }
}
