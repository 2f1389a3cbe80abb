package dev.fovea.kernels;

import java.util.List;

/**
 * A kernel ready for the compiler. The text is the same for the same request, so that it can key a cache.
 *
 * @param entry name of the kernel function
 * @param text the whole source, includes resolved
 * @param captures names of the captured tensors in the order of their kernel parameters: a pointer and a {@code struct capture} each
 * @param scalars names of the runtime scalars in the order of their kernel parameters, which follow the captures
 */
public record KernelSource(String entry, String text, List<String> captures, List<String> scalars) {
    public KernelSource {
        captures = List.copyOf(captures);
        scalars = List.copyOf(scalars);
    }
}
