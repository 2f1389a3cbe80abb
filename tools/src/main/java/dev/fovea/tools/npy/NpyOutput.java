package dev.fovea.tools.npy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * An NPY file in the making, version 1.0, row-major, in the byte order of this machine. It takes the place of the target at {@link #commit}; until then,
 * and for good if that never comes, the target stays as it was.
 */
public final class NpyOutput implements AutoCloseable {
    /** NumPy aligns the data to this. */
    private static final int ALIGNMENT = 64;

    private final Path target;
    private final Path written;
    private final FileChannel channel;
    private boolean committed;

    private NpyOutput(Path target, Path written, FileChannel channel) {
        this.target = target;
        this.written = written;
        this.channel = channel;
    }

    /** Begins a file; the elements follow by {@link #write}. */
    public static NpyOutput create(Path file, NpyType type, long... shape) throws IOException {
        Path target = Files.exists(file) ? file.toRealPath() : file.toAbsolutePath();
        Path folder = target.getParent();
        if (folder != null && !Files.isDirectory(folder)) {
            throw new NoSuchFileException(folder.toString(), null, "the folder for " + file + " does not exist");
        }
        // A device such as /dev/null can be written but not replaced.
        boolean replace = !Files.exists(target) || Files.isRegularFile(target);
        Path written =
                replace ? target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID() + ".tmp") : target;
        FileChannel channel = replace
                ? FileChannel.open(written, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)
                : FileChannel.open(written, StandardOpenOption.WRITE);
        NpyOutput output = new NpyOutput(target, written, channel);
        try {
            output.write(MemorySegment.ofArray(header(type, shape)));
            return output;
        } catch (IOException | RuntimeException e) {
            output.close();
            throw e;
        }
    }

    static byte[] header(NpyType type, long... shape) {
        String sizes = Arrays.stream(shape).mapToObj(Long::toString).collect(Collectors.joining(", "));
        String descr =
                (type.bytes() == 1 ? "|" : ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN ? ">" : "<") + type.code();
        String text = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + sizes
                + (shape.length == 1 ? "," : "") + "), }";
        int total = (10 + text.length() + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        byte[] bytes = new byte[total];
        Arrays.fill(bytes, (byte) ' ');
        bytes[0] = (byte) 0x93;
        System.arraycopy("NUMPY\1\0".getBytes(StandardCharsets.ISO_8859_1), 0, bytes, 1, 7);
        bytes[8] = (byte) (total - 10);
        bytes[9] = (byte) (total - 10 >> 8);
        System.arraycopy(text.getBytes(StandardCharsets.ISO_8859_1), 0, bytes, 10, text.length());
        bytes[total - 1] = '\n';
        return bytes;
    }

    /** Appends elements; the segment holds less than 2 GiB. */
    public void write(MemorySegment elements) throws IOException {
        ByteBuffer buffer = elements.asByteBuffer();
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    /** Puts the finished file in the place of the target. */
    public void commit() throws IOException {
        channel.close();
        if (!written.equals(target)) {
            Files.move(written, target, StandardCopyOption.ATOMIC_MOVE);
        }
        committed = true;
    }

    /** Removes what was written unless it was committed. */
    @Override
    public void close() throws IOException {
        channel.close();
        if (!committed && !written.equals(target)) {
            Files.deleteIfExists(written);
        }
    }
}
