package dev.fovea.api.spi;

/** A device that tries its matrix units before kernels rely on them: an optional capability of {@link DeviceBackend}s. */
public interface EngineReport {
    /** What kernels multiply with, for people: tries the matrix units now unless that has been done, which may take seconds. */
    String testedEngine();
}
