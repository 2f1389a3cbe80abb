package dev.fovea.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.spec.KeySource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** The judge judged: a right evaluation passes every case, and one with a planted fault fails some. */
class PlantedFaultsTest {
    private static final Map<String, UnaryOperator<AttentionCase>> FAULTS = new LinkedHashMap<>();

    static {
        FAULTS.put("causal ignored", c -> c.causal() ? c.with("causal=false") : c);
        FAULTS.put("window one short on the left", c -> c.left() > 0 ? c.with("left=" + (c.left() - 1)) : c);
        FAULTS.put("window one long on the right", c -> c.right() >= 0 ? c.with("right=" + (c.right() + 1)) : c);
        FAULTS.put("softcap ignored", c -> c.softcap() > 0 ? c.with("softcap=0") : c);
        FAULTS.put("alibi ignored", c -> c.alibi() ? c.with("alibi=false") : c);
        FAULTS.put(
                "bottom-right taken for top-left",
                c -> c.offset() == AttentionCase.Offset.BOTTOM_RIGHT ? c.with("offset=top-left") : c);
        FAULTS.put("past offset ignored", c -> c.offset() == AttentionCase.Offset.PAST ? c.with("offset=top-left") : c);
        FAULTS.put("l1 taken for softmax", c -> norm(c, AttentionCase.Norm.L1, "norm=softmax"));
        FAULTS.put("sigmoid taken for identity", c -> norm(c, AttentionCase.Norm.SIGMOID, "norm=identity"));
        FAULTS.put(
                "weight ignored", c -> c.weights().weight() != AttentionCase.Weight.NONE ? c.with("weight=none") : c);
        FAULTS.put("gate ignored", c -> c.weights().finish() != AttentionCase.Finish.NONE ? c.with("finish=none") : c);
        FAULTS.put("key positions ignored", c -> c.source().positions() ? c.with("positions=false") : c);
        FAULTS.put("int4 taken for int8", c -> c.source().kv() == AttentionCase.Kv.INT4 ? c.with("kv=int8") : c);
        FAULTS.put("selection ignored", c -> c.source().select() != KeySource.Selection.ALL ? c.with("select=all") : c);
        FAULTS.put(
                "scale half a per cent off",
                c -> c.with("scale=" + (c.scale() != 0 ? c.scale() : 1 / Math.sqrt(c.d())) * 1.005));
    }

    private static AttentionCase norm(AttentionCase c, AttentionCase.Norm norm, String instead) {
        return c.weights().norm() == norm ? c.with(instead) : c;
    }

    private static List<AttentionCase> cases() {
        List<AttentionCase> all = new ArrayList<>();
        Suites.small(1).forEach(e -> all.add(e.testCase()));
        return all;
    }

    @Test
    void aPlainEvaluationPasses() {
        for (AttentionCase c : cases()) {
            Expected e = Expected.of(c);
            Result r = Plain.evaluate(e.problem(), Plain.Order.STRIDED);
            Comparison got = e.compare(r.output(), r.logSumExp(), r.scores());
            assertThat(got.passed()).as("%s: %s", c, got).isTrue();
        }
    }

    @Test
    void everyFaultIsCaughtBySomeCase() {
        for (Map.Entry<String, UnaryOperator<AttentionCase>> fault : FAULTS.entrySet()) {
            int caught = 0;
            for (AttentionCase c : cases()) {
                AttentionCase wrong = fault.getValue().apply(c);
                if (!wrong.equals(c)) {
                    Expected e = Expected.of(c);
                    Result r = Plain.evaluate(CaseData.of(wrong), Plain.Order.FORWARD);
                    caught += e.compare(r.output(), r.logSumExp(), r.scores()).passed() ? 0 : 1;
                }
            }
            assertThat(caught).as(fault.getKey()).isGreaterThan(2);
        }
    }

    @Test
    void smallErrorsOfOneElementAreCaught() {
        Expected e = Expected.of(AttentionCase.parse("sq=17 sk=64 d=64 dv=64"));
        Result r = Plain.evaluate(e.problem(), Plain.Order.STRIDED);
        r.output()[33] += 5e-6;
        assertThat(e.compare(r.output(), r.logSumExp(), r.scores()).passed()).isFalse();
        r.output()[33] -= 5e-6;
        r.logSumExp()[3] += 3e-6;
        assertThat(e.compare(r.output(), r.logSumExp(), r.scores()).passed()).isFalse();
    }

    @Test
    void aRelativeErrorOfAFewUlpIsCaughtSomewhere() {
        // 2.7e-6 on every second output: the size that an exp2 polynomial of degree 4, over the contract, would leave.
        int caught = 0;
        List<AttentionCase> cases = cases();
        for (AttentionCase c : cases) {
            Expected e = Expected.of(c);
            Result r = Plain.evaluate(e.problem(), Plain.Order.FORWARD);
            double[] o = r.output().clone();
            for (int i = 0; i < o.length; i++) {
                o[i] *= 1 + 2.7e-6 * (i % 2);
            }
            caught += e.compare(o, r.logSumExp(), r.scores()).passed() ? 0 : 1;
        }
        assertThat(caught).isGreaterThan(cases.size() / 10);
    }

    @Test
    void aNanThatLeaksIsCaught() {
        Expected e = Expected.of(AttentionCase.parse("sq=5 sk=9 causal special=poison-masked"));
        Result r = Plain.evaluate(e.problem(), Plain.Order.FORWARD);
        assertThat(e.compare(r.output(), r.logSumExp(), r.scores()).passed()).isTrue();
        r.output()[0] = Double.NaN;
        assertThat(e.compare(r.output(), r.logSumExp(), r.scores()).passed()).isFalse();
    }
}
