package dev.fovea.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import ai.onnxruntime.OrtException;
import dev.fovea.api.DType;
import dev.fovea.api.spec.ScoreStage;
import dev.fovea.conformance.HostTensor;
import dev.fovea.conformance.Reference;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The oracle's oracle: the float64 reference against ONNX Runtime, which shares no code and no author with it. Runtime 1.29 computes
 * in f32, and agrees with the reference about the order of softcap, bias and mask, the place of causal queries behind a past, and
 * fully masked rows. It refuses masks that broadcast along queries or keys or end early, which the operator's text allows: such a
 * mask is expanded for it.
 */
class OnnxAttentionTest {
    /** The values are at most about 11, of which one f32 unit in the last place is 1e-6. */
    private static final double TOLERANCE = 2e-6;

    static Stream<Arguments> problems() {
        OracleProblem plain = OracleProblem.of(2, 3, 5, 7, 16);
        OracleProblem tall = OracleProblem.of(2, 3, 7, 5, 16);
        OracleProblem grouped = OracleProblem.of(2, 6, 5, 7, 16).grouped(2);
        HostTensor pairs = booleans(5, 7);
        HostTensor biases = biases(0.7, 5, 7);
        return Stream.of(
                arguments("full", plain),
                arguments("head dims apart", plain.valueDim(8)),
                arguments("scale", plain.scale(0.7f)),
                arguments("causal, fewer queries", plain.causally()),
                arguments("causal, more queries", tall.causally()),
                arguments("softcap", plain.softcap(1.5f)),
                arguments("grouped heads", grouped),
                arguments("one key head", grouped.grouped(1)),
                arguments("grouped heads, causal, softcap", grouped.causally().softcap(2)),
                arguments("past", plain.past(4)),
                arguments("past, causal", plain.past(4).causally()),
                arguments(
                        "past, causal, square",
                        OracleProblem.of(1, 2, 3, 3, 8).past(6).causally()),
                arguments("decode", OracleProblem.of(1, 2, 1, 1, 8).past(6).causally()),
                arguments("boolean mask [Sq, Sk]", plain.mask(pairs)),
                arguments("boolean mask [H, Sq, Sk]", plain.mask(booleans(3, 5, 7))),
                arguments("boolean mask [B, H, Sq, Sk]", plain.mask(booleans(2, 3, 5, 7))),
                arguments("boolean mask with an empty row", plain.mask(withoutRow(pairs, 1))),
                arguments("boolean mask, softcap", plain.mask(pairs).softcap(1.5f)),
                arguments("boolean mask, causal", plain.mask(pairs).causally()),
                arguments("boolean mask, past", plain.past(4).mask(booleans(5, 11))),
                arguments(
                        "boolean mask, past, causal",
                        plain.past(4).mask(booleans(5, 11)).causally()),
                arguments("boolean mask, grouped heads", grouped.mask(booleans(2, 6, 5, 7))),
                arguments("bias", plain.mask(biases(1, 5, 7))),
                arguments("bias with -inf", plain.mask(biases)),
                arguments("bias of -inf alone", plain.mask(biases(0, 5, 7))),
                arguments("bias, softcap", plain.mask(biases).softcap(1.5f)),
                arguments("bias, causal", plain.mask(biases).causally()),
                arguments(
                        "bias, past, causal",
                        plain.past(4).mask(biases(0.7, 2, 1, 5, 11)).causally()),
                arguments("boolean mask of keys [B, 1, 1, Sk]", plain.mask(booleans(2, 1, 1, 7))),
                arguments("boolean mask of keys by head", plain.mask(booleans(3, 1, 7))),
                arguments("boolean mask of queries [Sq, 1]", plain.mask(booleans(5, 1))),
                arguments("boolean mask that ends early", plain.mask(booleans(5, 4))),
                arguments("bias that ends early", plain.mask(biases(1, 5, 4))),
                arguments("bias of one number", plain.mask(biases(1, 1))));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("problems")
    void outputsAgree(String name, OracleProblem problem) throws OrtException {
        double[] ours = Reference.evaluate(problem.problem(null)).output();
        agree(name, ours, run(problem, null).get("o"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("problems")
    void scoresAgreeAtEachStage(String name, OracleProblem problem) throws OrtException {
        // opset 23 numbered the stages with the bias before the softcap; runtime 1.29 has the later order, which is
        // ours
        for (ScoreStage stage : ScoreStage.values()) {
            double[] ours = Reference.evaluate(problem.problem(stage)).scores();
            double[] theirs = Objects.requireNonNull(run(problem, mode(stage)).get("scores"));
            // it writes the lowest finite number where a boolean mask or causality masks; ours is -inf
            double[] masked = Arrays.stream(theirs)
                    .map(s -> s <= -Float.MAX_VALUE ? Double.NEGATIVE_INFINITY : s)
                    .toArray();
            agree(name + ", " + stage, ours, masked);
        }
    }

    /** {@code qk_matmul_output_mode}. Opset 23 first put the mask before the softcap; runtime 1.29 has the later order, which is ours. */
    private static int mode(ScoreStage stage) {
        return switch (stage) {
            case RAW -> 0;
            case CAPPED -> 1;
            case MASKED -> 2;
            case PROBABILITY -> 3;
        };
    }

    @Test
    void theRuntimeStillRefusesBroadcastMasks() {
        OracleProblem keys = OracleProblem.of(2, 3, 5, 7, 16).mask(booleans(2, 1, 1, 7));
        assertThatThrownBy(() -> keys.node(null).run(keys.inputs()))
                .isInstanceOf(OrtException.class)
                .hasMessageContaining("inconsistent q_sequence_length");
    }

    @Test
    void exportedModelsAgree() throws OrtException, IOException {
        OracleProblem full = OracleProblem.of(2, 3, 17, 33, 32);
        agree("full", full, "onnx_attention_full.onnx");
        agree("causal", full.causally(), "onnx_attention_causal.onnx");
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 12, 16, 32})
    void fusedMultiHeadAttentionAgrees(int heads) throws OrtException, IOException {
        OracleProblem problem = OracleProblem.of(2, heads, 9, 20, 24);
        Map<String, HostTensor> packed = new HashMap<>();
        problem.inputs().forEach((name, t) -> packed.put(name, packed(t)));
        double[] theirs = Objects.requireNonNull(OnnxAttention.run(resource("ort_mha_" + heads + ".onnx"), packed)
                .get("o"));
        HostTensor ours = new HostTensor(
                DType.F32, Reference.evaluate(problem.problem(null)).output(), 2, heads, 9, 24);
        agree(heads + " heads", packed(ours).values(), theirs);
    }

    private static Map<String, double[]> run(OracleProblem problem, @Nullable Integer scoresMode) throws OrtException {
        HostTensor mask = problem.mask();
        if (mask == null) {
            return problem.node(scoresMode).run(problem.inputs());
        }
        Map<String, HostTensor> inputs = problem.inputs();
        inputs.put("mask", expanded(mask, problem.queries(), problem.past() + problem.keys()));
        return problem.node(scoresMode).run(inputs);
    }

    /** The mask with its last two axes as long as they can be; keys beyond its end masked. */
    private static HostTensor expanded(HostTensor mask, int queries, int keys) {
        int rank = mask.rank();
        int rows = rank > 1 ? mask.size(rank - 2) : 1;
        int width = mask.size(rank - 1);
        int outer = mask.values().length / (rows * width);
        double beyond = mask.dtype() == DType.BOOL ? 0 : Double.NEGATIVE_INFINITY;
        double[] all = new double[outer * queries * keys];
        for (int i = 0; i < all.length; i++) {
            int k = width == 1 ? 0 : i % keys;
            int q = rows == 1 ? 0 : i / keys % queries;
            int o = i / keys / queries;
            all[i] = k < width ? mask.values()[(o * rows + q) * width + k] : beyond;
        }
        int[] shape = rank > 2 ? mask.shape() : new int[2];
        shape[shape.length - 2] = queries;
        shape[shape.length - 1] = keys;
        return new HostTensor(mask.dtype(), all, shape);
    }

    /** [B, H, S, D] as [B, S, H*D]. */
    private static HostTensor packed(HostTensor t) {
        int heads = t.size(1);
        int length = t.size(2);
        int dim = t.size(3);
        double[] out = new double[t.values().length];
        for (int i = 0; i < out.length; i++) {
            int d = i % dim;
            int h = i / dim % heads;
            int s = i / dim / heads % length;
            out[i] = t.at(i / dim / heads / length, h, s, d);
        }
        return new HostTensor(t.dtype(), out, t.size(0), length, heads * dim);
    }

    private static HostTensor booleans(int... shape) {
        Random random = new Random(5);
        return new HostTensor(
                DType.BOOL,
                random.doubles(size(shape)).map(x -> x < 0.7 ? 1 : 0).toArray(),
                shape);
    }

    /** Normal values, of which a part is kept and the rest is -inf. */
    private static HostTensor biases(double kept, int... shape) {
        Random random = new Random(6);
        double[] values = new double[size(shape)];
        for (int i = 0; i < values.length; i++) {
            double value = random.nextGaussian();
            values[i] = random.nextDouble() < kept ? value : Double.NEGATIVE_INFINITY;
        }
        return new HostTensor(DType.F32, values, shape);
    }

    private static HostTensor withoutRow(HostTensor mask, int row) {
        double[] values = mask.values().clone();
        int width = mask.size(mask.rank() - 1);
        Arrays.fill(values, row * width, (row + 1) * width, 0);
        return new HostTensor(mask.dtype(), values, mask.shape());
    }

    private static int size(int... shape) {
        return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    }

    private static void agree(String what, OracleProblem problem, String model) throws OrtException, IOException {
        agree(
                what,
                Reference.evaluate(problem.problem(null)).output(),
                OnnxAttention.run(resource(model), problem.inputs()).get("o"));
    }

    private static void agree(String what, double[] ours, double @Nullable [] output) {
        double[] theirs = Objects.requireNonNull(output, what);
        assertThat(theirs).as(what).hasSameSizeAs(ours);
        double worst = 0;
        for (int i = 0; i < ours.length; i++) {
            // infinities of one sign are equal, but their difference is NaN
            worst = Math.max(worst, ours[i] == theirs[i] ? 0 : Math.abs(ours[i] - theirs[i]));
        }
        assertThat(worst).as(what).isLessThanOrEqualTo(TOLERANCE);
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream in = OnnxAttentionTest.class.getResourceAsStream(name)) {
            return Objects.requireNonNull(in, name).readAllBytes();
        }
    }
}
