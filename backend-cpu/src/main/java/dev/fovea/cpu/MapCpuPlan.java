package dev.fovea.cpu;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.MapArguments;
import dev.fovea.api.spec.MapSpec;
import dev.fovea.api.spi.DevicePlan;
import java.util.HashMap;
import java.util.Map;

/** Elements by an expression: a program over runs of the last axis that fit the cache. */
record MapCpuPlan(CpuBackend backend, MapSpec spec, TileProgram program) implements DevicePlan {
    private static final int RUN = 1024;
    private static final int ELEMENTS_A_TASK = 16 * RUN;

    /** Runs are computed to a multiple of the longest vector. */
    private static final int STEP = 16;

    static MapCpuPlan of(CpuBackend backend, MapSpec spec) {
        return new MapCpuPlan(backend, spec, ProgramCompiler.compileElements(spec.value()));
    }

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        backend.checkOpen();
        MapArguments a = (MapArguments) arguments;
        Elements output = Elements.of(a.output());
        if (output.count() == 0) {
            return;
        }
        Map<String, Capture> captures = new HashMap<>();
        for (Map.Entry<String, Tensor> e : a.captures().entrySet()) {
            captures.put(e.getKey(), Capture.of(e.getValue()));
        }
        long columns = output.size(3);
        int most = padded((int) Math.min(columns, RUN));
        long runs = Math.ceilDiv(columns, RUN);
        long units = output.count() / columns * runs;
        int each = Math.max(1, ELEMENTS_A_TASK / most);
        backend.forEach(Math.ceilDiv(units, each), 1, (t, scratch) -> {
            Place place = new Place(1);
            TileOps ops = backend.kernels().wide().ops();
            ProgramRun run = new ProgramRun(program, place, a.scalars(), captures, ops, 1, most, scratch);
            float[] floats = scratch.floats(Scratch.Role.ACCUMULATOR, most);
            long end = Math.min(units, (t + 1) * each);
            for (long u = t * each; u < end; u++) {
                long row = u / runs;
                if (u == t * each || u % runs == 0) {
                    place.queries[0] = (int) (row % output.size(2));
                    place.heads[0] = (int) (row / output.size(2) % output.size(1));
                    place.batch = (int) (row / output.size(2) / output.size(1));
                    run.rows();
                }
                place.column = (int) (u % runs * RUN);
                int n = (int) Math.min(RUN, columns - place.column);
                int[] whole = run.elements(floats, padded(n));
                long at = output.at(place.batch, place.heads[0], place.queries[0], place.column);
                if (program.mask() < 0) {
                    output.write(at, output.stride(3), floats, 0, n, scratch);
                } else {
                    output.write(at, output.stride(3), whole, n, scratch);
                }
            }
        });
    }

    private static int padded(int n) {
        return Math.ceilDiv(n, STEP) * STEP;
    }

    @Override
    public String describe() {
        return "cpu, elements by a program of " + program.stepCount() + " steps, "
                + backend.kernels().describe() + ", " + backend.pool().size() + " threads";
    }

    @Override
    public void close() {}
}
