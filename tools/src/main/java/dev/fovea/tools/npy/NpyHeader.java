package dev.fovea.tools.npy;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What the header of an NPY file says.
 *
 * @param bigEndian byte order of the elements
 * @param fortran whether the first axis varies fastest
 * @param shape sizes, at most {@link #MAX_RANK} of them
 * @param dataOffset bytes before the first element
 */
record NpyHeader(NpyType type, boolean bigEndian, boolean fortran, List<Long> shape, long dataOffset) {
    static final int MAX_RANK = 8;

    /** Far above the 10,000 characters that NumPy itself accepts, far below what would hurt to read. */
    static final int MAX_LENGTH = 1 << 16;

    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};

    NpyHeader {
        shape = List.copyOf(shape);
    }

    /** Bytes of the file up to the header's text, of which {@link #parse} needs the first to know how long it is. */
    static int prefixLength(byte[] start) throws HeaderException {
        if (start.length < MAGIC.length + 2) {
            throw new HeaderException("too short for an NPY file");
        }
        for (int i = 0; i < MAGIC.length; i++) {
            if (start[i] != MAGIC[i]) {
                throw new HeaderException(
                        "not an NPY file (it does not begin with \\x93NUMPY); write it by numpy.save");
            }
        }
        int major = start[6];
        if (major < 1 || major > 3 || start[7] != 0) {
            throw new HeaderException("NPY version " + (major & 0xff) + "." + (start[7] & 0xff)
                    + " is not known; versions 1.0, 2.0 and 3.0 are read");
        }
        return major == 1 ? 10 : 12;
    }

    /** Length of the header's text, from the first {@link #prefixLength} bytes. */
    static int textLength(byte[] prefix) throws HeaderException {
        long length = 0;
        for (int i = prefix.length - 1; i >= 8; i--) {
            length = length << 8 | prefix[i] & 0xff;
        }
        if (length > MAX_LENGTH) {
            throw new HeaderException(
                    "a header of " + length + " bytes is not believable; at most " + MAX_LENGTH + " are read");
        }
        return (int) length;
    }

    static NpyHeader parse(byte[] prefix, byte[] text) throws HeaderException {
        Charset charset = prefix[6] == 3 ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1;
        HeaderText.Fields fields = new HeaderText(new String(text, charset)).fields();
        String descr = fields.descr();
        char order = descr.isEmpty() ? ' ' : descr.charAt(0);
        boolean named = "<>|=".indexOf(order) >= 0;
        String code = named ? descr.substring(1) : descr;
        NpyType type = NpyType.ofCode(code)
                .orElseThrow(() -> new HeaderException("element type '" + HeaderText.shown(descr)
                        + "' is not read; convert the array to one of " + NpyType.list()));
        if (type.bytes() > 1 && (order == '|' || !named)) {
            throw new HeaderException("element type '" + descr + "' names no byte order; write the file by numpy.save");
        }
        NpyHeader header =
                new NpyHeader(type, order == '>', fields.fortran(), fields.shape(), (long) prefix.length + text.length);
        if (header.shape().size() > MAX_RANK) {
            throw new HeaderException("shape " + header.shapeText() + " has "
                    + header.shape().size() + " axes; at most " + MAX_RANK + " are read");
        }
        header.dataBytes();
        return header;
    }

    /** Bytes of all elements. */
    long dataBytes() throws HeaderException {
        if (shape.contains(0L)) {
            return 0;
        }
        long bytes = type.bytes();
        for (long n : shape) {
            if (Math.multiplyHigh(bytes, n) != 0 || bytes * n < 0) {
                throw new HeaderException("shape " + shapeText() + " is larger than any file can be");
            }
            bytes *= n;
        }
        return bytes;
    }

    String shapeText() {
        return shape.stream().map(n -> Long.toString(n)).collect(Collectors.joining(", ", "[", "]"));
    }

    /** The header cannot be used: half a sentence, without the file's name. */
    static final class HeaderException extends Exception {
        private static final long serialVersionUID = 1L;

        private final String reason;

        HeaderException(String reason) {
            super(reason);
            this.reason = reason;
        }

        String reason() {
            return reason;
        }
    }
}
