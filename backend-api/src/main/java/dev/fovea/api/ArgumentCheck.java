package dev.fovea.api;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.GatherArguments;
import dev.fovea.api.spec.GatherSpec;
import dev.fovea.api.spec.MapArguments;
import dev.fovea.api.spec.MapSpec;
import dev.fovea.api.spec.MatMulArguments;
import dev.fovea.api.spec.MatMulSpec;
import dev.fovea.api.spec.MergeArguments;
import dev.fovea.api.spec.MergeSpec;
import dev.fovea.api.spec.Primitive;
import dev.fovea.api.spec.ReduceArguments;
import dev.fovea.api.spec.ReduceSpec;
import dev.fovea.api.spec.RotaryArguments;
import dev.fovea.api.spec.RotarySpec;
import dev.fovea.api.spec.SelectArguments;
import dev.fovea.api.spec.SelectSpec;
import dev.fovea.api.spec.TransferArguments;
import dev.fovea.api.spec.TransferSpec;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Checks a run's arguments against its primitive, once for all backends; what all primitives check alike. */
final class ArgumentCheck {
    private ArgumentCheck() {}

    /** All tensors are on the device, and outputs lie apart. */
    static void tensors(Backend backend, Arguments arguments, List<Tensor> inputs, List<Tensor> outputs) {
        for (Tensor t : inputs) {
            onDevice(backend, t);
        }
        for (Tensor t : outputs) {
            onDevice(backend, t);
            noOverlap(t, arguments, inputs, outputs);
        }
    }

    static <A extends Arguments> void check(Primitive<A> primitive, A arguments) {
        switch (primitive) {
            case AttentionSpec spec -> AttentionCheck.check(spec, spec.leaves(), (AttentionArguments) arguments);
            case MergeSpec spec -> MovementCheck.check(spec, (MergeArguments) arguments);
            case TransferSpec spec -> MovementCheck.check(spec, (TransferArguments) arguments);
            case RotarySpec spec -> MovementCheck.check(spec, (RotaryArguments) arguments);
            case MatMulSpec spec -> OperationCheck.check(spec, (MatMulArguments) arguments);
            case MapSpec spec -> OperationCheck.check(spec, (MapArguments) arguments);
            case ReduceSpec spec -> OperationCheck.check(spec, (ReduceArguments) arguments);
            case GatherSpec spec -> OperationCheck.check(spec, (GatherArguments) arguments);
            case SelectSpec spec -> OperationCheck.check(spec, (SelectArguments) arguments);
        }
    }

    private static void onDevice(Backend backend, Tensor t) {
        t.checkOpen();
        if (t.backend() != backend) {
            throw new InvalidArgument(
                    "tensor " + t,
                    "a tensor of " + backend.info().id(),
                    "one of another backend on " + t.backend().info().id(),
                    "copy it over by copyOf; nothing migrates silently");
        }
    }

    /** Ranges of bytes decide, so that interleaved views are refused too. */
    private static void noOverlap(Tensor out, Arguments a, List<Tensor> inputs, List<Tensor> outputs) {
        for (int i = 0; i < out.rank(); i++) {
            if (out.stride(i) == 0 && out.size(i) > 1) {
                throw new InvalidArgument(
                        "output", "strides above 0", "stride 0 on axis " + i, "outputs do not broadcast");
            }
        }
        boolean inPlace = a instanceof RotaryArguments r && r.input() == out;
        boolean slots = a instanceof TransferArguments; // one cache is source and target: its slots are disjoint
        for (Tensor in : inputs) {
            if (!(inPlace && in == out) && !(slots && in.storage() == out.storage())) {
                overlapping(out, in, "an input");
            }
        }
        for (Tensor other : outputs) {
            if (other != out) {
                overlapping(out, other, "another output");
            }
        }
    }

    private static void overlapping(Tensor out, Tensor other, String what) {
        long width = out.dtype().bytes();
        long otherWidth = other.dtype().bytes();
        if (out.storage() == other.storage()
                && out.offset() * width < (other.offset() + other.span()) * otherWidth
                && other.offset() * otherWidth < (out.offset() + out.span()) * width) {
            throw new InvalidArgument(
                    "output " + out,
                    "memory of its own",
                    "memory that " + what + " " + other + " uses",
                    "allocate another");
        }
    }

    static boolean present(String what, boolean wanted, @Nullable Tensor t) {
        if (wanted != (t != null)) {
            throw new InvalidArgument(
                    what,
                    wanted ? "a tensor, since the spec has it" : "none, since the spec has none",
                    t == null ? "none" : t.toString(),
                    "change the spec or the arguments");
        }
        return wanted;
    }

    static Tensor rank(String what, Tensor t, int rank) {
        if (t.rank() != rank) {
            String axes = rank == 4 ? " [batch, heads, positions, head dim]" : "";
            throw new InvalidArgument(what, "rank " + rank + axes, t.shapeText(), "reshape it or take a view");
        }
        return t;
    }

    static void dtype(String what, Tensor t, DType dtype) {
        if (t.dtype() != dtype) {
            throw new InvalidArgument(what, "dtype " + dtype, t.dtype().name(), "convert it");
        }
    }

    static Tensor shape(String what, @Nullable Tensor tensor, DType dtype, long... expected) {
        Tensor t = Objects.requireNonNull(tensor);
        dtype(what, t, dtype);
        if (!t.hasShape(expected)) {
            throw new InvalidArgument(
                    what,
                    "shape " + Arrays.toString(expected),
                    t.shapeText(),
                    "batch, heads and positions of q, k, v and the outputs must match");
        }
        return t;
    }

    static void contiguous(String what, Tensor t) {
        int last = t.rank() - 1;
        if (t.stride(last) != 1 && t.size(last) > 1) {
            throw new InvalidArgument(
                    what,
                    "stride 1 along the head dim",
                    "stride " + t.stride(last),
                    "copy it so that a head's vector is dense");
        }
    }

    /** Values known to lie in a range; an empty tensor is fine. */
    static void range(String what, Tensor t, long least, long most) {
        IntFacts facts = t.facts();
        if (t.elementCount() > 0 && !facts.within(least, most)) {
            throw new InvalidArgument(
                    what,
                    "values from " + least + " to " + most,
                    facts.known() ? facts.least() + " to " + facts.largest() : "values never checked",
                    "make the tensor by copyOf(int[]) with values in that range");
        }
    }
}
