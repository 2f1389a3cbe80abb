package dev.fovea.demo;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What the demo prints.
 *
 * @param outcomes one a device, in the order asked for
 */
record Report(Demo demo, List<String> sentences, List<DeviceOutcome> outcomes) {
    private static final String PEER = "ONNX Runtime, CPU";

    /** For people, line by line. */
    List<String> text() {
        List<String> lines = new ArrayList<>();
        List<DeviceResult> results = results();
        Optional<DeviceResult> first = results.stream().findFirst();
        first.ifPresent(r -> {
            lines.addAll(new Similarity(sentences, r.vectors()).lines());
            lines.add("");
        });
        int tokens = demo.batches().stream().mapToInt(TokenBatch::tokens).sum();
        int padded = demo.batches().stream().mapToInt(b -> b.size() * b.width()).sum();
        lines.add(String.format(
                Locale.ROOT,
                "%d sentences, %d tokens (%d with padding) in %d batches; %d attention layers of %d heads x %d on the device, the rest in"
                        + " plain Java",
                sentences.size(),
                tokens,
                padded,
                demo.batches().size(),
                demo.layers(),
                Encoder.HEADS,
                Encoder.HEAD_DIM));
        lines.add("");
        int width = Math.max(
                PEER.length(),
                outcomes.stream().mapToInt(o -> o.device().length()).max().orElse(0));
        lines.add(String.format(
                Locale.ROOT, "%-" + width + "s  %24s  %24s", "time, ms", "first pass", "warm pass (median)"));
        lines.add(String.format(
                Locale.ROOT, "%-" + width + "s  %12s%12s  %12s%12s", "", "attention", "total", "attention", "total"));
        for (DeviceResult r : results) {
            lines.add(String.format(
                    Locale.ROOT,
                    "%-" + width + "s  %12.1f%12.1f  %12.1f%12.1f",
                    r.device(),
                    r.first().attentionMs(),
                    r.first().totalMs(),
                    r.warm().attentionMs(),
                    r.warm().totalMs()));
        }
        lines.add(String.format(Locale.ROOT, "%-" + width + "s  %24s  %24.1f", PEER, "", demo.ortMs()));
        lines.add("");
        lines.add(String.format(
                Locale.ROOT,
                "agreement with ONNX Runtime (limits: cosine at least %s, hidden state within %s)",
                Agreement.MIN_COSINE,
                Agreement.MAX_DIFFERENCE));
        for (DeviceOutcome outcome : outcomes) {
            switch (outcome) {
                case DeviceResult r -> {
                    lines.add(line(width, r.device(), "key lengths", r.agreement()));
                    lines.add(line(width, r.device(), "boolean mask", r.maskAgreement()));
                }
                case DeviceOutcome.Failed f ->
                    lines.add(String.format(Locale.ROOT, "%-" + width + "s  FAILED: %s", f.device(), f.reason()));
            }
        }
        return lines;
    }

    private List<DeviceResult> results() {
        return outcomes.stream()
                .filter(DeviceResult.class::isInstance)
                .map(DeviceResult.class::cast)
                .toList();
    }

    private static String line(int width, String device, String padding, Agreement a) {
        return String.format(
                Locale.ROOT,
                "%-" + width + "s  %-12s  lowest cosine %.8f  largest difference %.2e  %s",
                device,
                padding,
                a.lowestCosine(),
                a.hiddenDifference(),
                a.passes() ? "ok" : "DISAGREES");
    }

    /** The same as one JSON object. */
    String json() {
        JsonObject root = new JsonObject();
        root.addProperty("network", "all-MiniLM-L6-v2");
        root.addProperty("onnxRuntimeWarmMs", demo.ortMs());
        root.addProperty("minCosine", Agreement.MIN_COSINE);
        root.addProperty("maxHiddenDifference", Agreement.MAX_DIFFERENCE);
        JsonArray devices = new JsonArray();
        for (DeviceOutcome outcome : outcomes) {
            JsonObject o = new JsonObject();
            o.addProperty("device", outcome.device());
            o.addProperty("passes", outcome.passes());
            switch (outcome) {
                case DeviceResult r -> {
                    o.addProperty("name", r.name());
                    o.add("first", json(r.first()));
                    o.add("warm", json(r.warm()));
                    o.add("keyLengths", json(r.agreement()));
                    o.add("booleanMask", json(r.maskAgreement()));
                    o.add("sentences", json(new Similarity(sentences, r.vectors())));
                }
                case DeviceOutcome.Failed f -> o.addProperty("error", f.reason());
            }
            devices.add(o);
        }
        root.add("devices", devices);
        return new GsonBuilder()
                .setPrettyPrinting()
                .disableHtmlEscaping()
                .create()
                .toJson(root);
    }

    private JsonArray json(Similarity similarity) {
        JsonArray list = new JsonArray();
        for (int i = 0; i < sentences.size(); i++) {
            JsonObject s = new JsonObject();
            s.addProperty("sentence", sentences.get(i));
            int nearest = similarity.nearest(i);
            s.addProperty("nearest", nearest);
            s.add("cosine", number(similarity.cosine(i, nearest)));
            JsonArray row = new JsonArray();
            for (int j = 0; j < sentences.size(); j++) {
                row.add(number(similarity.cosine(i, j)));
            }
            s.add("cosines", row);
            list.add(s);
        }
        return list;
    }

    private static JsonObject json(DeviceResult.Time time) {
        JsonObject o = new JsonObject();
        o.add("attentionMs", number(time.attentionMs()));
        o.add("totalMs", number(time.totalMs()));
        return o;
    }

    private static JsonObject json(Agreement agreement) {
        JsonObject o = new JsonObject();
        o.add("lowestCosine", number(agreement.lowestCosine()));
        o.add("hiddenDifference", number(agreement.hiddenDifference()));
        o.addProperty("passes", agreement.passes());
        return o;
    }

    // JSON has no NaN, which is what a device that went wrong gives
    private static JsonElement number(double value) {
        return Double.isFinite(value) ? new JsonPrimitive(value) : JsonNull.INSTANCE;
    }
}
