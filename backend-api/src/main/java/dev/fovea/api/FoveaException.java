package dev.fovea.api;

import org.jspecify.annotations.Nullable;

/**
 * What can go wrong, one type a kind; the message is a sentence that names the remedy, the fields carry the same. After any
 * of them the library is usable again.
 */
public abstract sealed class FoveaException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private FoveaException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }

    /** An argument of a call is wrong: which one, what was expected, what came, what to do. */
    public static final class InvalidArgument extends FoveaException {
        private static final long serialVersionUID = 1L;
        private final String argument;
        private final String expected;
        private final String actual;
        private final String remedy;

        public InvalidArgument(String argument, String expected, String actual, String remedy) {
            super(argument + ": expected " + expected + ", got " + actual + "; " + remedy, null);
            this.argument = argument;
            this.expected = expected;
            this.actual = actual;
            this.remedy = remedy;
        }

        public String argument() {
            return argument;
        }

        public String expected() {
            return expected;
        }

        public String actual() {
            return actual;
        }

        public String remedy() {
            return remedy;
        }
    }

    /** The request is well formed, but this backend or device does not do it. */
    public static final class Unsupported extends FoveaException {
        private static final long serialVersionUID = 1L;
        private final String reason;
        private final String remedy;

        public Unsupported(String reason, String remedy) {
            super(reason + "; " + remedy, null);
            this.reason = reason;
            this.remedy = remedy;
        }

        public String reason() {
            return reason;
        }

        public String remedy() {
            return remedy;
        }
    }

    /** No device answers to the request. */
    public static final class DeviceNotFound extends FoveaException {
        private static final long serialVersionUID = 1L;
        private final String requested;

        public DeviceNotFound(String requested, String message) {
            super(message, null);
            this.requested = requested;
        }

        public String requested() {
            return requested;
        }
    }

    /** An allocation does not fit. */
    public static final class OutOfDeviceMemory extends FoveaException {
        private static final long serialVersionUID = 1L;
        private final long askedBytes;
        private final long freeBytes;

        public OutOfDeviceMemory(String device, long askedBytes, long freeBytes, String remedy) {
            super(
                    "out of memory on " + device + ": asked for " + Bytes.text(askedBytes) + ", about "
                            + Bytes.text(freeBytes) + " free; " + remedy,
                    null);
            this.askedBytes = askedBytes;
            this.freeBytes = freeBytes;
        }

        public long askedBytes() {
            return askedBytes;
        }

        /** An estimate: the device's total less what this backend holds, since OpenCL has no portable query. */
        public long freeBytes() {
            return freeBytes;
        }
    }

    /** A key-value cache has too few free pages for a call, which changed nothing. */
    public static final class OutOfPages extends FoveaException {
        private static final long serialVersionUID = 1L;
        private final int needed;
        private final int free;
        private final int total;
        private final int head;

        /** @param head the head whose pages these are, -1 where all heads share page tables */
        public OutOfPages(int needed, int free, int total, int head) {
            super(
                    "out of cache pages" + (head < 0 ? "" : " of head " + head) + ": " + needed + " needed, " + free
                            + " of " + total + " free; drop, truncate or compact sequences, or make a larger cache",
                    null);
            this.needed = needed;
            this.free = free;
            this.total = total;
            this.head = head;
        }

        public int needed() {
            return needed;
        }

        public int free() {
            return free;
        }

        public int total() {
            return total;
        }

        /** The head whose pages these are; -1 where all heads share page tables. */
        public int head() {
            return head;
        }
    }

    /** The device's compiler refused a kernel. */
    public static final class KernelBuild extends FoveaException {
        private static final long serialVersionUID = 1L;
        private final String kernel;
        private final String log;

        public KernelBuild(String kernel, String device, String log) {
            super("kernel " + kernel + " does not build on " + device + "; the compiler says:\n" + log, null);
            this.kernel = kernel;
            this.log = log;
        }

        public String kernel() {
            return kernel;
        }

        public String log() {
            return log;
        }
    }

    /** The device stopped working. Tensors on it are gone for good; the backend opens a new context at the next call. */
    public static final class DeviceLost extends FoveaException {
        private static final long serialVersionUID = 1L;

        public DeviceLost(String device, String reason) {
            super(
                    "device " + device + " was lost (" + reason
                            + "); its tensors are gone: make them again, the backend opens a new context at the next call",
                    null);
        }
    }

    /** A tensor, plan, stream or backend was used after close. */
    public static final class Closed extends FoveaException {
        private static final long serialVersionUID = 1L;

        public Closed(String what) {
            super(what + " was used after close; keep it open until its last use", null);
        }
    }

    /** A driver call failed in a way that is none of the above. */
    public static final class DeviceFailure extends FoveaException {
        private static final long serialVersionUID = 1L;

        public DeviceFailure(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }
}
