package dev.fovea.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.expr.KeyBand;
import dev.fovea.conformance.AttentionCase.Mask;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The expression factories against the sentences of the contract, pair by pair, and the bands read off them. */
class FactoriesTest {
    @Test
    void masksAndScoresAreWhatTheOptionsSay() {
        SplittableRandom random = new SplittableRandom(11);
        int hidden = 0;
        int pairs = 0;
        for (int i = 0; i < 400; i++) {
            AttentionCase c = Fuzz.random(random).with("special=none amplitude=1 scale=0");
            HostProblem p = CaseData.of(c);
            ExprInterpreter at = new ExprInterpreter(p, false);
            for (int n = 0; n < 60 && c.sq() > 0 && p.keys() > 0; n++) {
                int b = random.nextInt(c.b());
                int h = random.nextInt(c.hq());
                int q = random.nextInt(c.sq());
                int k = random.nextInt(p.keys());
                at.at(b, h, q, k);
                boolean visible = at.test(p.spec().mask());
                assertThat(visible).as("%s at %d %d %d %d", c, b, h, q, k).isEqualTo(visible(c, p, b, h, q, k));
                double s = random.nextGaussian();
                double capped = c.softcap() > 0 ? c.softcap() * Math.tanh(s / c.softcap()) : s;
                assertThat(at.value(p.spec().cap(), s))
                        .isCloseTo(capped, org.assertj.core.api.Assertions.within(1e-12));
                double bias = bias(c, p, b, h, q, k);
                double slope = c.alibi() ? Math.pow(2, -8.0 * (h + 1) / c.hq()) : 0;
                double score = s + bias - (double) (float) slope * Math.abs(q + p.offset(b, h) - k);
                double got = at.value(p.spec().score(), s);
                if (Double.isInfinite(score)) {
                    assertThat(got).isEqualTo(score);
                } else {
                    assertThat(got)
                            .isCloseTo(score, org.assertj.core.api.Assertions.within(1e-9 * (1 + Math.abs(score))));
                }
                hidden += visible ? 0 : 1;
                pairs++;
            }
        }
        assertThat(hidden).isBetween(pairs / 10, pairs * 9 / 10);
    }

    private static boolean visible(AttentionCase c, HostProblem p, int b, int h, int q, int k) {
        int qpos = q + p.offset(b, h);
        return (!c.causal() || k <= qpos)
                && (c.left() < 0 || k >= qpos - c.left())
                && (c.right() < 0 || k <= qpos + c.right())
                && (c.mask() == Mask.NONE || entry(c.mask(), p, "mask", b, h, q, k, 0) != 0);
    }

    private static double bias(AttentionCase c, HostProblem p, int b, int h, int q, int k) {
        return c.bias() == Mask.NONE ? 0 : entry(c.bias(), p, "bias", b, h, q, k, Double.NEGATIVE_INFINITY);
    }

    private static double entry(Mask kind, HostProblem p, String name, int b, int h, int q, int k, double beyond) {
        HostTensor t = java.util.Objects.requireNonNull(p.captures().get(name));
        return switch (kind) {
            case FULL -> t.at(b, h, q, k);
            case PLANE -> t.at(q, k);
            case KEYS -> t.at(b, 0, 0, k);
            case ROWS -> t.at(h, q, 0);
            case SHORT -> k < t.size(1) ? t.at(q, k) : t.size(1) == 1 ? t.at(q, 0) : beyond;
            case NONE -> throw new IllegalStateException();
        };
    }

    @Test
    void bandsContainEveryVisibleKeyAndExactOnesNoOther() {
        SplittableRandom random = new SplittableRandom(5);
        int exact = 0;
        for (int i = 0; i < 300; i++) {
            AttentionCase c = Fuzz.random(random);
            HostProblem p = CaseData.of(c.with("special=none"));
            KeyBand band = KeyBand.of(p.spec().mask(), p.scalars());
            ExprInterpreter at = new ExprInterpreter(p, false);
            exact += band.exact() ? 1 : 0;
            for (int q = 0; q < c.sq(); q++) {
                for (int k = 0; k < p.keys(); k++) {
                    at.at(0, 0, q, k);
                    int qpos = q + p.offset(0, 0);
                    boolean inside = k >= qpos - band.left() && k <= qpos + band.right();
                    boolean visible = at.test(p.spec().mask());
                    assertThat(inside || !visible)
                            .as("%s q=%d k=%d %s", c, q, k, band)
                            .isTrue();
                    assertThat(visible || !inside || !band.exact())
                            .as("%s q=%d k=%d %s", c, q, k, band)
                            .isTrue();
                }
            }
            assertThat(band.exact()).isEqualTo(c.mask() == Mask.NONE);
        }
        assertThat(exact).isBetween(50, 250);
    }
}
