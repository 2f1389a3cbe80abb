package dev.fovea.opencl.runtime;

/** A device as if it said something else of itself. */
public final class DeviceLike {
    private DeviceLike() {}

    /** With a matrix unit of AMD's. */
    public static FoundDevice amd(FoundDevice d, String architecture) {
        return new FoundDevice(
                d.platform, d.id, d.info(), d.roundedDivision, MatrixFacts.amd(architecture), d.registers());
    }
}
