package dev.fovea.demo;

/** How the demo went on one device. */
sealed interface DeviceOutcome permits DeviceResult, DeviceOutcome.Failed {
    /** The device's id. */
    String device();

    /** Whether the device agrees with ONNX Runtime. */
    boolean passes();

    /** The device stopped with an error; the others go on. */
    record Failed(String device, String reason) implements DeviceOutcome {
        @Override
        public boolean passes() {
            return false;
        }
    }
}
