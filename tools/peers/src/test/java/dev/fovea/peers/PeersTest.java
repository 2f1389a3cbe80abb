package dev.fovea.peers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.fovea.tools.bench.Peer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A peer that computed something else than attention would make any ratio worthless. */
class PeersTest {
    private static final int BATCH = 2;
    private static final int HEADS = 3;
    private static final int QUERIES = 5;
    private static final int DIM = 8;

    @ParameterizedTest
    @CsvSource({
        "ort-mha, false",
        "ort-mha, true",
        "ort-attention, false",
        "ort-attention, true",
        "torch, false",
        "torch, true"
    })
    void computesAttention(String name, boolean causal) throws IOException {
        Assumptions.assumeTrue(!name.equals("torch") || TorchAttention.hasEngine(), "without the profile 'peers'");
        Peer peer = ServiceLoader.load(Peer.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(p -> p.name().equals(name))
                .findFirst()
                .orElseThrow();
        int keys = causal ? QUERIES : 7;
        try (Arena arena = Arena.ofShared()) {
            Peer.Problem p = new Peer.Problem(
                    BATCH,
                    HEADS,
                    QUERIES,
                    keys,
                    DIM,
                    causal,
                    random(arena, 1, QUERIES),
                    random(arena, 2, keys),
                    random(arena, 3, keys));
            try (Peer.Call call = peer.prepare(p, 1)) {
                call.run();
                call.run();
                for (int b = 0; b < BATCH; b++) {
                    for (int h = 0; h < HEADS; h++) {
                        for (int q = 0; q < QUERIES; q++) {
                            float[] got = call.row(b, h, q);
                            double[] expected = row(p, b * HEADS + h, q);
                            assertThat(got).hasSize(DIM);
                            for (int i = 0; i < DIM; i++) {
                                assertThat((double) got[i])
                                        .as(b + " " + h + " " + q + " " + i)
                                        .isCloseTo(expected[i], within(1e-5));
                            }
                        }
                    }
                }
            }
        }
        assertThat(peer.version()).matches(".* \\d+\\.\\d+.*");
    }

    private static double[] row(Peer.Problem p, int head, int q) {
        int end = p.causal() ? q + 1 : p.keys();
        double[] out = new double[DIM];
        double total = 0;
        for (int k = 0; k < end; k++) {
            double s = 0;
            for (int i = 0; i < DIM; i++) {
                s += at(p.query(), head * QUERIES + q, i) * at(p.key(), head * p.keys() + k, i);
            }
            double weight = Math.exp(s / Math.sqrt(DIM));
            total += weight;
            for (int i = 0; i < DIM; i++) {
                out[i] += weight * at(p.value(), head * p.keys() + k, i);
            }
        }
        for (int i = 0; i < DIM; i++) {
            out[i] /= total;
        }
        return out;
    }

    private static double at(MemorySegment rows, int row, int i) {
        return rows.getAtIndex(ValueLayout.JAVA_FLOAT, (long) row * DIM + i);
    }

    private static MemorySegment random(Arena arena, long seed, int positions) {
        MemorySegment memory = arena.allocate(4L * BATCH * HEADS * positions * DIM, 64);
        Random random = new Random(seed);
        for (long i = 0; i < memory.byteSize() / 4; i++) {
            memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
        }
        return memory;
    }
}
