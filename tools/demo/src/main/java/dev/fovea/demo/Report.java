package dev.fovea.demo;

import dev.fovea.tools.Json;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

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
        return Json.pretty(root -> root.field("network", "all-MiniLM-L6-v2")
                .field("onnxRuntimeWarmMs", demo.ortMs())
                .field("minCosine", Agreement.MIN_COSINE)
                .field("maxHiddenDifference", Agreement.MAX_DIFFERENCE)
                .objects("devices", outcomes, this::device));
    }

    private void device(Json json, DeviceOutcome outcome) throws IOException {
        json.field("device", outcome.device()).field("passes", outcome.passes());
        switch (outcome) {
            case DeviceResult r -> {
                Similarity similarity = new Similarity(sentences, r.vectors());
                json.field("name", r.name())
                        .object("first", o -> time(o, r.first()))
                        .object("warm", o -> time(o, r.warm()))
                        .object("keyLengths", o -> agreement(o, r.agreement()))
                        .object("booleanMask", o -> agreement(o, r.maskAgreement()))
                        .objects("sentences", indices().toList(), (o, i) -> sentence(o, similarity, i));
            }
            case DeviceOutcome.Failed f -> json.field("error", f.reason());
        }
    }

    private void sentence(Json json, Similarity similarity, int i) throws IOException {
        int nearest = similarity.nearest(i);
        json.field("sentence", sentences.get(i))
                .field("nearest", sentences.get(nearest))
                .field("cosine", similarity.cosine(i, nearest))
                .field(
                        "cosines",
                        indices().mapToDouble(j -> similarity.cosine(i, j)).toArray());
    }

    private Stream<Integer> indices() {
        return IntStream.range(0, sentences.size()).boxed();
    }

    private static void time(Json json, DeviceResult.Time time) throws IOException {
        json.field("attentionMs", time.attentionMs()).field("totalMs", time.totalMs());
    }

    private static void agreement(Json json, Agreement agreement) throws IOException {
        json.field("lowestCosine", agreement.lowestCosine())
                .field("hiddenDifference", agreement.hiddenDifference())
                .field("passes", agreement.passes());
    }
}
