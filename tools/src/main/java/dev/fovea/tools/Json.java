package dev.fovea.tools;

import com.google.gson.JsonIOException;
import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.stream.Collectors;

/** JSON objects as text. Numbers that JSON has no form for (NaN, infinity) become null. */
public final class Json {
    private final JsonWriter writer;

    private Json(JsonWriter writer) {
        this.writer = writer;
    }

    /** What an object or an array consists of. */
    public interface Body {
        void write(Json json) throws IOException;
    }

    /** An object over several lines, for a whole report. */
    public static String pretty(Body fields) {
        return text("  ", fields);
    }

    /** An object on one line, for JSON lines. */
    public static String line(Body fields) {
        return text("", fields);
    }

    private static String text(String indent, Body fields) {
        StringWriter text = new StringWriter();
        try (JsonWriter writer = new JsonWriter(text)) {
            writer.setIndent(indent);
            writer.setSerializeNulls(true);
            writer.beginObject();
            fields.write(new Json(writer));
            writer.endObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e); // a StringWriter throws none
        } catch (JsonIOException e) {
            throw new IllegalStateException(e);
        }
        return text.toString();
    }

    public Json field(String name, String value) throws IOException {
        writer.name(name).value(value);
        return this;
    }

    public Json field(String name, boolean value) throws IOException {
        writer.name(name).value(value);
        return this;
    }

    public Json field(String name, long value) throws IOException {
        writer.name(name).value(value);
        return this;
    }

    public Json field(String name, double value) throws IOException {
        writer.name(name);
        if (Double.isFinite(value)) {
            writer.value(value);
        } else {
            writer.nullValue();
        }
        return this;
    }

    public Json field(String name, long[] values) throws IOException {
        writer.name(name).jsonValue(Arrays.toString(values)); // on one line, whatever the indent
        return this;
    }

    public Json strings(String name, Iterable<String> values) throws IOException {
        writer.name(name).beginArray();
        for (String v : values) {
            writer.value(v);
        }
        writer.endArray();
        return this;
    }

    /** An array on one line, whatever the indent. */
    public Json field(String name, double[] values) throws IOException {
        writer.name(name)
                .jsonValue(Arrays.stream(values)
                        .mapToObj(v -> Double.isFinite(v) ? Double.toString(v) : "null")
                        .collect(Collectors.joining(",", "[", "]")));
        return this;
    }

    public Json object(String name, Body fields) throws IOException {
        writer.name(name).beginObject();
        fields.write(this);
        writer.endObject();
        return this;
    }

    /** How one element becomes the fields of an object. */
    public interface Element<T> {
        void write(Json json, T element) throws IOException;
    }

    /** An array of objects. */
    public <T> Json objects(String name, Iterable<T> elements, Element<T> fields) throws IOException {
        writer.name(name).beginArray();
        for (T e : elements) {
            writer.beginObject();
            fields.write(this, e);
            writer.endObject();
        }
        writer.endArray();
        return this;
    }
}
