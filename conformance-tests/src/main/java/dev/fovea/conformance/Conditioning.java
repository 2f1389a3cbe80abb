package dev.fovea.conformance;

import dev.fovea.api.spec.Normaliser;

/**
 * How far the output moves when scores and weights do, per unit of value. Softmax contracts, so both are 1 there; without its sum over
 * the row an error in each of n scores can add up n times, and L1 divides by a sum that may be small.
 *
 * @param scores change of the output when every score of a row moves by 1, at most
 * @param weights largest sum of a row's absolute weights
 */
record Conditioning(double scores, double weights) {
    static Conditioning of(HostProblem p) {
        if (p.spec().normaliser() == Normaliser.SOFTMAX) {
            return new Conditioning(1, 1);
        }
        double scores = 1;
        double weights = 1;
        Reference reference = new Reference(p);
        ExprInterpreter at = new ExprInterpreter(p, false);
        for (int b = 0; b < p.batch(); b++) {
            for (int h = 0; h < p.spec().queryHeads(); h++) {
                for (int q = 0; q < p.queryLength(b); q++) {
                    double[] s = reference.scores(b, h, q);
                    double moved = 0;
                    double sum = 0;
                    double total = 0;
                    int visible = 0;
                    for (int k = 0; k < s.length; k++) {
                        if (Double.isFinite(s[k])) {
                            double step = 1e-6 * (1 + Math.abs(s[k]));
                            at.at(b, h, q, k);
                            double w = at.weight(p.spec().probability(), s[k], s[k]);
                            double beside = at.weight(p.spec().probability(), s[k] + step, s[k] + step);
                            moved += Math.abs(beside - w) / step;
                            total += Math.abs(w);
                            sum += Math.abs(s[k]);
                            visible++;
                        }
                    }
                    boolean l1 = p.spec().normaliser() == Normaliser.L1;
                    scores = Math.max(scores, l1 ? sum == 0 ? 0 : 2 * visible / sum : moved);
                    weights = Math.max(weights, l1 ? 1 : total);
                }
            }
        }
        return new Conditioning(scores, weights);
    }
}
