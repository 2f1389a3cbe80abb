package dev.fovea.tools.agreement;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** What a run has found so far. A failure is told at once: a run that a time limit ends has then said what it saw. */
final class Findings {
    private final Matrix matrix;
    private final Consumer<String> notes;
    private final List<Verdict> failures = new ArrayList<>();
    private final Map<String, Integer> skips = new LinkedHashMap<>();
    private final Set<String> skippedWhole;

    Findings(List<String> devices, Consumer<String> notes) {
        this.matrix = new Matrix(devices);
        this.notes = notes;
        this.skippedWhole = new LinkedHashSet<>(devices);
    }

    void add(Verdict v) {
        matrix.add(v);
        switch (v.status()) {
            case PASS -> {}
            case FAIL -> {
                failures.add(v);
                notes.accept("FAILED " + v.line());
            }
            case SKIP -> {
                skips.merge(v.device() + ": " + v.detail(), 1, Integer::sum);
                return;
            }
        }
        skippedWhole.remove(v.device());
    }

    Matrix matrix() {
        return matrix;
    }

    List<Verdict> failures() {
        return failures;
    }

    /** How often a device gave a reason. */
    Map<String, Integer> skips() {
        return skips;
    }

    /** Devices that did nothing else. */
    Set<String> skippedWhole() {
        return skippedWhole;
    }
}
