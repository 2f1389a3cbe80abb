package dev.fovea.conformance;

/**
 * What a case must give: the reference's result and what the plain evaluation costs in the case's own types, the worst of three
 * summation orders.
 */
public final class Expected {
    private final AttentionCase testCase;
    private final HostProblem problem;
    private final Result reference;
    private final Tolerance tolerance;

    private Expected(AttentionCase testCase, HostProblem problem) {
        this.testCase = testCase;
        this.problem = problem;
        this.reference = Reference.evaluate(problem);
        this.tolerance = Tolerance.of(problem);
    }

    public static Expected of(AttentionCase c) {
        return new Expected(c, CaseData.of(c));
    }

    /** For a problem that no case describes, for instance tensors from files. */
    public static Expected of(HostProblem problem) {
        return new Expected(AttentionCase.base(), problem);
    }

    public AttentionCase testCase() {
        return testCase;
    }

    public HostProblem problem() {
        return problem;
    }

    public Result reference() {
        return reference;
    }

    /** Compares what a backend gave; arrays row-major, shapes as in {@link Result}. */
    public Comparison compare(double[] output, double[] logSumExp, double[] scores) {
        Comparison c = tolerance.output(reference.output(), output);
        if (!c.passed()) {
            return c;
        }
        if (problem.spec().logSumExp()) {
            Comparison lse = tolerance.logSumExp(reference.logSumExp(), logSumExp);
            if (!lse.passed()) {
                return lse;
            }
        }
        if (reference.scores().length == 0) {
            return c;
        }
        Comparison s = tolerance.scores(reference.scores(), scores);
        return s.passed() ? c : s;
    }
}
