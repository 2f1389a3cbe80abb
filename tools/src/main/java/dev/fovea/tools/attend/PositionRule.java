package dev.fovea.tools.attend;

import dev.fovea.api.Alignment;
import dev.fovea.tools.NamedValues;
import java.util.List;

/** Where query 0 stands, by the names of the command line. */
enum PositionRule {
    TOP_LEFT("top-left", Alignment.TOP_LEFT),
    BOTTOM_RIGHT("bottom-right", Alignment.BOTTOM_RIGHT),
    PAST("past", Alignment.PAST);

    private final String text;
    private final Alignment alignment;

    PositionRule(String text, Alignment alignment) {
        this.text = text;
        this.alignment = alignment;
    }

    Alignment alignment() {
        return alignment;
    }

    @Override
    public String toString() {
        return text;
    }

    /** Reads a name. */
    static final class Names extends NamedValues<PositionRule> {
        Names() {
            super(List.of(values()));
        }
    }
}
