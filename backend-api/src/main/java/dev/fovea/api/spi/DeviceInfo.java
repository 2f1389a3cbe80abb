package dev.fovea.api.spi;

import java.util.ArrayList;
import java.util.List;

/**
 * What a device is and can do.
 *
 * @param id stable: provider / name as a slug / ordinal by PCI address, for instance {@code opencl/nvidia-h200/0}; {@code cpu}
 * @param memoryBytes total memory
 * @param maxAllocationBytes largest single allocation
 * @param localMemoryBytes local (shared) memory of a work-group; 0 on the CPU backend
 * @param maxWorkGroup largest work-group; 0 on the CPU backend
 * @param computeUnits compute units or threads
 * @param vectorBits width of the vectors in use; 0 where there is no such thing
 * @param halfArithmetic whether f16 arithmetic (not only storage) is there
 * @param integerDot whether an 8-bit integer dot product is there
 * @param matrixEngine which matrix unit kernels will use if it passes its test at first use, {@code FMA} where they use none, {@code none} on
 *     the CPU backend
 * @param rank preference of automatic selection, higher first; negative: only on request
 * @param notes further facts worth a line, for instance a slower path and why
 */
public record DeviceInfo(
        String id,
        Kind kind,
        String name,
        String platform,
        String driver,
        long memoryBytes,
        long maxAllocationBytes,
        long localMemoryBytes,
        long maxWorkGroup,
        int computeUnits,
        int vectorBits,
        boolean halfArithmetic,
        boolean subgroups,
        boolean integerDot,
        String matrixEngine,
        int rank,
        List<String> notes) {

    /** What automatic selection prefers by. */
    public enum Kind {
        GPU(300),
        ACCELERATOR(200),
        CPU(100),
        /** A CPU seen through OpenCL: a test device, never picked by itself. */
        OPENCL_CPU(-1);

        private final int rank;

        Kind(int rank) {
            this.rank = rank;
        }

        public int rank() {
            return rank;
        }
    }

    public DeviceInfo {
        notes = List.copyOf(notes);
    }

    /** The same with another word on the matrix unit. */
    public DeviceInfo withMatrixEngine(String engine) {
        return with(engine, notes);
    }

    /** The same with one more note. */
    public DeviceInfo withNote(String note) {
        List<String> more = new ArrayList<>(notes);
        more.add(note);
        return with(matrixEngine, more);
    }

    private DeviceInfo with(String engine, List<String> words) {
        return new DeviceInfo(
                id,
                kind,
                name,
                platform,
                driver,
                memoryBytes,
                maxAllocationBytes,
                localMemoryBytes,
                maxWorkGroup,
                computeUnits,
                vectorBits,
                halfArithmetic,
                subgroups,
                integerDot,
                engine,
                rank,
                words);
    }
}
