package dev.fovea.api.spec;

import dev.fovea.api.Tensor;
import java.util.List;

/**
 * A run of {@link MatMulSpec}: two to four axes, the leading ones equal in all three (a broadcast has stride 0), any strides. With K = 0
 * the output is 0.
 *
 * @param left [.., M, K]
 * @param right [.., K, N]
 * @param output [.., M, N]
 */
public record MatMulArguments(Tensor left, Tensor right, Tensor output) implements Arguments {
    @Override
    public List<Tensor> inputs() {
        return List.of(left, right);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(output);
    }
}
