package dev.fovea.peers;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.fovea.tools.bench.Peer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Map;

/** A model of one node in ONNX Runtime, with inputs and output in memory of ours. */
final class OrtCall implements Peer.Call {
    /** Where a row of the output is, in floats. */
    interface Layout {
        long at(int batch, int head, int query);
    }

    private final Arena arena;
    private final OrtSession session;
    private final Map<String, OnnxTensor> inputs;
    private final Map<String, OnnxTensor> outputs;
    private final MemorySegment output;
    private final Layout layout;
    private final int headDim;

    private OrtCall(
            Arena arena,
            OrtSession session,
            Map<String, OnnxTensor> inputs,
            Map<String, OnnxTensor> outputs,
            MemorySegment output,
            Layout layout,
            int headDim) {
        this.arena = arena;
        this.session = session;
        this.inputs = inputs;
        this.outputs = outputs;
        this.output = output;
        this.layout = layout;
        this.headDim = headDim;
    }

    static String version() {
        return "ONNX Runtime " + OrtEnvironment.getEnvironment().getVersion();
    }

    /**
     * Takes over the arena, which holds what the problem's memory does not.
     *
     * @param model with these shapes
     */
    static OrtCall of(
            Arena arena, byte[] model, int threads, Peer.Problem p, long[] queryShape, long[] keyShape, Layout layout)
            throws IOException {
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setIntraOpNumThreads(threads);
            options.setInterOpNumThreads(1);
            options.addConfigEntry("session.force_spinning_stop", "1"); // else its idle threads slow the next entrant
            MemorySegment output = arena.allocate(p.query().byteSize(), 64);
            return new OrtCall(
                    arena,
                    environment.createSession(model, options),
                    Map.of(
                            "q", tensor(environment, p.query(), queryShape),
                            "k", tensor(environment, p.key(), keyShape),
                            "v", tensor(environment, p.value(), keyShape)),
                    Map.of("o", tensor(environment, output, queryShape)),
                    output,
                    layout,
                    p.headDim());
        } catch (OrtException e) {
            arena.close();
            throw new IOException("ONNX Runtime: " + e.getMessage(), e);
        }
    }

    private static OnnxTensor tensor(OrtEnvironment environment, MemorySegment memory, long[] shape)
            throws OrtException {
        return OnnxTensor.createTensor(
                environment,
                memory.asByteBuffer().order(ByteOrder.nativeOrder()).asFloatBuffer(),
                shape);
    }

    @Override
    public void run() throws IOException {
        try {
            session.run(inputs, outputs).close();
        } catch (OrtException e) {
            throw new IOException("ONNX Runtime: " + e.getMessage(), e);
        }
    }

    @Override
    public float[] row(int batch, int head, int query) {
        return output.asSlice(4 * layout.at(batch, head, query), 4L * headDim).toArray(ValueLayout.JAVA_FLOAT);
    }

    @Override
    public void close() {
        try {
            session.close();
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
        inputs.values().forEach(OnnxTensor::close);
        outputs.values().forEach(OnnxTensor::close);
        arena.close();
    }
}
