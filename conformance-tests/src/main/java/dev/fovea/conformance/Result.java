package dev.fovea.conformance;

/**
 * The outputs of an attention evaluation, row-major.
 *
 * @param output [B, Hq, Sq, Dv]
 * @param logSumExp [B, Hq, Sq]
 * @param scores [B, Hq, Sq, Sk] at the stage that the spec asks for; empty if it asks for none
 */
public record Result(double[] output, double[] logSumExp, double[] scores) {
    static Result empty(HostProblem p) {
        int rows = p.batch() * p.spec().queryHeads() * p.queries();
        return new Result(
                new double[rows * p.spec().valueDim()],
                new double[rows],
                new double[p.spec().scores().isPresent() ? rows * p.keys() : 0]);
    }
}
