package dev.fovea.opencl.runtime;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jocl.CL;
import org.jocl.Pointer;
import org.jocl.Sizeof;
import org.jocl.cl_device_id;
import org.jocl.cl_platform_id;
import org.jspecify.annotations.Nullable;

/** Reads device and platform properties; what a driver does not answer is empty, 0 or null. */
final class DeviceQuery {
    private DeviceQuery() {}

    static String text(cl_platform_id platform, int property) {
        return text((size, value, needed) -> CL.clGetPlatformInfo(platform, property, size, value, needed));
    }

    static String text(cl_device_id device, int property) {
        return text((size, value, needed) -> CL.clGetDeviceInfo(device, property, size, value, needed));
    }

    /** An integer of 4 or 8 bytes, or of the size of a pointer. */
    static long number(cl_device_id device, int property) {
        byte[] bytes = bytes(device, property);
        if (bytes == null || bytes.length < 4) {
            return 0;
        }
        ByteBuffer b = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        return bytes.length >= 8 ? b.getLong() : Integer.toUnsignedLong(b.getInt());
    }

    static byte @Nullable [] bytes(cl_device_id device, int property) {
        return bytes((size, value, needed) -> CL.clGetDeviceInfo(device, property, size, value, needed));
    }

    /** A call that follows OpenCL's protocol for values of unknown size. */
    interface Getter {
        int get(long size, @Nullable Pointer value, long @Nullable [] needed);
    }

    static byte @Nullable [] bytes(Getter info) {
        long[] needed = new long[1];
        if (Status.of(() -> info.get(0, null, needed)) != Status.SUCCESS || needed[0] > 1 << 26) {
            return null;
        }
        byte[] value = new byte[(int) Math.max(needed[0], Sizeof.cl_long)];
        long size = needed[0];
        int status = Status.of(() -> info.get(size, Pointer.to(value), null));
        return status == Status.SUCCESS ? Arrays.copyOf(value, (int) size) : null;
    }

    static String text(Getter info) {
        byte[] value = bytes(info);
        if (value == null) {
            return "";
        }
        String s = new String(value, StandardCharsets.UTF_8);
        int end = s.indexOf('\0');
        return (end < 0 ? s : s.substring(0, end)).strip();
    }
}
