package dev.fovea.tools.mechanisms;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Mechanisms;
import dev.fovea.mechanisms.Port;
import dev.fovea.mechanisms.Values;
import dev.fovea.tools.UsageException;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;

/** What a command line names, or the sentence that lists what it could have named. */
final class Find {
    private Find() {}

    static Mechanism mechanism(@Nullable String id) {
        List<Mechanism> all = Mechanisms.all();
        return all.stream()
                .filter(m -> m.declaration().id().equals(id))
                .findFirst()
                .orElseThrow(() -> new UsageException(
                        (id == null ? "which mechanism? expected" : "there is no mechanism '" + id + "'; expected")
                                + " one of "
                                + all.stream().map(m -> m.declaration().id()).collect(Collectors.joining(", "))));
    }

    /** The mechanism with the values of parameters. */
    static Mechanism with(Mechanism mechanism, Map<String, String> parameters) {
        try {
            return mechanism.with(Values.parse(mechanism.declaration(), parameters));
        } catch (InvalidArgument e) {
            throw new UsageException("--param " + e.argument().replaceFirst("^parameter ", "") + ": expected "
                    + e.expected().replaceAll("[\\[\\]]", "") + ", got " + e.actual());
        }
    }

    /** The port of this name. */
    static Port port(String option, String name, String what, List<Port> ports, Declaration d) {
        return ports.stream()
                .filter(p -> p.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new UsageException(option + " " + name + ": " + d.id() + " has no " + what
                        + " of this name; expected " + list(ports)));
    }

    /** {@code query [B, H, S, D], segment [B, S] (optional)}. */
    static String list(List<Port> ports) {
        return ports.stream()
                .map(p -> p.name() + " " + p.shapeText() + (p.optional() ? " (optional)" : ""))
                .collect(Collectors.joining(", "));
    }

    /** Options before the name of a subcommand would be read and forgotten. */
    static void nothingBefore(CommandSpec spec) {
        spec.parent().commandLine().getParseResult().matchedOptions().stream()
                .findFirst()
                .ifPresent(o -> {
                    throw new UsageException(o.longestName() + " stands before " + spec.name()
                            + "; expected it after, if this command has it");
                });
    }
}
