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
 */
public record KernelSource(String entry, String text, List<String> captures, List<String> scalars, List<Range> ranges) {
    public KernelSource {
        captures = List.copyOf(captures);
        scalars = List.copyOf(scalars);
        ranges = List.copyOf(ranges);
    }

    public KernelSource(String entry, String text, List<String> captures, List<String> scalars) {
        this(entry, text, captures, scalars, List.of());
    }

    /** Least and largest numbers of a captured tensor by blocks along one axis. */
    public record Range(String capture, int axis) {}
}
