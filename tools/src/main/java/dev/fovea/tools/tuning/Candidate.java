package dev.fovea.tools.tuning;

import dev.fovea.api.spi.DevicePlan;
import dev.fovea.api.spi.Tunable;
import dev.fovea.api.spi.TuningPoint;
import dev.fovea.tools.bench.gpu.TuningCase;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A point of a group with its plans, one for each case, and what was measured of them. */
final class Candidate implements AutoCloseable {
    private final TuningPoint point;
    private final List<DevicePlan> plans = new ArrayList<>();
    private final List<TuningCase.Entrant> entrants = new ArrayList<>();
    /** Seconds of a call, by round and case. */
    private final List<double[]> rounds = new ArrayList<>();

    private double errorShare;

    /** Builds the kernels; throws where a compiler or device cannot. */
    Candidate(Tunable device, Group group, TuningPoint point) {
        this.point = point;
        try {
            for (TuningCase c : group.cases()) {
                DevicePlan plan = device.prepare(c.spec(), group.family(), point);
                plans.add(plan);
                entrants.add(c.entrant(plan));
            }
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    TuningPoint point() {
        return point;
    }

    /** Runs each case once; whether sampled rows agree with float64. */
    boolean check() {
        for (TuningCase.Entrant e : entrants) {
            errorShare = Math.max(errorShare, e.errorShare());
        }
        return errorShare <= 1;
    }

    /** The largest error so far by what is allowed. */
    double errorShare() {
        return errorShare;
    }

    void round() {
        rounds.add(entrants.stream().mapToDouble(TuningCase.Entrant::round).toArray());
    }

    void forgetRounds() {
        rounds.clear();
    }

    int rounds() {
        return rounds.size();
    }

    /** Seconds of a call of each case, medians. */
    double[] seconds() {
        double[] all = new double[entrants.size()];
        Arrays.setAll(all, c -> median(rounds.stream().mapToDouble(r -> r[c]).toArray()));
        return all;
    }

    /** How many times as fast as another it is: over cases the geometric mean, over rounds the median. */
    double speedOver(Candidate other) {
        double[] ratios = new double[Math.min(rounds.size(), other.rounds.size())];
        for (int i = 0; i < ratios.length; i++) {
            double logs = 0;
            double[] own = rounds.get(i);
            for (int c = 0; c < own.length; c++) {
                logs += Math.log(other.rounds.get(i)[c] / own[c]);
            }
            ratios[i] = Math.exp(logs / own.length);
        }
        return median(ratios);
    }

    private static double median(double[] values) {
        double[] sorted = Arrays.stream(values).sorted().toArray();
        int n = sorted.length;
        return n == 0 ? Double.NaN : (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
    }

    @Override
    public void close() {
        plans.forEach(DevicePlan::close);
        plans.clear();
    }
}
