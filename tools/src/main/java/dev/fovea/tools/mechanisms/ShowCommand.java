package dev.fovea.tools.mechanisms;

import dev.fovea.mechanisms.Declaration;
import dev.fovea.tools.CliCommand;
import dev.fovea.tools.Json;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code fovea mechanisms show}: all that is known of one mechanism. */
@Command(
        name = "show",
        sortOptions = false,
        header =
                "Show the equation, inputs, outputs and parameters of a mechanism, and where it departs from its paper.",
        description =
                "%nAn axis of one name has one size wherever it occurs; inputs of F32, F16 or BF16 all have the same type.%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:shown", "2:wrong usage"})
final class ShowCommand extends CliCommand {
    @Parameters(paramLabel = "ID", arity = "0..1", description = "A mechanism, see fovea mechanisms.")
    private @Nullable String id;

    @Option(names = "--json", description = "Print one JSON object instead of text.")
    private boolean json;

    @Override
    public Integer call() {
        Find.nothingBefore(spec());
        Declaration d = Find.mechanism(id).declaration();
        if (json) {
            console().out().println(Json.pretty(j -> DeclarationText.json(j, d)));
        } else {
            DeclarationText.lines(d).forEach(console().out()::println);
        }
        return ExitCode.OK;
    }
}
