package dev.fovea.tools.bench.gpu;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/**
 * Memory that all cases share, as views: one run of random numbers for each role and type, as long as the longest case needs, and
 * one output for each type. Cases run one after another.
 */
final class DeviceInputs implements AutoCloseable {
    /** Roles, and seeds of their data; outputs have none. */
    static final int QUERY = 1;

    static final int KEY = 2;
    static final int VALUE = 3;
    private static final int OUTPUT = 0;

    private record Place(int role, DType dtype) {}

    private final Backend backend;
    private final boolean filled;
    private final Map<Place, Long> sizes = new HashMap<>();
    private final Map<Place, Tensor> flat = new HashMap<>();
    private final List<Tensor> others = new ArrayList<>();

    DeviceInputs(Backend backend, List<GpuCase> cases) {
        this(backend, cases, true);
    }

    /** With whatever is in memory instead of random numbers, for who only builds kernels. */
    DeviceInputs(Backend backend, List<GpuCase> cases, boolean filled) {
        this.backend = backend;
        this.filled = filled;
        for (GpuCase c : cases) {
            boolean copy = c.kind() == GpuCase.Kind.COPY;
            need(QUERY, c, copy ? 0 : c.queryElements());
            need(KEY, c, copy ? 0 : c.keyElements());
            need(VALUE, c, copy ? c.copied() : c.valueElements());
            need(OUTPUT, c, copy ? c.copied() : c.outputElements());
        }
    }

    private void need(int role, GpuCase c, long elements) {
        sizes.merge(new Place(role, c.dtype()), elements, Math::max);
    }

    /** The first elements of a role's random numbers in this shape. */
    Tensor random(int role, DType dtype, long... shape) {
        return view(role, dtype, shape);
    }

    Tensor output(DType dtype, long... shape) {
        return view(OUTPUT, dtype, shape);
    }

    /** A tensor that is closed with these. */
    Tensor keep(Tensor t) {
        others.add(t);
        return t;
    }

    private Tensor view(int role, DType dtype, long... shape) {
        Tensor all = flat.computeIfAbsent(new Place(role, dtype), this::make);
        long count = LongStream.of(shape).reduce(1, (a, b) -> a * b);
        try (Tensor part = all.slice(0, 0, count)) {
            return keep(part.reshape(shape));
        }
    }

    private Tensor make(Place place) {
        long count = sizes.getOrDefault(place, 0L);
        if (place.role == OUTPUT || !filled) {
            return backend.allocate(place.dtype, count);
        }
        try (Arena arena = Arena.ofShared()) {
            return backend.copyOf(new NormalData(place.role, place.dtype).fill(arena, count), place.dtype, count);
        }
    }

    @Override
    public void close() {
        others.forEach(Tensor::close);
        flat.values().forEach(Tensor::close);
    }
}
