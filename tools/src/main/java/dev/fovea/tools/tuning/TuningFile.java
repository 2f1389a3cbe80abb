package dev.fovea.tools.tuning;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.Tunable.Layer;
import dev.fovea.tools.Environment;
import dev.fovea.tools.Json;
import dev.fovea.tools.UsageException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;

/** The file that tuning writes: entries that backends read, each with the figures that it rests on. It is whole at every moment. */
final class TuningFile {
    private static final int FORMAT = 1;

    private final Path path;
    private final JsonArray entries;

    /** A file to write; entries of one that is there stay, unless they are for what is tuned now. */
    TuningFile(Path path) throws IOException {
        this.path = path.toAbsolutePath();
        this.entries = Files.exists(path) ? entries(path) : new JsonArray();
        Path folder = this.path.getParent();
        if (folder == null || !Files.isDirectory(folder) || !Files.isWritable(folder)) {
            throw new UsageException("--out " + path + ": its folder is not there or cannot be written to");
        }
    }

    private static JsonArray entries(Path path) throws IOException {
        try {
            JsonElement file = JsonParser.parseString(Files.readString(path));
            if (file.isJsonObject()
                    && file.getAsJsonObject().get("format") instanceof JsonPrimitive format
                    && format.getAsDouble() == FORMAT
                    && file.getAsJsonObject().get("entries") instanceof JsonArray entries) {
                return entries;
            }
            throw notOurs(path);
        } catch (JsonParseException | NumberFormatException | CharacterCodingException e) {
            throw notOurs(path);
        }
    }

    private static UsageException notOurs(Path path) {
        return new UsageException(
                "--out " + path + " is there and is no file of fovea tune; name another, or move it away");
    }

    /** Writes what was found for a device, in place of what was there for the same runs. */
    void add(Finding finding, Layer layer, DeviceInfo device, Environment environment, boolean fromFile)
            throws IOException {
        JsonArray kept = new JsonArray();
        for (JsonElement e : entries) {
            if (!isFor(e, finding, layer)) {
                kept.add(e);
            }
        }
        while (!entries.isEmpty()) {
            entries.remove(entries.size() - 1);
        }
        entries.addAll(kept);
        if (finding.better() || fromFile) {
            entries.add(JsonParser.parseString(Json.line(j -> write(j, finding, layer, device, environment))));
        }
        save();
    }

    private static boolean isFor(JsonElement e, Finding finding, Layer layer) {
        return e.isJsonObject()
                && text(e, "layer").equals(layer.kind())
                && text(e, "name").equals(layer.name())
                && text(e, "family").equals(finding.group().family())
                && text(e, "bucket").equals(finding.group().bucket());
    }

    private static String text(JsonElement object, String name) {
        JsonElement e = object.getAsJsonObject().get(name);
        return e == null || !e.isJsonPrimitive() ? "" : e.getAsString();
    }

    private static void write(Json json, Finding f, Layer layer, DeviceInfo device, Environment environment)
            throws IOException {
        json.field("layer", layer.kind())
                .field("name", layer.name())
                .field("family", f.group().family())
                .field("bucket", f.group().bucket())
                .object("point", p -> {
                    for (var value : f.best().values().entrySet()) {
                        p.field(value.getKey(), (long) value.getValue());
                    }
                })
                .object(
                        "measured",
                        m -> m.field("device", device.name())
                                .field("driver", device.driver())
                                .field("date", LocalDate.now(ZoneOffset.UTC).toString())
                                .field("fovea", environment.fovea())
                                .field("commit", environment.commit())
                                .field("cases", f.group().caseNames())
                                .field("seconds", f.bestSeconds())
                                .field("before", f.nowSeconds())
                                .field("was", f.group().inForce().toString())
                                .field("speed", f.speed())
                                .field("errorShare", f.errorShare())
                                .field("tried", f.tried())
                                .field("notBuilt", f.unbuilt())
                                .field("wrong", f.wrong()));
    }

    /** Into another file first, so that a person who ends this finds the old or the new one. */
    private void save() throws IOException {
        List<String> lines = new ArrayList<>();
        entries.forEach(e -> lines.add("    " + e));
        String text = "{\n  \"format\": " + FORMAT + ",\n  \"entries\": [\n" + String.join(",\n", lines) + "\n  ]\n}\n";
        Path next = path.resolveSibling(path.getFileName() + ".new");
        Files.writeString(next, text);
        Files.move(next, path, StandardCopyOption.REPLACE_EXISTING);
    }

    int size() {
        return entries.size();
    }
}
