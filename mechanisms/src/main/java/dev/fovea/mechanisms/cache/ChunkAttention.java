package dev.fovea.mechanisms.cache;

import dev.fovea.api.Attention;
import dev.fovea.api.Operations;
import dev.fovea.api.Operations.Part;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Inputs;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.mechanisms.Values;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * ChunkAttention: decoding over a prefix tree of chunks of keys, each read once for all sequences that have it.
 *
 * <pre>
 * phase 1, for each run of chunks that rows [b, e) share:  (m, l, acc) = partial softmax(Q[b:e] K' / sqrt(D)) V
 * phase 2, for each row: the same over its private chunks;  O = all of them merged by log-sum-exp
 * </pre>
 *
 * The keys of a row are the chunks whose range of rows has it, in the order of the chunks.
 *
 * @param first first row of each chunk
 * @param end the row after the last of each chunk
 * @param filled tokens in each chunk
 */
public record ChunkAttention(List<Integer> first, List<Integer> end, List<Integer> filled) implements Mechanism {
    private static final Parameter<List<Integer>> FIRST =
            Parameter.integers("first", List.of(0), 0, 1 << 20, "first row of each chunk");
    private static final Parameter<List<Integer>> END =
            Parameter.integers("end", List.of(1), 0, 1 << 20, "the row after the last of each chunk");
    private static final Parameter<List<Integer>> FILLED =
            Parameter.integers("filled", List.of(64), 0, 1 << 20, "tokens in each chunk, at most C");

    private static final Declaration DECLARATION = Declaration.of(
                    "chunkattention",
                    "kv-cache",
                    "ChunkAttention: Efficient Self-Attention with Prefix-Aware KV Cache and Two-Phase Partition")
            .equation("""
                    O[r] = softmax(q[r] K' / sqrt(D)) V over the chunks n with first[n] <= r < end[n]
                    phase 1: shared chunks, the rows [first, end) at once; phase 2: private chunks; merged by log-sum-exp
                    """)
            .citation("Ye et al. 2024; github.com/microsoft/chunk-attention")
            .input("query", "B H 1 D", "the query of each sequence; sequences that share chunks are neighbours")
            .input("key", "N G C D", "keys of the chunks, C tokens each (64 in the paper)")
            .input("value", "N G C Dv", "values of the chunks")
            .output("output", "B H 1 Dv", "attention of each sequence; 0 for one without a chunk")
            .parameter(FIRST)
            .parameter(END)
            .parameter(FILLED)
            .note("The tree is a parameter, since the host keeps it: KvCache forks sequences, finds what they share"
                    + " (KvCache.prefixAttention) and appends. Inserting and removing stay there.")
            .note(
                    "Neighbouring full chunks with one range of rows are one part. The result does not depend on the phase.")
            .example("B=4 H=4 G=2 N=7 C=5 D=8 Dv=4; first=0,0,1,0,1,2,3 end=4,4,3,1,2,3,4 filled=5,5,3,2,4,1,5")
            .example(
                    "B=3 H=2 G=2 N=8 C=16 D=16 Dv=8; first=0,0,0,0,1,1,2,2 end=2,2,1,1,2,2,3,3 filled=9,16,4,16,16,7,16,1")
            .build();

    /** Chunks with one range of rows, and the tokens in them. */
    private record Run(int first, int end, List<Integer> chunks, int tokens) {}

    public ChunkAttention {
        FIRST.check(first);
        END.check(end);
        FILLED.check(filled);
        Inputs.require(
                first.size() == end.size() && first.size() == filled.size(),
                "first, end, filled",
                "a number for each chunk",
                first.size() + ", " + end.size() + " and " + filled.size() + " numbers");
        first = List.copyOf(first);
        end = List.copyOf(end);
        filled = List.copyOf(filled);
    }

    public ChunkAttention() {
        this(FIRST.standard(), END.standard(), FILLED.standard());
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public ChunkAttention with(Values p) {
        return new ChunkAttention(p.get(FIRST), p.get(END), p.get(FILLED));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        int rows = in.size("B");
        Inputs.require(first.size() == in.size("N"), "first, end, filled", "N = " + in.size("N") + " numbers", first);
        for (int n = 0; n < first.size(); n++) {
            boolean fits = first.get(n) <= end.get(n) && end.get(n) <= rows && filled.get(n) <= in.size("C");
            Inputs.require(
                    fits,
                    "chunk " + n,
                    "first <= end <= B, filled <= C",
                    first.get(n) + ", " + end.get(n) + ", " + filled.get(n));
        }
        List<List<Run>> phases = phases(in.size("C"), rows);
        Tensor query = ops.permute(in.get("query"), 2, 1, 0, 3);
        Part[] parts = phases.stream()
                .map(runs -> new Part(in.get("key"), in.get("value"), options(ops, runs)))
                .toArray(Part[]::new);
        return Map.of("output", ops.permute(ops.attendParts(query, parts), 2, 1, 0, 3));
    }

    /** Runs that cover all rows in order, some without chunks: one phase for each shared run, then rounds of private ones. */
    private List<List<Run>> phases(int chunkTokens, int rows) {
        List<Run> runs = new ArrayList<>();
        for (int n = 0; n < first.size(); n++) {
            Run last = runs.isEmpty() ? new Run(-1, -1, List.of(), 0) : runs.getLast();
            boolean joins = last.first == first.get(n)
                    && last.end == end.get(n)
                    && last.tokens == last.chunks.size() * chunkTokens;
            List<Integer> chunks = new ArrayList<>(joins ? last.chunks : List.of());
            chunks.add(n);
            if (joins) {
                runs.removeLast();
            }
            runs.add(new Run(first.get(n), end.get(n), chunks, (joins ? last.tokens : 0) + filled.get(n)));
        }
        List<List<Run>> phases = new ArrayList<>();
        for (Run run : runs) {
            if (run.end - run.first > 1) {
                phases.add(List.of(new Run(0, run.first, List.of(), 0), run, new Run(run.end, rows, List.of(), 0)));
            }
        }
        List<Run> own =
                new ArrayList<>(runs.stream().filter(r -> r.end - r.first == 1).toList());
        while (!own.isEmpty() || phases.isEmpty()) {
            List<Run> round = new ArrayList<>();
            for (int row = 0; row < rows; row++) {
                int at = row;
                Run next =
                        own.stream().filter(r -> r.first == at).findFirst().orElse(new Run(at, at + 1, List.of(), 0));
                own.remove(next);
                round.add(next);
            }
            phases.add(round);
        }
        return phases;
    }

    /** Each run is a sequence: its rows are packed queries, its chunks pages. */
    private static Attention options(Operations ops, List<Run> runs) {
        int width = runs.stream().mapToInt(r -> r.chunks.size()).max().orElse(0);
        int[] table = new int[runs.size() * Math.max(1, width)];
        for (int i = 0; i < runs.size(); i++) {
            List<Integer> chunks = runs.get(i).chunks;
            for (int k = 0; k < chunks.size(); k++) {
                table[i * width + k] = chunks.get(k);
            }
        }
        int[] starts = IntStream.concat(IntStream.of(0), runs.stream().mapToInt(Run::end))
                .toArray();
        int[] lengths = runs.stream().mapToInt(Run::tokens).toArray();
        return Attention.full()
                .paged(ops.copyOf(table, runs.size(), Math.max(1, width)))
                .packedQueries(ops.copyOf(starts, starts.length))
                .keyLengths(ops.copyOf(lengths, lengths.length));
    }
}
