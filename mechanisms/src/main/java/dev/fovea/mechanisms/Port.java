package dev.fovea.mechanisms;

import dev.fovea.api.DType;
import java.util.Arrays;
import java.util.List;

/**
 * A named input or output.
 *
 * @param axes a letter or word for each axis, the same size wherever it occurs, or a number; {@code B H S D}
 * @param meaning what it holds, with units where it has them
 * @param sampler how example values are made
 */
public record Port(String name, Kind kind, List<String> axes, String meaning, boolean optional, Sampler sampler) {
    /** Types of elements. */
    public enum Kind {
        /** F32, F16 or BF16, the same for all inputs of this kind. */
        REAL("F32, F16 or BF16"),
        /** F32 whatever the type of the others: tables, slopes, biases. */
        F32("F32"),
        /** Indices, ids and lengths. */
        I32("I32"),
        BOOL("BOOL");

        private final String text;

        Kind(String text) {
            this.text = text;
        }

        /** The types in words. */
        public String text() {
            return text;
        }

        boolean takes(DType type) {
            return switch (this) {
                case REAL -> type.isFloat();
                case F32 -> type == DType.F32;
                case I32 -> type == DType.I32;
                case BOOL -> type == DType.BOOL;
            };
        }
    }

    public Port {
        axes = List.copyOf(axes);
    }

    static Port of(String name, Kind kind, String axes, String meaning, boolean optional, Sampler sampler) {
        List<String> list =
                axes.isBlank() ? List.of() : Arrays.asList(axes.strip().split("\\s+"));
        return new Port(name, kind, list, meaning, optional, sampler);
    }

    /** The axes as people write a shape: {@code [B, H, S, D]}. */
    public String shapeText() {
        return "[" + String.join(", ", axes) + "]";
    }
}
