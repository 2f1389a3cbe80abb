package dev.fovea.tools.mechanisms;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.DType;
import dev.fovea.conformance.mechanisms.Oracles;
import dev.fovea.conformance.mechanisms.Problem;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Example;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Mechanisms;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.mechanisms.Port;
import dev.fovea.mechanisms.Values;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A declaration says all that the command line, the tests and the documentation read from it. */
class DeclarationsTest {
    private static final Set<String> EXPECTED = Set.of(
            "alignedgen",
            "anchorattention-2",
            "dc-sam",
            "dcal",
            "flashbias",
            "ir-diffusion",
            "metatokens",
            "mintransformer",
            "musar",
            "ouroboros-sacfa",
            "sasrec",
            "shotadapter",
            "tcpa",
            "videograin",
            "gna",
            "halonet",
            "davit",
            "twins",
            "freeswim",
            "inf-dit",
            "chunkattention",
            "duoattention",
            "leanattention",
            "razorattention",
            "wenet",
            "uni-encoder",
            "tpla",
            "mla-hw");

    static List<Mechanism> all() {
        return Mechanisms.all();
    }

    @Test
    void idsAreThoseOfTheIndex() {
        List<String> ids = all().stream().map(m -> m.declaration().id()).toList();
        assertThat(ids).containsExactlyInAnyOrderElementsOf(EXPECTED);
    }

    @ParameterizedTest
    @MethodSource("all")
    void textsAreThere(Mechanism m) {
        Declaration d = m.declaration();
        assertThat(d.title()).isNotBlank();
        assertThat(d.family()).isIn("softmax", "local", "kv-cache", "latent");
        assertThat(d.equation()).contains("=");
        assertThat(d.citation()).containsPattern("\\b(19|20)\\d\\d\\b");
        assertThat(d.inputs()).isNotEmpty();
        assertThat(d.outputs()).isNotEmpty();
        assertThat(d.examples()).isNotEmpty();
        Stream.concat(d.inputs().stream(), d.outputs().stream()).forEach(p -> {
            assertThat(p.name()).matches("[a-z][a-z0-9_]*");
            assertThat(p.meaning()).as(p.name()).isNotBlank();
            assertThat(p.axes()).allMatch(a -> a.matches("\\d+|[A-Z][A-Za-z0-9]*"));
        });
        assertThat(d.inputs().stream().map(Port::name)).doesNotHaveDuplicates();
        assertThat(d.outputs().stream().map(Port::name)).doesNotHaveDuplicates();
        assertThat(d.parameters().stream().map(Parameter::name)).doesNotHaveDuplicates();
        assertThat(List.of(d.title(), d.citation(), d.missing()))
                .as("cells of a table in Markdown")
                .noneMatch(t -> t.contains("|") || t.contains("\n"));
    }

    @ParameterizedTest
    @MethodSource("all")
    void anOracleIsThere(Mechanism m) {
        assertThat(Oracles.of(m.declaration().id()).id())
                .isEqualTo(m.declaration().id());
    }

    /** What a parameter is set to reaches the record, and its default is what the constructor without arguments gives. */
    @ParameterizedTest
    @MethodSource("all")
    void parametersComeThrough(Mechanism m) {
        Declaration d = m.declaration();
        assertThat(m.with(Values.parse(d, Map.of()))).isEqualTo(m);
        assertThat(m.getClass().isRecord()).isTrue();
        assertThat(m.getClass().getRecordComponents())
                .as("a component for each parameter")
                .hasSameSizeAs(d.parameters());
        for (Parameter<?> p : d.parameters()) {
            roundTrips(d, p);
            assertThat(p.meaning()).isNotBlank();
            assertThat(p.name()).matches("[a-z][a-z0-9_]*");
        }
        for (Example e : d.examples()) {
            assertThat(m.with(Values.parse(d, e.parameters())).declaration()).isEqualTo(d);
        }
    }

    private static <T> void roundTrips(Declaration d, Parameter<T> p) {
        assertThat(p.check(p.standard())).isEqualTo(p.standard());
        assertThat(Values.parse(d, Map.of(p.name(), p.standardText())).get(p)).isEqualTo(p.standard());
    }

    /** Every parameter is set by some example, or its default would be all that was ever tested. */
    @ParameterizedTest
    @MethodSource("all")
    void examplesUseEveryParameter(Mechanism m) {
        Declaration d = m.declaration();
        Set<String> used = new HashSet<>();
        d.examples().forEach(e -> used.addAll(e.parameters().keySet()));
        assertThat(used)
                .containsExactlyInAnyOrderElementsOf(
                        d.parameters().stream().map(Parameter::name).toList());
    }

    @ParameterizedTest
    @MethodSource("all")
    void examplesBindEveryAxis(Mechanism m) {
        Declaration d = m.declaration();
        Set<String> axes = new HashSet<>();
        Stream.concat(d.inputs().stream(), d.outputs().stream())
                .flatMap(p -> p.axes().stream())
                .filter(a -> !a.matches("\\d+"))
                .forEach(axes::add);
        for (Example e : d.examples()) {
            assertThat(e.sizes().keySet()).as(e.text()).containsAll(axes);
            Problem p = Problem.of(m, e, 1);
            assertThat(p.inputs().keySet())
                    .containsExactlyElementsOf(
                            d.inputs().stream().map(Port::name).toList());
            p.inputs().values().stream()
                    .filter(t -> t.dtype() != DType.BOOL)
                    .forEach(t -> assertThat(t.values()).doesNotContain(Double.NaN));
        }
    }
}
