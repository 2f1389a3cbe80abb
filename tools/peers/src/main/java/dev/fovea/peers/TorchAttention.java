package dev.fovea.peers;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.TranslateException;
import dev.fovea.tools.bench.Peer;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * libtorch's scaled_dot_product_attention, by DJL. The two models are TorchScript of
 * {@code F.scaled_dot_product_attention(q, k, v, None, 0.0, causal)}, saved by {@code torch.jit.save(torch.jit.script(...))}.
 */
public final class TorchAttention implements Peer {
    private static final String ENGINE = "PyTorch";

    /** Called by the service loader. */
    public TorchAttention() {}

    @Override
    public String name() {
        return "torch";
    }

    @Override
    public String version() {
        return hasEngine() ? "libtorch " + Engine.getEngine(ENGINE).getVersion() : "libtorch";
    }

    /** Whether libtorch is on the class path, which the Maven profile {@code peers} puts there. */
    static boolean hasEngine() {
        return Engine.getAllEngines().contains(ENGINE);
    }

    @Override
    public Call prepare(Problem p, int threads) throws IOException {
        System.setProperty("ai.djl.offline", "true");
        System.setProperty("OPT_OUT_TRACKING", "true");
        System.setProperty("ai.djl.pytorch.num_threads", "" + threads);
        System.setProperty("ai.djl.pytorch.num_interop_threads", "1");
        if (!hasEngine()) {
            throw new IOException("libtorch is not on the class path: ./fovea bench --peers puts it there");
        }
        String file = p.causal() ? "sdpa_causal.pt" : "sdpa_full.pt";
        Model model;
        try (InputStream in = TorchAttention.class.getResourceAsStream(file)) {
            model = Model.newInstance("attention", Device.cpu(), ENGINE);
            model.load(in);
        } catch (MalformedModelException | EngineException | UnsatisfiedLinkError e) {
            throw new IOException("libtorch: " + e.getMessage(), e);
        }
        NDManager manager = model.getNDManager().newSubManager(Device.cpu());
        NDList inputs = new NDList(
                array(manager, p.query(), p, p.queries()),
                array(manager, p.key(), p, p.keys()),
                array(manager, p.value(), p, p.keys()));
        return new TorchCall(model, manager, model.newPredictor(new NoopTranslator()), inputs);
    }

    private static NDArray array(NDManager manager, MemorySegment memory, Problem p, int positions) {
        return manager.create(
                memory.asByteBuffer().order(ByteOrder.nativeOrder()),
                new Shape(p.batch(), p.heads(), positions, p.headDim()),
                DataType.FLOAT32);
    }

    private static final class TorchCall implements Call {
        private final Model model;
        private final NDManager manager;
        private final Predictor<NDList, NDList> predictor;
        private final NDList inputs;
        private @Nullable NDList output;

        TorchCall(Model model, NDManager manager, Predictor<NDList, NDList> predictor, NDList inputs) {
            this.model = model;
            this.manager = manager;
            this.predictor = predictor;
            this.inputs = inputs;
        }

        @Override
        public void run() throws IOException {
            closeOutput();
            try {
                output = predictor.predict(inputs);
            } catch (TranslateException e) {
                throw new IOException("libtorch: " + e.getMessage(), e);
            }
        }

        @Override
        public float[] row(int batch, int head, int query) {
            if (output == null) {
                throw new IllegalStateException("nothing computed yet");
            }
            try (NDArray row = output.singletonOrThrow().get(batch, head, query)) {
                return row.toFloatArray();
            }
        }

        private void closeOutput() {
            if (output != null) {
                output.close();
            }
        }

        @Override
        public void close() {
            closeOutput();
            predictor.close();
            manager.close();
            model.close();
        }
    }
}
