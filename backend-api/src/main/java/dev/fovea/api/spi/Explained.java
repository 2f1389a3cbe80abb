package dev.fovea.api.spi;

/** A plan that can show what it runs: an optional capability of {@link DevicePlan}s. */
public interface Explained {
    /** The generated source of its kernels, or the steps of its programs, as text for people. */
    String source();
}
