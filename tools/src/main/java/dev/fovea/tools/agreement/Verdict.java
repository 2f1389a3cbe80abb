package dev.fovea.tools.agreement;

import dev.fovea.conformance.CaseResult;
import dev.fovea.conformance.CaseResult.Status;
import dev.fovea.conformance.Laws.Law;

/**
 * What became of one case or law on one device.
 *
 * @param what the case as text, or the law's name
 * @param load share of its bound that the error uses
 * @param maxAbs largest error of the output; NaN where there is none
 * @param reproduce the command that runs it again
 */
record Verdict(
        String group,
        String device,
        String what,
        Status status,
        String detail,
        double load,
        double maxAbs,
        String reproduce) {

    static Verdict of(CaseResult r) {
        return new Verdict(
                r.group(),
                r.device(),
                r.testCase().toString(),
                r.status(),
                r.detail(),
                r.load(),
                r.maxAbs(),
                r.reproduce());
    }

    static Verdict of(Law law, String device, String violation) {
        return new Verdict(
                law.group(),
                device,
                law.name(),
                violation.isEmpty() ? Status.PASS : Status.FAIL,
                violation,
                0,
                Double.NaN,
                "fovea conformance --device " + device + " --filter \"" + law.name() + "\"");
    }

    /** What went wrong and the command that shows it again, without a line break. */
    String line() {
        return "on " + device + ", " + group + ": " + detail.strip().replaceAll("\\s*\\R\\s*", " ") + "; " + reproduce;
    }
}
