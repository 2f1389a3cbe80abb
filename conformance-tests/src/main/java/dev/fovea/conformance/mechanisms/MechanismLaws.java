package dev.fovea.conformance.mechanisms;

import dev.fovea.conformance.Laws.Law;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Mechanisms;
import java.util.ArrayList;
import java.util.List;

/** That every mechanism gives what its oracle says, for each of its examples. */
public final class MechanismLaws {
    private MechanismLaws() {}

    public static List<Law> all() {
        return of(Integer.MAX_VALUE);
    }

    /** The first example of each. */
    public static List<Law> small() {
        return of(1);
    }

    private static List<Law> of(int examples) {
        List<Law> laws = new ArrayList<>();
        for (Mechanism m : Mechanisms.all()) {
            m.declaration().examples().stream().limit(examples).forEach(e -> {
                Problem p = Problem.of(m, e, 1);
                laws.add(new Law(
                        "mechanisms", p.text(), backend -> MechanismCheck.of(p).violation(backend)));
            });
        }
        return laws;
    }
}
