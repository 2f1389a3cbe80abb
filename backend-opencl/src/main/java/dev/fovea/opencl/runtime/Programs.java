package dev.fovea.opencl.runtime;

import dev.fovea.api.FoveaException.KernelBuild;
import dev.fovea.api.spi.DeviceInfo;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.jocl.CL;
import org.jocl.Pointer;
import org.jocl.Sizeof;
import org.jocl.cl_device_id;
import org.jocl.cl_kernel;
import org.jocl.cl_program;
import org.jspecify.annotations.Nullable;

/** The programs of a context, by source text: built once, first from the binary cache, and the least used ones dropped. */
public final class Programs {
    private static final int BUILD_ATTEMPTS = 4;
    private static final int MOST = 256;

    private final DeviceContext context;
    private final BinaryCache binaries;
    private final AtomicLong builds;
    private final String options;
    private final Map<String, Program> programs = new LinkedHashMap<>(16, 0.75f, true);

    private record Program(cl_program handle, Owned owner) {}

    Programs(DeviceContext context, BinaryCache binaries, AtomicLong builds) {
        this.context = context;
        this.binaries = binaries;
        this.builds = builds;
        this.options =
                "-cl-std=CL1.2" + (context.device().roundedDivision ? " -cl-fp32-correctly-rounded-divide-sqrt" : "");
    }

    private static final System.Logger LOG = System.getLogger(Programs.class.getName());

    private void warnOfSignals() {
        if (programs.isEmpty() && context.device().info().kind() != DeviceInfo.Kind.OPENCL_CPU) {
            SignalChaining.advice()
                    .ifPresent(advice -> LOG.log(
                            System.Logger.Level.WARNING,
                            "building kernels for " + context.device().info().id() + ": " + advice));
        }
    }

    /** A new kernel object of the program with this source; throws {@code KernelBuild} with the compiler's log. */
    public Kernel kernel(String source, String entry) {
        return context.use(() -> {
            Program program = program(source, entry);
            Status.Made<cl_kernel> made = Status.made(status -> CL.clCreateKernel(program.handle, entry, status));
            context.check(made.status(), "making kernel " + entry, 0);
            return new Kernel(context, Objects.requireNonNull(made.object()), entry);
        });
    }

    /** One build at a time: several threads that prepare the same spec then share one. */
    private synchronized Program program(String source, String entry) {
        Program program = programs.get(source);
        if (program == null) {
            warnOfSignals();
            String key = BinaryCache.key(source, options, deviceText());
            cl_program built = fromCache(key, entry);
            if (built == null) {
                built = fromSource(source, entry);
                builds.incrementAndGet();
                byte[] binary = binaries.isOn() ? binary(built) : null;
                if (binary != null) {
                    binaries.store(key, binary);
                }
            }
            cl_program handle = built;
            program = new Program(handle, context.own(() -> Status.of(() -> CL.clReleaseProgram(handle))));
            programs.put(source, program);
            if (programs.size() > MOST) {
                String eldest = programs.keySet().iterator().next();
                Objects.requireNonNull(programs.remove(eldest)).owner.release(); // its kernels keep it alive
            }
        }
        return program;
    }

    private String deviceText() {
        FoundDevice d = context.device();
        return d.info().name() + '\n' + d.info().platform() + '\n' + d.info().driver();
    }

    private @Nullable cl_program fromCache(String key, String entry) {
        byte[] binary = binaries.load(key);
        if (binary == null) {
            return null;
        }
        int[] binaryStatus = new int[1];
        Status.Made<cl_program> made = Status.made(status -> CL.clCreateProgramWithBinary(
                context.handle(),
                1,
                new cl_device_id[] {context.device().id},
                new long[] {binary.length},
                new byte[][] {binary},
                binaryStatus,
                status));
        cl_program program = made.object();
        if (made.status() == Status.SUCCESS && program != null) {
            if (binaryStatus[0] == Status.SUCCESS && build(program) == Status.SUCCESS && has(program, entry)) {
                return program;
            }
            Status.of(() -> CL.clReleaseProgram(program));
        }
        binaries.remove(key);
        return null;
    }

    private static boolean has(cl_program program, String entry) {
        Status.Made<cl_kernel> made = Status.made(status -> CL.clCreateKernel(program, entry, status));
        cl_kernel kernel = made.object();
        if (made.status() != Status.SUCCESS || kernel == null) {
            return false;
        }
        Status.of(() -> CL.clReleaseKernel(kernel));
        return true;
    }

    private cl_program fromSource(String source, String entry) {
        for (int attempt = 1; ; attempt++) {
            Status.Made<cl_program> made = Status.made(
                    status -> CL.clCreateProgramWithSource(context.handle(), 1, new String[] {source}, null, status));
            context.check(made.status(), "loading kernel " + entry, 0);
            cl_program program = Objects.requireNonNull(made.object());
            int status = build(program);
            if (status == Status.SUCCESS) {
                return program;
            }
            String log = log(program);
            Status.of(() -> CL.clReleaseProgram(program));
            if (Status.isLoss(status, false)) {
                context.check(status, "building kernel " + entry, 0);
            }
            // Most likely a safepoint poll during a build runs LLVM's handler (see SignalChaining), which in PoCL
            // deletes the
            // compiler's
            // temporary files and hands the signal on: the same source builds the next time.
            if (attempt == BUILD_ATTEMPTS || !log.contains("unable to rename temporary")) {
                throw new KernelBuild(entry, context.device().info().id(), log.isEmpty() ? Status.name(status) : log);
            }
        }
    }

    private int build(cl_program program) {
        cl_device_id[] devices = {context.device().id};
        return Status.of(() -> CL.clBuildProgram(program, 1, devices, options, null, null));
    }

    private String log(cl_program program) {
        return DeviceQuery.text((size, value, needed) ->
                CL.clGetProgramBuildInfo(program, context.device().id, CL.CL_PROGRAM_BUILD_LOG, size, value, needed));
    }

    private static byte @Nullable [] binary(cl_program program) {
        long[] size = new long[1];
        int asked = Status.of(
                () -> CL.clGetProgramInfo(program, CL.CL_PROGRAM_BINARY_SIZES, Sizeof.size_t, Pointer.to(size), null));
        if (asked != Status.SUCCESS || size[0] <= 0 || size[0] > BinaryCache.LARGEST) {
            return null;
        }
        byte[] binary = new byte[(int) size[0]];
        Pointer pointers = Pointer.to(Pointer.to(binary));
        int got = Status.of(() -> CL.clGetProgramInfo(program, CL.CL_PROGRAM_BINARIES, Sizeof.POINTER, pointers, null));
        return got == Status.SUCCESS ? binary : null;
    }
}
