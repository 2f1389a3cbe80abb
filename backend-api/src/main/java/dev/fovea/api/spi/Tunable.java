package dev.fovea.api.spi;

import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import java.util.List;

/**
 * A device whose kernels have parameters that a table of measurements can choose: an optional capability of {@link DeviceBackend}s.
 * Nothing is measured but by who uses this: plans look up tables that were there when the device was opened.
 */
public interface Tunable {
    /** What tables call this device, the most particular first; the last is all devices. */
    List<Layer> layers();

    /** Which tables are in force, for people. */
    String tuning();

    /** What can be chosen for such runs: of each kernel that can do them, the one that a plan takes first. */
    List<Choice> choices(AttentionSpec spec, AttentionArguments arguments);

    /**
     * A plan that runs one kernel at one point, whatever tables say. It throws {@code KernelBuild} or {@code Unsupported}, now or at a run, where
     * that cannot be; it never runs another kernel or point instead.
     *
     * @param family as a choice for the spec has it
     */
    DevicePlan prepare(AttentionSpec spec, String family, TuningPoint point);

    /** How many kernels that another process builds are found here built; of more than these, the oldest are lost. */
    int kernelsFromOthers();

    /**
     * A set of devices.
     *
     * @param kind {@code device}, {@code architecture}, {@code vendor} or {@code any}
     * @param name which one; empty for any
     */
    record Layer(String kind, String name) {
        @Override
        public String toString() {
            return name.isEmpty() ? kind : kind + " " + name;
        }
    }

    /**
     * A kernel for a run and the points that it can take.
     *
     * @param family the kernel
     * @param bucket the runs that share a choice, as tables name them
     * @param inForce the values of all its parameters that a run has now
     * @param origin where those come from, for people
     * @param named whether from a table that a person named
     * @param space all points, those that differ least from the defaults first; {@code inForce} is among them
     */
    record Choice(
            String family, String bucket, TuningPoint inForce, String origin, boolean named, List<TuningPoint> space) {
        public Choice {
            space = List.copyOf(space);
        }
    }
}
