package dev.fovea.cpu;

import dev.fovea.api.FoveaException.DeviceNotFound;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.spi.BackendProvider;
import dev.fovea.api.spi.DeviceBackend;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.DeviceReport;
import java.util.List;

/** The processor this JVM runs on, always there: with the Vector API where the JVM compiles it well, else with plain loops. */
public final class CpuProvider implements BackendProvider {
    static final String ID = "cpu";

    /** Environment variable with the number of threads of a backend; physical cores without it. */
    public static final String THREADS_VARIABLE = "FOVEA_THREADS";

    /** Called by the service loader. */
    public CpuProvider() {}

    @Override
    public String name() {
        return ID;
    }

    @Override
    public int spiVersion() {
        return 1; // a literal: the constant of a newer interface must not slip in by recompiling
    }

    @Override
    public List<DeviceReport> probe() {
        try {
            return List.of(
                    new DeviceReport.Available(info(threads(System.getenv(THREADS_VARIABLE)), KernelSet.choose())));
        } catch (InvalidArgument e) {
            return List.of(new DeviceReport.Refused(ID, e.argument() + " is '" + e.actual() + "'", e.remedy()));
        }
    }

    @Override
    public DeviceBackend open(String deviceId) {
        if (!deviceId.equals(ID)) {
            throw new DeviceNotFound(deviceId, "no device '" + deviceId + "' of this provider; there is: " + ID);
        }
        return open(threads(System.getenv(THREADS_VARIABLE)), KernelSet.warming());
    }

    static DeviceBackend open(int threads, KernelSet kernels) {
        return new CpuBackend(info(threads, kernels), kernels, threads);
    }

    private static int threads(String text) {
        if (text == null || text.isBlank()) {
            return Host.physicalCores();
        }
        try {
            int n = Integer.parseInt(text.strip());
            if (n >= 1 && n <= 4096) {
                return n;
            }
        } catch (NumberFormatException e) {
            // falls through to the refusal
        }
        throw new InvalidArgument(
                THREADS_VARIABLE, "a number from 1 to 4096", text, "set it to a number of threads or unset it");
    }

    private static DeviceInfo info(int threads, KernelSet kernels) {
        long memory = Host.totalMemory();
        return new DeviceInfo(
                ID,
                DeviceInfo.Kind.CPU,
                Host.processorName(),
                System.getProperty("java.vm.name", "JVM") + " " + System.getProperty("java.vm.version", ""),
                kernels.describe(),
                memory,
                memory,
                0,
                0,
                threads,
                kernels.vectorBits(),
                false,
                false,
                false,
                "none",
                DeviceInfo.Kind.CPU.rank(),
                kernels.notes());
    }
}
