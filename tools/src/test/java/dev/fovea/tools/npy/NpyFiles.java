package dev.fovea.tools.npy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Arrays of numbers to files and back, for tests. */
public final class NpyFiles {
    private NpyFiles() {}

    public static Path write(Path file, NpyType type, double[] values, long... shape) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[values.length * type.bytes()]);
        for (int i = 0; i < values.length; i++) {
            double v = values[i];
            switch (type) {
                case FLOAT16 -> bytes.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * i, Float.floatToFloat16((float) v));
                case FLOAT32 -> bytes.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i, (float) v);
                case FLOAT64 -> bytes.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8L * i, v);
                case BOOL -> bytes.set(ValueLayout.JAVA_BYTE, i, (byte) v);
                case INT32 -> bytes.set(ValueLayout.JAVA_INT_UNALIGNED, 4L * i, (int) v);
                case INT64 -> bytes.set(ValueLayout.JAVA_LONG_UNALIGNED, 8L * i, (long) v);
            }
        }
        try (NpyOutput output = NpyOutput.create(file, type, shape)) {
            output.write(bytes);
            output.commit();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return file;
    }

    /** Zeros. */
    public static Path write(Path file, NpyType type, long... shape) {
        return write(file, type, new double[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)], shape);
    }

    public static double[] read(Path file) {
        try (NpyFile f = NpyFile.open(file)) {
            float[] x = f.floats();
            return IntStream.range(0, x.length).mapToDouble(i -> x[i]).toArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Type and shape. */
    public static String describe(Path file) {
        try (NpyFile f = NpyFile.open(file)) {
            return f.describe();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
