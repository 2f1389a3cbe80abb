package dev.fovea.opencl.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.spi.Tunable.Layer;
import dev.fovea.api.spi.TuningPoint;
import dev.fovea.opencl.tuning.JsonText.Malformed;
import dev.fovea.opencl.tuning.Tuning.Found;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TuningTableTest {
    private static final Map<String, Set<String>> FAMILIES = Map.of("tiles", Set.of("keys", "rows"));
    private static final List<Layer> LAYERS = List.of(
            new Layer("device", "card-7"),
            new Layer("architecture", "sm_99"),
            new Layer("vendor", "acme"),
            new Layer("any", ""));

    @TempDir
    private Path folder;

    private static Tuning tuning() {
        return Tuning.of(LAYERS, FAMILIES, table());
    }

    private static String entry(String layer, String name, String bucket, String point) {
        return "{\"layer\": \"" + layer + "\", \"name\": \"" + name + "\", \"family\": \"tiles\", \"bucket\": \""
                + bucket + "\", \"point\": {" + point + "}, \"measured\": {\"anything\": [1, null, {\"x\": true}]}}";
    }

    private static String table(String... entries) {
        return "{\n\"format\": 1, \"note\": \"for people\",\n\"entries\": [\n" + String.join(",\n", entries)
                + "\n]\n}\n";
    }

    /** With a file in force. */
    private <T> T with(String text, Callable<T> body) throws Exception {
        Path file = Files.writeString(folder.resolve("t.json"), text);
        System.setProperty(Tuning.PROPERTY, file.toString());
        try {
            return body.call();
        } finally {
            System.clearProperty(Tuning.PROPERTY);
        }
    }

    private int keys(String bucket, String... entries) throws Exception {
        return with(table(entries), () -> {
            Found found = tuning().find("tiles", bucket, _ -> true);
            return found == null ? 0 : found.point().get("keys", 0);
        });
    }

    @Test
    void theMostParticularLayerDecides() throws Exception {
        String device = entry("device", "card-7", "b", "\"keys\": 1");
        String other = entry("device", "card-8", "b", "\"keys\": 2");
        String architecture = entry("architecture", "sm_99", "b", "\"keys\": 3");
        String vendor = entry("vendor", "acme", "b", "\"keys\": 4");
        String any = entry("any", "", "b", "\"keys\": 5");
        assertThat(keys("b", any, vendor, architecture, other, device)).isEqualTo(1);
        assertThat(keys("b", any, vendor, architecture, other)).isEqualTo(3);
        assertThat(keys("b", any, vendor, other)).isEqualTo(4);
        assertThat(keys("b", any, other)).isEqualTo(5);
        assertThat(keys("b", other)).isZero();
        assertThat(keys("c", device)).isZero();
    }

    @Test
    void aBucketGoesBeforeAllOfItsLayer() throws Exception {
        String all = entry("device", "card-7", "any", "\"keys\": 1");
        String one = entry("device", "card-7", "b", "\"keys\": 2");
        assertThat(keys("b", all, one)).isEqualTo(2);
        assertThat(keys("c", all, one)).isEqualTo(1);
        assertThat(keys("b", all, entry("vendor", "acme", "b", "\"keys\": 3"))).isEqualTo(1);
    }

    @Test
    void whatDoesNotFitIsPassedOver() throws Exception {
        String text =
                table(entry("device", "card-7", "b", "\"keys\": 1000"), entry("vendor", "acme", "b", "\"keys\": 4"));
        Found found = with(text, () -> tuning().find("tiles", "b", point -> point.get("keys", 0) < 100));
        assertThat(Objects.requireNonNull(found).point()).isEqualTo(TuningPoint.DEFAULTS.with("keys", 4));
        assertThat(found.origin()).contains("t.json").endsWith("vendor acme");
        assertThat(found.named()).isTrue();
    }

    @Test
    void aTableIsReadOnce() throws Exception {
        Tuning tuning = with(table(entry("any", "", "b", "\"keys\": 5")), () -> tuning());
        Files.writeString(folder.resolve("t.json"), table(entry("any", "", "b", "\"keys\": 6")));
        assertThat(Objects.requireNonNull(tuning.find("tiles", "b", _ -> true))
                        .point()
                        .get("keys", 0))
                .isEqualTo(5);
        assertThat(tuning.describe()).contains("1 entry for this device").contains("built in");
    }

    @Test
    void aFileThatIsWrongIsRefusedByItsLine() throws Exception {
        Map<String, String> wrong = Map.ofEntries(
                Map.entry("{", "line 1: expected a name in quotes, the file ends"),
                Map.entry("[]", "line 1: expected an object"),
                Map.entry("{}", "line 1: expected \"format\": 1"),
                Map.entry("{\"format\": 2, \"entries\": []}", "\"format\": 1, which this version reads"),
                Map.entry("{\"format\": 1}", "line 1: 'entries' is missing"),
                Map.entry("{\"format\": 1, \"entries\": {}}", "line 1: 'entries' is a list"),
                Map.entry(table("7"), "line 4: expected an object"),
                Map.entry(table(entry("moon", "x", "b", "")), "line 4: there is no layer 'moon'"),
                Map.entry(
                        table(entry("any", "", "b", "")).replace("tiles", "stones"),
                        "line 4: there is no kernel family 'stones', but tiles"),
                Map.entry(
                        table(entry("any", "", "b", "\"keys\": 1,\n\"size\": 2")),
                        "line 5: the kernel family tiles has no 'size', but keys, rows"),
                Map.entry(table(entry("any", "", "b", "\"keys\": 1.5")), "line 4: 'keys' is a whole number, got 1.5"),
                Map.entry(table(entry("any", "", "b", "\"keys\": \"1\"")), "line 4: expected a whole number"),
                Map.entry(
                        table(entry("any", "", "b", ""), entry("any", "", "b", "")),
                        "line 5: another entry is for the same devices"),
                Map.entry(table(entry("any", "", "b", "")) + "x", "line 7: expected the end of the file, found 'x'"));
        for (Map.Entry<String, String> e : wrong.entrySet()) {
            assertThatThrownBy(() -> with(e.getKey(), () -> tuning()))
                    .as(e.getKey())
                    .isInstanceOf(InvalidArgument.class)
                    .hasMessageContaining("FOVEA_TUNING")
                    .hasMessageContaining("t.json, ")
                    .hasMessageContaining(e.getValue());
        }
    }

    @Test
    void aFileThatIsNotThereIsRefused() {
        System.setProperty(Tuning.PROPERTY, folder.resolve("none.json").toString());
        try {
            assertThatThrownBy(() -> tuning())
                    .isInstanceOf(InvalidArgument.class)
                    .hasMessageContaining("none.json, which cannot be read");
        } finally {
            System.clearProperty(Tuning.PROPERTY);
        }
    }

    /** A bucket that is misspelt would never be found; names of kernels and parameters are checked when a device is opened. */
    @Test
    void theBuiltInTableNamesBuckets() throws Exception {
        String text;
        try (InputStream in = Objects.requireNonNull(Tuning.class.getResourceAsStream("tuning.json"))) {
            text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        Matcher bucket = Pattern.compile("\"bucket\": ?\"([^\"]*)\"").matcher(text);
        int buckets = 0;
        while (bucket.find()) {
            assertThat(bucket.group(1))
                    .matches("any|(f32|f16|bf16)(/\\w+)? \\d+x\\d+ (all|q(1|16|256) k(1|1024|4096|16384))"
                            + " (full|band|mask)( scored)?( tables)?");
            buckets++;
        }
        assertThat(buckets).isPositive();
    }

    @Test
    void defaultsAreSaidToBeSo() throws Exception {
        String text = table(entry("vendor", "acme", "any", ""), entry("any", "", "b", "\"keys\": 5"));
        Tuning tuning = with(text, () -> tuning());
        assertThat(tuning.describe())
                .contains("2 entries for this device, 1 of them the kernels' defaults, not measured");
        assertThat(Objects.requireNonNull(tuning.find("tiles", "b", _ -> true)).point())
                .isEqualTo(TuningPoint.DEFAULTS);
    }

    @Test
    void json() throws Malformed, IOException {
        JsonText.Value value = JsonText.read("{\"a\\u0041\\n\\\"\": [-1.5e3, true, null, \"\"],\r\n \"b\": {}}");
        JsonText.Members members = (JsonText.Members) value;
        assertThat(members.values()).containsOnlyKeys("aA\n\"", "b");
        assertThat(((JsonText.Items) Objects.requireNonNull(members.values().get("aA\n\""))).values())
                .containsExactly(
                        new JsonText.Numeral(1, -1500),
                        new JsonText.Word(1, "true"),
                        new JsonText.Word(1, "null"),
                        new JsonText.Text(1, ""));
        assertThat(Objects.requireNonNull(members.values().get("b")).line()).isEqualTo(2);
        for (String bad : List.of(
                "",
                "{\"a\" 1}",
                "{\"a\": 1,}",
                "[1 2]",
                "\"\\q\"",
                "\"\\u12\"",
                "\"a\nb\"",
                "1e",
                "nul",
                "{1: 2}",
                "{\"a\": 1, \"a\": 2}",
                "[".repeat(100))) {
            assertThatThrownBy(() -> JsonText.read(bad)).as(bad).isInstanceOf(Malformed.class);
        }
    }
}
