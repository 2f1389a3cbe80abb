package dev.fovea.peers;

import dev.fovea.tools.bench.Peer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;

/** ONNX Runtime's fused operator MultiHeadAttention, which takes positions before heads: [B, S, H * D]. */
public final class OrtMultiHeadAttention implements Peer {
    /** Called by the service loader. */
    public OrtMultiHeadAttention() {}

    @Override
    public String name() {
        return "ort-mha";
    }

    @Override
    public String version() {
        return OrtCall.version() + " MultiHeadAttention";
    }

    @Override
    @SuppressWarnings("MustBeClosedChecker") // the call closes the arena
    public Call prepare(Problem p, int threads) throws IOException {
        long width = (long) p.heads() * p.headDim();
        long[] query = {p.batch(), p.queries(), width};
        long[] key = {p.batch(), p.keys(), width};
        Arena arena = Arena.ofShared();
        Problem packed = new Problem(
                p.batch(),
                p.heads(),
                p.queries(),
                p.keys(),
                p.headDim(),
                p.causal(),
                packed(arena, p.query(), p, p.queries()),
                packed(arena, p.key(), p, p.keys()),
                packed(arena, p.value(), p, p.keys()));
        byte[] model = OneNodeModel.contributed(
                "MultiHeadAttention",
                Map.of("num_heads", (long) p.heads(), "unidirectional", p.causal() ? 1L : 0L),
                query,
                key);
        return OrtCall.of(
                arena,
                model,
                threads,
                packed,
                query,
                key,
                (b, h, q) -> ((long) b * p.queries() + q) * width + (long) h * p.headDim());
    }

    private static MemorySegment packed(Arena arena, MemorySegment rows, Problem p, int positions) {
        MemorySegment out = arena.allocate(rows.byteSize(), 64);
        long row = 4L * p.headDim();
        for (int b = 0; b < p.batch(); b++) {
            for (int h = 0; h < p.heads(); h++) {
                for (int i = 0; i < positions; i++) {
                    long from = (((long) b * p.heads() + h) * positions + i) * row;
                    long to = (((long) b * positions + i) * p.heads() + h) * row;
                    MemorySegment.copy(rows, from, out, to, row);
                }
            }
        }
        return out;
    }
}
