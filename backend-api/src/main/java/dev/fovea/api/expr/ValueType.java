package dev.fovea.api.expr;

/** Types of expression values. */
public enum ValueType {
    F32,
    I32,
    BOOL
}
