package dev.fovea.conformance;

/**
 * What became of a case on a device.
 *
 * @param detail the comparison, the reason of a skip, or what failed
 * @param load share of the tolerance used, for a passed case
 * @param maxAbs largest error of the output
 */
public record CaseResult(
        String group, AttentionCase testCase, String device, Status status, String detail, double load, double maxAbs) {
    public enum Status {
        PASS,
        FAIL,
        /** The device says that it does not do this, with a reason. */
        SKIP
    }

    /** A command that shows the failure again. */
    public String reproduce() {
        return "fovea conformance --device " + device + " --case \"" + testCase + "\"";
    }
}
