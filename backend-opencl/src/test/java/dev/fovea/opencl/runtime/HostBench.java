package dev.fovea.opencl.runtime;

import com.sun.management.ThreadMXBean;
import dev.fovea.api.Attention;
import dev.fovea.api.AttentionPlan;
import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.DType;
import dev.fovea.api.ExecutionStream;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.kernels.AttentionBlock;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jocl.CL;
import org.jocl.Pointer;
import org.jocl.Sizeof;
import org.jocl.cl_command_queue;
import org.jocl.cl_kernel;
import org.jocl.cl_mem;
import org.jocl.cl_program;

/**
 * Host time of asynchronous calls, in parts: {@code HostBench device [calls]}. A batch of calls is timed, the wait after it is not; per part
 * the median and the least of the batches by the clock, the least by the processor time of the thread, and the bytes that a call allocates. The
 * last shape, and what is timed of it, is that of {@code fovea bench --suite gpu --only host}.
 */
final class HostBench {
    private static final int BATCHES = 60;
    /** By then what is called is compiled for good. */
    private static final int WARM_CALLS = 60_000;

    /** For devices whose calls are long; there other shapes have warmed the same code. */
    private static final long MOST_WARM_NANOS = 3_000_000_000L;

    private static final int BUFFERS = 13;
    private static final int BLOCK_BYTES = 480;

    private final int calls;
    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private HostBench(int calls) {
        this.calls = calls;
    }

    public static void main(String[] args) {
        int calls = args.length > 1 ? Integer.parseInt(args[1]) : 200;
        HostBench bench = new HostBench(calls);
        bench.runtime(args[0]);
        bench.library(args[0]);
    }

    /** A kernel that does nothing with the parameters of the attention kernel. */
    private static String source() {
        StringBuilder text =
                new StringBuilder("struct block { char x[" + BLOCK_BYTES + "]; };\n__kernel void nothing(");
        for (int i = 0; i < BUFFERS; i++) {
            text.append("__global float *b").append(i).append(", ");
        }
        return text.append("struct block b) {}\n").toString();
    }

    /** Calls of OpenCL as they are, and one launch through the runtime. */
    private void runtime(String device) {
        FoundDevice found = DeviceSearch.run().devices().stream()
                .filter(d -> d.info().id().equals(device))
                .findFirst()
                .orElseThrow();
        try (DeviceContext context = DeviceContext.open(found, BinaryCache.none(), _ -> {});
                DeviceStream stream = new DeviceStream();
                Kernel kernel = context.programs().kernel(source(), "nothing")) {
            List<DeviceStorage> two = List.of(context.allocate(64), context.allocate(64));
            List<Launch> first = List.of(launch(kernel, two.get(0)));
            List<Launch> second = List.of(launch(kernel, two.get(1)));
            part("runtime: the same launch", () -> stream.run(context, first), stream::await);
            int[] turn = new int[1];
            part(
                    "runtime: launches of 13 other buffers in turn",
                    () -> stream.run(context, (turn[0]++ & 1) == 0 ? first : second),
                    stream::await);
            part(
                    "runtime: allocate and free 1 MiB",
                    () -> context.allocate(1 << 20).free(),
                    () -> {});
            raw(context, two.get(0));
            two.forEach(DeviceStorage::free);
        }
    }

    private static Launch launch(Kernel kernel, DeviceStorage storage) {
        List<KernelArgument> list = new ArrayList<>();
        for (int i = 0; i < BUFFERS; i++) {
            list.add(new KernelArgument.Memory(storage));
        }
        list.add(new KernelArgument.Value(new byte[BLOCK_BYTES]));
        return new Launch(kernel, list, 1, 32);
    }

    private void raw(DeviceContext context, DeviceStorage storage) {
        cl_mem memory = storage.handle();
        cl_program program = Objects.requireNonNull(
                Status.made(s -> CL.clCreateProgramWithSource(context.handle(), 1, new String[] {source()}, null, s))
                        .object());
        CL.clBuildProgram(program, 0, null, null, null, null);
        cl_kernel kernel = Objects.requireNonNull(
                Status.made(s -> CL.clCreateKernel(program, "nothing", s)).object());
        cl_command_queue queue = context.newQueue(false);
        byte[] block = new byte[BLOCK_BYTES];
        for (int i = 0; i < BUFFERS; i++) {
            CL.clSetKernelArg(kernel, i, Sizeof.cl_mem, Pointer.to(memory));
        }
        CL.clSetKernelArg(kernel, BUFFERS, block.length, Pointer.to(block));
        long[] global = {32};
        Runnable wait = () -> CL.clFinish(queue);
        Runnable enqueue = () -> CL.clEnqueueNDRangeKernel(queue, kernel, 1, null, global, global, 0, null, null);
        part("JOCL: enqueue", enqueue, wait);
        part(
                "JOCL: enqueue, flush",
                () -> {
                    enqueue.run();
                    CL.clFlush(queue);
                },
                wait);
        part("JOCL: a buffer argument", () -> CL.clSetKernelArg(kernel, 0, Sizeof.cl_mem, Pointer.to(memory)), wait);
        part("JOCL: a block argument", () -> CL.clSetKernelArg(kernel, BUFFERS, block.length, Pointer.to(block)), wait);
        ArgumentCall call = new ArgumentCall();
        part("FFM: a buffer argument", () -> call.memory(kernel, 0, storage), wait);
        part("FFM: a block argument", () -> call.bytes(kernel, BUFFERS, block), wait);
        for (int i = 4; i < BUFFERS; i++) {
            CL.clSetKernelArg(kernel, i, Sizeof.cl_mem, null);
        }
        part("JOCL: enqueue, 9 of 13 buffers null", enqueue, wait);
        List<DeviceStorage> others = new ArrayList<>();
        for (int i = 0; i < BUFFERS; i++) {
            others.add(context.allocate(1 << 20));
            CL.clSetKernelArg(kernel, i, Sizeof.cl_mem, Pointer.to(others.get(i).handle()));
        }
        part("JOCL: enqueue, 13 different buffers", enqueue, wait);
        others.forEach(DeviceStorage::free);
        for (int i = 0; i < BUFFERS; i++) {
            CL.clSetKernelArg(kernel, i, Sizeof.cl_mem, Pointer.to(memory));
        }
        part(
                "JOCL: enqueue, wait",
                () -> {
                    enqueue.run();
                    wait.run();
                },
                wait);
        CL.clReleaseKernel(kernel);
        CL.clReleaseCommandQueue(queue);
    }

    /** The library's calls, on the device and on one that does nothing. */
    private void library(String device) {
        try (Backend fovea = Backends.open(device)) {
            attention("f32 1x1x64x64 ", fovea, DType.F32, 1, 64, 64, Attention.causal());
            attention("f32 decode ", fovea, DType.F32, 1, 1, 256, Attention.causal());
            attention("bf16 1x8x128x64 ", fovea, DType.BF16, 8, 128, 128, Attention.full());
        }
    }

    private void attention(
            String what, Backend fovea, DType type, int heads, int queries, int keys, Attention options) {
        try (Tensor q = fovea.copyOf(new float[heads * queries * 64], type, 1, heads, queries, 64);
                Tensor k = fovea.copyOf(new float[heads * keys * 64], type, 1, heads, keys, 64);
                Tensor v = fovea.copyOf(new float[heads * keys * 64], type, 1, heads, keys, 64);
                Tensor o = fovea.allocate(type, 1, heads, queries, 64);
                Tensor o2 = fovea.allocate(type, 1, heads, queries, 64);
                ExecutionStream stream = fovea.newStream()) {
            AttentionSpec spec = options.spec(q, k, v);
            AttentionArguments a = new AttentionArguments(q, k, v, o);
            AttentionArguments b = new AttentionArguments(q, k, v, o2);
            try (AttentionPlan plan = fovea.prepare(spec);
                    Backend idle = Backends.on(new IdleDevice(fovea.info()));
                    Tensor q1 = idle.allocate(type, 1, heads, queries, 64);
                    Tensor k1 = idle.allocate(type, 1, heads, keys, 64);
                    Tensor o1 = idle.allocate(type, 1, heads, queries, 64);
                    AttentionPlan nothing = idle.prepare(spec)) {
                AttentionArguments idleArguments = new AttentionArguments(q1, k1, k1, o1);
                part(what + "plan.run, the same tensors", () -> plan.run(a, stream), stream::await);
                int[] turn = new int[1];
                part(
                        what + "plan.run, two outputs in turn",
                        () -> plan.run((turn[0]++ & 1) == 0 ? a : b, stream),
                        stream::await);
                part(what + "  of it checks and holds", () -> nothing.run(idleArguments), () -> {});
                part(what + "  of it the block", () -> AttentionBlock.of(spec, a, 1), () -> {});
                part(
                        what + "attend, output allocated and closed",
                        () -> fovea.attend(q, k, v, options).close(),
                        () -> {
                            try (Tensor t = fovea.attend(q, k, v, options)) {
                                t.toFloatArray();
                            }
                        });
                part(
                        what + "  of it spec, plan, arguments, checks",
                        () -> idle.attend(q1, k1, k1, options).close(),
                        () -> {});
                part(
                        what + "plan.run and wait",
                        () -> {
                            plan.run(a, stream);
                            stream.await();
                        },
                        () -> {});
            }
        }
    }

    private void part(String name, Runnable call, Runnable wait) {
        long end = System.nanoTime() + MOST_WARM_NANOS;
        for (int i = 0; i < WARM_CALLS / calls && System.nanoTime() < end; i++) {
            repeat(call);
            wait.run();
        }
        double[] clock = new double[BATCHES];
        double processor = Double.MAX_VALUE;
        long bytes = Long.MAX_VALUE;
        for (int i = 0; i < BATCHES; i++) {
            long allocated = threads.getCurrentThreadAllocatedBytes();
            long cpu = threads.getCurrentThreadCpuTime();
            long start = System.nanoTime();
            repeat(call);
            clock[i] = (System.nanoTime() - start) / 1e3 / calls;
            processor = Math.min(processor, threads.getCurrentThreadCpuTime() - cpu);
            bytes = Math.min(bytes, threads.getCurrentThreadAllocatedBytes() - allocated);
            wait.run();
        }
        Arrays.sort(clock);
        System.out.printf(
                Locale.ROOT,
                "%-55s %7.2f us, least %7.2f us, processor %7.2f us, %6d bytes%n",
                name,
                clock[BATCHES / 2],
                clock[0],
                processor / calls / 1e3,
                bytes / calls);
    }

    private void repeat(Runnable call) {
        for (int i = 0; i < calls; i++) {
            call.run();
        }
    }
}
