package dev.fovea.demo;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Map;

/** The same network run whole by ONNX Runtime on the CPU: what the demo is compared with. */
final class OrtEncoder implements AutoCloseable {
    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession session;

    /** @param onnx the network's file */
    OrtEncoder(byte[] onnx) throws OrtException {
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            session = environment.createSession(onnx, options);
        }
    }

    /** The last hidden state of a batch, [B, S, width]; rows of padding hold what the network computes there. */
    float[] hidden(TokenBatch batch) throws OrtException {
        int size = batch.size() * batch.width();
        long[] shape = {batch.size(), batch.width()};
        long[] ids = batch.ids().stream().mapToLong(Integer::longValue).toArray();
        boolean[] valid = batch.valid();
        long[] mask = new long[size];
        for (int i = 0; i < size; i++) {
            mask[i] = valid[i] ? 1 : 0;
        }
        try (OnnxTensor idTensor = OnnxTensor.createTensor(environment, LongBuffer.wrap(ids), shape);
                OnnxTensor maskTensor = OnnxTensor.createTensor(environment, LongBuffer.wrap(mask), shape);
                OnnxTensor typeTensor = OnnxTensor.createTensor(environment, LongBuffer.wrap(new long[size]), shape);
                OrtSession.Result result = session.run(
                        Map.of("input_ids", idTensor, "attention_mask", maskTensor, "token_type_ids", typeTensor))) {
            FloatBuffer out = ((OnnxTensor) result.get(0)).getFloatBuffer();
            float[] hidden = new float[out.remaining()];
            out.get(hidden);
            return hidden;
        }
    }

    @Override
    public void close() throws OrtException {
        session.close();
    }
}
