package dev.fovea.tools.mechanisms;

import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.conformance.mechanisms.MechanismCheck;
import dev.fovea.conformance.mechanisms.Problem;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.tools.FailureText;
import dev.fovea.tools.OpenBackends;
import dev.fovea.tools.Progress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What became of the first examples on devices.
 *
 * @param checked whether they ran at all
 * @param devices ids, best first
 */
record Trials(boolean checked, List<String> devices, List<Problematic> all) {
    /**
     * A mechanism that does not run on a device as it should.
     *
     * @param refused whether the device says that it does not do it; otherwise it failed
     */
    record Problematic(String mechanism, String device, boolean refused, String reason) {}

    static Trials none(List<String> devices) {
        return new Trials(false, devices, List.of());
    }

    static Trials run(List<Mechanism> mechanisms, List<String> devices, OpenBackends backends, Progress progress) {
        List<Problematic> found = new ArrayList<>();
        int done = 0;
        for (Mechanism m : mechanisms) {
            String id = m.declaration().id();
            progress.step(id, done++, mechanisms.size());
            MechanismCheck check =
                    MechanismCheck.of(Problem.of(m, m.declaration().examples().getFirst(), RunCommand.SEED));
            for (String device : devices) {
                try {
                    String wrong = check.violation(backends.get(device));
                    if (!wrong.isEmpty()) {
                        found.add(new Problematic(id, device, false, wrong));
                    }
                } catch (Unsupported e) {
                    found.add(
                            new Problematic(id, device, true, FailureText.of(e).sentence()));
                } catch (RuntimeException e) {
                    found.add(
                            new Problematic(id, device, false, FailureText.of(e).sentence()));
                }
            }
        }
        return new Trials(true, devices, found);
    }

    boolean failed() {
        return all.stream().anyMatch(p -> !p.refused);
    }

    /** The devices where a mechanism agrees, or all if none was tried. */
    List<String> devices(String mechanism) {
        return devices.stream()
                .filter(d -> problems(mechanism).stream().noneMatch(p -> p.device.equals(d)))
                .toList();
    }

    List<Problematic> problems(String mechanism) {
        return all.stream().filter(p -> p.mechanism.equals(mechanism)).toList();
    }

    /** As {@link #devices(String)}; the first part of an id where only one device has it. */
    List<String> shortNames(String mechanism) {
        Map<String, String> names = shortNames();
        List<String> ids = devices(mechanism);
        return ids.isEmpty()
                ? List.of("none")
                : ids.stream().map(d -> names.getOrDefault(d, d)).toList();
    }

    private Map<String, String> shortNames() {
        Map<String, String> names = new LinkedHashMap<>();
        for (String d : devices) {
            String first = d.split("/", 2)[0];
            long alike = devices.stream()
                    .filter(o -> o.split("/", 2)[0].equals(first))
                    .count();
            names.put(d, alike == 1 ? first : d);
        }
        return names;
    }

    List<String> footer() {
        List<String> lines = new ArrayList<>();
        Map<String, List<String>> alike = new LinkedHashMap<>();
        for (Problematic p : all) {
            String what = (p.refused ? "refused on " : "FAILED on ") + p.device + ": " + p.reason;
            alike.computeIfAbsent(what, w -> new ArrayList<>()).add(p.mechanism);
        }
        alike.forEach((what, ids) -> lines.addAll(TextColumns.wrapped(String.join(", ", ids) + " " + what)));
        String what = checked
                ? "devices where the first example agrees with the formula, of: "
                : "devices found here, untried (--check runs the first example of each): ";
        lines.add(what + (devices.isEmpty() ? "none" : String.join(", ", devices)));
        return lines;
    }
}
