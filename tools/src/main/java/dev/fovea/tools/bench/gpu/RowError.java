package dev.fovea.tools.bench.gpu;

import dev.fovea.tools.Json;
import java.io.IOException;

/**
 * How far sampled rows are from float64.
 *
 * @param max largest absolute error
 * @param rms root of the mean square error
 * @param logSumExp largest absolute error of the log-sum-exp; NaN where that is no output
 * @param plainMax what plain f32 arithmetic makes of the same rows; NaN for other types
 * @param plainRms likewise
 * @param share largest error of a row as a share of what a right result may have
 */
record RowError(int rows, double max, double rms, double logSumExp, double plainMax, double plainRms, double share) {
    boolean right() {
        return share <= 1;
    }

    void write(Json json) throws IOException {
        json.field("checkedRows", rows)
                .field("maxError", max)
                .field("rmsError", rms)
                .field("lseError", logSumExp)
                .field("plainMaxError", plainMax)
                .field("plainRmsError", plainRms)
                .field("errorShare", share);
    }
}
