package dev.fovea.tools.bench;

import dev.fovea.api.AttentionPlan;
import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spi.Roofline;
import dev.fovea.tools.FailureText;
import dev.fovea.tools.bench.Contest.Resources;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;

/**
 * One case in a JVM of its own: the first call, then all entrants in turns. Prints a {@link ForkResult} as one line of JSON, or one
 * sentence on stderr and exit code 1.
 */
public final class BenchFork {
    /** Where the memory of a case is summed: as large as the caches at least, or it would not be memory. */
    private static final long MEMORY_BYTES = 64 << 20;

    /** The compiler may take seconds for a kernel, longer than short measurements. */
    private static final Duration WARM_UP = Duration.ofSeconds(10);

    private final CpuCase c;
    private final int threads;
    private final double seconds;
    private final boolean peers;

    private BenchFork(CpuCase c, int threads, double seconds, boolean peers) {
        this.c = c;
        this.threads = threads;
        this.seconds = seconds;
        this.peers = peers;
    }

    /** Takes the name of a case of the suite, threads, seconds, and whether peers run too. */
    public static void main(String[] args) {
        try {
            CpuCase c = CpuSuite.named(args[0]);
            System.out.println(new BenchFork(
                            c, Integer.parseInt(args[1]), Double.parseDouble(args[2]), Boolean.parseBoolean(args[3]))
                    .run()
                    .json());
        } catch (IOException | RuntimeException | Error e) {
            System.err.println(FailureText.of(e).sentence());
            if (FailureText.debugging()) {
                e.printStackTrace();
            }
            System.exit(1);
        }
    }

    private ForkResult run() throws IOException {
        BenchShape s = c.bench().shape();
        try (Arena arena = Arena.ofShared()) {
            MemorySegment query = normal(arena, 1, (long) s.queryElements());
            MemorySegment key = normal(arena, 2, (long) s.keyElements());
            MemorySegment value = normal(arena, 3, (long) s.keyElements());
            RowCheck check = new RowCheck(c.bench(), query, key, value);
            long start = System.nanoTime();
            try (Resources resources = new Resources()) {
                Backend fovea = resources.keep(Backends.open("cpu"));
                double openMillis = (System.nanoTime() - start) / 1e6;
                Tensor q = resources.keep(fovea.wrap(query, DType.F32, s.batch(), s.heads(), s.queries(), s.headDim()));
                Tensor k = resources.keep(fovea.wrap(key, DType.F32, s.batch(), s.keyHeads(), s.keys(), s.headDim()));
                Tensor v = resources.keep(fovea.wrap(value, DType.F32, s.batch(), s.keyHeads(), s.keys(), s.headDim()));
                long called = System.nanoTime();
                Tensor first = resources.keep(fovea.attend(q, k, v, c.bench().attention()));
                double firstMillis = (System.nanoTime() - called) / 1e6;
                double firstShare = accepted("fovea's first call", check.worst(first));

                Tensor o = resources.keep(fovea.allocate(DType.F32, q.shape()));
                List<Entrant> entrants = new ArrayList<>();
                entrants.add(ours(fovea, resources, "fovea", c.bench(), q, k, v, o));
                if (c.baseline()) {
                    BenchCase causal = new BenchCase(s, DType.F32, true, -1, -1);
                    entrants.add(ours(fovea, resources, "fovea-causal", causal, q, k, v, o));
                }
                if (peers) {
                    Peer.Problem problem = new Peer.Problem(
                            s.batch(),
                            s.heads(),
                            s.queries(),
                            s.keys(),
                            s.headDim(),
                            c.bench().causal(),
                            query,
                            key,
                            value);
                    for (Peer peer : ServiceLoader.load(Peer.class)) {
                        Peer.Call call = resources.keep(peer.prepare(problem, threads));
                        call.run();
                        double share = accepted(peer.version(), check.worst(call::row));
                        entrants.add(new Entrant(peer.name(), peer.version(), share, call::run));
                    }
                }
                Turns turns = new Turns(entrants, roofs(fovea, k, v), threads, seconds);
                turns.run();
                double share = Math.max(firstShare, accepted("fovea", check.worst(repeated(entrants.getFirst(), o))));
                return turns.result(c.bench(), openMillis, firstMillis, share);
            }
        }
    }

    /** Computes the output once more, since other entrants may share it. */
    private static Tensor repeated(Entrant entrant, Tensor output) throws IOException {
        entrant.call().run();
        return output;
    }

    private static double accepted(String who, double share) throws IOException {
        if (!(share <= 1)) {
            throw new IOException(
                    who + " computes a wrong result: sampled rows are off by " + share + " times what is allowed");
        }
        return share;
    }

    private static Entrant ours(
            Backend fovea, Resources resources, String name, BenchCase bench, Tensor q, Tensor k, Tensor v, Tensor o) {
        AttentionSpec spec = bench.attention().spec(q, k, v);
        AttentionPlan plan = resources.keep(fovea.prepare(spec));
        var arguments = BenchRun.arguments(bench, spec, q, k, v, o);
        plan.warmUp(arguments, WARM_UP);
        return new Entrant(name, plan.describe(), 0, () -> plan.run(arguments));
    }

    private List<Roof> roofs(Backend fovea, Tensor k, Tensor v) {
        List<Roof> all = new ArrayList<>();
        fovea.capability(Roofline.class).ifPresent(r -> {
            all.add(new Roof(ForkResult.PEAK, r::multiplyAdd));
            long bytes = k.storage().byteSize() + v.storage().byteSize();
            if (c.decode() && bytes >= MEMORY_BYTES) {
                all.add(new Roof(ForkResult.SUM, () -> {
                    r.sum(k.storage());
                    r.sum(v.storage());
                    return bytes;
                }));
            }
        });
        return all;
    }

    private static MemorySegment normal(Arena arena, long seed, long count) {
        MemorySegment memory = arena.allocate(4 * count, 64);
        SplittableRandom random = new SplittableRandom(seed);
        for (long i = 0; i < count; i++) {
            memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
        }
        return memory;
    }

    /** Something to time. */
    interface Work {
        void run() throws IOException;
    }

    /**
     * Who takes a turn.
     *
     * @param checkedShare error of sampled rows as a share of what is allowed
     */
    record Entrant(String name, String version, double checkedShare, Work call) {}

    /**
     * A limit of the machine.
     *
     * @param work does some and says how much
     */
    record Roof(String name, DoubleSupplier work) {}
}
