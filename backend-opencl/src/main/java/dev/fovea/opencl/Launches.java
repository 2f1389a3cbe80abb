package dev.fovea.opencl;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.ValueType;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.kernels.AttentionBlock;
import dev.fovea.kernels.KernelSource;
import dev.fovea.kernels.Kernels;
import dev.fovea.kernels.KeyTables;
import dev.fovea.opencl.runtime.DeviceStorage;
import dev.fovea.opencl.runtime.DeviceStream;
import dev.fovea.opencl.runtime.Kernel;
import dev.fovea.opencl.runtime.KernelArgument;
import dev.fovea.opencl.runtime.KernelArgument.Memory;
import dev.fovea.opencl.runtime.KernelArgument.Value;
import dev.fovea.opencl.runtime.Launch;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** From what the SPI hands over to what this backend launches. */
final class Launches {
    private static final long MOST_GROUPS = Integer.MAX_VALUE;

    private Launches() {}

    static DeviceStream stream(ExecutionStream stream) {
        if (stream instanceof DeviceStream s) {
            return s;
        }
        throw new Unsupported("the stream belongs to another backend", "make it by this backend's newStream");
    }

    /** The memory of a tensor, or nothing where the kernel will not look: a launch takes the longer the more buffers it has. */
    static KernelArgument optional(@Nullable Tensor tensor) {
        return tensor == null ? KernelArgument.NONE : memory(tensor);
    }

    static Memory memory(Tensor t) {
        if (t.storage() instanceof DeviceStorage s) {
            return new Memory(s);
        }
        throw new Unsupported("a tensor of another backend", "copy it over by copyOf");
    }

    /** The parameters of the kernels that attend by tiles; ranges come after them. */
    static List<KernelArgument> attention(AttentionSpec spec, AttentionArguments a, KernelSource source, int slices) {
        List<KernelArgument> list = new ArrayList<>();
        list.add(memory(a.query()));
        list.add(memory(a.key()));
        list.add(memory(a.value()));
        list.add(optional(a.pastKey()));
        list.add(optional(a.pastValue()));
        list.add(memory(a.output()));
        for (Tensor t : new @Nullable Tensor[] {
            a.keyLengths(), a.queryOffsets(), a.sinks(), a.logSumExp(), a.scores(), a.maxima(), a.sums()
        }) {
            list.add(optional(t));
        }
        list.add(new Value(AttentionBlock.of(spec, a, slices)));
        list.addAll(keysAndExpressions(spec, a, source));
        return list;
    }

    /** Splits f32 operands into planes in a workspace. */
    static Launch split(AttentionArguments a, Kernel planes, DeviceStorage workspace, byte[] block, long groups) {
        List<KernelArgument> list =
                List.of(memory(a.query()), memory(a.key()), memory(a.value()), new Memory(workspace), new Value(block));
        return new Launch(planes, list, groups, Kernels.PLANES_THREADS);
    }

    /** Tables of the key source, captured tensors and scalars, in the order of the parameters that the kernel ends with. */
    static List<KernelArgument> keysAndExpressions(AttentionSpec spec, AttentionArguments a, KernelSource source) {
        List<KernelArgument> list = keys(spec, a);
        Map<String, ValueType> types = source.scalars().isEmpty() ? Map.of() : spec.scalars(); // walks the trees
        list.addAll(expressions(source, a.captures(), a.scalars(), types));
        return list;
    }

    /** Captured tensors and scalars, in the order of the parameters that a kernel with expressions ends with. */
    static List<KernelArgument> expressions(
            KernelSource source,
            Map<String, Tensor> captures,
            Map<String, Number> scalars,
            Map<String, ValueType> scalarTypes) {
        List<KernelArgument> list = new ArrayList<>();
        for (String name : source.captures()) {
            Tensor t = Objects.requireNonNull(captures.get(name));
            list.add(memory(t));
            list.add(new Value(AttentionBlock.capture(t)));
        }
        for (String name : source.scalars()) {
            Number n = Objects.requireNonNull(scalars.get(name));
            boolean integer = scalarTypes.get(name) == ValueType.I32;
            list.add(integer ? Value.of(n.intValue()) : Value.of(n.floatValue()));
        }
        return list;
    }

    private static List<KernelArgument> keys(AttentionSpec spec, AttentionArguments a) {
        List<KernelArgument> list = new ArrayList<>();
        if (KeyTables.present(spec.source())) {
            list.add(new Value(KeyTables.of(spec, a)));
            KeyTables.tensors(a.source()).forEach(t -> list.add(memory(t)));
        }
        spec.source().rotary().ifPresent(rotary -> {
            Tensor cosines = Objects.requireNonNull(a.source().cosines());
            Tensor sines = Objects.requireNonNull(a.source().sines());
            list.add(new Value(KeyTables.rotary(rotary, cosines, sines)));
            list.add(memory(cosines));
            list.add(memory(sines));
        });
        return list;
    }

    static long groups(long groups) {
        if (groups > MOST_GROUPS) {
            throw new Unsupported(
                    "a launch of " + groups + " work-groups is more than drivers take",
                    "split the batch, the heads or the rows");
        }
        return groups;
    }
}
