package dev.fovea.opencl.runtime;

import java.util.List;

/**
 * One kernel to run.
 *
 * @param groups work-groups; 0 runs nothing
 * @param workItems work-items of a group
 */
public record Launch(Kernel kernel, List<KernelArgument> arguments, long groups, int workItems) {
    public Launch {
        arguments = List.copyOf(arguments);
    }

    long bytes() {
        return arguments.stream()
                .mapToLong(
                        a -> a instanceof KernelArgument.Memory m ? m.storage().byteSize() : 0)
                .sum();
    }
}
