package dev.fovea.api;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.expr.ExprLeaves;
import dev.fovea.api.spec.GatherArguments;
import dev.fovea.api.spec.GatherSpec;
import dev.fovea.api.spec.MapArguments;
import dev.fovea.api.spec.MapSpec;
import dev.fovea.api.spec.MatMulArguments;
import dev.fovea.api.spec.MatMulSpec;
import dev.fovea.api.spec.ReduceArguments;
import dev.fovea.api.spec.ReduceSpec;
import dev.fovea.api.spec.SelectArguments;
import dev.fovea.api.spec.SelectSpec;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;

/** Checks the arguments of tensor operations. */
final class OperationCheck {
    private static final long MOST_ROWS = 1 << 29;

    private OperationCheck() {}

    static void check(MatMulSpec spec, MatMulArguments a) {
        Tensor left = axes("left", a.left(), 2, 4);
        long[] sizes = left.shape();
        int last = sizes.length - 1;
        long m = sizes[last - 1];
        long k = sizes[last];
        ArgumentCheck.dtype("left", left, spec.left());
        Tensor right = ArgumentCheck.rank("right", a.right(), sizes.length);
        long n = right.size(last);
        equal("right", right, spec.right(), changed(sizes, k, n), "the columns of left are the rows of right");
        equal("output", a.output(), spec.output(), changed(sizes, m, n), "rows of left, columns of right");
        rows("left", m, k, n);
    }

    static void check(MapSpec spec, MapArguments a) {
        axes("output", a.output(), 1, 4);
        ArgumentCheck.dtype("output", a.output(), spec.output());
        rows("output", a.output().shape());
        AttentionCheck.names(
                "captured tensors", spec.captures().keySet(), a.captures().keySet());
        for (Map.Entry<String, ExprLeaves.Capture> e : spec.captures().entrySet()) {
            Tensor t = Objects.requireNonNull(a.captures().get(e.getKey()));
            ArgumentCheck.rank(e.getKey(), t, e.getValue().rank());
            ArgumentCheck.dtype(e.getKey(), t, e.getValue().dtype());
            if (t.elementCount() == 0 && a.output().elementCount() != 0) {
                throw new InvalidArgument(e.getKey(), "at least one element to load", t.toString(), "give it one");
            }
        }
        AttentionCheck.names("scalars", spec.scalars().keySet(), a.scalars().keySet());
    }

    static void check(ReduceSpec spec, ReduceArguments a) {
        Tensor x = axes("input", a.input(), 1, 4);
        ArgumentCheck.dtype("input", x, spec.input());
        long[] sizes = x.shape();
        rows("input", sizes);
        equal(
                "output",
                a.output(),
                spec.output(),
                Arrays.copyOf(sizes, sizes.length - 1),
                "the input without its last axis");
    }

    static void check(GatherSpec spec, GatherArguments a) {
        Tensor x = axes("source", a.source(), 2, 4);
        ArgumentCheck.dtype("source", x, spec.dtype());
        long[] sizes = x.shape();
        int last = sizes.length - 1;
        rows("source", sizes);
        Tensor indices = ArgumentCheck.rank("indices", a.indices(), last);
        ArgumentCheck.dtype("indices", indices, DType.I32);
        for (int i = 0; i < last - 1; i++) {
            if (indices.size(i) != 1 && indices.size(i) != sizes[i]) {
                throw new InvalidArgument(
                        "indices",
                        "leading axes of 1 or as in the source " + x.shapeText(),
                        indices.shapeText(),
                        "one list for all, or one for each");
            }
        }
        long m = indices.size(last - 1);
        rows("indices", m);
        ArgumentCheck.range("indices", indices, -1, sizes[last - 1] - 1);
        equal("output", a.output(), spec.dtype(), changed(sizes, m, sizes[last]), "a row for each index");
    }

    static void check(SelectSpec spec, SelectArguments a) {
        Tensor x = axes("scores", a.scores(), 1, 4);
        ArgumentCheck.dtype("scores", x, spec.input());
        long[] sizes = x.shape();
        int last = sizes.length - 1;
        rows("scores", sizes);
        long[] slots = sizes.clone();
        slots[last] = ArgumentCheck.rank("indices", a.indices(), sizes.length).size(last);
        equal("indices", a.indices(), DType.I32, slots, "k slots for each row of scores");
        if (ArgumentCheck.present("counts", spec.counts(), a.counts())) {
            equal("counts", Objects.requireNonNull(a.counts()), DType.I32, Arrays.copyOf(sizes, last), "one a row");
        }
        if (ArgumentCheck.present("chosen", spec.chosen(), a.chosen())) {
            equal("chosen", Objects.requireNonNull(a.chosen()), DType.BOOL, sizes, "one for each score");
        }
    }

    private static Tensor axes(String what, Tensor t, int least, int most) {
        if (t.rank() < least || t.rank() > most) {
            throw new InvalidArgument(
                    what, least + " to " + most + " axes", t.shapeText(), "reshape it or take a view");
        }
        return t;
    }

    private static long[] changed(long[] sizes, long rows, long columns) {
        long[] s = sizes.clone();
        s[s.length - 2] = rows;
        s[s.length - 1] = columns;
        return s;
    }

    private static void equal(String what, Tensor t, DType dtype, long[] sizes, String remedy) {
        ArgumentCheck.dtype(what, t, dtype);
        if (!Arrays.equals(t.shape(), sizes)) {
            throw new InvalidArgument(what, "shape " + Arrays.toString(sizes), t.shapeText(), remedy);
        }
    }

    /** Indices within an axis are 32-bit. */
    private static void rows(String what, long... sizes) {
        for (long n : sizes) {
            if (n > MOST_ROWS) {
                throw new InvalidArgument(what, "axes of at most 2^29", Arrays.toString(sizes), "split it by slices");
            }
        }
    }
}
