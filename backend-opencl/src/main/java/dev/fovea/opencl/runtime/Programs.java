package dev.fovea.opencl.runtime;

import dev.fovea.api.FoveaException.KernelBuild;
import dev.fovea.api.spi.BuildCount.Built;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.kernels.HopperPtx;
import dev.fovea.kernels.KernelSource;
import dev.fovea.kernels.KernelSource.Target;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
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
    private final Consumer<Built> builds;
    private final String options;
    private final Map<Key, Program> programs = new LinkedHashMap<>(16, 0.75f, true);
    private final Map<Key, Object> turns = new HashMap<>();

    private record Key(String source, Target target) {}

    private record Program(cl_program handle, Owned owner) {}

    Programs(DeviceContext context, BinaryCache binaries, Consumer<Built> builds) {
        this.context = context;
        this.binaries = binaries;
        this.builds = builds;
        this.options =
                "-cl-std=CL1.2" + (context.device().roundedDivision ? " -cl-fp32-correctly-rounded-divide-sqrt" : "")
                        + (context.device().computeCapability() > 0 ? " -cl-nv-verbose" : "");
    }

    private static final System.Logger LOG = System.getLogger(Programs.class.getName());

    private void warnOfSignals() {
        if (context.device().info().kind() != DeviceInfo.Kind.OPENCL_CPU) {
            SignalChaining.advice()
                    .ifPresent(advice -> LOG.log(
                            System.Logger.Level.WARNING,
                            "building kernels for " + context.device().info().id() + ": " + advice));
        }
    }

    /** A new kernel object of the portable program with this source; throws {@code KernelBuild} with the compiler's log. */
    public Kernel kernel(String source, String entry) {
        return kernel(new Key(source, Target.PORTABLE), entry);
    }

    /**
     * A new kernel object; throws {@code KernelBuild} with the compiler's log. One for a matrix engine also counts as not built where the
     * device is another, where registers are spilled or where the compiler serialises its products: the caller then has another kernel.
     */
    public Kernel kernel(KernelSource source) {
        return kernel(new Key(source.text(), source.target()), source.entry());
    }

    private Kernel kernel(Key key, String entry) {
        return context.use(() -> {
            Program program = program(key, entry);
            Status.Made<cl_kernel> made = Status.made(status -> CL.clCreateKernel(program.handle, entry, status));
            context.check(made.status(), "making kernel " + entry, 0);
            return new Kernel(context, Objects.requireNonNull(made.object()), entry);
        });
    }

    /** Several threads that want the same program share its build; different ones are built side by side. */
    private Program program(Key key, String entry) {
        Object turn;
        synchronized (programs) {
            Program ready = programs.get(key);
            if (ready != null) {
                return ready;
            }
            if (programs.isEmpty()) {
                warnOfSignals();
            }
            turn = turns.computeIfAbsent(key, _ -> new Object());
        }
        synchronized (turn) {
            synchronized (programs) {
                Program ready = programs.get(key);
                if (ready != null) {
                    return ready;
                }
            }
            try {
                Program program = made(key, entry);
                synchronized (programs) {
                    programs.put(key, program);
                    if (programs.size() > MOST) {
                        Key eldest = programs.keySet().iterator().next();
                        Objects.requireNonNull(programs.remove(eldest)).owner.release(); // its kernels keep it alive
                    }
                }
                return program;
            } finally {
                synchronized (programs) {
                    turns.remove(key);
                }
            }
        }
    }

    private Program made(Key key, String entry) {
        String stored = BinaryCache.key(key.source, key.target.name(), options, deviceText());
        long start = System.nanoTime();
        cl_program built = fromCache(stored, entry);
        boolean cached = built != null;
        if (built == null) {
            built = compiled(key, entry);
            byte[] binary = binaries.isOn() ? binary(built) : null;
            if (binary != null) {
                binaries.store(stored, binary);
            }
        }
        BuildLog log = new BuildLog(log(built));
        double seconds = (System.nanoTime() - start) / 1e9;
        builds.accept(new Built(entry, cached, seconds, log.registers(entry), log.spilledBytes()));
        cl_program handle = built;
        return new Program(handle, context.own(() -> Status.of(() -> CL.clReleaseProgram(handle))));
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
        cl_program program = loaded(binary);
        if (program != null) {
            if (build(program) == Status.SUCCESS && has(program, entry)) {
                return program;
            }
            release(program);
        }
        binaries.remove(key);
        return null;
    }

    /** A program of a binary, to be built; null where the driver does not take it. */
    private @Nullable cl_program loaded(byte[] binary) {
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
        if (made.status() != Status.SUCCESS || program == null) {
            return null;
        }
        if (binaryStatus[0] != Status.SUCCESS) {
            release(program);
            return null;
        }
        return program;
    }

    private static void release(cl_program program) {
        Status.of(() -> CL.clReleaseProgram(program));
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

    private cl_program compiled(Key key, String entry) {
        return switch (key.target) {
            case PORTABLE, EMULATED -> fromSource(key, entry);
            case LARGE_REGISTERS -> withoutSpills(fromSource(key, entry), entry);
            case SM_90A -> {
                if (context.device().computeCapability() != 90) {
                    throw failure(entry, "it is made for compute capability 9.0");
                }
                cl_program program = fromSource(key, entry);
                byte[] ptx = binary(program);
                release(program);
                yield retargeted(ptx == null ? new byte[0] : ptx, entry);
            }
        };
    }

    private cl_program retargeted(byte[] driverBinary, String entry) {
        byte[] ptx;
        try {
            String text = HopperPtx.of(new String(driverBinary, StandardCharsets.ISO_8859_1));
            ptx = HopperPtx.numbered(text, System.nanoTime()).getBytes(StandardCharsets.ISO_8859_1);
        } catch (IllegalArgumentException e) {
            throw failure(entry, String.valueOf(e.getMessage()));
        }
        cl_program program = loaded(Arrays.copyOf(ptx, ptx.length + 1)); // the driver reads up to a zero
        if (program == null) {
            throw failure(entry, "the driver does not take PTX for sm_90a");
        }
        int status = build(program);
        String log = log(program);
        Optional<String> objection = new BuildLog(log).objection();
        if (status == Status.SUCCESS && objection.isEmpty()) {
            return program;
        }
        release(program);
        if (Status.isLoss(status, false)) {
            context.check(status, "building kernel " + entry, 0);
        }
        throw failure(entry, objection.map(o -> o + "\n" + log).orElse(log.isEmpty() ? Status.name(status) : log));
    }

    private KernelBuild failure(String entry, String log) {
        return new KernelBuild(entry, context.device().info().id(), log);
    }

    /** The program, if its compiler kept its numbers in registers. */
    private cl_program withoutSpills(cl_program program, String entry) {
        String log = log(program);
        Optional<String> objection = new BuildLog(log).objection();
        if (objection.isPresent()) {
            release(program);
            throw failure(entry, objection.get() + "\n" + log);
        }
        return program;
    }

    private cl_program fromSource(Key key, String entry) {
        for (int attempt = 1; ; attempt++) {
            Status.Made<cl_program> made = Status.made(status ->
                    CL.clCreateProgramWithSource(context.handle(), 1, new String[] {key.source}, null, status));
            context.check(made.status(), "loading kernel " + entry, 0);
            cl_program program = Objects.requireNonNull(made.object());
            int status = build(program, key.target);
            if (status == Status.SUCCESS) {
                return program;
            }
            String log = log(program);
            release(program);
            if (Status.isLoss(status, false)) {
                context.check(status, "building kernel " + entry, 0);
            }
            // Most likely a safepoint poll during a build runs LLVM's handler (see SignalChaining), which in PoCL
            // deletes the
            // compiler's
            // temporary files and hands the signal on: the same source builds the next time.
            if (attempt == BUILD_ATTEMPTS || !log.contains("unable to rename temporary")) {
                throw failure(entry, log.isEmpty() ? Status.name(status) : log);
            }
        }
    }

    private int build(cl_program program) {
        return build(program, Target.PORTABLE);
    }

    private int build(cl_program program, Target target) {
        cl_device_id[] devices = {context.device().id};
        String all = options
                + switch (target) {
                    case PORTABLE, SM_90A -> "";
                    case LARGE_REGISTERS -> " -cl-intel-256-GRF-per-thread";
                    case EMULATED -> " -cl-opt-disable";
                };
        return Status.of(() -> CL.clBuildProgram(program, 1, devices, all, null, null));
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
