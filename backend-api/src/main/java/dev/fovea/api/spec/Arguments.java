package dev.fovea.api.spec;

import dev.fovea.api.Tensor;
import java.util.List;

/** What a run of a primitive reads and writes. */
public sealed interface Arguments
        permits AttentionArguments,
                MergeArguments,
                TransferArguments,
                RotaryArguments,
                MatMulArguments,
                MapArguments,
                ReduceArguments,
                GatherArguments,
                SelectArguments {
    List<Tensor> inputs();

    List<Tensor> outputs();
}
