package dev.fovea.tools.attend;

import dev.fovea.api.Attention;
import dev.fovea.api.AttentionResult;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.Tensor;
import dev.fovea.tools.OpenBackends;
import dev.fovea.tools.Progress;
import dev.fovea.tools.StorageType;
import dev.fovea.tools.TensorFiles;
import dev.fovea.tools.npy.NpyFile;
import dev.fovea.tools.npy.NpyOutput;
import dev.fovea.tools.npy.NpyType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One attention call from files to files. */
final class AttendCall {
    private final AttendOptions options;
    private final Progress progress;
    private final List<Tensor> tensors = new ArrayList<>();
    private final List<NpyOutput> outputs = new ArrayList<>();

    private AttendCall(AttendOptions options, Progress progress) {
        this.options = options;
        this.progress = progress;
    }

    /**
     * What happened.
     *
     * @param shape the output's, as in its file
     * @param millis computing, without files and transfers
     */
    record Outcome(String device, Path out, StorageType storage, List<Long> shape, double millis) {}

    /** Runs a call; its output files appear only if all of it succeeds. */
    static Outcome run(AttendOptions options, OpenBackends backends, Progress progress) throws IOException {
        options.check();
        AttendCall call = new AttendCall(options, progress);
        try (AttendInputs inputs = new AttendInputs(options)) {
            return call.run(inputs, backends.get(options.device));
        } finally {
            call.tensors.forEach(Tensor::close);
            for (NpyOutput output : call.outputs) {
                output.close();
            }
        }
    }

    private Outcome run(AttendInputs in, Backend backend) throws IOException {
        StorageType storage = options.dtype != null
                ? options.dtype
                : in.query.type() == NpyType.FLOAT16 ? StorageType.F16 : StorageType.F32;
        progress.step("reading the inputs");
        Tensor query = bhsd("--q", "--heads", backend, in.query, storage, options.heads, options.layout);
        Integer keyHeads = or(options.keyHeads, options.heads);
        Tensor key = bhsd("--k", "--kv-heads", backend, in.key, storage, keyHeads, options.layout);
        Integer valueHeads = or(options.valueHeads, keyHeads);
        Tensor value = bhsd("--v", "--v-heads", backend, in.value, storage, valueHeads, options.layout);
        long past = in.pastKey == null ? 0 : in.pastKey.shape()[2];
        Attention attention = masks(attention(in, backend, storage), in, backend, key.size(2) + past);
        attention = CallExpressions.add(
                attention,
                options.expressions,
                in,
                (file, dtype) -> keep(
                        dtype == DType.I32
                                ? backend.copyOf(file.ints(), file.shape())
                                : TensorFiles.upload(backend, file, dtype)));
        if (options.logSumExp != null) {
            attention = attention.logSumExp();
        }
        if (!options.scores.isEmpty()) {
            attention = attention.scores(options.scores.getFirst().stage());
        }
        progress.step("computing on " + backend.info().id());
        long start = System.nanoTime();
        try (AttentionResult result = backend.attendAll(query, key, value, attention)) {
            await(result.output());
            double millis = (System.nanoTime() - start) / 1e6;
            progress.step("writing the outputs");
            Path out = AttendOptions.required("--out", options.out);
            long[] shape = writeOutput(result.output(), out);
            write(result.logSumExp(), options.logSumExp);
            if (!options.scores.isEmpty()) {
                write(result.scores(), options.scores.getFirst().file());
            }
            moreScores(backend, query, key, value, attention);
            for (NpyOutput file : outputs) {
                file.commit();
            }
            return new Outcome(backend.info().id(), out, storage, boxed(shape), millis);
        }
    }

    /** A call returns the scores of one stage, so that each further one is a call of its own. */
    private void moreScores(Backend backend, Tensor query, Tensor key, Tensor value, Attention attention)
            throws IOException {
        for (ScoreFile wanted : options.scores.subList(Math.min(1, options.scores.size()), options.scores.size())) {
            try (AttentionResult result = backend.attendAll(query, key, value, attention.scores(wanted.stage()))) {
                write(result.scores(), wanted.file());
            }
        }
    }

    private Tensor bhsd(
            String option,
            String headsOption,
            Backend backend,
            NpyFile file,
            StorageType storage,
            @Nullable Integer heads,
            Layout layout)
            throws IOException {
        long[] shape = file.shape();
        if (layout == Layout.PACKED) {
            if (heads == null || shape[2] < heads || shape[2] % heads != 0) {
                throw new InvalidArgument(
                        option,
                        "a last axis that is a positive multiple of " + headsOption + " = " + heads,
                        file.describe(),
                        "correct " + headsOption);
            }
        } else if (heads != null && shape[layout == Layout.BHSD ? 1 : 2] != heads) {
            throw new InvalidArgument(
                    option,
                    heads + " heads as " + headsOption + " says",
                    file.describe() + " = " + layout.axes(),
                    "leave the option out, or correct --layout");
        }
        Tensor stored = keep(TensorFiles.upload(backend, file, storage.dtype()));
        return switch (layout) {
            case BHSD -> stored;
            case BSHD -> keep(stored.permute(0, 2, 1, 3));
            case PACKED -> {
                if (heads == null) {
                    throw new IllegalStateException("checked above");
                }
                Tensor split = keep(stored.splitLast(shape[2] / heads));
                yield keep(split.permute(0, 2, 1, 3));
            }
        };
    }

    private Attention attention(AttendInputs in, Backend backend, StorageType storage) throws IOException {
        Attention a = Attention.full();
        if (options.causal != null) {
            a = a.causally();
        }
        if (options.window != null) {
            a = a.window(options.window.left(), options.window.right());
        }
        Integer offset = options.offsetNumber();
        if (offset != null) {
            a = a.queryOffset(offset);
        } else if (in.queryOffsets != null) {
            a = a.queryOffsets(integers(backend, in.queryOffsets));
        } else {
            a = a.aligned(options.alignment().alignment());
        }
        if (options.softcap != null) {
            a = a.softcap(options.softcap);
        }
        if (options.scale != null) {
            a = a.scale(options.scale);
        }
        if (in.alibi != null) {
            a = a.alibi(keep(TensorFiles.upload(backend, in.alibi, DType.F32)));
        }
        if (in.sink != null) {
            a = a.sink(keep(TensorFiles.upload(backend, in.sink, DType.F32)));
        }
        if (in.keyLengths != null) {
            a = a.keyLengths(integers(backend, in.keyLengths));
        }
        if (in.pastKey != null && in.pastValue != null) {
            a = a.past(
                    keep(TensorFiles.upload(backend, in.pastKey, storage.dtype())),
                    keep(TensorFiles.upload(backend, in.pastValue, storage.dtype())));
        }
        return a;
    }

    private Attention masks(Attention a, AttendInputs in, Backend backend, long keys) throws IOException {
        NpyFile added = in.bias;
        if (in.mask != null && in.mask.type() == NpyType.BOOL) {
            a = a.mask(keep(TensorFiles.upload(backend, in.mask, DType.BOOL)));
        } else if (in.mask != null && in.bias != null) {
            AdditiveMask sum = AdditiveMask.sum(in.mask, in.bias, keys);
            return a.bias(keep(backend.copyOf(sum.values(), sum.sizes())));
        } else if (in.mask != null) {
            added = in.mask;
        }
        return added == null
                ? a
                : a.bias(keep(
                        TensorFiles.upload(backend, added, added.type() == NpyType.FLOAT16 ? DType.F16 : DType.F32)));
    }

    private Tensor integers(Backend backend, NpyFile file) throws IOException {
        return keep(backend.copyOf(file.ints(), file.shape()));
    }

    private long[] writeOutput(Tensor output, Path path) throws IOException {
        long[] shape = output.shape();
        if (options.layout == Layout.BHSD) {
            outputs.add(TensorFiles.download(dense(output), path, shape));
            return shape;
        }
        try (Tensor bshd = output.permute(0, 2, 1, 3)) {
            shape = options.layout == Layout.BSHD
                    ? bshd.shape()
                    : new long[] {bshd.size(0), bshd.size(1), bshd.size(2) * bshd.size(3)};
            outputs.add(TensorFiles.download(dense(bshd), path, shape));
            return shape;
        }
    }

    /** The library keeps the axis order of the query's memory for the output, so this holds; were it to change, better to know. */
    private static Tensor dense(Tensor t) {
        long stride = 1;
        for (int axis = t.rank() - 1; axis >= 0; axis--) {
            if (t.size(axis) > 1 && t.stride(axis) != stride && t.elementCount() > 0) {
                throw new IllegalStateException("the output " + t + " is not in the memory order of the query");
            }
            stride *= t.size(axis);
        }
        return t;
    }

    private void write(@Nullable Tensor tensor, @Nullable Path path) throws IOException {
        if (tensor != null && path != null) {
            outputs.add(TensorFiles.download(tensor, path, tensor.shape()));
        }
    }

    /** A run may return early; a read waits for it. */
    private static void await(Tensor output) {
        if (output.elementCount() > 0) {
            output.storage()
                    .read(
                            output.offset() * output.dtype().bytes(),
                            MemorySegment.ofArray(new byte[output.dtype().bytes()]));
        }
    }

    private Tensor keep(Tensor tensor) {
        tensors.add(tensor);
        return tensor;
    }

    private static @Nullable Integer or(@Nullable Integer first, @Nullable Integer second) {
        return first != null ? first : second;
    }

    private static List<Long> boxed(long[] values) {
        List<Long> list = new ArrayList<>();
        for (long v : values) {
            list.add(v);
        }
        return list;
    }
}
