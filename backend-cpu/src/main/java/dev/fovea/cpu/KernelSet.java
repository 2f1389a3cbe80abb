package dev.fovea.cpu;

import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * The kernels that this JVM runs well, and why not the faster ones.
 *
 * @param wide for many query rows
 * @param middle for so few rows that they fit its lanes; the wide ones where there is nothing between
 * @param narrow likewise, fewer still
 * @param rows for so few that lanes lie along the columns
 * @param small whether small blocks may be done by {@link SmallBlock} now, with the same results
 * @param vectorBits width of the vectors, 0 for plain loops
 * @param notes one sentence for each faster path that was refused or is not open
 */
record KernelSet(
        Kernels wide,
        Kernels middle,
        Kernels narrow,
        RowKernels rows,
        BooleanSupplier small,
        int vectorBits,
        List<String> notes) {
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
        return new KernelSet(kernels, kernels, kernels, new ScalarRowKernels(), () -> false, 0, notes);
    }

    /**
     * The kernels for the first of a number of query rows; it must not depend on anything but shape and device. They leave the fewest
     * lanes idle: of 90 rows, two tiles of 48 lanes leave fewer than one of 64 and one of 48.
     */
    Kernels forRows(long rows) {
        if (rows <= narrow.lanes()) {
            return narrow;
        }
        boolean two = rows > wide.lanes() + narrow.lanes() && rows <= 2L * middle.lanes();
        return two || rows <= middle.lanes() ? middle : wide;
    }

    String describe() {
        return vectorBits == 0 ? "plain loops" : vectorBits + "-bit vectors";
    }
}
