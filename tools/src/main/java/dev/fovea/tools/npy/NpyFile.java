package dev.fovea.tools.npy;

import dev.fovea.api.DType;
import dev.fovea.api.HalfFloats;
import dev.fovea.tools.npy.NpyHeader.HeaderException;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * An array in an NPY file, mapped into memory: its elements are converted as they are read, in row-major order whatever the order
 * of the file.
 */
public final class NpyFile implements AutoCloseable {
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

    private final Path path;
    private final NpyHeader header;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment data;
    private final ValueLayout.OfShort shorts;
    private final ValueLayout.OfInt ints;
    private final ValueLayout.OfLong longs;

    private NpyFile(Path path, FileChannel channel) throws IOException {
        this.path = path;
        try {
            byte[] start = read(channel, 0, (int) Math.min(8, channel.size()));
            byte[] prefix = read(channel, 0, NpyHeader.prefixLength(start));
            header = NpyHeader.parse(prefix, read(channel, prefix.length, NpyHeader.textLength(prefix)));
            long bytes = header.dataBytes();
            long there = channel.size() - header.dataOffset();
            if (there != bytes) {
                throw new NpyFormatException(
                        path,
                        (there < bytes ? "truncated: " : "longer than its header says: ") + header.type() + " "
                                + header.shapeText() + " takes " + bytes + " bytes after the header, the file has "
                                + there);
            }
            data = bytes == 0
                    ? MemorySegment.NULL
                    : channel.map(FileChannel.MapMode.READ_ONLY, header.dataOffset(), bytes, arena);
        } catch (HeaderException e) {
            arena.close();
            throw new NpyFormatException(path, e.reason());
        } catch (EOFException e) {
            arena.close();
            throw new NpyFormatException(path, "truncated inside its header");
        } catch (IOException | RuntimeException e) {
            arena.close();
            throw e;
        }
        ByteOrder order = header.bigEndian() ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
        shorts = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(order);
        ints = ValueLayout.JAVA_INT_UNALIGNED.withOrder(order);
        longs = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(order);
    }

    /**
     * Opens a file and checks its header and its size.
     *
     * @throws NpyFormatException if it is no NPY file, is truncated or holds a type or rank that is not read
     */
    public static NpyFile open(Path path) throws IOException {
        if (!Files.exists(path)) {
            throw new NoSuchFileException(path.toString());
        }
        if (!Files.isRegularFile(path)) {
            throw new NpyFormatException(
                    path, "not a regular file; arrays are mapped into memory, so pipes do not work");
        }
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            return new NpyFile(path, channel);
        }
    }

    private static byte[] read(FileChannel channel, long position, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, position + buffer.position()) < 0) {
                throw new EOFException();
            }
        }
        return buffer.array();
    }

    public Path path() {
        return path;
    }

    public NpyType type() {
        return header.type();
    }

    public int rank() {
        return header.shape().size();
    }

    public long[] shape() {
        return header.shape().stream().mapToLong(n -> n).toArray();
    }

    /** Type and shape, for messages. */
    public String describe() {
        return header.type() + " " + header.shapeText();
    }

    public long elementCount() {
        return data.byteSize() / header.type().bytes();
    }

    /**
     * Converts the elements from {@code first} on into the target, as many as it holds, native byte order.
     *
     * @throws NpyFormatException if an integer does not fit into 32 bits
     */
    public void read(long first, DType dtype, MemorySegment target) throws NpyFormatException {
        long count = target.byteSize() / dtype.bytes();
        if (!header.fortran() && sameBytes(dtype)) {
            MemorySegment.copy(data, first * dtype.bytes(), target, 0, count * dtype.bytes());
            return;
        }
        Cursor cursor = new Cursor(first);
        for (long i = 0; i < count; i++) {
            long position = header.fortran() ? cursor.next() : first + i;
            switch (dtype) {
                case F32 -> target.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * i, floatAt(position));
                case F16 ->
                    target.set(
                            ValueLayout.JAVA_SHORT_UNALIGNED,
                            2 * i,
                            header.type() == NpyType.FLOAT16
                                    ? data.get(shorts, 2 * position)
                                    : Float.floatToFloat16(floatAt(position)));
                case BF16 -> target.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i, HalfFloats.toBf16(floatAt(position)));
                case I32 -> target.set(ValueLayout.JAVA_INT_UNALIGNED, 4 * i, intAt(position));
                case BOOL -> target.set(BYTE, i, (byte) (data.get(BYTE, position) == 0 ? 0 : 1));
                case BYTE -> throw new IllegalArgumentException("packed storage is not read from files");
            }
        }
    }

    /** All elements as f32, for small arrays. */
    public float[] floats() throws NpyFormatException {
        float[] all = new float[Math.toIntExact(elementCount())];
        read(0, DType.F32, MemorySegment.ofArray(all));
        return all;
    }

    /** All elements as 32-bit integers, for small arrays. */
    public int[] ints() throws NpyFormatException {
        int[] all = new int[Math.toIntExact(elementCount())];
        read(0, DType.I32, MemorySegment.ofArray(all));
        return all;
    }

    private boolean sameBytes(DType dtype) {
        boolean same = switch (dtype) {
            case F32 -> header.type() == NpyType.FLOAT32;
            case F16 -> header.type() == NpyType.FLOAT16;
            case I32 -> header.type() == NpyType.INT32;
            case BF16, BOOL, BYTE -> false;
        };
        return same && header.bigEndian() == (ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN);
    }

    private float floatAt(long position) {
        return switch (header.type()) {
            case FLOAT16 -> Float.float16ToFloat(data.get(shorts, 2 * position));
            case FLOAT32 -> Float.intBitsToFloat(data.get(ints, 4 * position));
            case FLOAT64 -> (float) Double.longBitsToDouble(data.get(longs, 8 * position));
            case INT32, INT64, BOOL ->
                throw new IllegalStateException(header.type() + " read as a floating-point type");
        };
    }

    private int intAt(long position) throws NpyFormatException {
        long value = switch (header.type()) {
            case INT32 -> data.get(ints, 4 * position);
            case INT64 -> data.get(longs, 8 * position);
            case FLOAT16, FLOAT32, FLOAT64, BOOL ->
                throw new IllegalStateException(header.type() + " read as an integer");
        };
        if (value != (int) value) {
            throw new NpyFormatException(path, "the value " + value + " does not fit into 32 bits");
        }
        return (int) value;
    }

    @Override
    public void close() {
        arena.close();
    }

    /** Walks the elements in row-major order and gives the position of each in a file in Fortran order. */
    private final class Cursor {
        private final long[] shape = shape();
        private final long[] strides = new long[shape.length];
        private final long[] index = new long[shape.length];
        private long position;

        Cursor(long first) {
            Arrays.setAll(strides, i -> i);
            long stride = 1;
            for (int i = 0; i < shape.length; i++) {
                strides[i] = stride;
                stride *= shape[i];
            }
            long rest = first;
            for (int i = shape.length - 1; i >= 0; i--) {
                index[i] = rest % shape[i];
                rest /= shape[i];
                position += index[i] * strides[i];
            }
        }

        long next() {
            long now = position;
            for (int axis = shape.length - 1; axis >= 0; axis--) {
                position += strides[axis];
                if (++index[axis] < shape[axis]) {
                    break;
                }
                position -= shape[axis] * strides[axis];
                index[axis] = 0;
            }
            return now;
        }
    }
}
