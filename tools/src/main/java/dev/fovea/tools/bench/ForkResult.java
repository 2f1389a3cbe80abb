package dev.fovea.tools.bench;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.fovea.tools.Json;
import java.util.ArrayList;
import java.util.List;

/**
 * What one JVM measured.
 *
 * @param openMillis to open the device
 * @param firstMillis of the first call, with its preparation
 * @param timings ours first
 * @param peak floating-point operations a second of the FMA loop, the best of all rounds, 0 where there is none
 * @param peakShare our share of it, the median of those in each round
 * @param sum bytes a second of the loop that sums keys and values, likewise
 * @param calls of ours that count
 */
record ForkResult(
        double openMillis,
        double firstMillis,
        List<Timing> timings,
        double peak,
        double peakShare,
        double sum,
        double sumShare,
        long calls) {
    static final String PEAK = "peak";
    static final String SUM = "sum";

    /**
     * Times of an entrant.
     *
     * @param ratio its time by ours: above 1 ours is faster
     * @param checkedShare error of sampled rows as a share of what is allowed
     */
    record Timing(
            String name, String version, double medianMillis, double minMillis, double ratio, double checkedShare) {}

    ForkResult {
        timings = List.copyOf(timings);
    }

    String json() {
        return Json.line(j -> j.field("openMs", openMillis)
                .field("firstMs", firstMillis)
                .objects(
                        "timings",
                        timings,
                        (t, e) -> t.field("name", e.name())
                                .field("version", e.version())
                                .field("medianMs", e.medianMillis())
                                .field("minMs", e.minMillis())
                                .field("ratio", e.ratio())
                                .field("checkedErrorShare", e.checkedShare()))
                .field("peak", peak)
                .field("peakShare", peakShare)
                .field("sum", sum)
                .field("sumShare", sumShare)
                .field("calls", calls));
    }

    /** Reads {@link #json}; throws {@code JsonParseException} for anything else. */
    static ForkResult parse(String json) {
        JsonElement parsed = JsonParser.parseString(json);
        if (!parsed.isJsonObject()) {
            throw new JsonParseException("no object");
        }
        JsonObject o = parsed.getAsJsonObject();
        JsonArray entries = o.getAsJsonArray("timings");
        List<Timing> timings = new ArrayList<>();
        for (JsonElement e : entries) {
            JsonObject t = e.getAsJsonObject();
            timings.add(new Timing(
                    t.get("name").getAsString(),
                    t.get("version").getAsString(),
                    t.get("medianMs").getAsDouble(),
                    t.get("minMs").getAsDouble(),
                    t.get("ratio").getAsDouble(),
                    t.get("checkedErrorShare").getAsDouble()));
        }
        return new ForkResult(
                o.get("openMs").getAsDouble(),
                o.get("firstMs").getAsDouble(),
                timings,
                o.get("peak").getAsDouble(),
                o.get("peakShare").getAsDouble(),
                o.get("sum").getAsDouble(),
                o.get("sumShare").getAsDouble(),
                o.get("calls").getAsLong());
    }
}
