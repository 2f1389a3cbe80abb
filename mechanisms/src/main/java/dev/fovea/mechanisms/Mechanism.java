package dev.fovea.mechanisms;

import dev.fovea.api.Backend;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * An attention mechanism of the literature: a record of its parameters, whose constructor without arguments gives the paper's defaults.
 * Composed from primitives only, it runs on every backend and reads nothing back to the host. Found through
 * {@code META-INF/services}; see {@link Mechanisms}.
 */
public interface Mechanism {
    /** What it is, takes and gives; the same for all parameters. */
    Declaration declaration();

    /** This mechanism with other parameters. */
    Mechanism with(Values parameters);

    /**
     * Computes the outputs by name.
     *
     * @param ops holds everything made on the way
     * @param in inputs that fit the declaration
     * @return tensors made by {@code ops}
     */
    Map<String, Tensor> compute(Operations ops, Inputs in);

    /**
     * Computes the outputs by name; the caller closes them.
     *
     * @throws InvalidArgument if a name, type or shape does not fit the declaration
     */
    default Map<String, Tensor> run(Backend backend, Map<String, Tensor> inputs) {
        Inputs in = Inputs.of(declaration(), inputs);
        try (Operations ops = new Operations(backend)) {
            Map<String, Tensor> outputs = compute(ops, in);
            Map<String, Tensor> kept = new LinkedHashMap<>();
            for (Port port : declaration().outputs()) {
                Tensor t = outputs.get(port.name());
                if (t == null) {
                    throw new IllegalStateException(declaration().id() + " gave no output " + port.name());
                }
                kept.put(port.name(), ops.keep(t));
            }
            return kept;
        }
    }
}
