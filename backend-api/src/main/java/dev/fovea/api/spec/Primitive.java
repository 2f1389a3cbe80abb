package dev.fovea.api.spec;

/**
 * A computation that backends implement, as an immutable description. A backend answers each by a plan or by a reason.
 *
 * @param <A> what a run of it takes
 */
public sealed interface Primitive<A extends Arguments>
        permits AttentionSpec,
                MergeSpec,
                TransferSpec,
                RotarySpec,
                MatMulSpec,
                MapSpec,
                ReduceSpec,
                GatherSpec,
                SelectSpec {}
