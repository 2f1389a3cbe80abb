package dev.fovea.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.Linearity;
import dev.fovea.api.expr.ValueType;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.Normaliser;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spec.ScoreStage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random shapes and options against the formula. */
class AttentionFuzzTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6})
    void agreesWithTheFormula(int seed) {
        try (Backend cpu = Backends.open("cpu")) {
            for (int i = 0; i < 25; i++) {
                try (Case c = new Case(cpu, new Random(1000L * seed + i))) {
                    c.check("seed " + seed + " case " + i);
                }
            }
        }
    }

    @Test
    void emptyAxes() {
        try (Backend cpu = Backends.open("cpu")) {
            for (long[] shape : new long[][] {{0, 3, 4}, {2, 0, 4}, {2, 3, 0}}) {
                Tensor q = cpu.allocate(DType.F32, shape[0], 2, shape[1], 8);
                Tensor k = cpu.allocate(DType.F32, shape[0], 2, shape[2], 8);
                Tensor v = cpu.allocate(DType.F32, shape[0], 2, shape[2], 8);
                try (var r =
                        cpu.attendAll(q, k, v, dev.fovea.api.Attention.causal().logSumExp())) {
                    assertThat(r.output().toFloatArray()).containsOnly(shape[2] == 0 ? new float[] {0} : new float[0]);
                    assertThat(Objects.requireNonNull(r.logSumExp()).toFloatArray())
                            .containsOnly(shape[2] == 0 ? new float[] {Float.NEGATIVE_INFINITY} : new float[0]);
                }
            }
        }
    }

    private static final class Case implements AutoCloseable {
        private final Backend cpu;
        private final Random random;
        private final List<Tensor> made = new ArrayList<>();

        Case(Backend cpu, Random random) {
            this.cpu = cpu;
            this.random = random;
        }

        private int pick(int... of) {
            return of[random.nextInt(of.length)];
        }

        @SafeVarargs
        private final <T> T any(T... of) {
            return of[random.nextInt(of.length)];
        }

        private Tensor keep(Tensor t) {
            made.add(t);
            return t;
        }

        /** Half of them BSHD, the others BHSD. */
        private Tensor floats(DType dtype, int b, int h, int s, int d) {
            float[] x = new float[b * h * s * d];
            for (int i = 0; i < x.length; i++) {
                x[i] = (float) random.nextGaussian();
            }
            if (random.nextBoolean()) {
                return keep(keep(cpu.copyOf(x, dtype, b, s, h, d)).permute(0, 2, 1, 3));
            }
            return keep(cpu.copyOf(x, dtype, b, h, s, d));
        }

        private Tensor ints(int b, int heads, int least, int most) {
            int[] x = new int[random.nextBoolean() ? b : b * heads];
            for (int i = 0; i < x.length; i++) {
                x[i] = least + random.nextInt(most - least + 1);
            }
            return keep(
                    x.length == b && heads != 1 || random.nextBoolean() && heads == 1
                            ? cpu.copyOf(x, b)
                            : cpu.copyOf(x, b, heads));
        }

        void check(String name) {
            DType dtype = any(DType.F32, DType.F16, DType.BF16);
            int b = pick(1, 1, 2, 3);
            int hk = pick(1, 2, 3);
            int hv = pick(1, 2, 3);
            int hq = hk * hv * pick(1, 1, 2);
            int sq = pick(1, 3, 7, 16, 17, 33, 49, 100, 131);
            int sk = pick(0, 1, 5, 16, 63, 64, 65, 130, 200);
            int past = random.nextInt(3) == 0 ? pick(0, 1, 9, 64, 70) : -1;
            int d = pick(1, 7, 16, 32, 40, 64, 111, 160);
            int dv = pick(1, 7, 8, 32, 48, 64, 111, 160);
            int all = sk + Math.max(0, past);
            Map<String, Tensor> captures = new HashMap<>();
            Map<String, Number> scalars = new HashMap<>();
            Expr cap = Expressions.score();
            if (random.nextInt(3) == 0) {
                cap = Expressions.softcap();
                scalars.put(Expressions.SOFTCAP, 1.5f);
            }
            Expr score = score(b, hq, sq, all, captures, scalars);
            Expr mask = mask(b, hq, sq, all, captures, scalars);
            QueryOffset offset = any(QueryOffset.values());
            boolean lengths = random.nextInt(3) == 0;
            Optional<ScoreStage> stage =
                    random.nextInt(3) > 0 ? Optional.empty() : Optional.of(any(ScoreStage.values()));
            Normaliser normaliser = any(Normaliser.SOFTMAX, Normaliser.SOFTMAX, Normaliser.L1, Normaliser.IDENTITY);
            Expr probability = probability(hq, captures, scalars);
            boolean partials =
                    random.nextInt(4) == 0 && (normaliser == Normaliser.IDENTITY || Linearity.isLinear(probability));
            if (partials) {
                stage = Optional.empty();
            }
            Expr output = partials ? Expressions.output() : output(b, hq, sq, dv, captures);
            boolean plain = normaliser == Normaliser.SOFTMAX && !partials;
            AttentionSpec spec = new AttentionSpec(
                    dtype,
                    d,
                    dv,
                    hq,
                    hk,
                    hv,
                    cap,
                    score,
                    mask,
                    offset,
                    plain && random.nextInt(3) == 0,
                    past >= 0,
                    lengths,
                    plain && random.nextBoolean(),
                    stage,
                    normaliser,
                    probability,
                    output,
                    KeySource.dense(dtype),
                    partials);
            AttentionArguments a = new AttentionArguments(
                    floats(dtype, b, hq, sq, d),
                    floats(dtype, b, hk, sk, d),
                    floats(dtype, b, hv, sk, dv),
                    keep(cpu.allocate(spec.outputType(), b, hq, sq, dv)),
                    (float) (1 / Math.sqrt(d)),
                    past >= 0 ? floats(dtype, b, hk, past, d) : null,
                    past >= 0 ? floats(dtype, b, hv, past, dv) : null,
                    lengths ? ints(b, hk, 0, all) : null,
                    offset == QueryOffset.GIVEN ? ints(b, hk, -20, 80) : null,
                    spec.sink() ? keep(cpu.copyOf(gaussians(hq), hq)) : null,
                    spec.logSumExp() ? keep(cpu.allocate(DType.F32, b, hq, sq)) : null,
                    stage.isPresent() ? keep(cpu.allocate(DType.F32, b, hq, sq, all)) : null,
                    captures,
                    scalars);
            if (partials) {
                a = a.withPartials(keep(cpu.allocate(DType.F32, b, hq, sq)), keep(cpu.allocate(DType.F32, b, hq, sq)));
            }
            try (var plan = cpu.prepare(spec)) {
                plan.run(a);
            }
            Reference r = new Reference(spec, a);
            double tolerance = dtype == DType.F32 ? 1e-5 : dtype == DType.F16 ? 3e-3 : 3e-2;
            String what = name + " " + spec + " " + a.query() + a.key();
            double largest = 1;
            for (double x : r.output) {
                largest = Math.max(largest, Math.abs(x));
            }
            assertThat(Reference.difference(r.output, a.output().toFloatArray()) / largest)
                    .as(what)
                    .isLessThan(tolerance);
            if (a.maxima() != null && a.sums() != null) {
                assertThat(Reference.difference(r.maxima, a.maxima().toFloatArray()))
                        .as(what)
                        .isLessThan(1e-5);
                double most = 1;
                for (double x : r.sums) {
                    most = Math.max(most, x);
                }
                assertThat(Reference.difference(r.sums, a.sums().toFloatArray()) / most)
                        .as(what)
                        .isLessThan(1e-5);
            }
            if (a.logSumExp() != null) {
                assertThat(Reference.difference(r.logSumExp, a.logSumExp().toFloatArray()))
                        .as(what)
                        .isLessThan(1e-5);
            }
            if (a.scores() != null) {
                double[] expected = switch (stage.orElseThrow()) {
                    case RAW -> r.raw;
                    case CAPPED -> r.capped;
                    case MASKED -> r.masked;
                    case PROBABILITY -> r.probability;
                };
                double most = 1;
                for (double x : expected) {
                    most = Double.isFinite(x) ? Math.max(most, Math.abs(x)) : most;
                }
                assertThat(Reference.difference(expected, a.scores().toFloatArray()) / most)
                        .as(what)
                        .isLessThan(1e-5);
            }
        }

        private float[] gaussians(int n) {
            float[] x = new float[n];
            for (int i = 0; i < n; i++) {
                x[i] = (float) random.nextGaussian();
            }
            return x;
        }

        private Expr probability(int heads, Map<String, Tensor> captures, Map<String, Number> scalars) {
            Expr p = Expressions.probability();
            Expr s = Expressions.score();
            return switch (random.nextInt(9)) {
                case 0 -> p.minus(Expressions.constant(0.01f)).max(Expressions.constant(0f));
                case 1 -> s.sigmoid().times(p);
                case 2 -> {
                    captures.put("weight", keep(cpu.copyOf(gaussians(heads), heads)));
                    yield p.times(new Expr.Load("weight", DType.F32, List.of(Expressions.index(IndexKind.HEAD))));
                }
                case 3 -> {
                    scalars.put("power", 0.5f);
                    yield p.abs()
                            .plus(Expressions.constant(1e-3f))
                            .log()
                            .times(new Expr.Scalar("power", ValueType.F32))
                            .exp();
                }
                case 4 -> s.plus(Expressions.constant(0.5f)); // the probability does not occur
                case 5 -> s;
                default -> p;
            };
        }

        private Expr output(int b, int h, int sq, int dv, Map<String, Tensor> captures) {
            Expr o = Expressions.output();
            return switch (random.nextInt(6)) {
                case 0 -> {
                    captures.put("gate", keep(cpu.copyOf(gaussians(b * h * sq * dv), b, h, sq, dv)));
                    yield o.times(new Expr.Load(
                                    "gate",
                                    DType.F32,
                                    List.of(
                                            Expressions.index(IndexKind.BATCH),
                                            Expressions.index(IndexKind.HEAD),
                                            Expressions.index(IndexKind.QUERY),
                                            Expressions.index(IndexKind.CHANNEL)))
                            .sigmoid());
                }
                case 1 ->
                    o.plus(Expressions.index(IndexKind.CHANNEL)
                            .mod(Expressions.constant(3))
                            .toFloat());
                case 2 ->
                    o.max(Expressions.index(IndexKind.QUERY_POSITION).toFloat().times(Expressions.constant(1e-3f)));
                default -> o;
            };
        }

        private Expr score(int b, int h, int sq, int keys, Map<String, Tensor> captures, Map<String, Number> scalars) {
            Expr score = Expressions.score();
            if (random.nextInt(4) == 0 && keys > 0) {
                captures.put(Expressions.BIAS, keep(cpu.copyOf(gaussians(b * h * sq * keys), b, h, sq, keys)));
                scalars.put(Expressions.BIAS_KEYS, Math.max(1, keys - random.nextInt(3)));
                score = score.plus(Expressions.additive(Expressions.BIAS, Expressions.BIAS_KEYS, DType.F32));
            }
            if (random.nextInt(4) == 0) {
                float[] slopes = gaussians(h);
                for (int i = 0; i < h; i++) {
                    slopes[i] *= 0.02f;
                }
                captures.put(Expressions.ALIBI, keep(cpu.copyOf(slopes, h)));
                score = score.plus(Expressions.alibi());
            }
            if (random.nextInt(4) == 0) {
                scalars.put("gain", 0.75f);
                Expr far = Expressions.keyPosition()
                        .minus(Expressions.queryPosition())
                        .abs();
                score = new Expr.Select(
                        far.lessThan(Expressions.constant(9)).not(),
                        score.times(new Expr.Scalar("gain", ValueType.F32))
                                .max(far.toFloat()
                                        .div(Expressions.constant(50f))
                                        .unaryMinus()),
                        score.min(Expressions.constant(2f)));
            }
            return score;
        }

        private Expr mask(int b, int h, int sq, int keys, Map<String, Tensor> captures, Map<String, Number> scalars) {
            Expr mask = Expressions.constant(true);
            if (random.nextBoolean()) {
                mask = Expressions.causal();
            }
            if (random.nextInt(3) == 0) {
                scalars.put(Expressions.WINDOW_LEFT, pick(0, 3, 40, 90));
                mask = mask.and(Expressions.windowLeft());
            }
            if (random.nextInt(4) == 0) {
                scalars.put(Expressions.WINDOW_RIGHT, pick(0, 3, 40));
                mask = mask.and(Expressions.windowRight());
            }
            if (random.nextInt(4) == 0 && keys > 0) {
                boolean[] x = new boolean[b * h * sq * keys];
                for (int i = 0; i < x.length; i++) {
                    x[i] = random.nextInt(3) > 0;
                }
                captures.put(Expressions.MASK, keep(cpu.copyOf(x, b, h, sq, keys)));
                scalars.put(Expressions.MASK_KEYS, Math.max(1, keys - random.nextInt(3)));
                mask = mask.and(Expressions.booleanMask());
            }
            if (random.nextInt(6) == 0) {
                mask = mask.and(Expressions.index(IndexKind.KEY)
                        .mod(Expressions.constant(3))
                        .lessThan(Expressions.constant(2))
                        .or(Expressions.index(IndexKind.KEY_LENGTH)
                                .sameAs(Expressions.index(IndexKind.QUERY_LENGTH))
                                .not()));
            }
            return mask;
        }

        @Override
        public void close() {
            made.forEach(Tensor::close);
        }
    }
}
