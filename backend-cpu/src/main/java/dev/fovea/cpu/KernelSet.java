package dev.fovea.cpu;

import java.util.List;

/**
 * The kernels that this JVM runs well, and why not the faster ones.
 *
 * @param wide for many query rows
 * @param narrow for so few rows that they fit its lanes
 * @param rows for so few that lanes lie along the columns
 * @param vectorBits width of the vectors, 0 for plain loops
 * @param notes one sentence for each faster path that was refused
 */
record KernelSet(Kernels wide, Kernels narrow, RowKernels rows, int vectorBits, List<String> notes) {
    KernelSet {
        notes = List.copyOf(notes);
    }

    /** For calls that begin now: the same results, at first by plain loops. */
    static KernelSet warming() {
        KernelSet best = choose();
        return best.vectorBits() == 0 ? best : VectorKernels.warmingSet();
    }

    static KernelSet choose() {
        try {
            List<String> refusals = VectorGate.refusals();
            return refusals.isEmpty() ? VectorKernels.set() : scalar(refusals);
        } catch (LinkageError e) {
            return scalar(List.of(
                    "scalar path: the Vector API does not load (" + e + "); report this with the JVM's version"));
        }
    }

    static KernelSet scalar(List<String> notes) {
        ScalarKernels kernels = new ScalarKernels();
        return new KernelSet(kernels, kernels, new ScalarRowKernels(), 0, notes);
    }

    /** The kernels for a number of query rows; it must not depend on anything but shape and device. */
    Kernels forRows(long rows) {
        return rows <= narrow.lanes() ? narrow : wide;
    }

    String describe() {
        return vectorBits == 0 ? "plain loops" : vectorBits + "-bit vectors";
    }
}
