package dev.fovea.demo;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spec.ScoreStage;
import dev.fovea.conformance.HostProblem;
import dev.fovea.conformance.HostTensor;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * One attention question, to be put to the reference and to ONNX Runtime: random q, k and v of normal distribution.
 *
 * @param mask BOOL or F32, broadcasting to [B, Hq, Sq, P + S]; null = none
 */
record OracleProblem(
        int batch,
        int heads,
        int keyHeads,
        int queries,
        int keys,
        int past,
        int headDim,
        int valueDim,
        boolean causal,
        float softcap,
        @Nullable Float scale,
        @Nullable HostTensor mask) {

    static OracleProblem of(int batch, int heads, int queries, int keys, int dim) {
        return new OracleProblem(batch, heads, heads, queries, keys, 0, dim, dim, false, 0, null, null);
    }

    OracleProblem grouped(int newKeyHeads) {
        return new OracleProblem(
                batch, heads, newKeyHeads, queries, keys, past, headDim, valueDim, causal, softcap, scale, mask);
    }

    OracleProblem past(int newPast) {
        return new OracleProblem(
                batch, heads, keyHeads, queries, keys, newPast, headDim, valueDim, causal, softcap, scale, mask);
    }

    OracleProblem valueDim(int newValueDim) {
        return new OracleProblem(
                batch, heads, keyHeads, queries, keys, past, headDim, newValueDim, causal, softcap, scale, mask);
    }

    OracleProblem causally() {
        return new OracleProblem(
                batch, heads, keyHeads, queries, keys, past, headDim, valueDim, true, softcap, scale, mask);
    }

    OracleProblem softcap(float cap) {
        return new OracleProblem(
                batch, heads, keyHeads, queries, keys, past, headDim, valueDim, causal, cap, scale, mask);
    }

    OracleProblem scale(float newScale) {
        return new OracleProblem(
                batch, heads, keyHeads, queries, keys, past, headDim, valueDim, causal, softcap, newScale, mask);
    }

    OracleProblem mask(HostTensor newMask) {
        return new OracleProblem(
                batch, heads, keyHeads, queries, keys, past, headDim, valueDim, causal, softcap, scale, newMask);
    }

    /** The operator's inputs by name. */
    Map<String, HostTensor> inputs() {
        Random random = new Random(17);
        Map<String, HostTensor> inputs = new LinkedHashMap<>();
        inputs.put("q", normal(random, batch, heads, queries, headDim));
        inputs.put("k", normal(random, batch, keyHeads, keys, headDim));
        inputs.put("v", normal(random, batch, keyHeads, keys, valueDim));
        if (mask != null) {
            inputs.put("mask", mask);
        }
        if (past > 0) {
            inputs.put("past_k", normal(random, batch, keyHeads, past, headDim));
            inputs.put("past_v", normal(random, batch, keyHeads, past, valueDim));
        }
        return inputs;
    }

    /** The ONNX node that asks the same. */
    OnnxAttention node(@Nullable Integer scoresMode) {
        return new OnnxAttention(causal, softcap, scale, scoresMode);
    }

    /** The same for the reference; the ONNX operator places query 0 behind the past. */
    HostProblem problem(@Nullable ScoreStage stage) {
        Map<String, HostTensor> inputs = inputs();
        Map<String, HostTensor> captures = new HashMap<>();
        Map<String, Number> scalars = new HashMap<>();
        Expr visible = causal ? Expressions.causal() : Expressions.constant(true);
        Expr score = Expressions.score();
        if (mask != null) {
            int last = mask.size(mask.rank() - 1);
            int masked = last == 1 ? past + keys : last;
            if (mask.dtype() == DType.BOOL) {
                visible = visible.and(Expressions.booleanMask());
                captures.put(Expressions.MASK, mask);
                scalars.put(Expressions.MASK_KEYS, masked);
            } else {
                score = score.plus(Expressions.additive(Expressions.BIAS, Expressions.BIAS_KEYS, DType.F32));
                captures.put(Expressions.BIAS, mask);
                scalars.put(Expressions.BIAS_KEYS, masked);
            }
        }
        if (softcap > 0) {
            scalars.put(Expressions.SOFTCAP, softcap);
        }
        AttentionSpec spec = new AttentionSpec(
                DType.F32,
                headDim,
                valueDim,
                heads,
                keyHeads,
                keyHeads,
                softcap > 0 ? Expressions.softcap() : Expressions.score(),
                score,
                visible,
                QueryOffset.PAST,
                false,
                past > 0,
                false,
                false,
                Optional.ofNullable(stage));
        return new HostProblem(
                spec,
                input(inputs, "q"),
                input(inputs, "k"),
                input(inputs, "v"),
                scale != null ? scale : (float) (1 / Math.sqrt(headDim)),
                inputs.get("past_k"),
                inputs.get("past_v"),
                null,
                null,
                null,
                captures,
                scalars);
    }

    private static HostTensor input(Map<String, HostTensor> inputs, String name) {
        HostTensor t = inputs.get(name);
        if (t == null) {
            throw new IllegalStateException("no input " + name);
        }
        return t;
    }

    private static HostTensor normal(Random random, int... shape) {
        int size = 1;
        for (int n : shape) {
            size *= n;
        }
        return new HostTensor(
                DType.F32, random.doubles(size).map(x -> random.nextGaussian()).toArray(), shape);
    }
}
