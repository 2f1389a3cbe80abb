package dev.fovea.conformance.mechanisms;

import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.Binary;
import dev.fovea.api.expr.Expr.BinaryOp;
import dev.fovea.api.expr.Expr.Load;
import dev.fovea.api.expr.Expr.Unary;
import dev.fovea.api.expr.Expr.UnaryOp;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.ValueType;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.MapSpec;
import dev.fovea.api.spec.MergeSpec;
import dev.fovea.api.spec.Primitive;
import dev.fovea.api.spec.ReduceSpec;
import dev.fovea.api.spec.ReduceSpec.Rule;
import dev.fovea.api.spec.RotarySpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/** Primitives that differ from another in one small thing, as a wrong composition would. */
final class Mutants {
    private static final Map<BinaryOp, BinaryOp> SWAPPED = Map.ofEntries(
            Map.entry(BinaryOp.ADD, BinaryOp.SUBTRACT),
            Map.entry(BinaryOp.SUBTRACT, BinaryOp.ADD),
            Map.entry(BinaryOp.LESS, BinaryOp.LESS_EQUAL),
            Map.entry(BinaryOp.LESS_EQUAL, BinaryOp.LESS),
            Map.entry(BinaryOp.AND, BinaryOp.OR),
            Map.entry(BinaryOp.OR, BinaryOp.AND),
            Map.entry(BinaryOp.MIN, BinaryOp.MAX),
            Map.entry(BinaryOp.MAX, BinaryOp.MIN));

    private static final Map<Rule, Rule> OTHER_RULE = Map.of(
            Rule.SUM, Rule.MEAN,
            Rule.MEAN, Rule.SUM,
            Rule.MAX, Rule.MIN,
            Rule.MIN, Rule.MAX,
            Rule.ARGMAX, Rule.ARGMIN,
            Rule.ARGMIN, Rule.ARGMAX);

    private Mutants() {}

    /**
     * A primitive in the place of another.
     *
     * @param what the difference, for people
     */
    record Mutant(String what, Primitive<?> original, Primitive<?> wrong) {}

    static List<Mutant> of(Primitive<?> p) {
        List<Mutant> all = new ArrayList<>();
        switch (p) {
            case AttentionSpec s -> {
                expression(all, p, "mask", s.mask(), Expressions.constant(true), e -> masked(s, e));
                expression(all, p, "score", s.score(), Expressions.score(), e -> scored(s, e));
                expression(all, p, "weight", s.probability(), Expressions.probability(), s::withProbability);
                expression(all, p, "output", s.output(), Expressions.output(), s::withOutput);
            }
            case MapSpec s -> expression(all, p, "map", s.value(), s.value(), e -> new MapSpec(s.output(), e));
            case ReduceSpec s -> {
                Rule other = Objects.requireNonNull(OTHER_RULE.get(s.rule()));
                all.add(new Mutant(s.rule() + " as " + other, p, new ReduceSpec(s.input(), s.output(), other)));
            }
            case RotarySpec s -> {
                RotarySpec.Pairing other = s.pairing() == RotarySpec.Pairing.HALVES
                        ? RotarySpec.Pairing.NEIGHBOURS
                        : RotarySpec.Pairing.HALVES;
                all.add(new Mutant(
                        "rotary by " + other,
                        p,
                        new RotarySpec(s.storage(), s.dim(), s.rotaryDim(), other, s.sections())));
            }
            case MergeSpec s
            when s.rule() == MergeSpec.Rule.LOG_SUM_EXP ->
                all.add(new Mutant(
                        "parts merged by another rule",
                        p,
                        new MergeSpec(s.storage(), s.valueDim(), MergeSpec.Rule.RATIO, false, false)));
            default -> {}
        }
        return all;
    }

    private static void expression(
            List<Mutant> all,
            Primitive<?> original,
            String place,
            Expr e,
            Expr none,
            Function<Expr, Primitive<?>> with) {
        if (!e.equals(none)) {
            all.add(new Mutant("no " + place + " expression", original, with.apply(none)));
        }
        for (Changed c : changed(e)) {
            all.add(new Mutant(place + ": " + c.what, original, with.apply(c.expr)));
        }
    }

    private record Changed(String what, Expr expr) {}

    /** Every expression that differs from this one at one node. */
    private static List<Changed> changed(Expr e) {
        List<Changed> all = new ArrayList<>(here(e));
        List<Expr> operands = e.operands();
        for (int i = 0; i < operands.size(); i++) {
            for (Changed c : changed(operands.get(i))) {
                List<Expr> other = new ArrayList<>(operands);
                other.set(i, c.expr);
                all.add(new Changed(c.what, rebuilt(e, other)));
            }
        }
        return all;
    }

    private static Expr rebuilt(Expr e, List<Expr> operands) {
        return switch (e) {
            case Load l -> new Load(l.name(), l.dtype(), operands);
            case Unary u -> new Unary(u.op(), operands.getFirst());
            case Binary b -> new Binary(b.op(), operands.get(0), operands.get(1));
            case Expr.Select _ -> new Expr.Select(operands.get(0), operands.get(1), operands.get(2));
            default -> e;
        };
    }

    private static List<Changed> here(Expr e) {
        String text = e.text();
        return switch (e) {
            case Expr.IntConst c -> List.of(new Changed(text + " + 1", Expressions.constant(c.value() + 1)));
            case Expr.FloatConst c ->
                List.of(new Changed(text + " by 1.1", Expressions.constant(c.value() == 0 ? 0.1f : 1.1f * c.value())));
            case Expr.Scalar s ->
                List.of(
                        s.type() == ValueType.I32
                                ? new Changed(text + " + 1", s.plus(Expressions.constant(1)))
                                : new Changed(text + " by 1.1", s.times(Expressions.constant(1.1f))));
            case Expr.Select s ->
                List.of(new Changed(
                        "branches of " + text + " swapped",
                        new Expr.Select(s.condition().not(), s.ifTrue(), s.ifFalse())));
            case Unary u
            when u.op() != UnaryOp.TO_FLOAT && u.op() != UnaryOp.TO_INT ->
                List.of(new Changed("operand of " + text, u.operand()));
            case Binary b -> binary(b, text);
            default -> List.of();
        };
    }

    private static List<Changed> binary(Binary b, String text) {
        List<Changed> all = new ArrayList<>();
        BinaryOp swapped = SWAPPED.get(b.op());
        if (swapped != null) {
            all.add(new Changed(text + " with " + swapped, new Binary(swapped, b.left(), b.right())));
        }
        if (b.op() == BinaryOp.EQUAL) {
            all.add(new Changed("not " + text, b.not()));
        }
        if (b.left().type() == b.type()) {
            all.add(new Changed("left of " + text, b.left()));
            all.add(new Changed("right of " + text, b.right()));
        }
        return all;
    }

    private static AttentionSpec masked(AttentionSpec s, Expr mask) {
        return copy(s, s.score(), mask);
    }

    private static AttentionSpec scored(AttentionSpec s, Expr score) {
        return copy(s, score, s.mask());
    }

    private static AttentionSpec copy(AttentionSpec s, Expr score, Expr mask) {
        return new AttentionSpec(
                s.storage(),
                s.headDim(),
                s.valueDim(),
                s.queryHeads(),
                s.keyHeads(),
                s.valueHeads(),
                s.cap(),
                score,
                mask,
                s.offset(),
                s.sink(),
                s.past(),
                s.keyLengths(),
                s.logSumExp(),
                s.scores(),
                s.normaliser(),
                s.probability(),
                s.output(),
                s.source(),
                s.partials());
    }
}
