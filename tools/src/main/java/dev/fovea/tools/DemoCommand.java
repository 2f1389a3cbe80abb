package dev.fovea.tools;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Unmatched;

/**
 * {@code fovea demo} is a program of its own, started by the launcher of a source checkout: its libraries are ten times the size of
 * everything else. This entry lists it, and says so where it is not there.
 */
@Command(
        name = "demo",
        header = "Run a real sentence encoder on every device and compare it with ONNX Runtime.",
        description = "%nPart of the source checkout only: ./fovea demo. It is not in the distribution.")
final class DemoCommand implements Runnable {
    @Unmatched
    private List<String> rest = new ArrayList<>();

    @Override
    public void run() {
        throw new UsageException("the demo is not in the distribution, for the size of its libraries; run: "
                + ("./fovea demo " + String.join(" ", rest)).strip() + " in a source checkout");
    }
}
