package dev.fovea.opencl;

import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.MatrixEngine;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Which engines of a device can be trusted. */
final class EngineSelfTests {
    private EngineSelfTests() {}

    private static MatrixEngine.SelfTest of(MatrixEngine engine) {
        return switch (engine) {
            case WGMMA -> new HopperSelfTest();
        };
    }

    /** Environment variable that names the best engine to use, for comparisons: wgmma, mma or fma. */
    private static final String WANTED = "FOVEA_ENGINE";

    /** Whether kernels of an engine can run in a context; tries it at the first call. Not to be asked inside a use of the context. */
    static MatrixEngine.Verdict verdict(MatrixEngine engine, DeviceContext context) {
        String wanted = System.getenv(WANTED);
        if (wanted != null && !wanted.equals(engine.label()) && isBelow(wanted, engine)) {
            return new MatrixEngine.Verdict(Optional.of(WANTED + " asks for " + wanted));
        }
        return context.engine(engine, of(engine));
    }

    private static boolean isBelow(String wanted, MatrixEngine engine) {
        return Arrays.stream(MatrixEngine.values())
                .filter(e -> e.label().equals(wanted))
                .allMatch(e -> e.compareTo(engine) > 0);
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
