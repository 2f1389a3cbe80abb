package dev.fovea.kernels;

import dev.fovea.api.spec.AttentionSpec;

/** A kernel that attends by parts of the keys, and leaves them to one that merges. */
public sealed interface DecodeKernel permits DecodeVariant, MmaDecodeVariant {
    /** Query rows of a work-group. */
    int rows();

    /** Work-items of a work-group. */
    int workItems();

    /** Slices that the value dim is cut into, a work-group each. */
    int slices(int valueDim);

    /** Whether the kernel that leaves parts can merge them too, by whoever leaves the last of a row. */
    boolean merges();

    /** The kernel that leaves parts. */
    KernelSource parts(AttentionSpec spec);

    /** The kernel that merges them, from the same text, so that they share a build. */
    KernelSource merge(AttentionSpec spec);
}
