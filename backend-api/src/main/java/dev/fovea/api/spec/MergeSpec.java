package dev.fovea.api.spec;

import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.InvalidArgument;

/**
 * Partial results of attention over parts of the keys, combined into the result over all of them, in the order of the parts.
 *
 * <pre>
 * LOG_SUM_EXP  m = max(m_i, sink);  O = sum acc_i exp(m_i - m) / (sum l_i exp(m_i - m) + exp(sink - m))
 * WEIGHTED     O = sum w_i acc_i / l_i           an empty part adds nothing
 * RATIO        O = sum acc_i / sum l_i           0 where the sum is 0
 * </pre>
 *
 * @param storage type of O
 * @param valueDim columns
 * @param sink whether each head has a sink logit; LOG_SUM_EXP only
 * @param logSumExp whether the log-sum-exp over all parts is an output; LOG_SUM_EXP only
 */
public record MergeSpec(DType storage, int valueDim, Rule rule, boolean sink, boolean logSumExp)
        implements Primitive<MergeArguments> {
    public enum Rule {
        LOG_SUM_EXP,
        WEIGHTED,
        RATIO
    }

    public MergeSpec {
        if (!storage.isFloat()) {
            throw new InvalidArgument("output", "dtype F32, F16 or BF16", storage.name(), "convert it to one of these");
        }
        if (valueDim < 1) {
            throw new InvalidArgument("value dim", "at least 1", "" + valueDim, "give partials with columns");
        }
        if (rule != Rule.LOG_SUM_EXP && (sink || logSumExp)) {
            throw new InvalidArgument(
                    "merge", "a sink and a log-sum-exp only by log-sum-exp", rule.name(), "leave them out");
        }
    }
}
