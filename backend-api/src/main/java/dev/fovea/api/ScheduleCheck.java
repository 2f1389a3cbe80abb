package dev.fovea.api;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.Schedule;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Holds the lengths that a schedule was made for to those of the run: a backend computes what the schedule says, and no more. */
final class ScheduleCheck {
    private ScheduleCheck() {}

    static void check(AttentionSpec spec, AttentionArguments a, Schedule schedule) {
        if (!schedule.spec().equals(spec)) {
            throw new InvalidArgument(
                    "schedule", "one that this plan made", "one of another spec", "make it by this plan's schedule");
        }
        same("queries", schedule.queryLengths(), starts(a.source().queryStarts(), a.batch(), a.queries()));
        Tensor lengths = a.keyLengths();
        same(
                "keys",
                schedule.keyLengths(),
                lengths == null ? starts(a.source().keyStarts(), a.batch(), a.keys()) : longest(lengths));
    }

    /** Lengths between cumulative starts; without them all are alike. */
    private static int @Nullable [] starts(@Nullable Tensor starts, long batch, long otherwise) {
        int[] lengths = new int[Math.toIntExact(batch)];
        Arrays.fill(lengths, Math.toIntExact(otherwise));
        if (starts == null) {
            return lengths;
        }
        int[] at = starts.keptValues();
        if (at == null) {
            return null;
        }
        for (int b = 0; b < lengths.length; b++) {
            lengths[b] = at[b + 1] - at[b];
        }
        return lengths;
    }

    /** The longest of a sequence's heads, from [B] or [B, Hk]. */
    private static int @Nullable [] longest(Tensor lengths) {
        int[] all = lengths.keptValues();
        if (all == null || lengths.rank() == 1) {
            return all;
        }
        int heads = Math.toIntExact(lengths.size(1));
        int[] most = new int[Math.toIntExact(lengths.size(0))];
        for (int i = 0; i < all.length; i++) {
            most[i / heads] = Math.max(most[i / heads], all[i]);
        }
        return most;
    }

    private static void same(String what, List<Integer> scheduled, int @Nullable [] lengths) {
        List<Integer> now =
                lengths == null ? null : Arrays.stream(lengths).boxed().toList();
        if (!scheduled.equals(now)) {
            throw new InvalidArgument(
                    "schedule",
                    now == null ? "lengths of at most 2^20 sequences" : "one for " + now + " " + what,
                    "one for " + scheduled,
                    "make it for the lengths of this step");
        }
    }
}
