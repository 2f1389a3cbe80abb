package dev.fovea.api.spec;

/** A computation that backends implement, as an immutable description. A backend answers each by a plan or by a reason. */
public sealed interface Primitive permits AttentionSpec {}
