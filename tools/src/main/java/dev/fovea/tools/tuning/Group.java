package dev.fovea.tools.tuning;

import dev.fovea.api.spi.Tunable;
import dev.fovea.api.spi.Tunable.Choice;
import dev.fovea.api.spi.TuningPoint;
import dev.fovea.tools.UsageException;
import dev.fovea.tools.bench.gpu.TuningCase;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Cases that share a choice: of one kernel, in one bucket.
 *
 * @param named whether what is in force is from a table that a person named
 * @param points those that all of the cases can take
 */
record Group(
        String family,
        String bucket,
        TuningPoint inForce,
        String origin,
        boolean named,
        List<TuningPoint> points,
        List<TuningCase> cases) {

    /**
     * The groups that cases fall into.
     *
     * @param family the kernel to choose for; null for the one that each case runs on
     */
    static List<Group> of(Tunable device, List<TuningCase> cases, @Nullable String family) {
        Map<List<String>, Group> groups = new LinkedHashMap<>();
        TreeSet<String> families = new TreeSet<>();
        for (TuningCase c : cases) {
            List<Choice> choices = device.choices(c.spec(), c.arguments());
            choices.forEach(choice -> families.add(choice.family()));
            choices.stream()
                    .filter(choice -> family == null || choice.family().equals(family))
                    .findFirst()
                    .ifPresent(choice -> groups.merge(
                            List.of(choice.family(), choice.bucket()),
                            new Group(
                                    choice.family(),
                                    choice.bucket(),
                                    choice.inForce(),
                                    choice.origin(),
                                    choice.named(),
                                    choice.space(),
                                    List.of(c)),
                            Group::with));
        }
        if (groups.isEmpty()) {
            throw new UsageException("nothing to choose: "
                    + (family == null
                            ? "no kernel of this device takes these cases"
                            : "no case runs on '" + family + "' here; they run on " + String.join(", ", families)));
        }
        return List.copyOf(groups.values());
    }

    private Group with(Group other) {
        List<TuningPoint> both = new ArrayList<>(points);
        both.retainAll(other.points);
        List<TuningCase> all = new ArrayList<>(cases);
        all.addAll(other.cases);
        return new Group(family, bucket, inForce, origin, named, both, all);
    }

    String caseNames() {
        return String.join(", ", cases.stream().map(TuningCase::name).toList());
    }
}
