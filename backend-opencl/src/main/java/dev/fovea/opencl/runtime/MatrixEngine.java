package dev.fovea.opencl.runtime;

import dev.fovea.api.FoveaException;
import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.FoveaException.KernelBuild;
import dev.fovea.api.FoveaException.OutOfDeviceMemory;
import dev.fovea.kernels.TileEngine;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A matrix unit that kernels can use, the fastest first. What a driver does not promise of one is tried on the device before use. */
public enum MatrixEngine {
    /** NVIDIA's warpgroup products with bulk tensor loads, of compute capability 9.0. */
    WGMMA("wgmma", null),
    /** NVIDIA's products of warps, of compute capability 8.0 and later. */
    MMA_SYNC("mma.sync", null),
    /** AMD's CDNA from gfx90a on. */
    MFMA("mfma", TileEngine.MFMA),
    /** AMD's RDNA3; the next generation lays its operands out in another way. */
    WMMA("wmma", TileEngine.WMMA),
    /** Intel's, of devices with sub-groups of eight. */
    DPAS8("dpas8", TileEngine.DPAS8),
    /** Intel's, of devices with sub-groups of 16 and larger ones. */
    DPAS16("dpas16", TileEngine.DPAS16);

    private static final System.Logger LOG = System.getLogger(MatrixEngine.class.getName());

    private final String label;
    private final @Nullable TileEngine tiles;

    MatrixEngine(String label, @Nullable TileEngine tiles) {
        this.label = label;
        this.tiles = tiles;
    }

    /** The name for people. */
    public String label() {
        return label;
    }

    /** What tile_attention.cl is compiled for it as, if it is. */
    public Optional<TileEngine> tiles() {
        return Optional.ofNullable(tiles);
    }

    /** Whether its kernels have run on such a device before a release: those that have not are held by compilers and an emulation alone. */
    public boolean hasRun() {
        return tiles == null;
    }

    /** Whether a device has it, by what it says of itself. */
    public boolean isOn(FoundDevice device) {
        return isOn(device.matrixFacts());
    }

    private boolean isOn(MatrixFacts facts) {
        return switch (this) {
            case WGMMA -> facts.computeCapability() == 90;
            case MMA_SYNC -> facts.computeCapability() >= 80;
            case MFMA -> facts.architecture().matches("gfx9(0a|4[0-2]|50)");
            case WMMA -> facts.architecture().matches("gfx11[05][0-9]");
            case DPAS8 -> facts.leastSubGroup() == 8;
            case DPAS16 -> facts.leastSubGroup() == 16;
        };
    }

    /** What a device's kernels multiply with if it keeps what it says: the best engine's name, else FMA. */
    static String expected(MatrixFacts facts) {
        return Arrays.stream(values())
                .filter(e -> e.isOn(facts))
                .findFirst()
                .map(e -> e.label + ", tested at first use" + (e.hasRun() ? "" : "; " + NEVER_RUN))
                .orElse("FMA");
    }

    /** What is said beside an engine that has not run. */
    public static final String NEVER_RUN = "its kernels have not been run on such a device by their authors";

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
            } catch (KernelBuild e) {
                LOG.log(System.Logger.Level.DEBUG, e.getMessage());
                String first = e.log()
                        .lines()
                        .map(String::strip)
                        .filter(l -> !l.isEmpty())
                        .findFirst()
                        .orElse("no word why");
                return new Verdict(Optional.of("its self-test does not build: " + first));
            } catch (FoveaException e) {
                return new Verdict(Optional.of("its self-test failed: " + e.getMessage()));
            }
        }

        public boolean passed() {
            return refusal.isEmpty();
        }
    }
}
