package dev.fovea.conformance;

import dev.fovea.api.DType;
import dev.fovea.api.HalfFloats;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.GatherArguments;
import dev.fovea.api.spec.MapArguments;
import dev.fovea.api.spec.MapSpec;
import dev.fovea.api.spec.MatMulArguments;
import dev.fovea.api.spec.Primitive;
import dev.fovea.api.spec.ReduceArguments;
import dev.fovea.api.spec.ReduceSpec;
import dev.fovea.api.spec.SelectArguments;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** The tensor operations of {@link HostDevice}, by {@link OperationLoops}: in float64, rounded once. */
final class HostOperations {
    private HostOperations() {}

    static void run(Primitive<?> primitive, Arguments arguments) {
        switch (arguments) {
            case MatMulArguments a -> write(a.output(), OperationLoops.matmul(read(a.left()), read(a.right())));
            case MapArguments a -> {
                Map<String, HostTensor> captures = new HashMap<>();
                a.captures().forEach((name, t) -> captures.put(name, read(t)));
                write(
                        a.output(),
                        OperationLoops.map(
                                ((MapSpec) primitive).value(), shape(a.output()), captures, a.scalars(), true));
            }
            case ReduceArguments a ->
                write(a.output(), OperationLoops.reduce(((ReduceSpec) primitive).rule(), read(a.input())));
            case GatherArguments a ->
                write(a.output(), OperationLoops.gather(read(a.source()), read(a.indices()), a.fill()));
            case SelectArguments a -> {
                int k = Math.toIntExact(a.indices().size(a.indices().rank() - 1));
                OperationLoops.Selected s = OperationLoops.select(read(a.scores()), k);
                write(a.indices(), s.indices());
                if (a.counts() != null) {
                    write(a.counts(), s.counts());
                }
                if (a.chosen() != null) {
                    write(a.chosen(), s.chosen());
                }
            }
            default -> throw new IllegalArgumentException(primitive.toString());
        }
    }

    private static int[] shape(Tensor t) {
        return Arrays.stream(t.shape()).mapToInt(Math::toIntExact).toArray();
    }

    private static HostTensor read(Tensor t) {
        if (!t.dtype().isFloat()) {
            return new HostTensor(
                    t.dtype(), Arrays.stream(t.toIntArray()).asDoubleStream().toArray(), shape(t));
        }
        float[] x = t.toFloatArray();
        double[] values = new double[x.length];
        Arrays.setAll(values, i -> x[i]);
        return new HostTensor(t.dtype(), values, shape(t));
    }

    private static void write(Tensor t, double[] values) {
        MemorySegment memory = ((HostDevice.HeapStorage) t.storage()).memory();
        for (int i = 0; i < values.length; i++) {
            long at = t.offset();
            int rest = i;
            for (int axis = t.rank() - 1; axis >= 0; axis--) {
                at += rest % t.size(axis) * t.stride(axis);
                rest /= Math.toIntExact(t.size(axis));
            }
            float x = (float) values[i];
            switch (t.dtype()) {
                case F32 -> memory.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * at, x);
                case F16 -> memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * at, Float.floatToFloat16(x));
                case BF16 -> memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * at, HalfFloats.toBf16(x));
                case I32 -> memory.set(ValueLayout.JAVA_INT_UNALIGNED, 4 * at, (int) values[i]);
                case BOOL, BYTE ->
                    memory.set(ValueLayout.JAVA_BYTE, at, (byte) (t.dtype() == DType.BOOL && x != 0 ? 1 : x));
            }
        }
    }
}
