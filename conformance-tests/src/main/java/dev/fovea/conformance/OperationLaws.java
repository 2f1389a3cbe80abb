package dev.fovea.conformance;

import dev.fovea.conformance.Laws.Law;
import java.util.List;
import java.util.stream.Stream;

/** The tensor operations, against their definitions evaluated in float64. */
final class OperationLaws {
    private OperationLaws() {}

    /** Those that a simulator gets through in minutes. */
    static List<Law> small() {
        return Stream.of(MatMulLaws.small(), MapLaws.small(), RowLaws.small())
                .flatMap(List::stream)
                .toList();
    }

    /** Sizes beyond tiles, blocks and one work-group. */
    static List<Law> large() {
        return Stream.of(MatMulLaws.large(), MapLaws.large(), RowLaws.large())
                .flatMap(List::stream)
                .toList();
    }
}
