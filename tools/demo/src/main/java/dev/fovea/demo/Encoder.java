package dev.fovea.demo;

import dev.fovea.demo.onnx.OnnxModel;
import dev.fovea.demo.onnx.OnnxNode;
import dev.fovea.demo.onnx.OnnxWeights;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * The all-MiniLM-L6-v2 sentence encoder (<a href="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2">model card</a>): BERT's
 * post-norm layers (Devlin et al. 2018, arXiv:1810.04805) with 6 layers of width 384. Its attention is given from outside.
 */
final class Encoder {
    /** Heads of each layer. */
    static final int HEADS = 12;

    /** Width of a head. */
    static final int HEAD_DIM = 32;

    /** Width of a hidden state. */
    static final int WIDTH = HEADS * HEAD_DIM;

    private record Layer(
            Linear query,
            Linear key,
            Linear value,
            Linear attentionOutput,
            LayerNorm attentionNorm,
            Linear up,
            Linear down,
            LayerNorm norm) {}

    /**
     * What one forward pass gave.
     *
     * @param hidden the last hidden state, [B, S, {@value #WIDTH}]; rows of padding are unspecified
     * @param attentionNanos time inside the attention of all layers
     * @param totalNanos time of the whole pass
     */
    @SuppressWarnings("ArrayRecordComponent") // a result to read, never compared or printed
    record Forward(float[] hidden, long attentionNanos, long totalNanos) {}

    private final float[] words;
    private final float[] positions;
    private final float[] types;
    private final LayerNorm embeddingNorm;
    private final List<Layer> layers;

    private Encoder(OnnxModel model) throws IOException {
        words = floats(model, "embeddings.word_embeddings.weight");
        positions = floats(model, "embeddings.position_embeddings.weight");
        types = floats(model, "embeddings.token_type_embeddings.weight");
        embeddingNorm = norm(model, "embeddings.LayerNorm");
        layers = new ArrayList<>();
        for (int i = 0; model.weights().containsKey("encoder.layer." + i + ".attention.self.query.bias"); i++) {
            String layer = "encoder.layer." + i;
            layers.add(new Layer(
                    linear(model, layer + ".attention.self.query"),
                    linear(model, layer + ".attention.self.key"),
                    linear(model, layer + ".attention.self.value"),
                    linear(model, layer + ".attention.output.dense"),
                    norm(model, layer + ".attention.output.LayerNorm"),
                    linear(model, layer + ".intermediate.dense"),
                    linear(model, layer + ".output.dense"),
                    norm(model, layer + ".output.LayerNorm")));
        }
        if (layers.isEmpty()) {
            throw new IOException("the ONNX model holds no layer encoder.layer.0: not a BERT encoder");
        }
    }

    /**
     * Takes the weights out of the network's file.
     *
     * @throws IOException if the file is no ONNX model of a BERT encoder
     */
    static Encoder read(byte[] onnx) throws IOException {
        return new Encoder(OnnxModel.parse(onnx));
    }

    /** Number of layers. */
    int layers() {
        return layers.size();
    }

    /** Runs the network on one batch. */
    Forward forward(TokenBatch batch, LayerAttention attention) {
        long start = System.nanoTime();
        long inAttention = 0;
        float[] x = embed(batch);
        for (Layer layer : layers) {
            float[] q = layer.query.apply(x);
            float[] k = layer.key.apply(x);
            float[] v = layer.value.apply(x);
            long before = System.nanoTime();
            float[] attended = attention.attend(q, k, v, batch);
            inAttention += System.nanoTime() - before;
            float[] y = layer.attentionOutput.apply(attended);
            add(y, x);
            layer.attentionNorm.apply(y);
            float[] inner = layer.up.apply(y);
            Gelu.apply(inner);
            x = layer.down.apply(inner);
            add(x, y);
            layer.norm.apply(x);
        }
        return new Forward(x, inAttention, System.nanoTime() - start);
    }

    private float[] embed(TokenBatch batch) {
        float[] x = new float[batch.size() * batch.width() * WIDTH];
        for (int token = 0; token < batch.size() * batch.width(); token++) {
            int word = batch.ids().get(token) * WIDTH;
            int position = token % batch.width() * WIDTH;
            for (int i = 0; i < WIDTH; i++) {
                x[token * WIDTH + i] = words[word + i] + types[i] + positions[position + i];
            }
        }
        embeddingNorm.apply(x);
        return x;
    }

    private static void add(float[] sum, float[] x) {
        for (int i = 0; i < sum.length; i++) {
            sum[i] += x[i];
        }
    }

    private static LayerNorm norm(OnnxModel model, String name) throws IOException {
        return new LayerNorm(floats(model, name + ".weight"), floats(model, name + ".bias"));
    }

    // the exporter folded the transposes of the weights and gave the results generated names: only the bias still has
    // the layer's
    private static Linear linear(OnnxModel model, String name) throws IOException {
        String bias = name + ".bias";
        for (OnnxNode add : model.consumers(bias)) {
            for (String input : add.inputs()) {
                OnnxNode product = model.producer(input).orElse(null);
                if (product != null && product.op().equals("MatMul")) {
                    return new Linear(floats(model, product.inputs().getLast()), floats(model, bias));
                }
            }
        }
        throw new IOException("the ONNX model adds " + bias + " to no matrix product");
    }

    private static float[] floats(OnnxModel model, String name) throws IOException {
        OnnxWeights weights = model.weights().get(name);
        if (weights == null) {
            throw new IOException("the ONNX model holds no tensor " + name);
        }
        return weights.floats();
    }
}
