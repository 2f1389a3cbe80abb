package dev.fovea.mechanisms;

import dev.fovea.api.DType;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;

/** Layer normalisation of tokens (Ba et al. 2016): {@code (x - mean) / sqrt(variance + epsilon) gain + bias}, in f32. */
public final class LayerNorm {
    private LayerNorm() {}

    /**
     * Normalises each token over its channels.
     *
     * @param x [B, S, C]
     * @param gain [C]
     * @param bias [C]
     */
    public static Tensor of(Operations ops, Tensor x, Tensor gain, Tensor bias, double epsilon) {
        Tensor wide = ops.convert(x, DType.F32);
        Tensor mean = ops.mean(wide, 2);
        Tensor centred = ops.map("x[h, q, d] - mean[h, q]")
                .with("x", wide)
                .with("mean", mean)
                .like(wide);
        Tensor squares = ops.map("x[h, q, d] * x[h, q, d]").with("x", centred).like(wide);
        return ops.map("x[h, q, d] / sqrt(variance[h, q] + epsilon) * gain[d] + bias[d]")
                .with("x", centred)
                .with("variance", ops.mean(squares, 2))
                .with("epsilon", epsilon)
                .with("gain", gain)
                .with("bias", bias)
                .like(x);
    }
}
