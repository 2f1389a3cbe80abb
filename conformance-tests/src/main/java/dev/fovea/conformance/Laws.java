package dev.fovea.conformance;

import dev.fovea.api.Backend;
import dev.fovea.conformance.mechanisms.MechanismLaws;
import java.util.ArrayList;
import java.util.List;

/** What must hold between two calls of one backend, whatever the values: relations that need no reference. */
public final class Laws {
    /**
     * A relation; {@link #violation} gives a sentence, or the empty string if it holds.
     *
     * @param group under which reports count it
     */
    public record Law(String group, String name, Check check) {
        Law(String name, Check check) {
            this("laws", name, check);
        }

        public String violation(Backend backend) {
            return check.violation(backend);
        }
    }

    /** How a law looks at a backend. */
    public interface Check {
        String violation(Backend backend);
    }

    private Laws() {}

    public static List<Law> all() {
        List<Law> laws = new ArrayList<>(new AttentionLaws(2, 4, 75, 48).all());
        laws.addAll(PrimitiveLaws.all());
        laws.addAll(OperationLaws.small());
        laws.addAll(OperationLaws.large());
        laws.addAll(CacheLaws.all());
        laws.addAll(LatentLaws.all());
        laws.addAll(MechanismLaws.all());
        return List.copyOf(laws);
    }

    /** Those that a simulator gets through in a minute, with as many tiles of queries and keys but fewer heads. */
    public static List<Law> small() {
        List<Law> laws = new ArrayList<>(new AttentionLaws(1, 2, 75, 24).all());
        laws.addAll(PrimitiveLaws.all());
        laws.addAll(OperationLaws.small());
        laws.addAll(MechanismLaws.small());
        return List.copyOf(laws);
    }
}
