package dev.fovea.opencl;

import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.MatrixEngine;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Which engines of a device can be trusted. */
final class EngineSelfTests {
    private EngineSelfTests() {}

    private static MatrixEngine.SelfTest of(MatrixEngine engine) {
        return switch (engine) {
            case WGMMA -> _ -> Optional.of("no kernel uses it yet");
        };
    }

    /** Whether kernels of an engine can run in a context; tries it at the first call. Not to be asked inside a use of the context. */
    static MatrixEngine.Verdict verdict(MatrixEngine engine, DeviceContext context) {
        return context.engine(engine, of(engine));
    }

    /** What the kernels of a context use, and why nothing faster, for people. */
    static String report(DeviceContext context) {
        List<String> refused = new ArrayList<>();
        for (MatrixEngine engine : MatrixEngine.values()) {
            if (engine.isOn(context.device())) {
                Optional<String> refusal = verdict(engine, context).refusal();
                if (refusal.isEmpty()) {
                    return text(engine.label(), "self-test passed", refused);
                }
                refused.add(engine.label() + " refused: " + refusal.get());
            }
        }
        return text("FMA", "", refused);
    }

    private static String text(String used, String proof, List<String> refused) {
        List<String> remarks = new ArrayList<>(refused);
        if (!proof.isEmpty()) {
            remarks.addFirst(proof);
        }
        return remarks.isEmpty() ? used : used + " (" + String.join("; ", remarks) + ")";
    }
}
