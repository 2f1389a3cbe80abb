package dev.fovea.demo;

import java.util.List;

/**
 * What the demo measured on one device.
 *
 * @param device its id
 * @param name its name
 * @param first time of the first pass over all sentences, kernel builds included
 * @param warm median of the later passes
 * @param agreement of key lengths on this device with ONNX Runtime
 * @param maskAgreement of the boolean mask on this device with ONNX Runtime
 * @param vectors one a sentence, of length 1
 */
record DeviceResult(
        String device,
        String name,
        Time first,
        Time warm,
        Agreement agreement,
        Agreement maskAgreement,
        List<float[]> vectors)
        implements DeviceOutcome {
    /**
     * Time of a pass over all sentences.
     *
     * @param attentionMs inside attention, copies to and from the device included
     * @param totalMs of the whole pass
     */
    record Time(double attentionMs, double totalMs) {}

    /** Whether both ways of padding agree with ONNX Runtime. */
    @Override
    public boolean passes() {
        return agreement.passes() && maskAgreement.passes();
    }
}
