package dev.fovea.tools;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.HalfFloats;
import dev.fovea.api.Tensor;
import dev.fovea.tools.npy.NpyFile;
import dev.fovea.tools.npy.NpyOutput;
import dev.fovea.tools.npy.NpyType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/** Moves tensors between files and a device in pieces, so that no array of the whole is needed. */
public final class TensorFiles {
    private static final int PIECE = 1 << 20;

    private TensorFiles() {}

    /** The array of a file on the device, converted to the type. The values of I32 tensors stay unchecked: use copyOf. */
    public static Tensor upload(Backend backend, NpyFile file, DType dtype) throws IOException {
        Tensor tensor = backend.allocate(dtype, file.shape());
        try (Arena arena = Arena.ofConfined()) {
            long count = file.elementCount();
            MemorySegment piece = arena.allocate(Math.min(count, PIECE) * dtype.bytes(), 64);
            for (long at = 0; at < count; at += PIECE) {
                MemorySegment part = piece.asSlice(0, Math.min(count - at, PIECE) * dtype.bytes());
                file.read(at, dtype, part);
                tensor.storage().write(at * dtype.bytes(), part);
            }
            return tensor;
        } catch (IOException | RuntimeException | Error e) {
            tensor.close();
            throw e;
        }
    }

    /**
     * Begins a file with the elements of a tensor in the order of its memory, which must be dense; the caller commits it. BF16 is
     * widened to float32.
     */
    public static NpyOutput download(Tensor tensor, Path path, long... shape) throws IOException {
        DType dtype = tensor.dtype();
        NpyOutput output = NpyOutput.create(path, dtype == DType.F16 ? NpyType.FLOAT16 : NpyType.FLOAT32, shape);
        try (Arena arena = Arena.ofConfined()) {
            long count = tensor.elementCount();
            MemorySegment piece = arena.allocate(Math.min(count, PIECE) * dtype.bytes(), 64);
            for (long at = 0; at < count; at += PIECE) {
                MemorySegment part = piece.asSlice(0, Math.min(count - at, PIECE) * dtype.bytes());
                tensor.storage().read((tensor.offset() + at) * dtype.bytes(), part);
                output.write(dtype == DType.BF16 ? widened(part) : part);
            }
            return output;
        } catch (IOException | RuntimeException | Error e) {
            output.close();
            throw e;
        }
    }

    private static MemorySegment widened(MemorySegment bf16) {
        float[] wide = new float[(int) (bf16.byteSize() / 2)];
        for (int i = 0; i < wide.length; i++) {
            wide[i] = HalfFloats.fromBf16(bf16.getAtIndex(ValueLayout.JAVA_SHORT, i));
        }
        // asByteBuffer refuses a segment over a float array
        MemorySegment bytes = MemorySegment.ofArray(new byte[4 * wide.length]);
        MemorySegment.copy(wide, 0, bytes, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, wide.length);
        return bytes;
    }
}
