package dev.fovea.api.spec;

/** How the scores of a row become the weights of the values. A masked pair weighs 0 under each. */
public enum Normaliser {
    /** {@code exp(s - m) / (sum exp(s - m) + exp(sink - m))}, m the row maximum; 0 for a row without a visible key. */
    SOFTMAX,
    /** {@code s / sum |s|}, negative weights included; 0 for a row whose sum is 0. */
    L1,
    /** {@code s} itself, no sum over the row: with a probability expression any elementwise weight, as sigmoid or ReLU attention. */
    IDENTITY
}
