package dev.fovea.mechanisms.cache;

import dev.fovea.api.Attention;
import dev.fovea.api.Names;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Example;
import dev.fovea.mechanisms.Inputs;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.mechanisms.Port.Kind;
import dev.fovea.mechanisms.Sampler;
import dev.fovea.mechanisms.Values;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * WeNet (U2): an encoder whose frames see their chunk and a number of chunks before it.
 *
 * <pre>
 * s_ij = ((q_i + u) . k_j + (q_i + v) . p_j) / sqrt(D),   p_j = W pe(j), by the absolute position of the key
 * visible(i, j) = max((floor(i / c) - n) c, 0) &lt;= j &lt; (floor(i / c) + 1) c and j &lt; length[b]
 * </pre>
 *
 * @param chunk frames of a chunk, c; -1 for all
 * @param left chunks before it, n; -1 for all
 * @param streaming chunk by chunk over the keys of the last n chunks, instead of one masked pass; the numbers are the same
 */
public record WeNet(int chunk, int left, boolean streaming) implements Mechanism {
    private static final Parameter<Integer> CHUNK =
            Parameter.integer("chunk", 16, -1, 1 << 24, "frames of a chunk, at least 1; -1: one chunk has all");
    private static final Parameter<Integer> LEFT =
            Parameter.integer("left", -1, -1, 1 << 24, "chunks before the own one that a frame sees; -1: all");
    private static final Parameter<Boolean> STREAMING =
            Parameter.flag("streaming", false, "chunk by chunk over cached keys instead of one masked pass");

    private static final Declaration DECLARATION = Declaration.of(
                    "wenet",
                    "kv-cache",
                    "WeNet: Production oriented Streaming and Non-streaming End-to-End Speech Recognition Toolkit")
            .equation("""
                    s_ij = ((q_i + u) . k_j + (q_i + v) . p_j) / sqrt(D), p_j = W pe(j)
                    visible(i, j) = max((floor(i / c) - n) c, 0) <= j < (floor(i / c) + 1) c and j < length[b]
                    """)
            .citation("Yao et al. 2021; github.com/wenet-e2e/wenet")
            .input("query", "B H S D", "queries of the frames")
            .input("key", "B H S D", "keys")
            .input("value", "B H S Dv", "values")
            .input("position", "H S D", "p: projected embedding of each absolute position")
            .input("content_bias", "H D", "u")
            .input("position_bias", "H D", "v")
            .input("length", Kind.I32, "B", "frames of each sequence; those behind are padding", WeNet::lengths)
            .output("output", "B H S Dv", "attention; 0 for a frame that sees none")
            .parameter(CHUNK)
            .parameter(LEFT)
            .parameter(STREAMING)
            .note(
                    "The relative shift of Transformer-XL is left out, as in the code, so that the position term goes by the"
                            + " absolute position of the key.")
            .note("Training draws r from 1 to L - 1: chunk -1 if r > L / 2, else r mod 25 + 1. The caller draws.")
            .note(
                    "Convolution modules and their cache, the decoder and attention rescoring are not attention of this kind.")
            .example("B=2 H=2 S=23 D=8 Dv=4; chunk=4 left=2")
            .example("B=2 H=2 S=23 D=8 Dv=4; chunk=4 left=2 streaming=true")
            .example("B=1 H=1 S=30 D=4 Dv=8; chunk=7")
            .example("B=2 H=1 S=30 D=4 Dv=8; chunk=7 streaming=true")
            .example("B=3 H=1 S=12 D=4 Dv=4; chunk=-1")
            .build();

    public WeNet {
        CHUNK.check(chunk);
        LEFT.check(left);
        Inputs.require(chunk != 0, "chunk", "-1 or at least 1", chunk);
    }

    public WeNet() {
        this(CHUNK.standard(), LEFT.standard(), STREAMING.standard());
    }

    private static double[] lengths(SplittableRandom random, int count, Example example) {
        int most = example.size("S");
        return Sampler.fill(count, i -> most - random.nextInt(most / 2));
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public WeNet with(Values p) {
        return new WeNet(p.get(CHUNK), p.get(LEFT), p.get(STREAMING));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        int frames = in.size("S");
        Tensor query = ops.concat(3, plus(ops, in, "content_bias"), plus(ops, in, "position_bias"));
        Tensor position = ops.broadcast(in.get("position"), in.size("B"), in.size("H"), frames, in.size("D"));
        Tensor key = ops.concat(3, in.get("key"), position);
        Attention scaled = Attention.full().scale((float) (1 / Math.sqrt(in.size("D"))));
        Names names = Names.of("length", in.get("length"));
        int size = chunk < 0 ? Math.max(1, frames) : chunk;
        int all = Math.ceilDiv(frames, size);
        int before = left < 0 ? all : Math.min(left, all);
        if (!streaming || frames == 0) {
            Attention masked = scaled.visibleWhere(
                    "k >= (q // chunk - before) * chunk && k < (q // chunk + 1) * chunk && k < length[b]",
                    names.with("chunk", size).with("before", before));
            return Map.of("output", ops.attend(query, key, in.get("value"), masked));
        }
        List<Tensor> chunks = new ArrayList<>();
        for (int at = 0; at < frames; at += size) {
            int from = (int) Math.max(0, at - (long) before * size);
            int to = Math.min(at + size, frames);
            chunks.add(ops.attend(
                    ops.slice(query, 2, at, to),
                    ops.slice(key, 2, from, to),
                    ops.slice(in.get("value"), 2, from, to),
                    scaled.visibleWhere("k + cached < length[b]", names.with("cached", from))));
        }
        return Map.of("output", ops.concat(2, chunks.toArray(Tensor[]::new)));
    }

    private static Tensor plus(Operations ops, Inputs in, String bias) {
        Tensor query = in.get("query");
        return ops.map("x[b, h, q, d] + bias[h, d]")
                .with("x", query)
                .with("bias", in.get(bias))
                .like(query);
    }
}
