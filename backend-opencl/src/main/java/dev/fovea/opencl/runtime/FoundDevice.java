package dev.fovea.opencl.runtime;

import dev.fovea.api.DType;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.opencl.runtime.MatrixEngine.SelfTest;
import dev.fovea.opencl.runtime.MatrixEngine.Verdict;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jocl.cl_device_id;
import org.jocl.cl_platform_id;

/** A usable device with its handles, which stay valid for the life of the process. */
public final class FoundDevice {
    private static final System.Logger LOG = System.getLogger(FoundDevice.class.getName());

    final cl_platform_id platform;
    final cl_device_id id;
    private final DeviceInfo info;
    /** Whether division can be asked to be correctly rounded. */
    final boolean roundedDivision;

    private final MatrixFacts matrixFacts;
    private final int registers;
    private final Map<Use, Verdict> engines = new HashMap<>();

    /** An engine for one storage type, or for all. */
    private record Use(MatrixEngine engine, Optional<DType> type) {
        @Override
        public String toString() {
            return engine.label() + type.map(t -> " in " + t).orElse("");
        }
    }

    FoundDevice(
            cl_platform_id platform,
            cl_device_id id,
            DeviceInfo info,
            boolean roundedDivision,
            MatrixFacts matrixFacts,
            int registers) {
        this.platform = platform;
        this.id = id;
        this.info = info;
        this.roundedDivision = roundedDivision;
        this.matrixFacts = matrixFacts;
        this.registers = registers;
    }

    /** The raw {@code cl_device_id}. */
    public long rawHandle() {
        return id.getNativePointer();
    }

    public DeviceInfo info() {
        return info;
    }

    /** NVIDIA's compute capability, ten times the major number and the minor one: 90 for 9.0; 0 on devices that have none. */
    public int computeCapability() {
        return matrixFacts.computeCapability();
    }

    MatrixFacts matrixFacts() {
        return matrixFacts;
    }

    /** Registers of 32 bits that a work-item can have, as far as is known. */
    public int registers() {
        return registers;
    }

    /** Whether native_exp2 errs by 2^-22 at most: NVIDIA's compiles to ex2.approx, for which the PTX manual says so. */
    public boolean nativeExp2() {
        return computeCapability() > 0;
    }

    /** Whether a work-item need not wait for its copies from global to local memory: cp.async of NVIDIA's. */
    public boolean copiesAhead() {
        return computeCapability() >= 80;
    }

    /** Local memory that arrays of a kernel can take. NVIDIA's driver says 48 KiB, which is what arguments in local memory can; more may fail to build. */
    public int staticLocalBytes() {
        return switch (computeCapability()) {
            case 80, 87 -> 163 << 10;
            case 90, 100, 101, 103, 110 -> 226 << 10;
            default ->
                computeCapability() >= 80 ? 99 << 10 : (int) Math.min(info.localMemoryBytes(), Integer.MAX_VALUE);
        };
    }

    /** Whether an engine can be used for a type, tried once for all contexts: a test that lost the device is not tried again in the next one. */
    synchronized Verdict engine(MatrixEngine engine, Optional<DType> type, DeviceContext context, SelfTest test) {
        Use use = new Use(engine, type);
        Verdict verdict = engines.get(use);
        if (verdict == null) {
            verdict = engine.isOn(this)
                    ? Verdict.of(context, test)
                    : new Verdict(Optional.of(info.id() + " has no " + engine.label()));
            engines.put(use, verdict);
            if (engine.isOn(this) && !verdict.passed()) {
                LOG.log(
                        // probe says it; drivers other than those that a kernel is written for are no surprise
                        engine.hasRun() ? System.Logger.Level.WARNING : System.Logger.Level.DEBUG,
                        "{0} is not used on {1}: {2}",
                        use,
                        info.id(),
                        verdict.refusal().get());
            }
        }
        return verdict;
    }
}
