package dev.fovea.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.Attention;
import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.DeviceFailure;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import org.junit.jupiter.api.Test;

/** The facade of the tensor operations on plain loops: what it gives, and that it leaves no memory behind. */
class OperationsTest {
    private final HostDevice device = new HostDevice();
    private final Backend host = Backends.on(device);

    @Test
    void everythingNotKeptIsClosed() {
        try (Tensor x = host.copyOf(Numbers.gaussian(1, 2 * 6 * 8), 2, 6, 8)) {
            long before = host.allocatedBytes();
            Tensor kept;
            try (Operations ops = new Operations(host)) {
                Tensor heads = ops.splitHeads(x, 2);
                Tensor scores = ops.matmul(heads, ops.permute(heads, 0, 1, 3, 2));
                Operations.Top top = ops.top(scores, 3);
                Tensor rows = ops.gather(heads, ops.reshape(ops.slice(top.indices(), 2, 0, 1), 2, 2, 3), 0);
                Tensor sums = ops.sum(ops.concat(2, rows, heads), 2);
                ops.argmax(sums, 0);
                ops.mean(ops.convert(sums, DType.BF16), 1);
                ops.attend(heads, heads, heads, Attention.causal());
                kept = ops.keep(ops.copy(ops.joinHeads(heads)));
                assertThat(host.allocatedBytes()).isGreaterThan(before);
            }
            assertThat(host.allocatedBytes()).isEqualTo(before + 4 * 2 * 6 * 8);
            assertThat(kept.toFloatArray()).isEqualTo(x.toFloatArray());
            kept.close();
            assertThat(host.allocatedBytes()).isEqualTo(before);
        }
    }

    @Test
    void aFailureLeavesNothing() {
        try (Tensor x = host.copyOf(Numbers.gaussian(1, 12), 3, 4)) {
            long before = host.allocatedBytes();
            for (int runs = 0; runs < 3; runs++) {
                device.failAfter(runs);
                assertThatThrownBy(() -> {
                            try (Operations ops = new Operations(host)) {
                                Tensor y = ops.matmul(x, ops.permute(x, 1, 0));
                                ops.keep(ops.map("y[q, d] + m[d]")
                                        .with("y", y)
                                        .with("m", ops.max(y, 0))
                                        .like(y));
                            }
                        })
                        .isInstanceOf(DeviceFailure.class);
                assertThat(host.allocatedBytes()).isEqualTo(before);
            }
        }
    }

    @Test
    void onlyWhatWasMadeHereIsKept() {
        try (Tensor x = host.copyOf(new float[] {1}, 1);
                Operations ops = new Operations(host)) {
            assertThatThrownBy(() -> ops.keep(x)).isInstanceOf(InvalidArgument.class);
            Tensor y = ops.copy(x);
            try (Tensor mine = ops.keep(y)) {
                assertThatThrownBy(() -> ops.keep(mine)).isInstanceOf(InvalidArgument.class);
            }
        }
    }

    @Test
    void matricesBroadcastFromTheRight() {
        try (Operations ops = new Operations(host)) {
            Tensor x = ops.copyOf(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 2, 1, 2, 2);
            Tensor y = ops.copyOf(new float[] {1, 0, 0, 1, 2, 0, 0, 2, 0, 1, 1, 0}, 3, 2, 2);
            Tensor z = ops.matmul(x, y);
            assertThat(z.shape()).containsExactly(2, 3, 2, 2);
            assertThat(z.toFloatArray())
                    .containsExactly(1, 2, 3, 4, 2, 4, 6, 8, 2, 1, 4, 3, 5, 6, 7, 8, 10, 12, 14, 16, 6, 5, 8, 7);
        }
    }

    @Test
    void aReshapeCopiesWhereNoViewCan() {
        try (Operations ops = new Operations(host)) {
            Tensor x = ops.copyOf(new int[] {1, 2, 3, 4, 5, 6}, 2, 3);
            assertThat(ops.reshape(x, 3, 2).toIntArray()).containsExactly(1, 2, 3, 4, 5, 6);
            assertThat(ops.reshape(ops.permute(x, 1, 0), 6).toIntArray()).containsExactly(1, 4, 2, 5, 3, 6);
        }
    }

    @Test
    void indicesMadeOnTheDeviceAreTrusted() {
        try (Operations ops = new Operations(host)) {
            Tensor x = ops.copyOf(new float[] {1, 9, 5, 7}, 4, 1);
            Tensor top = ops.top(ops.reshape(x, 1, 4), 2).indices();
            Tensor list = ops.reshape(top, 2);
            assertThat(ops.gather(x, list, 0).toFloatArray()).containsExactly(9, 7);
            Tensor next =
                    ops.map("min(max(list[d] + 1, 0), 3)").with("list", list).like(list);
            assertThat(ops.gather(x, next, 0).toFloatArray()).containsExactly(5, 7);
            Tensor wild = ops.map("list[d] + 1").with("list", list).like(list);
            assertThatThrownBy(() -> ops.gather(x, wild, 0)).isInstanceOf(InvalidArgument.class);
        }
    }
}
