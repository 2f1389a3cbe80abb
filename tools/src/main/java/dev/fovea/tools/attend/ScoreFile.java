package dev.fovea.tools.attend;

import dev.fovea.api.spec.ScoreStage;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A stage of the scores and the file it goes to. */
record ScoreFile(ScoreStage stage, Path file) {

    /** Reads {@code STAGE=FILE}. */
    static final class Converter implements ITypeConverter<ScoreFile> {
        @Override
        public ScoreFile convert(String text) {
            int equals = text.indexOf('=');
            String name = equals < 0 ? text : text.substring(0, equals);
            for (ScoreStage stage : ScoreStage.values()) {
                if (equals >= 0 && equals < text.length() - 1 && name(stage).equals(name)) {
                    try {
                        return new ScoreFile(stage, Path.of(text.substring(equals + 1)));
                    } catch (InvalidPathException e) {
                        throw new TypeConversionException("'" + text + "' names no file: " + e.getMessage());
                    }
                }
            }
            throw new TypeConversionException("expected STAGE=FILE with STAGE one of "
                    + Arrays.stream(ScoreStage.values()).map(Converter::name).collect(Collectors.joining(", "))
                    + ", got '" + text + "'");
        }

        private static String name(ScoreStage stage) {
            return stage.name().toLowerCase(Locale.ROOT);
        }
    }
}
