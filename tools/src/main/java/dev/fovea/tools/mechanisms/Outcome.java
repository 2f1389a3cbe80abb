package dev.fovea.tools.mechanisms;

import dev.fovea.api.Backend;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.tools.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/**
 * What a run gave.
 *
 * @param values outputs by name
 * @param millis with what is prepared once a process, and with reading the outputs back
 */
record Outcome(String mechanism, String device, Map<String, HostValues> values, double millis) {
    static Outcome of(Mechanism mechanism, Backend backend, Map<String, Tensor> inputs) {
        long start = System.nanoTime();
        Map<String, Tensor> outputs = mechanism.run(backend, inputs);
        try {
            Map<String, HostValues> values = new LinkedHashMap<>();
            outputs.forEach((name, t) -> values.put(name, HostValues.of(t)));
            double millis = (System.nanoTime() - start) / 1e6;
            return new Outcome(mechanism.declaration().id(), backend.info().id(), values, millis);
        } finally {
            outputs.values().forEach(Tensor::close);
        }
    }

    /** @param before rows of the inputs */
    List<String> lines(List<List<String>> before, Map<String, Path> targets) {
        List<List<String>> rows = new ArrayList<>(before);
        values.forEach((name, v) -> {
            Path target = targets.get(name);
            rows.add(List.of(
                    "output", name, v.shapeText(), v.range().text() + (target == null ? "" : ", in " + target)));
        });
        List<String> lines = new ArrayList<>(TextColumns.table("", rows));
        lines.add(String.format(Locale.ROOT, "%s on %s in %.1f ms", mechanism, device, millis)
                + " (with what is prepared once a process)");
        return lines;
    }

    void write(Json json, Map<String, Path> targets) throws IOException {
        json.field("id", mechanism)
                .field("device", device)
                .field("ms", millis)
                .objects("outputs", values.entrySet(), (j, e) -> {
                    HostValues.Range range = e.getValue().range();
                    j.field("name", e.getKey())
                            .field("dtype", e.getValue().dtype().name().toLowerCase(Locale.ROOT))
                            .field("shape", e.getValue().shape())
                            .field("least", range.least())
                            .field("largest", range.largest())
                            .field("mean", range.mean())
                            .field("nans", range.nans())
                            .field("infinite", range.infinite());
                    if (targets.containsKey(e.getKey())) {
                        j.field(
                                "file",
                                Objects.requireNonNull(targets.get(e.getKey())).toString());
                    }
                });
    }
}
