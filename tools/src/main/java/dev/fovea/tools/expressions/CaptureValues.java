package dev.fovea.tools.expressions;

import dev.fovea.api.DType;
import dev.fovea.tools.UsageException;
import dev.fovea.tools.npy.NpyFile;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A captured array as far as an explanation needs it: the values of whole numbers and truths, and of the others the type.
 *
 * @param values row-major, truths as 0 and 1; null where they are not known
 */
@SuppressWarnings("ArrayRecordComponent") // handed over once, never compared
record CaptureValues(DType dtype, int @Nullable [] values, int[] shape) {
    /** Elements that one look at a range reads at most. */
    private static final int MOST = 1 << 20;

    private static final Pattern NUMBERS = Pattern.compile("-?\\d+(,-?\\d+)*");
    private static final Pattern TYPE = Pattern.compile("(f32|f16|bf16|i32|bool)");

    /** Reads {@code 0,0,1,1}, a type such as {@code f32}, or the name of a file. */
    static CaptureValues of(String name, String text) throws IOException {
        Matcher type = TYPE.matcher(text);
        if (type.matches()) {
            return unknown(DType.valueOf(text.toUpperCase(Locale.ROOT)));
        }
        if (NUMBERS.matcher(text).matches()) {
            try {
                int[] all = Arrays.stream(text.split(","))
                        .mapToInt(Integer::parseInt)
                        .toArray();
                return new CaptureValues(DType.I32, all, new int[] {all.length});
            } catch (NumberFormatException e) {
                throw new UsageException("--capture " + name + ": the numbers of '" + text + "' do not fit 32 bits");
            }
        }
        try (NpyFile file = NpyFile.open(Path.of(text))) {
            return of(name, file);
        } catch (InvalidPathException e) {
            throw new UsageException("--capture " + name + ": '" + text + "' is no file name");
        }
    }

    private static CaptureValues of(String name, NpyFile file) throws IOException {
        if (file.elementCount() == 0) {
            throw new UsageException(
                    "--capture " + name + ": " + file.path() + " is " + file.describe() + "; there is nothing to load");
        }
        int[] shape = Arrays.stream(file.shape()).mapToInt(Math::toIntExact).toArray();
        return switch (file.type()) {
            case FLOAT16 -> unknown(DType.F16);
            case FLOAT32, FLOAT64 -> unknown(DType.F32);
            case INT32, INT64 -> new CaptureValues(DType.I32, file.ints(), shape);
            case BOOL -> {
                byte[] bytes = new byte[Math.toIntExact(file.elementCount())];
                file.read(0, DType.BOOL, MemorySegment.ofArray(bytes));
                int[] truths = new int[bytes.length];
                for (int i = 0; i < truths.length; i++) {
                    truths[i] = bytes[i] == 0 ? 0 : 1;
                }
                yield new CaptureValues(DType.BOOL, truths, shape);
            }
        };
    }

    static CaptureValues unknown(DType dtype) {
        return new CaptureValues(dtype, null, new int[0]);
    }

    /** These values as truths, if they are all 0 or 1 and it is truths that are wanted. */
    CaptureValues as(DType wanted) {
        boolean truths = wanted == DType.BOOL
                && dtype == DType.I32
                && values != null
                && Arrays.stream(values).allMatch(x -> x == 0 || x == 1);
        return truths ? new CaptureValues(DType.BOOL, values, shape) : this;
    }

    /**
     * Bounds of the elements within a box of indices, which are clamped; axes are aligned at the last one, and those of the load that
     * the array lacks count nothing.
     */
    boolean range(int[] from, int[] to, int[] leastAndLargest) {
        int lead = from.length - shape.length;
        if (values == null || lead < 0) {
            return false;
        }
        int[] at = new int[shape.length];
        long count = 1;
        for (int i = 0; i < at.length; i++) {
            at[i] = Math.clamp(from[i + lead], 0, shape[i] - 1);
            count *= Math.clamp(to[i + lead], 0, shape[i] - 1) - at[i] + 1L;
            if (count > MOST) {
                return false;
            }
        }
        leastAndLargest[0] = Integer.MAX_VALUE;
        leastAndLargest[1] = Integer.MIN_VALUE;
        while (true) {
            int place = 0;
            for (int i = 0; i < at.length; i++) {
                place = place * shape[i] + at[i];
            }
            leastAndLargest[0] = Math.min(leastAndLargest[0], values[place]);
            leastAndLargest[1] = Math.max(leastAndLargest[1], values[place]);
            int axis = at.length - 1;
            while (axis >= 0 && at[axis] == Math.clamp(to[axis + lead], 0, shape[axis] - 1)) {
                at[axis] = Math.clamp(from[axis + lead], 0, shape[axis] - 1);
                axis--;
            }
            if (axis < 0) {
                return true;
            }
            at[axis]++;
        }
    }
}
