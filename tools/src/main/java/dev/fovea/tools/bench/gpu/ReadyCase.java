package dev.fovea.tools.bench.gpu;

/** A case with its tensors on the device and its kernels built. */
interface ReadyCase extends AutoCloseable {
    GpuCase description();

    /** The kernel and path, in the backend's words. */
    String path();

    /** Measures a few rounds. */
    Measurement measure(int rounds);

    /** Device time of a call by the device's own clock, in seconds; NaN where it does not tell. */
    double deviceSeconds();

    /** Spoils the sampled rows, so that only a run after this can make them right. */
    void spoil();

    RowError check();

    @Override
    void close();
}
