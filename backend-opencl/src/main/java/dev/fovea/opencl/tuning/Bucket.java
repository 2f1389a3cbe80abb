package dev.fovea.opencl.tuning;

import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.KeyBand;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KvFormat;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Runs that share a choice of parameters: what of a spec decides how a kernel does, and the classes that the numbers of queries and keys fall
 * into. Its text, {@code bf16 128x128 q256 k4096 band}, is what tables name it by.
 */
final class Bucket {
    /** Classes of queries of a sequence, and of its keys: from this many on. */
    private static final int[] QUERIES = {1, 16, 256};

    private static final int[] KEYS = {1, 1024, 4096, 16384};

    /** Numbers of both classes. */
    static final int CLASSES = QUERIES.length * KEYS.length;

    private Bucket() {}

    /** The class of a run, from 0 to {@link #CLASSES}. */
    static int index(long queries, long keys) {
        return index(QUERIES, queries) * KEYS.length + index(KEYS, keys);
    }

    private static int index(int[] from, long n) {
        int i = from.length - 1;
        while (i > 0 && n < from[i]) {
            i--;
        }
        return i;
    }

    /** The bucket of a class of runs of a spec. */
    static String text(AttentionSpec spec, int index) {
        return text(spec, classes(index));
    }

    /** The least numbers of queries and keys of a class, as buckets name them. */
    static String classes(int index) {
        return "q" + QUERIES[index / KEYS.length] + " k" + leastKeys(index);
    }

    static int leastKeys(int index) {
        return KEYS[index % KEYS.length];
    }

    /** The bucket of all runs of a spec, for kernels whose choice must not depend on lengths. */
    static String text(AttentionSpec spec) {
        return text(spec, "all");
    }

    private static String text(AttentionSpec spec, String classes) {
        KvFormat format = spec.source().format();
        String types = spec.storage() + (format == KvFormat.of(spec.storage()) ? "" : "/" + format);
        return String.join(
                " ",
                types.toLowerCase(Locale.ROOT),
                padded(spec.headDim()) + "x" + padded(spec.valueDim()),
                classes,
                options(spec));
    }

    /** Head dims that kernels are compiled alike for. */
    private static int padded(int dim) {
        int step = dim <= 128 ? 32 : 64;
        return Math.ceilDiv(dim, step) * step;
    }

    private static String options(AttentionSpec spec) {
        boolean scored = !spec.cap().equals(Expressions.score())
                || !spec.score().equals(Expressions.score())
                || !spec.probability().equals(Expressions.probability());
        return mask(spec) + (scored ? " scored" : "") + (spec.source().isDense() ? "" : " tables");
    }

    /** No mask, one that is a band along the diagonal, or any other. */
    private static String mask(AttentionSpec spec) {
        if (spec.mask().equals(Expressions.constant(true))) {
            return "full";
        }
        Map<String, Number> scalars = new HashMap<>();
        spec.scalars().keySet().forEach(name -> scalars.put(name, 0));
        return KeyBand.of(spec.mask(), scalars).exact() ? "band" : "mask";
    }
}
