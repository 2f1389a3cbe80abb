package dev.fovea.opencl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.ExecutionStream;
import dev.fovea.api.HalfFloats;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.Normaliser;
import dev.fovea.opencl.runtime.DeviceContext;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;

/** One problem for decode.cl and its plain evaluation in double. */
final class DecodeRun implements AutoCloseable {
    final Backend fovea = FirstDevice.open();
    final OpenClBackend device = fovea.capability(OpenClBackend.class).orElseThrow();
    /** Keys and values as the reference reads them. */
    Rows keys = (b, head, k) -> new float[0];

    Rows values = keys;
    Sees sees = (b, h, q, k) -> true;
    Scored scored = (b, h, q, k, s) -> s;
    double sinkOf = Double.NEGATIVE_INFINITY;
    int part = 64;

    interface Rows {
        float[] row(int b, int head, int k);
    }

    interface Sees {
        boolean at(int b, int h, int q, int k);
    }

    interface Scored {
        double at(int b, int h, int q, int k, double s);
    }

    static float[] data(long seed, int n, DType type) {
        SplittableRandom r = new SplittableRandom(seed);
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = HalfFloats.rounded((float) r.nextGaussian(), type);
        }
        return x;
    }

    /** Rows of a dense [B, H, S, D]. */
    static Rows dense(float[] x, int heads, int size, int dim) {
        return (b, head, k) -> {
            int at = ((b * heads + head) * size + k) * dim;
            return Arrays.copyOfRange(x, at, at + dim);
        };
    }

    float[] run(AttentionSpec spec, AttentionArguments a) {
        try (DecodePath path = new DecodePath(device, spec, part);
                ExecutionStream stream = fovea.newStream()) {
            assertThat(DecodePath.takes(device.info(), spec)).isTrue();
            DeviceContext context = device.context();
            path.run(a, context, Launches.stream(stream));
            return a.output().toFloatArray();
        }
    }

    /** Runs and compares each row; {@code most} keys are looked at. The queries are those of {@code a}, dense. */
    void check(AttentionSpec spec, AttentionArguments a, int most, double bound) {
        float[] q = a.query().toFloatArray();
        float[] o = run(spec, a);
        float[] lse = a.logSumExp() == null ? new float[0] : a.logSumExp().toFloatArray();
        int queries = Math.toIntExact(a.queries());
        for (int b = 0; b < a.batch(); b++) {
            for (int h = 0; h < spec.queryHeads(); h++) {
                for (int i = 0; i < queries; i++) {
                    int row = (b * spec.queryHeads() + h) * queries + i;
                    float[] query = Arrays.copyOfRange(q, row * spec.headDim(), (row + 1) * spec.headDim());
                    double[] e = expected(spec, b, h, i, query, most, a.scale());
                    for (int c = 0; c < spec.valueDim(); c++) {
                        assertThat((double) o[row * spec.valueDim() + c])
                                .as("batch %d, head %d, query %d, column %d", b, h, i, c)
                                .isCloseTo(e[c], Offset.offset(bound));
                    }
                    if (lse.length > 0) {
                        same(lse[row], e[spec.valueDim()]);
                    }
                }
            }
        }
    }

    private static void same(float got, double wanted) {
        if (Double.isInfinite(wanted)) {
            assertThat((double) got).isEqualTo(wanted);
        } else {
            assertThat((double) got).isCloseTo(wanted, Offset.offset(2e-4));
        }
    }

    /** The output row, and behind it the log-sum-exp. */
    double[] expected(AttentionSpec spec, int b, int h, int q, float[] query, int most, double scale) {
        int keyHead = h / (spec.queryHeads() / spec.keyHeads());
        int valueHead = h / (spec.queryHeads() / spec.valueHeads());
        double[] s = new double[most];
        double m = sinkOf;
        for (int k = 0; k < most; k++) {
            s[k] = Double.NEGATIVE_INFINITY;
            if (sees.at(b, h, q, k)) {
                float[] key = keys.row(b, keyHead, k);
                double dot = 0;
                for (int c = 0; c < query.length; c++) {
                    dot += (double) query[c] * key[c];
                }
                s[k] = scored.at(b, h, q, k, scale * dot);
            }
            m = Math.max(m, s[k]);
        }
        double[] out = new double[spec.valueDim() + 1];
        boolean softmax = spec.normaliser() == Normaliser.SOFTMAX;
        double sum = softmax && m > Double.NEGATIVE_INFINITY ? Math.exp(sinkOf - m) : 0;
        for (int k = 0; k < most; k++) {
            if (s[k] == Double.NEGATIVE_INFINITY) {
                continue;
            }
            double w = softmax ? Math.exp(s[k] - m) : s[k];
            sum += Math.abs(w);
            float[] value = values.row(b, valueHead, k);
            for (int c = 0; c < spec.valueDim(); c++) {
                out[c] += w * value[c];
            }
        }
        for (int c = 0; c < spec.valueDim(); c++) {
            out[c] /= spec.normaliser() == Normaliser.IDENTITY || sum == 0 ? 1 : sum;
        }
        out[spec.valueDim()] = m + Math.log(sum);
        return out;
    }

    Tensor output(AttentionSpec spec, int batch, int queries) {
        return fovea.allocate(spec.outputType(), batch, spec.queryHeads(), queries, spec.valueDim());
    }

    @Override
    public void close() {
        fovea.close();
    }
}
