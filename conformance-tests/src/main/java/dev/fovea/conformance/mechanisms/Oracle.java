package dev.fovea.conformance.mechanisms;

import java.util.Map;

/** A mechanism by its formula, in float64. */
public interface Oracle {
    /** Id of the mechanism. */
    String id();

    /** The outputs by name, row-major. */
    Map<String, double[]> outputs(Problem p);
}
