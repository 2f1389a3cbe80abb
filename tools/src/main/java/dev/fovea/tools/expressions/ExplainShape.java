package dev.fovea.tools.expressions;

import dev.fovea.tools.StorageType;
import dev.fovea.tools.UsageException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The shape of the call that is explained, and where in it one looks. */
final class ExplainShape {
    private static final int LARGEST = 1 << 29;

    @Option(
            names = "--queries",
            paramLabel = "N",
            defaultValue = "1024",
            description = "Number of queries. Default: ${DEFAULT-VALUE}.")
    int queries = 1024;

    @Option(names = "--keys", paramLabel = "N", description = "Number of keys. Default: that of the queries.")
    @Nullable
    Integer keys;

    @Option(
            names = "--q-offset",
            paramLabel = "N",
            defaultValue = "0",
            description = {
                "Position of query 0, key 0 being at 0; keys - queries aligns them at the end. Default: ${DEFAULT-VALUE}."
            })
    int offset;

    @Option(
            names = "--tile",
            paramLabel = "N",
            defaultValue = "64",
            description = "Queries and keys of a tile. Default: ${DEFAULT-VALUE}.")
    int tile = 64;

    @Option(
            names = "--heads",
            paramLabel = "N",
            defaultValue = "1",
            description = "Query heads. Default: ${DEFAULT-VALUE}.")
    int heads = 1;

    @Option(names = "--kv-heads", paramLabel = "N", description = "Key and value heads. Default: --heads.")
    @Nullable
    Integer keyHeads;

    @Option(
            names = "--head-dim",
            paramLabel = "N",
            defaultValue = "64",
            description = "Columns of queries, keys and values. Default: ${DEFAULT-VALUE}.")
    int headDim = 64;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            converter = StorageType.Names.class,
            defaultValue = "f32",
            description = "Storage type: f32, f16 or bf16. Default: ${DEFAULT-VALUE}.")
    StorageType dtype = StorageType.F32;

    @Option(
            names = "--head",
            paramLabel = "N",
            defaultValue = "0",
            description = "The query head of the map. Default: 0.")
    int head;

    @Option(
            names = "--batch",
            paramLabel = "N",
            defaultValue = "0",
            description = "The batch entry of the map. Default: 0.")
    int batch;

    void check() {
        within("--queries", queries, 1, LARGEST);
        within("--keys", keys(), 1, LARGEST);
        within("--q-offset", offset, -LARGEST, LARGEST);
        within("--tile", tile, 1, LARGEST);
        within("--heads", heads, 1, LARGEST);
        within("--kv-heads", keyHeads(), 1, heads);
        within("--head-dim", headDim, 1, LARGEST);
        within("--head", head, 0, heads - 1);
        within("--batch", batch, 0, LARGEST);
        if (heads % keyHeads() != 0) {
            throw new UsageException(
                    "--kv-heads: expected a divisor of the " + heads + " query heads, got " + keyHeads);
        }
    }

    private static void within(String option, int n, int least, int largest) {
        if (n < least || n > largest) {
            throw new UsageException(option + ": expected a number from " + least + " to " + largest + ", got " + n);
        }
    }

    int keys() {
        return keys == null ? queries : keys;
    }

    int keyHeads() {
        return keyHeads == null ? heads : keyHeads;
    }

    VerdictMap.Shape tiles() {
        return new VerdictMap.Shape(queries, keys(), offset, tile, tile, batch, head, head / (heads / keyHeads()));
    }
}
