package dev.fovea.tools.attend;

import dev.fovea.tools.StorageType;
import dev.fovea.tools.UsageException;
import dev.fovea.tools.WindowBounds;
import dev.fovea.tools.expressions.ExpressionOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of one attention call; a line of a cases file goes through the same parser as the flags. */
@Command(sortOptions = false)
final class AttendOptions {
    private static final Pattern INTEGER = Pattern.compile("[+-]?\\d+");

    @Option(names = "--q", paramLabel = "FILE", description = "Queries, see --layout. Required.")
    @Nullable
    Path query;

    @Option(names = "--k", paramLabel = "FILE", description = "Keys, see --layout. Required.")
    @Nullable
    Path key;

    @Option(names = "--v", paramLabel = "FILE", description = "Values, see --layout. Required.")
    @Nullable
    Path value;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "FILE",
            description = {
                "Where the output goes, in the layout of the queries. Required. float32; float16 where the storage type is"
                        + " f16. A file is replaced only when the call has succeeded."
            })
    @Nullable
    Path out;

    @Option(
            names = "--lse",
            paramLabel = "FILE",
            description = "Also write the natural log-sum-exp of each row, float32 [batch, query heads, queries].")
    @Nullable
    Path logSumExp;

    @Option(
            names = "--scores",
            paramLabel = "STAGE=FILE",
            converter = ScoreFile.Converter.class,
            description = {
                "Also write the scores, float32 [batch, query heads, queries, keys with the past]. STAGE is raw (scale q.k),"
                        + " capped (after --softcap), masked (all of it, -inf where masked) or probability. Repeatable."
            })
    List<ScoreFile> scores = new ArrayList<>();

    @Option(
            names = "--layout",
            paramLabel = "LAYOUT",
            converter = Layout.Names.class,
            defaultValue = "bhsd",
            description = {
                "Axes of q, k, v and the output: bhsd = [batch, heads, positions, head dim], bshd = [batch, positions, heads,"
                        + " head dim], packed = [batch, positions, heads * head dim]. Default: ${DEFAULT-VALUE}."
            })
    Layout layout = Layout.BHSD;

    @Option(names = "--heads", paramLabel = "N", description = "Query heads; required with --layout packed.")
    @Nullable
    Integer heads;

    @Option(
            names = "--kv-heads",
            paramLabel = "N",
            description = "Key heads in a packed layout; a divisor of --heads. Default: --heads.")
    @Nullable
    Integer keyHeads;

    @Option(
            names = "--v-heads",
            paramLabel = "N",
            description = "Value heads in a packed layout; a divisor of --heads. Default: --kv-heads.")
    @Nullable
    Integer valueHeads;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            converter = StorageType.Names.class,
            description = {
                "Storage type of q, k, v and the output: f32, f16 or bf16; the inputs are rounded to it, to nearest even."
                        + " Sums are f32 whatever it is. Default: f16 where q is float16, else f32."
            })
    @Nullable
    StorageType dtype;

    @Option(
            names = "--scale",
            paramLabel = "X",
            description = "Factor of the dot products. Default: 1 / sqrt(head dim of q and k).")
    @Nullable
    Float scale;

    @Option(
            names = "--causal",
            paramLabel = "RULE",
            arity = "0..1",
            fallbackValue = "",
            converter = CausalRule.Converter.class,
            description = {
                "A query sees the keys up to its own position. RULE says where query 0 stands: top-left (at key 0),"
                        + " bottom-right (so that the last query is at the last key) or past (after the past keys). Without a"
                        + " RULE: where --q-offset or --window-alignment puts it, else top-left."
            })
    @Nullable
    CausalRule causal;

    @Option(
            names = "--q-offset",
            paramLabel = "N|FILE",
            description = {
                "Position of query 0: one number, or int32/int64 [batch] or [batch, key heads]. Not together with a RULE of"
                        + " --causal or with --window-alignment."
            })
    @Nullable
    String queryOffset;

    @Option(
            names = "--window",
            paramLabel = "L,R",
            converter = WindowBounds.Converter.class,
            description = {
                "A query at position p sees the keys from p-L to p+R, both inclusive; -1 = unlimited. 1023,0 is a causal window"
                        + " of 1024 keys."
            })
    @Nullable
    WindowBounds window;

    @Option(
            names = "--window-alignment",
            paramLabel = "RULE",
            converter = PositionRule.Names.class,
            description = {
                "Where query 0 stands, as for --causal; must agree with it where both are given. Also what --alibi counts from."
            })
    @Nullable
    PositionRule windowAlignment;

    @Option(
            names = "--softcap",
            paramLabel = "X",
            description = "Scores become X tanh(score / X) before bias and mask; 0 = off.")
    @Nullable
    Float softcap;

    @Option(
            names = "--mask",
            paramLabel = "FILE",
            description = {
                "bool, true = visible, or a floating-point type, added to the scores (-inf masks). Broadcasts right-aligned to"
                        + " [batch, query heads, queries, keys with the past]; a last axis longer than 1 and shorter than the"
                        + " keys masks the keys beyond it."
            })
    @Nullable
    Path mask;

    @Option(
            names = "--bias",
            paramLabel = "FILE",
            description = "Added to the scores, not scaled; broadcasts as --mask does. -inf masks.")
    @Nullable
    Path bias;

    @Option(
            names = "--alibi",
            paramLabel = "FILE",
            description = "Slopes [query heads]: -slope |query position - key position| is added to the scores.")
    @Nullable
    Path alibi;

    @Mixin
    ExpressionOptions expressions = new ExpressionOptions();

    @Option(
            names = "--sink",
            paramLabel = "FILE",
            description = "Logits [query heads] that take part in each row's softmax and carry no value.")
    @Nullable
    Path sink;

    @Option(
            names = "--kv-lengths",
            paramLabel = "FILE",
            description = "Valid keys of each sequence, the past counted: int32/int64 [batch] or [batch, key heads].")
    @Nullable
    Path keyLengths;

    @Option(
            names = "--past-k",
            paramLabel = "FILE",
            description = "Earlier keys, which come before k: always [batch, key heads, past, head dim].")
    @Nullable
    Path pastKey;

    @Option(
            names = "--past-v",
            paramLabel = "FILE",
            description = "Earlier values: always [batch, value heads, past, head dim].")
    @Nullable
    Path pastValue;

    @Option(
            names = "--device",
            paramLabel = "ID",
            description = {
                "Device to run on, see `fovea probe`; opencl alone picks the best one of OpenCL. Default: what the environment"
                        + " variable FOVEA_DEVICE names, else the best ranked."
            })
    @Nullable
    String device;

    /** Checks what the parser cannot: each option alone and together with the others, before any file is touched. */
    void check() {
        required("--q", query);
        required("--k", key);
        required("--v", value);
        required("--out", out);
        if (scale != null && !Float.isFinite(scale)) {
            throw new UsageException("--scale: expected a finite number, got " + scale);
        }
        if (softcap != null && !(softcap >= 0 && softcap < Float.POSITIVE_INFINITY)) {
            throw new UsageException("--softcap: expected a finite number of at least 0 (0 = off), got " + softcap);
        }
        if ((pastKey == null) != (pastValue == null)) {
            throw new UsageException("--past-k and --past-v go together; give both or neither");
        }
        positions();
        expressions.check();
        heads("--heads", heads);
        heads("--kv-heads", keyHeads);
        heads("--v-heads", valueHeads);
        if (layout == Layout.PACKED && heads == null) {
            throw new UsageException("--layout packed needs --heads (and --kv-heads, --v-heads where they differ)");
        }
        distinctOutputs();
    }

    private void positions() {
        PositionRule rule = causal == null ? null : causal.rule();
        if (queryOffset != null && (rule != null || windowAlignment != null)) {
            throw new UsageException("--q-offset says where query 0 stands, and so does "
                    + (rule != null ? "--causal " + rule : "--window-alignment " + windowAlignment)
                    + "; give only one (with --q-offset, --causal takes no rule)");
        }
        if (rule != null && windowAlignment != null && rule != windowAlignment) {
            throw new UsageException("--causal " + rule + " and --window-alignment " + windowAlignment
                    + " disagree; one call has one alignment");
        }
        if (queryOffset != null && INTEGER.matcher(queryOffset).matches()) {
            offsetNumber();
        }
    }

    /** Where query 0 stands unless {@link #queryOffset} says so. */
    PositionRule alignment() {
        if (windowAlignment != null) {
            return windowAlignment;
        }
        PositionRule rule = causal == null ? null : causal.rule();
        return rule == null ? PositionRule.TOP_LEFT : rule;
    }

    /** The number of {@code --q-offset}; null where that is a file. */
    @Nullable
    Integer offsetNumber() {
        if (queryOffset == null || !INTEGER.matcher(queryOffset).matches()) {
            return null;
        }
        try {
            int n = Integer.parseInt(queryOffset);
            if (Math.abs((long) n) <= 1 << 29) {
                return n;
            }
        } catch (NumberFormatException e) {
            // longer than an int: the sentence below
        }
        throw new UsageException("--q-offset: expected a number from -2^29 to 2^29, got " + queryOffset);
    }

    private void distinctOutputs() {
        Set<Path> seen = new HashSet<>();
        List<Path> outputs = new ArrayList<>();
        outputs.add(required("--out", out));
        if (logSumExp != null) {
            outputs.add(logSumExp);
        }
        scores.forEach(s -> outputs.add(s.file()));
        for (Path p : outputs) {
            if (!seen.add(p.toAbsolutePath().normalize())) {
                throw new UsageException("two outputs go to " + p + "; give each a file of its own");
            }
        }
    }

    private static void heads(String option, @Nullable Integer n) {
        if (n != null && n < 1) {
            throw new UsageException(option + ": expected at least 1, got " + n);
        }
    }

    static <T> T required(String option, @Nullable T given) {
        if (given == null) {
            throw new UsageException(option + " is missing; --q, --k, --v and --out are required");
        }
        return given;
    }
}
