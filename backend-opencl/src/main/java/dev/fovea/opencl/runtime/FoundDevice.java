package dev.fovea.opencl.runtime;

import dev.fovea.api.spi.DeviceInfo;
import org.jocl.cl_device_id;
import org.jocl.cl_platform_id;

/** A usable device with its handles, which stay valid for the life of the process. */
public final class FoundDevice {
    final cl_platform_id platform;
    final cl_device_id id;
    private final DeviceInfo info;
    /** Whether division can be asked to be correctly rounded. */
    final boolean roundedDivision;

    private final int computeCapability;

    FoundDevice(
            cl_platform_id platform, cl_device_id id, DeviceInfo info, boolean roundedDivision, int computeCapability) {
        this.platform = platform;
        this.id = id;
        this.info = info;
        this.roundedDivision = roundedDivision;
        this.computeCapability = computeCapability;
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
        return computeCapability;
    }
}
