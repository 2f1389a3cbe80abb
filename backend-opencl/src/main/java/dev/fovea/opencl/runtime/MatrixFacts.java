package dev.fovea.opencl.runtime;

/**
 * What a device says of itself that tells its matrix unit.
 *
 * @param computeCapability NVIDIA's, ten times the major number and the minor one: 90 for 9.0; 0 on devices that have none
 * @param architecture AMD's name of it, gfx90a for instance; empty on others
 * @param leastSubGroup work-items of the smallest sub-group of a device with Intel's extension for products of matrices; 0 on others
 */
public record MatrixFacts(int computeCapability, String architecture, int leastSubGroup) {
    /** Of a device without any. */
    static final MatrixFacts NONE = new MatrixFacts(0, "", 0);

    static MatrixFacts nvidia(int computeCapability) {
        return new MatrixFacts(computeCapability, "", 0);
    }

    static MatrixFacts amd(String architecture) {
        return new MatrixFacts(0, architecture, 0);
    }

    static MatrixFacts intel(int leastSubGroup) {
        return new MatrixFacts(0, "", leastSubGroup);
    }
}
