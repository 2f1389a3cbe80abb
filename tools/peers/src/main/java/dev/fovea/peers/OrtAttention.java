package dev.fovea.peers;

import dev.fovea.tools.bench.Peer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.Map;

/** ONNX's own operator Attention (opset 23), heads before positions. */
public final class OrtAttention implements Peer {
    /** Called by the service loader. */
    public OrtAttention() {}

    @Override
    public String name() {
        return "ort-attention";
    }

    @Override
    public String version() {
        return OrtCall.version() + " Attention";
    }

    @Override
    @SuppressWarnings("MustBeClosedChecker") // the call closes the arena
    public Call prepare(Problem p, int threads) throws IOException {
        long[] query = {p.batch(), p.heads(), p.queries(), p.headDim()};
        long[] key = {p.batch(), p.heads(), p.keys(), p.headDim()};
        byte[] model = OneNodeModel.standard("Attention", Map.of("is_causal", p.causal() ? 1L : 0L), query, key);
        return OrtCall.of(
                Arena.ofShared(),
                model,
                threads,
                p,
                query,
                key,
                (b, h, q) -> (((long) b * p.heads() + h) * p.queries() + q) * p.headDim());
    }
}
