package dev.fovea.tools.attend;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;

/**
 * The value of {@code --causal}.
 *
 * @param rule where query 0 stands; null leaves that to the other options
 */
record CausalRule(@Nullable PositionRule rule) {

    /** Reads a rule's name, or nothing. */
    static final class Converter implements ITypeConverter<CausalRule> {
        @Override
        public CausalRule convert(String text) {
            return new CausalRule(text.isEmpty() ? null : new PositionRule.Names().convert(text));
        }
    }
}
