package dev.fovea.kernels;

import java.util.List;

/**
 * A kernel ready for the compiler. The text is the same for the same request, so that it can key a cache.
 *
 * @param entry name of the kernel function
 * @param text the whole source, includes resolved
 * @param captures names of the captured tensors in the order of their kernel parameters: a pointer and a {@code struct capture} each
 * @param scalars names of the runtime scalars in the order of their kernel parameters, which follow the captures
 * @param ranges what the kernel wants to know of captured tensors: if any, a buffer that the ranges kernel filled follows the scalars,
 *     and a {@code struct capture} each
 * @param target what the text is compiled for
 */
public record KernelSource(
        String entry, String text, List<String> captures, List<String> scalars, List<Range> ranges, Target target) {
    public KernelSource {
        captures = List.copyOf(captures);
        scalars = List.copyOf(scalars);
        ranges = List.copyOf(ranges);
    }

    /** A portable kernel. */
    public KernelSource(String entry, String text, List<String> captures, List<String> scalars, List<Range> ranges) {
        this(entry, text, captures, scalars, ranges, Target.PORTABLE);
    }

    /** A portable kernel that wants to know nothing of captured tensors. */
    public KernelSource(String entry, String text, List<String> captures, List<String> scalars) {
        this(entry, text, captures, scalars, List.of());
    }

    /** What a kernel is compiled for. */
    public enum Target {
        /** Every device. */
        PORTABLE,
        /** NVIDIA's compute capability 9.0 with what only its own architecture has, behind {@link HopperPtx#MARKER}. */
        SM_90A,
        /** Intel GPUs with half the threads and twice the registers. */
        LARGE_REGISTERS,
        /** A CPU, for tests: PoCL 3.1's optimiser makes code of emulated matrix units that overwrites its own stack. */
        EMULATED
    }

    /** Least and largest numbers of a captured tensor by blocks along one axis. */
    public record Range(String capture, int axis) {}
}
