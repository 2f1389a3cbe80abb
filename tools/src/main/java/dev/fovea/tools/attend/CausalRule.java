package dev.fovea.tools.attend;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

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
            if (text.isEmpty()) {
                return new CausalRule(null);
            }
            for (PositionRule rule : PositionRule.values()) {
                if (rule.toString().equals(text)) {
                    return new CausalRule(rule);
                }
            }
            throw new TypeConversionException("expected top-left, bottom-right or past, got '" + text + "'");
        }
    }
}
