package dev.fovea.tools.attend;

import dev.fovea.api.Attention;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.Normaliser;
import dev.fovea.tools.expressions.ExpressionOptions;
import dev.fovea.tools.expressions.ExpressionOptions.Parsed;
import dev.fovea.tools.expressions.Parameters;
import dev.fovea.tools.npy.NpyFile;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/** The expressions of a call, with the arrays and numbers that they use. */
final class CallExpressions {
    private CallExpressions() {}

    /** Makes a tensor of a file. */
    interface Uploads {
        Tensor upload(NpyFile file, DType dtype) throws IOException;
    }

    static Attention add(Attention attention, ExpressionOptions options, AttendInputs in, Uploads uploads)
            throws IOException {
        Map<String, DType> types = new LinkedHashMap<>();
        in.captures.forEach((name, file) -> types.put(name, AttendInputs.captureType(file)));
        Parsed parsed = options.parse(types);
        options.allUsed(Parameters.of(parsed.all()));
        Attention a = switch (options.normaliser()) {
            case SOFTMAX -> attention;
            case L1 -> attention.normalised(Normaliser.L1);
            case IDENTITY -> attention.normalised(Normaliser.IDENTITY);
            case SIGMOID -> attention.sigmoid();
            case RELU -> attention.relu(1);
        };
        if (parsed.mask().isPresent()) {
            a = a.visibleWhere(parsed.mask().get());
        }
        if (parsed.score().isPresent()) {
            a = a.rescored(parsed.score().get());
        }
        if (parsed.probability().isPresent()) {
            a = a.weighted(parsed.probability().get());
        }
        if (parsed.output().isPresent()) {
            a = a.finished(parsed.output().get());
        }
        for (Map.Entry<String, Number> s : options.scalars().entrySet()) {
            a = a.scalar(s.getKey(), s.getValue());
        }
        for (Map.Entry<String, NpyFile> c : in.captures.entrySet()) {
            a = a.capture(c.getKey(), uploads.upload(c.getValue(), AttendInputs.captureType(c.getValue())));
        }
        return a;
    }
}
