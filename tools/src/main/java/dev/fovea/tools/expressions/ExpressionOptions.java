package dev.fovea.tools.expressions;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expr.ValueKind;
import dev.fovea.api.expr.ExprParser;
import dev.fovea.api.expr.ValueType;
import dev.fovea.tools.NamedValues;
import dev.fovea.tools.UsageException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that give expressions, what they load and their numbers. */
public final class ExpressionOptions {
    @Option(
            names = "--mask-expr",
            paramLabel = "TEXT",
            description = {
                "A key is visible only where this holds, beside the other masks: 'kpos <= qpos && qpos - kpos < w'. Names: b h"
                        + " hkv q k qpos kpos len_q len_k; operators as in C, // and %% floor; min max abs select(c, a, b) and"
                        + " more, see docs/expressions.md."
            })
    @Nullable
    String mask;

    @Option(
            names = "--score-expr",
            paramLabel = "TEXT",
            description = {
                "The score becomes this expression of s, the score after softcap, bias and ALiBi:"
                        + " 's - slope[h] * abs(qpos - kpos)'."
            })
    @Nullable
    String score;

    @Option(
            names = "--prob-expr",
            paramLabel = "TEXT",
            description =
                    "The weight of a value becomes this expression of p, the probability: 'select(p > 0.01, p, 0)'.")
    @Nullable
    String probability;

    @Option(
            names = "--out-expr",
            paramLabel = "TEXT",
            description = "Each output element becomes this expression of o: 'o * sigmoid(gate[b, h, q, d])'.")
    @Nullable
    String output;

    @Option(
            names = "--normaliser",
            paramLabel = "NAME",
            converter = Weighting.Names.class,
            defaultValue = "softmax",
            description = {
                "How scores become weights: softmax, l1 (s / sum |s|), identity (s), sigmoid or relu (of s, no sum over the"
                        + " row). Default: ${DEFAULT-VALUE}."
            })
    Weighting normaliser = Weighting.SOFTMAX;

    @Option(
            names = "--capture",
            paramLabel = "NAME=FILE",
            converter = NamedText.Capture.class,
            description = {
                "An array that the expressions load as NAME[i, ...], one index for each axis, clamped to it: floats, int32,"
                        + " int64 (as 32 bits) or bool. Repeatable."
            })
    List<NamedText> captures = new ArrayList<>();

    @Option(
            names = "--scalar",
            paramLabel = "NAME=VALUE",
            converter = NamedText.Scalar.class,
            description = "A number that the expressions use as NAME: 3 is a whole number, 3.0 is not. Repeatable.")
    List<NamedText> scalars = new ArrayList<>();

    /** What a weight is made of. */
    public enum Weighting {
        SOFTMAX,
        L1,
        IDENTITY,
        SIGMOID,
        RELU;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }

        /** Reads a name. */
        static final class Names extends NamedValues<Weighting> {
            Names() {
                super(List.of(values()));
            }
        }
    }

    /** The expressions, of the right types; empty where there is none. */
    public record Parsed(Optional<Expr> mask, Optional<Expr> score, Optional<Expr> probability, Optional<Expr> output) {
        public List<Expr> all() {
            return Stream.of(mask, score, probability, output)
                    .flatMap(Optional::stream)
                    .toList();
        }
    }

    /** Captured arrays by name, as their values were given. */
    public Map<String, String> captures() {
        Map<String, String> all = new LinkedHashMap<>();
        for (NamedText c : captures) {
            if (all.put(c.name(), c.text()) != null) {
                throw new UsageException("--capture " + c.name() + " comes twice");
            }
        }
        return all;
    }

    /** Runtime scalars by name. */
    public Map<String, Number> scalars() {
        Map<String, Number> all = new LinkedHashMap<>();
        for (NamedText s : scalars) {
            if (all.put(s.name(), s.number()) != null) {
                throw new UsageException("--scalar " + s.name() + " comes twice");
            }
        }
        return all;
    }

    public Weighting normaliser() {
        return normaliser;
    }

    /** Checks what needs no files. */
    public void check() {
        captures();
        scalars();
        if (probability != null && (normaliser == Weighting.SIGMOID || normaliser == Weighting.RELU)) {
            throw new UsageException("--normaliser " + normaliser
                    + " and --prob-expr exclude each other; use --normaliser identity and write the weight as one"
                    + " expression of p");
        }
    }

    /**
     * Reads the texts.
     *
     * @param types of the captured arrays
     */
    public Parsed parse(Map<String, DType> types) {
        return new Parsed(
                parse("--mask-expr", mask, ValueType.BOOL, Set.of(), types),
                parse("--score-expr", score, ValueType.F32, Set.of(ValueKind.SCORE), types),
                parse("--prob-expr", probability, ValueType.F32, Set.of(ValueKind.PROBABILITY, ValueKind.SCORE), types),
                parse("--out-expr", output, ValueType.F32, Set.of(ValueKind.OUTPUT), types));
    }

    private Optional<Expr> parse(
            String option, @Nullable String text, ValueType type, Set<ValueKind> values, Map<String, DType> types) {
        if (text == null) {
            return Optional.empty();
        }
        Expr e;
        try {
            Map<String, ValueType> numbers = new LinkedHashMap<>();
            scalars().forEach((name, n) -> numbers.put(name, n instanceof Integer ? ValueType.I32 : ValueType.F32));
            e = ExprParser.parse(text, types, numbers);
        } catch (IllegalArgumentException wrong) {
            throw new UsageException(option + ": " + wrong.getMessage());
        }
        if (e.type() == ValueType.I32 && type == ValueType.F32) {
            e = e.toFloat();
        }
        if (e.type() != type) {
            throw new UsageException(option + ": '" + text + "' is "
                    + (e.type() == ValueType.BOOL ? "true or false" : "a number") + ", expected "
                    + (type == ValueType.BOOL ? "true or false: a comparison, for instance" : "a number"));
        }
        for (ValueKind kind : ValueKind.values()) {
            if (e.uses(kind) && !values.contains(kind)) {
                throw new UsageException(option + ": '" + text + "' uses "
                        + switch (kind) {
                            case SCORE -> "the score s";
                            case PROBABILITY -> "the probability p";
                            case OUTPUT -> "the output o";
                        }
                        + ", which is not known there; the order is mask and score, then probability, then output");
            }
        }
        boolean columns = values.contains(ValueKind.OUTPUT);
        if (!columns && e.uses(IndexKind.CHANNEL)) {
            throw new UsageException(
                    option + ": '" + text + "' uses d, the column of an output; only --out-expr has it");
        }
        if (columns && (e.uses(IndexKind.KEY) || e.uses(IndexKind.KEY_POSITION))) {
            throw new UsageException(option + ": '" + text + "' uses a key index; all keys are summed up there");
        }
        if (e.nodeCount() > Expr.NODE_LIMIT) {
            throw new UsageException(option + ": " + e.nodeCount() + " nodes are more than the " + Expr.NODE_LIMIT
                    + " of an expression; put the constant part into a captured array");
        }
        return Optional.of(e);
    }

    /** Refuses captures and scalars that none of the expressions uses, which are mistyped as a rule. */
    public void allUsed(Parameters used) {
        for (String name : captures().keySet()) {
            if (!used.captures().containsKey(name)) {
                throw new UsageException("--capture " + name + ": no expression loads it");
            }
        }
        for (String name : scalars().keySet()) {
            if (!used.scalars().containsKey(name)) {
                throw new UsageException("--scalar " + name + ": no expression uses it");
            }
        }
    }
}
