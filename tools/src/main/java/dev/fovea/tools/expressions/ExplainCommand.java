package dev.fovea.tools.expressions;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.Menu;
import dev.fovea.api.expr.ValueType;
import dev.fovea.tools.DeviceCommand;
import dev.fovea.tools.OpenBackends;
import dev.fovea.tools.UsageException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code fovea explain}: what expressions mean, which tiles a mask skips and what a device makes of them. */
@Command(
        name = "explain",
        sortOptions = false,
        header = "What mask and score expressions do, tile by tile.",
        customSynopsis = {
            "fovea explain --mask NAME [--scalar NAME=VALUE] [--capture NAME=...] [OPTIONS]",
            "       fovea explain --mask-expr TEXT [OPTIONS]",
            "       fovea explain --list"
        },
        description = {
            "%nPrints the expressions in their normal form, a map of the tiles that the mask skips, masks pair by pair or"
                    + " leaves whole, and the kernel that a device would run. Nothing is computed: only shapes count, and of"
                    + " captured arrays those of whole numbers and truths.",
            "A --capture is a file, the numbers themselves (documents=0,0,0,1,1), or only a type (slopes=f32) where the values"
                    + " do not matter. What a mask of the menu loads may be left out; the tiles that it decides then count as"
                    + " partial.%n"
        },
        optionListHeading = "Options:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:failed", "2:wrong usage"},
        footerHeading = "%nExamples:%n",
        footer = {
            "  fovea explain --list",
            "  fovea explain --mask sink-window --scalar sinks=4 --scalar window=256 --png m.png",
            "  fovea explain --mask-expr 'kpos <= qpos && (qpos - kpos) %% 3 == 0' --tile 2",
            "  fovea explain --mask causal --score alibi --device cpu --source"
        })
public final class ExplainCommand extends DeviceCommand {
    /** Tiles of the largest map. */
    private static final long MOST_TILES = 1 << 22;

    @Option(names = "--list", description = "List the menu: masks, scores, weights and outputs by name.")
    private boolean list;

    @Option(
            names = "--mask",
            paramLabel = "NAME",
            description = "A mask of the menu. Repeatable; a key is visible where all of them and --mask-expr hold.")
    private List<String> masks = new ArrayList<>();

    @Option(
            names = "--score",
            paramLabel = "NAME",
            description = "A score of the menu. Repeatable, applied in order, then --score-expr.")
    private List<String> scores = new ArrayList<>();

    @Mixin
    private ExpressionOptions expressions = new ExpressionOptions();

    @Mixin
    private ExplainShape shape = new ExplainShape();

    @Option(names = "--png", paramLabel = "FILE", description = "Also write the map as a picture.")
    private @Nullable Path png;

    @Option(
            names = "--source",
            description = "Also print the generated source of the kernel, or the steps of its programs.")
    private boolean source;

    @Option(
            names = "--device",
            paramLabel = "ID",
            description = "Whose kernel to show, see `fovea probe`. Default: the device that fovea attend would use.")
    private @Nullable String device;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = console().out();
        if (list) {
            MenuText.print(out);
            return ExitCode.OK;
        }
        expressions.check();
        shape.check();
        Map<String, CaptureValues> captures = new LinkedHashMap<>();
        for (Map.Entry<String, String> c : expressions.captures().entrySet()) {
            captures.put(c.getKey(), CaptureValues.of(c.getKey(), c.getValue()));
        }
        Map<String, DType> types = new LinkedHashMap<>();
        captures.forEach((name, c) -> types.put(name, c.dtype()));
        ExpressionOptions.Parsed parsed = expressions.parse(types);
        Expr score = Expressions.score();
        for (String name : scores) {
            score = menu(Menu.Stage.SCORE, "--score", name).onScore(score);
        }
        if (parsed.score().isPresent()) {
            score = parsed.score().get().onScore(score);
        }
        List<Expr> visible = new ArrayList<>();
        masks.forEach(name -> visible.add(menu(Menu.Stage.MASK, "--mask", name)));
        parsed.mask().ifPresent(visible::add);
        Optional<Expr> mask = visible.stream().reduce(Expr::and);
        ExplainedCall call =
                new ExplainedCall(mask, score, parsed.probability(), parsed.output(), expressions.normaliser(), shape);
        if (call.isPlain()) {
            throw new UsageException(
                    "nothing to explain; give --mask, --score, --mask-expr, --score-expr, --prob-expr or"
                            + " --out-expr, or --list for the menu");
        }
        Parameters parameters = Parameters.of(call.expressions());
        expressions.allUsed(parameters);
        types(parameters, captures);
        Optional<VerdictMap> map = mask.map(m -> map(m, captures));
        if (png != null && map.isEmpty()) {
            throw new UsageException("--png shows a mask; give --mask or --mask-expr");
        }
        call.print(out, expressions.scalars());
        if (map.isPresent()) {
            print(out, map.get(), Parameters.of(visible), captures);
        }
        if (png != null) {
            MapPicture.write(map.orElseThrow(), title(mask.orElseThrow()), png);
            console().note(png + ": the map as a picture");
        }
        try (OpenBackends backends = backends()) {
            call.printKernel(out, backends.get(device), source);
        }
        out.flush();
        return ExitCode.OK;
    }

    private static Expr menu(Menu.Stage stage, String option, String name) {
        return Menu.find(stage, name)
                .map(Menu.Entry::expression)
                .orElseThrow(() -> new UsageException(option + ": there is no '" + name + "'; there is "
                        + Menu.entries().stream()
                                .filter(e -> e.stage() == stage)
                                .map(Menu.Entry::name)
                                .collect(Collectors.joining(", "))));
    }

    /** Given arrays must have the types that the menu loads; those not given have that type and no values. */
    private static void types(Parameters parameters, Map<String, CaptureValues> captures) {
        parameters.captures().forEach((name, load) -> {
            CaptureValues given = captures.get(name);
            CaptureValues fitting = given == null ? CaptureValues.unknown(load.dtype()) : given.as(load.dtype());
            if (fitting.dtype() != load.dtype()) {
                throw new UsageException(
                        "--capture " + name + ": expected " + load.dtype() + ", got " + fitting.dtype());
            }
            if (fitting.shape().length > load.indices().size()) {
                throw new UsageException("--capture " + name + ": " + fitting.shape().length + " axes, but "
                        + load.text() + " has " + load.indices().size());
            }
            captures.put(name, fitting);
        });
    }

    private VerdictMap map(Expr mask, Map<String, CaptureValues> captures) {
        Map<String, Number> given = expressions.scalars();
        TreeSet<String> missing = new TreeSet<>();
        Parameters.of(List.of(mask)).scalars().forEach((name, type) -> {
            Number n = given.get(name);
            if (n == null) {
                missing.add(name);
            } else if (type == ValueType.I32 && !(n instanceof Integer)) {
                throw new UsageException("--scalar " + name + ": expected a whole number, got " + n);
            }
        });
        if (!missing.isEmpty()) {
            throw new UsageException("the mask needs "
                    + missing.stream().map(m -> "--scalar " + m + "=N").collect(Collectors.joining(" ")));
        }
        VerdictMap.Shape tiles = shape.tiles();
        if ((long) tiles.rows() * tiles.columns() > MOST_TILES) {
            throw new UsageException(String.format(
                    Locale.ROOT,
                    "%d x %d tiles are more than the 4 million of a map; give a larger --tile",
                    tiles.rows(),
                    tiles.columns()));
        }
        return VerdictMap.of(mask, tiles, given, captures);
    }

    private void print(PrintWriter out, VerdictMap map, Parameters used, Map<String, CaptureValues> captures) {
        out.println();
        out.print(MapText.of(map));
        used.captures().keySet().stream()
                .filter(name ->
                        java.util.Objects.requireNonNull(captures.get(name)).values() == null)
                .forEach(name ->
                        out.println("(the values of " + name + " are not known, so what it decides is partial)"));
    }

    private String title(Expr mask) {
        String numbers = expressions.scalars().entrySet().stream()
                .map(e -> e.getKey() + " = " + e.getValue())
                .collect(Collectors.joining(", "));
        String name = masks.isEmpty() ? "mask" : String.join(" and ", masks);
        return name + (numbers.isEmpty() ? "" : " (" + numbers + ")") + ": " + mask.text();
    }
}
