package dev.fovea.mechanisms;

import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;

/** A linear layer on tokens: {@code x W + bias}. */
public final class Linear {
    private Linear() {}

    /**
     * Projects each token.
     *
     * @param x [B, S, C]
     * @param weight [C, E]
     * @param bias [E]
     */
    public static Tensor of(Operations ops, Tensor x, Tensor weight, Tensor bias) {
        Tensor product = ops.matmul(x, weight);
        return ops.map("x[h, q, d] + bias[d]")
                .with("x", product)
                .with("bias", bias)
                .like(product);
    }
}
