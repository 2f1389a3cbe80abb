package dev.fovea.conformance;

/**
 * Rows of a problem's queries, keys and values by logical index, turned if the problem turns them, in float64 or as f32 arithmetic does
 * it. Those of a key head are kept until another is asked for: every pair reads them.
 */
final class ProblemRows {
    private final HostProblem p;
    private final boolean single;
    private double[][] keys = new double[0][];
    private int keysOf = -1;
    private double[][] values = new double[0][];
    private int valuesOf = -1;

    ProblemRows(HostProblem p, boolean single) {
        this.p = p;
        this.single = single;
    }

    double[] query(int b, int head, int q) {
        return p.queryRow(b, head, q, single);
    }

    /** All keys that a query head reads, masked ones and those beyond the length too. */
    double[][] keys(int b, int head) {
        int of = b * p.spec().keyHeads() + p.keyHead(head);
        if (of != keysOf) {
            keys = new double[p.keys()][];
            for (int k = 0; k < keys.length; k++) {
                keys[k] = p.keyRow(b, head, k, single);
            }
            keysOf = of;
        }
        return keys;
    }

    double[][] values(int b, int head) {
        int of = b * p.spec().valueHeads() + p.valueHead(head);
        if (of != valuesOf) {
            values = new double[p.keys()][];
            for (int k = 0; k < values.length; k++) {
                values[k] = p.valueRow(b, head, k);
            }
            valuesOf = of;
        }
        return values;
    }
}
