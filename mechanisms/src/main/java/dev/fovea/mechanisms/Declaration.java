package dev.fovea.mechanisms;

import java.util.ArrayList;
import java.util.List;

/**
 * What a mechanism is, takes and gives: read by the command line, the tests and the documentation alike.
 *
 * @param id its name here
 * @param title of the paper
 * @param family softmax, local, kv-cache, latent, ...
 * @param equation in plain text, several lines
 * @param citation authors, year, where it appeared or its code
 * @param notes deviations from paper or code, and the choice made where the paper leaves one
 * @param missing steps of the paper that are not here; empty if it is whole
 * @param examples the first is what {@code --example} runs; all are tested
 */
public record Declaration(
        String id,
        String title,
        String family,
        String equation,
        String citation,
        List<Port> inputs,
        List<Port> outputs,
        List<Parameter<?>> parameters,
        List<String> notes,
        String missing,
        List<Example> examples) {

    /** Starts a declaration. */
    public static Builder of(String id, String family, String title) {
        return new Builder(id, family, title);
    }

    /** Collects the parts. */
    public static final class Builder {
        private final String id;
        private final String family;
        private final String title;
        private String equation = "";
        private String citation = "";
        private String missing = "";
        private final List<Port> inputs = new ArrayList<>();
        private final List<Port> outputs = new ArrayList<>();
        private final List<Parameter<?>> parameters = new ArrayList<>();
        private final List<String> notes = new ArrayList<>();
        private final List<Example> examples = new ArrayList<>();

        private Builder(String id, String family, String title) {
            this.id = id;
            this.family = family;
            this.title = title;
        }

        public Builder equation(String text) {
            equation = text.strip();
            return this;
        }

        public Builder citation(String text) {
            citation = text;
            return this;
        }

        /** An input with normally distributed example values. */
        public Builder input(String name, String axes, String meaning) {
            return input(name, Port.Kind.REAL, axes, meaning, Sampler.normal());
        }

        public Builder input(String name, Port.Kind kind, String axes, String meaning, Sampler sampler) {
            inputs.add(Port.of(name, kind, axes, meaning, false, sampler));
            return this;
        }

        /** An input that may be left out; examples have it. */
        public Builder optional(String name, Port.Kind kind, String axes, String meaning, Sampler sampler) {
            inputs.add(Port.of(name, kind, axes, meaning, true, sampler));
            return this;
        }

        public Builder output(String name, String axes, String meaning) {
            return output(name, Port.Kind.REAL, axes, meaning);
        }

        public Builder output(String name, Port.Kind kind, String axes, String meaning) {
            outputs.add(Port.of(name, kind, axes, meaning, false, (random, count, example) -> new double[count]));
            return this;
        }

        public Builder parameter(Parameter<?> parameter) {
            parameters.add(parameter);
            return this;
        }

        /** A deviation from paper or code, or a choice that the paper leaves open. */
        public Builder note(String text) {
            notes.add(text);
            return this;
        }

        /** A step of the paper that is not here. */
        public Builder missing(String text) {
            missing = text;
            return this;
        }

        /** {@code "B=1 S=16 D=8; window=3"}: sizes of axes, then parameters. */
        public Builder example(String text) {
            examples.add(Example.parse(text));
            return this;
        }

        public Declaration build() {
            return new Declaration(
                    id,
                    title,
                    family,
                    equation,
                    citation,
                    List.copyOf(inputs),
                    List.copyOf(outputs),
                    List.copyOf(parameters),
                    List.copyOf(notes),
                    missing,
                    List.copyOf(examples));
        }
    }
}
