package dev.fovea.api;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.MergeArguments;
import dev.fovea.api.spec.MergeSpec;
import dev.fovea.api.spec.RotaryArguments;
import dev.fovea.api.spec.RotarySpec;
import dev.fovea.api.spec.TransferArguments;
import dev.fovea.api.spec.TransferSpec;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Checks the arguments of the primitives around attention. */
final class MovementCheck {
    private MovementCheck() {}

    static void check(MergeSpec spec, MergeArguments a) {
        Tensor acc = ArgumentCheck.rank("accumulators", a.accumulators(), 5);
        long n = acc.size(0);
        long b = acc.size(1);
        long h = acc.size(2);
        long s = acc.size(3);
        ArgumentCheck.contiguous(
                "accumulators", ArgumentCheck.shape("accumulators", acc, DType.F32, n, b, h, s, spec.valueDim()));
        ArgumentCheck.shape("maxima", a.maxima(), DType.F32, n, b, h, s);
        ArgumentCheck.shape("sums", a.sums(), DType.F32, n, b, h, s);
        if (ArgumentCheck.present("weights", spec.rule() == MergeSpec.Rule.WEIGHTED, a.weights())) {
            ArgumentCheck.shape("weights", a.weights(), DType.F32, n, b, h, s);
        }
        if (ArgumentCheck.present("sink", spec.sink(), a.sinks())) {
            ArgumentCheck.shape("sink", a.sinks(), DType.F32, h);
        }
        if (ArgumentCheck.present("log-sum-exp", spec.logSumExp(), a.logSumExp())) {
            ArgumentCheck.shape("log-sum-exp", a.logSumExp(), DType.F32, b, h, s);
        }
        ArgumentCheck.contiguous(
                "output", ArgumentCheck.shape("output", a.output(), spec.storage(), b, h, s, spec.valueDim()));
    }

    static void check(TransferSpec spec, TransferArguments a) {
        slots("source", spec, spec.from(), a.source(), a.sourceScales(), a.sourceZeros(), a.sourceSlots());
        slots("target", spec, spec.to(), a.target(), a.targetScales(), a.targetZeros(), a.targetSlots());
        Tensor from = a.sourceSlots();
        Tensor to = a.targetSlots();
        if (from.size(from.rank() - 1) != to.size(to.rank() - 1)) {
            throw new InvalidArgument(
                    "target slots",
                    from.size(from.rank() - 1) + " slots, as there are source slots",
                    to.shapeText(),
                    "pair them up");
        }
    }

    private static void slots(
            String what,
            TransferSpec spec,
            KvFormat format,
            Tensor rows,
            @Nullable Tensor scales,
            @Nullable Tensor zeros,
            Tensor slots) {
        long pages = ArgumentCheck.rank(what, rows, 4).size(0);
        long size = rows.size(2);
        ArgumentCheck.contiguous(
                what,
                ArgumentCheck.shape(
                        what, rows, format.dtype(), pages, spec.heads(), size, format.elements(spec.dim())));
        scales(what, format, scales, zeros, pages, spec.heads(), size);
        ArgumentCheck.dtype(what + " slots", slots, DType.I32);
        boolean perHead = slots.rank() == 2 && slots.size(0) == spec.heads();
        if (slots.rank() != 1 && !perHead) {
            throw new InvalidArgument(
                    what + " slots",
                    "shape [n] or [" + spec.heads() + ", n]",
                    slots.shapeText(),
                    "one list, or one for each head");
        }
        ArgumentCheck.range(what + " slots", slots, -1, pages * size - 1);
    }

    /** Scales and zero points of rows [pages, heads, size]. */
    static void scales(
            String what,
            KvFormat format,
            @Nullable Tensor scales,
            @Nullable Tensor zeros,
            long pages,
            long heads,
            long size) {
        if (ArgumentCheck.present(what + " scales", format.quantised(), scales)) {
            if (format == KvFormat.FP8) {
                ArgumentCheck.shape(what + " scales", scales, DType.F32, pages, heads);
            } else {
                ArgumentCheck.shape(what + " scales", scales, DType.F16, pages, heads, size);
            }
        }
        if (ArgumentCheck.present(what + " zero points", format.scalesPositions(), zeros)) {
            ArgumentCheck.shape(what + " zero points", zeros, DType.F16, pages, heads, size);
        }
    }

    static void check(RotarySpec spec, RotaryArguments a) {
        Tensor x = ArgumentCheck.rank("input", a.input(), 4);
        long b = x.size(0);
        long s = x.size(2);
        ArgumentCheck.contiguous("input", ArgumentCheck.shape("input", x, spec.storage(), b, x.size(1), s, spec.dim()));
        ArgumentCheck.contiguous(
                "output", ArgumentCheck.shape("output", a.output(), spec.storage(), b, x.size(1), s, spec.dim()));
        Tensor cos = ArgumentCheck.rank("cosines", a.cosines(), 2);
        ArgumentCheck.shape("cosines", cos, DType.F32, cos.size(0), spec.pairs());
        ArgumentCheck.shape("sines", a.sines(), DType.F32, cos.size(0), spec.pairs());
        Tensor p = a.positions();
        int axes = spec.sections() == 1 ? 2 : 3;
        ArgumentCheck.rank("positions", p, axes);
        ArgumentCheck.dtype("positions", p, DType.I32);
        boolean shape = (axes == 2 || p.size(0) == spec.sections())
                && (p.size(axes - 2) == 1 || p.size(axes - 2) == b)
                && p.size(axes - 1) == s;
        if (!shape) {
            throw new InvalidArgument(
                    "positions",
                    "shape " + (axes == 2 ? "" : "[" + spec.sections() + "] + ") + "[1 or " + b + ", " + s + "]",
                    p.shapeText(),
                    "one position for each row");
        }
        ArgumentCheck.range("positions", p, 0, cos.size(0) - 1);
        if (ArgumentCheck.present("sections", spec.sections() > 1, a.sections())) {
            Tensor sections = Objects.requireNonNull(a.sections());
            ArgumentCheck.shape("sections", sections, DType.I32, spec.pairs());
            ArgumentCheck.range("sections", sections, 0, spec.sections() - 1L);
        }
    }
}
