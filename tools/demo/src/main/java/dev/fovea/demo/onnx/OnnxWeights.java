package dev.fovea.demo.onnx;

import com.google.protobuf.ByteString;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;

/**
 * A constant tensor of an ONNX file.
 *
 * @param name its name in the file
 * @param shape its axis lengths, outermost first
 * @param dataType the value of {@code TensorProto.DataType}; 1 is f32
 * @param raw the little-endian elements, row-major; empty if the file keeps them in {@code float_data}
 * @param floatData the elements of an f32 tensor without raw data
 */
public record OnnxWeights(String name, List<Integer> shape, int dataType, ByteString raw, List<Float> floatData) {
    /** {@code TensorProto.DataType.FLOAT}. */
    public static final int FLOAT = 1;

    /** Number of elements: the product of the axis lengths, 1 for a scalar. */
    public int size() {
        int size = 1;
        for (int length : shape) {
            size = Math.multiplyExact(size, length);
        }
        return size;
    }

    /**
     * The elements, row-major, in a fresh array.
     *
     * @throws IllegalStateException if the tensor is not f32 or its data does not fill its shape
     */
    public float[] floats() {
        if (dataType != FLOAT) {
            throw new IllegalStateException(
                    "ONNX tensor " + name + " has data type " + dataType + ", expected f32 (" + FLOAT + ")");
        }
        FloatBuffer source =
                raw.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
        int held = raw.isEmpty() ? floatData.size() : source.remaining();
        if (held != size()) {
            throw new IllegalStateException(
                    "ONNX tensor " + name + " of shape " + shape + " holds " + held + " elements, expected " + size());
        }
        float[] out = new float[held];
        if (raw.isEmpty()) {
            for (int i = 0; i < held; i++) {
                out[i] = floatData.get(i);
            }
        } else {
            source.get(out);
        }
        return out;
    }
}
