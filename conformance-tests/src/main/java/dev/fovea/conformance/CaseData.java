package dev.fovea.conformance;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expr.ValueKind;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.Menu;
import dev.fovea.api.expr.ValueType;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.Normaliser;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.conformance.AttentionCase.Finish;
import dev.fovea.conformance.AttentionCase.Lengths;
import dev.fovea.conformance.AttentionCase.Mask;
import dev.fovea.conformance.AttentionCase.Offset;
import dev.fovea.conformance.AttentionCase.Scores;
import dev.fovea.conformance.AttentionCase.Special;
import dev.fovea.conformance.AttentionCase.Weight;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/** Makes the tensors and the spec of a case from its seed. */
final class CaseData {
    private static final String FLOOR = "floor";

    private final AttentionCase c;
    private final SplittableRandom random;
    private final Map<String, HostTensor> captures = new HashMap<>();
    private final Map<String, Number> scalars = new HashMap<>();

    private CaseData(AttentionCase c) {
        this.c = c;
        this.random = new SplittableRandom(c.seed());
    }

    static HostProblem of(AttentionCase c) {
        return new CaseData(c).problem();
    }

    private HostProblem problem() {
        int total = c.past() + c.sk();
        float spread = c.special() == Special.HUGE ? 300 : c.amplitude();
        HostTensor q = normal(spread, c.b(), c.hq(), c.sq(), c.d());
        SourceData where = new SourceData(c, random);
        HostTensor k = where.stored(gaussians(c.b() * c.hk() * c.sk() * c.d(), spread), c.hk(), c.d());
        HostTensor v = where.stored(gaussians(c.b() * c.hv() * c.sk() * c.dv(), 1), c.hv(), c.dv());
        HostTensor pastKey = c.past() > 0 ? normal(spread, c.b(), c.hk(), c.past(), c.d()) : null;
        HostTensor pastValue = c.past() > 0 ? normal(1, c.b(), c.hv(), c.past(), c.dv()) : null;
        HostTensor lengths = perSequence(
                c.lengths() == Lengths.PER_HEAD,
                c.lengths() != Lengths.NONE || c.source().layout() != KeySource.Layout.DENSE,
                i -> i == 0 ? total : i == 1 ? total / 2 : random.nextInt(total + 1));
        HostTensor offsets = perSequence(
                c.offset() == Offset.PER_HEAD,
                c.offset() == Offset.PER_HEAD || c.offset() == Offset.PER_BATCH,
                i -> i == 0 ? total / 3 : random.nextInt(-c.sq() / 2 - 1, total + 1));
        HostTensor sinks = c.sink() ? new HostTensor(DType.F32, gaussians(c.hq(), 2), c.hq()) : null;
        AttentionSpec spec = spec(total);
        float scale = c.scale() != 0 ? c.scale() : (float) (1 / Math.sqrt(c.d()));
        HostProblem p = new HostProblem(
                spec,
                q,
                k,
                v,
                scale,
                pastKey,
                pastValue,
                lengths,
                offsets,
                sinks,
                Map.copyOf(captures),
                Map.copyOf(scalars),
                where.source());
        p = where.quantised(special(p));
        return c.weights().weight() == Weight.THRESHOLD ? p.withScalars(floor(p)) : p;
    }

    /** A threshold in the widest gap between the middle probabilities, so that rounding carries none across it. */
    private static Map<String, Number> floor(HostProblem p) {
        Map<String, Number> all = new HashMap<>(p.scalars());
        double[] x = Reference.probabilities(p);
        Arrays.sort(x);
        double widest = 0;
        for (int i = x.length * 2 / 5; i + 1 < x.length * 4 / 5; i++) {
            double gap = (x[i + 1] - x[i]) / Math.max(1e-30, Math.abs(x[i]));
            if (Double.isFinite(gap) && gap > widest) {
                widest = gap;
                all.put(FLOOR, (float) (x[i] + (x[i + 1] - x[i]) / 2));
            }
        }
        return Map.copyOf(all);
    }

    private AttentionSpec spec(int total) {
        Expr cap = Expressions.score();
        Expr score = Expressions.score();
        Expr mask = null;
        if (c.softcap() > 0) {
            cap = Expressions.softcap();
            scalars.put(Expressions.SOFTCAP, c.softcap());
        }
        if (c.bias() != Mask.NONE) {
            DType type = c.seed() % 2 == 0 ? c.dtype() : DType.F32;
            captures.put(Expressions.BIAS, maskTensor(c.bias(), type, total));
            scalars.put(Expressions.BIAS_KEYS, maskKeys(c.bias(), total));
            score = score.plus(Expressions.additive(Expressions.BIAS, Expressions.BIAS_KEYS, type));
        }
        if (c.alibi()) {
            double[] slopes = new double[c.hq()];
            Arrays.setAll(slopes, h -> Math.pow(2, -8.0 * (h + 1) / c.hq()));
            captures.put(Expressions.ALIBI, new HostTensor(DType.F32, slopes, c.hq()));
            score = score.plus(Expressions.alibi());
        }
        if (c.causal()) {
            mask = Expressions.causal();
        }
        if (c.left() >= 0) {
            scalars.put(Expressions.WINDOW_LEFT, c.left());
            mask = and(mask, Expressions.windowLeft());
        }
        if (c.right() >= 0) {
            scalars.put(Expressions.WINDOW_RIGHT, c.right());
            mask = and(mask, Expressions.windowRight());
        }
        if (c.mask() != Mask.NONE) {
            captures.put(Expressions.MASK, maskTensor(c.mask(), DType.BOOL, total));
            scalars.put(Expressions.MASK_KEYS, maskKeys(c.mask(), total));
            mask = and(mask, Expressions.booleanMask());
        }
        if (c.expr() > 0) {
            RandomExpressions expressions = new RandomExpressions(c.expr(), c.dtype());
            Map<String, HostTensor> tensors = expressions.captures(c.hq(), total);
            Expr added = expressions.mask();
            mask = and(mask, added);
            score = expressions.score().onScore(score);
            capture(added, tensors);
            capture(score, tensors);
        }
        if (!c.menu().equals("none")) {
            Menu.Entry entry = MenuData.entry(c.menu());
            new MenuData(c, total).fill(entry.expression(), captures, scalars);
            boolean hides = entry.stage() == Menu.Stage.MASK;
            mask = hides ? and(mask, entry.expression()) : mask;
            score = hides ? score : entry.expression().onScore(score);
        }
        AttentionSpec spec = new AttentionSpec(
                c.dtype(),
                c.d(),
                c.dv(),
                c.hq(),
                c.hk(),
                c.hv(),
                cap,
                score,
                mask == null ? Expressions.constant(true) : mask,
                switch (c.offset()) {
                    case TOP_LEFT -> QueryOffset.TOP_LEFT;
                    case BOTTOM_RIGHT -> QueryOffset.BOTTOM_RIGHT;
                    case PAST -> QueryOffset.PAST;
                    case PER_BATCH, PER_HEAD -> QueryOffset.GIVEN;
                },
                c.sink(),
                c.past() > 0,
                c.source().layout() == KeySource.Layout.PAGED
                        || c.lengths() != Lengths.NONE && c.source().layout() == KeySource.Layout.DENSE,
                normaliser() == Normaliser.SOFTMAX,
                c.scores() == Scores.NONE
                        ? Optional.empty()
                        : Optional.of(c.scores().stage()));
        return spec.with(normaliser())
                .withProbability(weight(total))
                .withOutput(finish())
                .with(c.source().key(c.dtype(), c.d()));
    }

    private Normaliser normaliser() {
        return switch (c.weights().norm()) {
            case SOFTMAX -> Normaliser.SOFTMAX;
            case L1 -> Normaliser.L1;
            case IDENTITY, SIGMOID, RELU2 -> Normaliser.IDENTITY;
        };
    }

    private Expr weight(int total) {
        Expr p = Expressions.probability();
        Expr positive = p.max(Expressions.constant(0f));
        Expr base = switch (c.weights().norm()) {
            case SOFTMAX, L1, IDENTITY -> p;
            case SIGMOID -> p.sigmoid();
            case RELU2 -> positive.times(positive);
        };
        Expr over = switch (c.weights().weight()) {
            case NONE -> p;
            case FACTOR -> {
                captures.put("factors", new HostTensor(DType.F32, gaussians(c.hq() * total, 1), c.hq(), total));
                Expr.Load table = new Expr.Load(
                        "factors",
                        DType.F32,
                        List.of(Expressions.index(IndexKind.HEAD), Expressions.index(IndexKind.KEY)));
                yield p.times(table.times(Expressions.constant(0.25f)).plus(Expressions.constant(1f)));
            }
            case THRESHOLD -> {
                scalars.put(FLOOR, 0.01f);
                Expr floor = new Expr.Scalar(FLOOR, ValueType.F32);
                yield new Expr.Select(floor.lessThan(p), p, Expressions.constant(0f));
            }
            case SQUARE -> p.times(p);
        };
        return over.on(ValueKind.PROBABILITY, base);
    }

    private Expr finish() {
        if (c.weights().finish() == Finish.NONE) {
            return Expressions.output();
        }
        int[] shape = {c.b(), c.hq(), c.sq(), c.dv()};
        captures.put("gate", new HostTensor(DType.F32, gaussians(c.b() * c.hq() * c.sq() * c.dv(), 1), shape));
        Expr.Load gate = new Expr.Load(
                "gate",
                DType.F32,
                List.of(
                        Expressions.index(IndexKind.BATCH),
                        Expressions.index(IndexKind.HEAD),
                        Expressions.index(IndexKind.QUERY),
                        Expressions.index(IndexKind.CHANNEL)));
        return Expressions.output().times(gate.sigmoid());
    }

    private void capture(Expr e, Map<String, HostTensor> tensors) {
        if (e instanceof Expr.Load load && tensors.containsKey(load.name())) {
            captures.put(load.name(), java.util.Objects.requireNonNull(tensors.get(load.name())));
        } else if (e instanceof Expr.Scalar scalar && scalar.name().equals("shift")) {
            scalars.put("shift", 3);
        }
        e.operands().forEach(o -> capture(o, tensors));
    }

    private static Expr and(@Nullable Expr a, Expr b) {
        return a == null ? b : a.and(b);
    }

    private int maskKeys(Mask kind, int total) {
        return kind == Mask.SHORT ? shortKeys(total) : total;
    }

    private static int shortKeys(int total) {
        return Math.min(total, Math.max(2, total * 2 / 3));
    }

    /** About a quarter masked; in an additive mask the rest is mostly ordinary, here and there finite but huge. */
    private HostTensor maskTensor(Mask kind, DType type, int total) {
        int[] shape = switch (kind) {
            case FULL -> new int[] {c.b(), c.hq(), c.sq(), total};
            case PLANE -> new int[] {c.sq(), total};
            case KEYS -> new int[] {c.b(), 1, 1, total};
            case ROWS -> new int[] {c.hq(), c.sq(), 1};
            case SHORT -> new int[] {c.sq(), shortKeys(total)};
            case NONE -> throw new IllegalStateException("no mask");
        };
        double[] values = new double[Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        for (int i = 0; i < values.length; i++) {
            boolean hidden = random.nextInt(4) == 0;
            if (type == DType.BOOL) {
                values[i] = hidden ? 0 : 1;
            } else {
                values[i] = hidden
                        ? Double.NEGATIVE_INFINITY
                        : random.nextInt(16) == 0 && type != DType.F16 ? -3e38 : random.nextGaussian();
            }
        }
        return new HostTensor(type, values, shape);
    }

    private HostTensor normal(double spread, int... shape) {
        return new HostTensor(c.dtype(), gaussians(Arrays.stream(shape).reduce(1, (a, b) -> a * b), spread), shape);
    }

    private double[] gaussians(int n, double spread) {
        double[] x = new double[n];
        for (int i = 0; i < n; i++) {
            x[i] = spread * random.nextGaussian();
        }
        return x;
    }

    private @Nullable HostTensor perSequence(boolean perHead, boolean present, IntUnaryOperator value) {
        if (!present) {
            return null;
        }
        int n = perHead ? c.b() * c.hk() : c.b();
        double[] x = new double[n];
        for (int i = 0; i < n; i++) {
            x[i] = value.applyAsInt(i);
        }
        return perHead ? new HostTensor(DType.I32, x, c.b(), c.hk()) : new HostTensor(DType.I32, x, c.b());
    }

    private HostProblem special(HostProblem p) {
        return switch (c.special()) {
            case NONE, HUGE -> p;
            case NAN ->
                replaced(
                        p,
                        p.query().map(x -> Double.NaN),
                        p.key().map(x -> Double.NaN),
                        p.value().map(x -> Double.NaN));
            case NAN_VISIBLE -> nanVisible(p);
            case POISON_MASKED -> poisonMasked(p);
            case SCALED_COLUMNS ->
                replaced(
                        p,
                        scaled(p.query(), true, i -> 15 - i % 31),
                        scaled(p.key(), true, i -> i % 31 - 15),
                        p.value());
            case SCALED_ROWS ->
                replaced(
                        p,
                        p.query(),
                        scaled(p.key(), false, i -> -(i * 7 % 31)),
                        scaled(p.value(), false, i -> i * 11 % 31 - 15));
        };
    }

    /** Columns or rows of a tensor by powers of two. */
    private static HostTensor scaled(HostTensor t, boolean columns, IntUnaryOperator exponent) {
        HostTensor r = t.map(x -> x);
        int dim = t.size(3);
        for (int i = 0; i < r.values().length; i++) {
            int at = columns ? i % dim : i / dim % t.size(2);
            r.values()[i] = Math.scalb(r.values()[i], exponent.applyAsInt(at));
        }
        return r;
    }

    private static HostProblem replaced(HostProblem p, HostTensor q, HostTensor k, HostTensor v) {
        return new HostProblem(
                p.spec(),
                q,
                k,
                v,
                p.scale(),
                p.pastKey(),
                p.pastValue(),
                p.keyLengths(),
                p.queryOffsets(),
                p.sinks(),
                p.captures(),
                p.scalars(),
                p.source());
    }

    private static HostProblem nanVisible(HostProblem p) {
        HostTensor k = p.key().map(x -> x);
        HostTensor v = p.value().map(x -> x);
        int keys = k.size(2);
        if (keys > 0) {
            int d = k.size(3);
            int dv = v.size(3);
            k.values()[(keys / 2) * d] = Double.NaN;
            v.values()[(keys - 1) * dv + dv / 2] = Double.NaN;
            v.values()[(keys / 3) * dv] = Double.POSITIVE_INFINITY;
        }
        return replaced(p, p.query(), k, v);
    }

    /** Every new key that no query of a head sees becomes NaN, its value infinite; keys that some rows see stay. */
    private static HostProblem poisonMasked(HostProblem p) {
        HostTensor k = p.key().map(x -> x);
        HostTensor v = p.value().map(x -> x);
        ExprInterpreter at = new ExprInterpreter(p, false);
        for (int b = 0; b < p.batch(); b++) {
            for (int j = 0; j < k.size(2); j++) {
                boolean seen = false;
                for (int h = 0; h < p.spec().queryHeads(); h++) {
                    for (int q = 0; q < p.queryLength(b) && !seen; q++) {
                        at.at(b, h, q, p.pastKeys() + j);
                        seen = p.pastKeys() + j < p.keyLength(b, h)
                                && p.selected(b, h, q)[p.pastKeys() + j]
                                && at.test(p.spec().mask())
                                && at.value(p.spec().score(), 0) != Double.NEGATIVE_INFINITY;
                    }
                }
                if (!seen) {
                    poison(k, b, j, Double.NaN);
                    poison(v, b, j, j % 2 == 0 ? Double.NaN : Double.POSITIVE_INFINITY);
                }
            }
        }
        // A value that only the last queries see must not reach the others through 0 * NaN.
        HostProblem poisoned = replaced(p, p.query(), k, v);
        if (p.spec().mask() instanceof Expr.Binary && k.size(2) > 1) {
            v.values()[(k.size(2) - 1) * v.size(3)] = Double.NaN;
        }
        return poisoned;
    }

    private static void poison(HostTensor t, int b, int position, double x) {
        int heads = t.size(1);
        int length = t.size(2);
        int dim = t.size(3);
        for (int h = 0; h < heads; h++) {
            int from = ((b * heads + h) * length + position) * dim;
            Arrays.fill(t.values(), from, from + dim, x);
        }
    }
}
