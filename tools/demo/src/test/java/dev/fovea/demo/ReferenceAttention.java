package dev.fovea.demo;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.conformance.HostProblem;
import dev.fovea.conformance.HostTensor;
import dev.fovea.conformance.Reference;
import java.util.Map;
import java.util.Optional;

/** The encoder's attention by the float64 reference: what remains of a difference is not the attention's. */
final class ReferenceAttention implements LayerAttention {
    private static final int HEADS = Encoder.HEADS;
    private static final int DIM = Encoder.HEAD_DIM;

    @Override
    public float[] attend(float[] q, float[] k, float[] v, TokenBatch batch) {
        AttentionSpec spec = new AttentionSpec(
                DType.F32,
                DIM,
                DIM,
                HEADS,
                HEADS,
                HEADS,
                Expressions.score(),
                Expressions.score(),
                Expressions.constant(true),
                QueryOffset.TOP_LEFT,
                false,
                false,
                true,
                false,
                Optional.empty());
        HostTensor lengths = new HostTensor(
                DType.I32,
                batch.lengths().stream().mapToDouble(Integer::doubleValue).toArray(),
                batch.size());
        double[] bhsd = Reference.evaluate(new HostProblem(
                        spec,
                        heads(q, batch),
                        heads(k, batch),
                        heads(v, batch),
                        (float) (1 / Math.sqrt(DIM)),
                        null,
                        null,
                        lengths,
                        null,
                        null,
                        Map.of(),
                        Map.of()))
                .output();
        float[] rows = new float[q.length];
        for (int i = 0; i < rows.length; i++) {
            rows[rowIndex(i, batch.width())] = (float) bhsd[i];
        }
        return rows;
    }

    private static HostTensor heads(float[] rows, TokenBatch batch) {
        double[] bhsd = new double[rows.length];
        for (int i = 0; i < bhsd.length; i++) {
            bhsd[i] = rows[rowIndex(i, batch.width())];
        }
        return new HostTensor(DType.F32, bhsd, batch.size(), HEADS, batch.width(), DIM);
    }

    /** Where the element i of [B, H, S, D] lies in [B, S, H, D]. */
    private static int rowIndex(int i, int width) {
        int d = i % DIM;
        int s = i / DIM % width;
        int h = i / DIM / width % HEADS;
        int b = i / DIM / width / HEADS;
        return ((b * width + s) * HEADS + h) * DIM + d;
    }
}
