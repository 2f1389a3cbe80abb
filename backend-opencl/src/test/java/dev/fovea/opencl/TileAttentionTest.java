package dev.fovea.opencl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Attention;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.kernels.TileEngine;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceStream;
import java.util.Arrays;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** tile_attention.cl with each matrix unit emulated, against a double loop; .ci/run holds it to the conformance suite. */
class TileAttentionTest {
    private static void check(TileEngine engine, DType storage, int d, int dv, boolean poisoned, double bound) {
        int heads = AttentionSmokeTest.HEADS;
        int queries = AttentionSmokeTest.QUERIES;
        int keys = AttentionSmokeTest.KEYS;
        float[] q = AttentionSmokeTest.data(1, heads * queries * d, storage);
        float[] k = AttentionSmokeTest.data(2, keys * d, storage);
        float[] v = AttentionSmokeTest.data(3, keys * dv, storage);
        double[] e = AttentionSmokeTest.expected(q, k, v, d, dv);
        if (poisoned) { // the last key, which the last query alone sees
            Arrays.fill(v, (keys - 1) * dv, keys * dv, Float.NaN);
        }
        try (Backend fovea = FirstDevice.open();
                Tensor tq = fovea.copyOf(q, storage, 1, heads, queries, d);
                Tensor tk = fovea.copyOf(k, storage, 1, 1, keys, d);
                Tensor tv = fovea.copyOf(v, storage, 1, 1, keys, dv);
                Tensor to = fovea.allocate(storage, 1, heads, queries, dv);
                Tensor offset = fovea.copyOf(new int[] {keys - queries}, 1);
                DeviceStream stream = new DeviceStream()) {
            AttentionSpec spec = Attention.causal().queryOffset(3).spec(tq, tk, tv);
            OpenClBackend device = fovea.capability(OpenClBackend.class).orElseThrow();
            DeviceContext context = device.context();
            AttentionArguments plain = new AttentionArguments(tq, tk, tv, to);
            AttentionArguments arguments = new AttentionArguments(
                    tq,
                    tk,
                    tv,
                    to,
                    plain.scale(),
                    null,
                    null,
                    null,
                    offset,
                    null,
                    null,
                    null,
                    plain.captures(),
                    plain.scalars());
            try (TilePath path = new TilePath(spec, engine, true)) {
                assertThat(path.run(arguments, context, stream)).isTrue();
                float[] o = to.toFloatArray();
                for (int i = 0; i < o.length; i++) {
                    if (poisoned && i / dv % queries == queries - 1) {
                        assertThat(o[i])
                                .as("element %d by %s", i, path.describe())
                                .isNaN();
                    } else {
                        assertThat((double) o[i])
                                .as("element %d by %s", i, path.describe())
                                .isCloseTo(e[i], Offset.offset(bound));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void bfloat16(TileEngine engine) {
        check(engine, DType.BF16, 64, 40, false, 3e-2);
    }

    @ParameterizedTest
    @EnumSource
    void half(TileEngine engine) {
        check(engine, DType.F16, 40, 64, false, 4e-3);
    }

    @ParameterizedTest
    @EnumSource
    void whatIsMaskedSpoilsNothing(TileEngine engine) {
        check(engine, DType.F16, 32, 32, true, 4e-3);
    }

    /** Weights of 20000 times p, while maxima grow by less than what they may lag behind: relative to an earlier one they would be infinite. */
    @ParameterizedTest
    @EnumSource
    void weightsStayInTheRangeOfHalf(TileEngine engine) {
        int keys = 256;
        int d = 32;
        float[] q = new float[d];
        float[] k = new float[keys * d];
        float[] v = new float[keys * d];
        q[0] = (float) Math.sqrt(d);
        Arrays.fill(v, 0.001f);
        for (int i = 0; i < keys; i++) { // towards the middle, so in either order of tiles
            k[i * d] = 3.6f * (1 - Math.abs(i - keys / 2f) / (keys / 2f));
        }
        Expr weights = Expressions.probability().times(Expressions.constant(20000f));
        try (Backend fovea = FirstDevice.open();
                Tensor tq = fovea.copyOf(q, DType.F16, 1, 1, 1, d);
                Tensor tk = fovea.copyOf(k, DType.F16, 1, 1, keys, d);
                Tensor tv = fovea.copyOf(v, DType.F16, 1, 1, keys, d);
                Tensor to = fovea.allocate(DType.F16, 1, 1, 1, d);
                DeviceStream stream = new DeviceStream()) {
            AttentionSpec spec = Attention.full().weighted(weights).spec(tq, tk, tv);
            DeviceContext context =
                    fovea.capability(OpenClBackend.class).orElseThrow().context();
            try (TilePath path = new TilePath(spec, engine, true)) {
                assertThat(path.run(new AttentionArguments(tq, tk, tv, to), context, stream))
                        .isTrue();
                for (float x : to.toFloatArray()) {
                    assertThat(x).as(path.describe()).isCloseTo(20f, Offset.offset(0.1f));
                }
            }
        }
    }
}
