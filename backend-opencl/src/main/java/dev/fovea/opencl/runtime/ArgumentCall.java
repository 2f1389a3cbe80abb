package dev.fovea.opencl.runtime;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jocl.cl_kernel;

/**
 * {@code clSetKernelArg} without JOCL, which takes four times as long for it; for the other calls of a launch it does not. One of these
 * serves one thread at a time.
 */
final class ArgumentCall {
    private static final MethodHandle SET =
            function("clSetKernelArg", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG, ADDRESS));

    /** What the call reads, which it copies. */
    private MemorySegment value = Arena.ofAuto().allocate(1024, Long.BYTES);

    @SuppressWarnings("restricted") // the caller has to grant native access anyway, for JOCL
    private static MethodHandle function(String name, FunctionDescriptor type) {
        UnsatisfiedLinkError missing = new UnsatisfiedLinkError("no OpenCL library has " + name);
        for (String library : OpenClLibrary.names()) {
            try {
                SymbolLookup symbols = SymbolLookup.libraryLookup(library, Arena.global());
                return Linker.nativeLinker().downcallHandle(symbols.findOrThrow(name), type);
            } catch (IllegalArgumentException e) {
                missing.addSuppressed(e);
            }
        }
        throw missing;
    }

    /** The status of setting an argument to a buffer. */
    int memory(cl_kernel kernel, int index, DeviceStorage storage) {
        value.set(JAVA_LONG, 0, storage.rawHandle());
        return call(kernel, index, Long.BYTES, value);
    }

    /** The status of setting an argument to no buffer. */
    int nothing(cl_kernel kernel, int index) {
        return call(kernel, index, Long.BYTES, MemorySegment.NULL);
    }

    /** The status of setting an argument to a value. */
    int bytes(cl_kernel kernel, int index, byte[] bytes) {
        if (bytes.length > value.byteSize()) {
            value = Arena.ofAuto().allocate(bytes.length, Long.BYTES);
        }
        MemorySegment.copy(bytes, 0, value, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return call(kernel, index, bytes.length, value);
    }

    private int call(cl_kernel kernel, int index, long size, MemorySegment from) {
        try {
            return (int) SET.invokeExact(kernel.getNativePointer(), index, size, from);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("C functions throw nothing", e);
        }
    }
}
