package dev.fovea.opencl.runtime;

import dev.fovea.api.FoveaException;
import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.FoveaException.OutOfDeviceMemory;
import java.util.Arrays;
import java.util.Optional;

/** A matrix unit that kernels can use, the fastest first. What a driver does not promise of one is tried on the device before use. */
public enum MatrixEngine {
    /** NVIDIA's warpgroup products with bulk tensor loads, of compute capability 9.0. */
    WGMMA("wgmma", 90, 90),
    /** NVIDIA's products of warps, of compute capability 8.0 and later. */
    MMA_SYNC("mma.sync", 80, Integer.MAX_VALUE);

    private final String label;
    private final int leastCapability;
    private final int mostCapability;

    MatrixEngine(String label, int leastCapability, int mostCapability) {
        this.label = label;
        this.leastCapability = leastCapability;
        this.mostCapability = mostCapability;
    }

    /** The name for people. */
    public String label() {
        return label;
    }

    /** Whether a device has it, by what it says of itself. */
    public boolean isOn(FoundDevice device) {
        return isOn(device.computeCapability());
    }

    private boolean isOn(int deviceCapability) {
        return deviceCapability >= leastCapability && deviceCapability <= mostCapability;
    }

    /** What a device's kernels multiply with if it keeps what it says: the best engine's name, else FMA. */
    static String expected(int deviceCapability) {
        return Arrays.stream(values())
                .filter(e -> e.isOn(deviceCapability))
                .findFirst()
                .map(e -> e.label + ", tested at first use")
                .orElse("FMA");
    }

    /** Tries an engine on the device of a context. */
    @FunctionalInterface
    public interface SelfTest {
        /** Why the engine cannot be used, half a sentence; empty if what it computed is right. A failure that it throws counts as a reason. */
        Optional<String> refusal(DeviceContext context);
    }

    /** Whether a device's engine can be used, and if not, why. */
    public record Verdict(Optional<String> refusal) {
        static Verdict of(DeviceContext context, SelfTest test) {
            try {
                return new Verdict(test.refusal(context));
            } catch (OutOfDeviceMemory | Closed e) {
                throw e; // says nothing of the engine
            } catch (FoveaException e) {
                return new Verdict(Optional.of("its self-test failed: " + e.getMessage()));
            }
        }

        public boolean passed() {
            return refusal.isEmpty();
        }
    }
}
