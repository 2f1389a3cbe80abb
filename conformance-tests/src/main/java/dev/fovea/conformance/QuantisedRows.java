package dev.fovea.conformance;

import dev.fovea.api.DType;
import dev.fovea.api.HalfFloats;
import dev.fovea.api.spec.KvFormat;

/**
 * Rows [B, H, S, D] in a quantised format, each encoded on its own: integer codes, and what they decode to. Written from the
 * definition of the formats, for the suites; backends do not use it.
 */
public final class QuantisedRows {
    private final KvFormat format;
    private final int dim;
    private final int[] codes;
    private final double[] scales;
    private final double[] zeros;
    private final HostTensor decoded;

    private QuantisedRows(KvFormat format, HostTensor rows, double[] pageScales, int pageRows) {
        this.format = format;
        this.dim = rows.size(3);
        int n = rows.values().length / Math.max(1, dim);
        this.codes = new int[n * dim];
        this.scales = new double[n];
        this.zeros = new double[n];
        double[] values = new double[n * dim];
        for (int r = 0; r < n; r++) {
            if (format == KvFormat.FP8) {
                int s = rows.size(2);
                scales[r] = pageScales[(r / s * Math.ceilDiv(s, pageRows) + r % s / pageRows) % pageScales.length];
            }
            encode(rows.values(), r, values);
        }
        this.decoded = new HostTensor(DType.F32, values, rows.shape());
    }

    /** Integer formats find a scale for each row. */
    static QuantisedRows integers(KvFormat format, HostTensor rows) {
        return new QuantisedRows(format, rows, new double[0], 1);
    }

    /** FP8 with the scales of pages of {@code pageRows} rows, [B, H, pages] flattened. */
    static QuantisedRows fp8(HostTensor rows, double[] pageScales, int pageRows) {
        return new QuantisedRows(KvFormat.FP8, rows, pageScales, pageRows);
    }

    private void encode(double[] from, int row, double[] values) {
        int at = row * dim;
        if (format == KvFormat.FP8) {
            for (int d = 0; d < dim; d++) {
                codes[at + d] = Fp8.encode(from[at + d] / scales[row]);
                values[at + d] = scales[row] * Fp8.decode(codes[at + d]);
            }
            return;
        }
        int levels = format == KvFormat.INT8 ? 255 : 15;
        int least = format == KvFormat.INT8 ? -128 : 0;
        double lo = 0;
        double hi = 0;
        for (int d = 0; d < dim; d++) {
            if (Double.isFinite(from[at + d])) {
                lo = Math.min(lo, from[at + d]);
                hi = Math.max(hi, from[at + d]);
            }
        }
        double scale = HalfFloats.rounded((float) ((hi - lo) / levels), DType.F16);
        scale = scale == 0 ? 1 : scale;
        scales[row] = scale;
        zeros[row] = Math.rint(least - lo / scale);
        for (int d = 0; d < dim; d++) {
            double q = Math.clamp(Math.rint(from[at + d] / scale) + zeros[row], least, least + levels);
            codes[at + d] = (int) q;
            values[at + d] = scale * (q - zeros[row]);
        }
    }

    KvFormat format() {
        return format;
    }

    /** Bytes of a row. */
    int width() {
        return format.elements(dim);
    }

    /** A row in storage. */
    byte[] bytes(int row) {
        byte[] out = new byte[format.elements(dim)];
        for (int d = 0; d < dim; d++) {
            int code = codes[row * dim + d];
            if (format == KvFormat.INT4) {
                out[d / 2] |= (byte) (code << (d % 2 * 4));
            } else {
                out[d] = (byte) code;
            }
        }
        return out;
    }

    double scale(int row) {
        return scales[row];
    }

    double zero(int row) {
        return zeros[row];
    }

    /** F32 [B, H, S, D]: what the codes mean. */
    HostTensor decoded() {
        return decoded;
    }
}
