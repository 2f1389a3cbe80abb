package dev.fovea.api;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.spec.KeyArguments;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.KeySource.Layout;
import dev.fovea.api.spec.KeySource.Selection;
import dev.fovea.api.spec.KvFormat;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where the options of a call say that queries and keys are.
 *
 * @param format null: the type of K
 */
record KeyOptions(
        Layout layout,
        Selection selection,
        @Nullable KvFormat format,
        KeySource.@Nullable Rotary rotary,
        KeyArguments arguments) {
    static final KeyOptions DENSE = new KeyOptions(Layout.DENSE, Selection.ALL, null, null, KeyArguments.NONE);

    KeyOptions paged(Tensor table) {
        return new KeyOptions(Layout.PAGED, selection, format, rotary, arguments.withPageTable(table));
    }

    KeyOptions ragged(Tensor starts) {
        return new KeyOptions(Layout.RAGGED, selection, format, rotary, arguments.withKeyStarts(starts));
    }

    KeyOptions selected(Selection kind, KeyArguments.Selected lists) {
        return new KeyOptions(layout, kind, format, rotary, arguments.withSelected(lists));
    }

    KeyOptions quantised(KvFormat how, KeyArguments scales) {
        if (!how.quantised()) {
            throw new InvalidArgument("format", "INT8, INT4 or FP8", how.name(), "floating-point keys need no scales");
        }
        return new KeyOptions(layout, selection, how, rotary, scales);
    }

    KeyOptions turned(KeySource.Rotary how, Tensor cosines, Tensor sines) {
        return new KeyOptions(layout, selection, format, how, arguments.withRotary(cosines, sines));
    }

    KeyOptions with(KeyArguments other) {
        return new KeyOptions(layout, selection, format, rotary, other);
    }

    KeySource source(DType key) {
        if (format == null && !key.isFloat()) {
            throw new InvalidArgument(
                    "k", "dtype F32, F16 or BF16", key.name(), "say by quantised() how its bytes are to be read");
        }
        KvFormat stored = format == null ? KvFormat.of(key) : format;
        return new KeySource(
                arguments.queryStarts() != null,
                layout,
                selection,
                stored,
                arguments.keyPositions() != null,
                Optional.ofNullable(rotary));
    }

    /** Columns of a value tensor. INT4 does not tell whether the last nibble counts: it does. */
    int valueDim(Tensor value) {
        int elements = Math.toIntExact(value.size(3));
        return format == KvFormat.INT4 ? 2 * elements : elements;
    }
}
