package dev.fovea.tools.tuning;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class WatchTest {
    @Test
    void aCallThatDoesNotComeBackIsNamed() throws InterruptedException {
        BlockingQueue<String> late = new LinkedBlockingQueue<>();
        try (Watch watch = new Watch(0.1, late::add)) {
            watch.begin("one that ends");
            watch.end();
            watch.begin("one that hangs");
            assertThat(late.poll(30, TimeUnit.SECONDS)).isEqualTo("one that hangs");
        }
        assertThat(late).as("once").isEmpty();
    }

    @Test
    void callsThatEndAreNotNamed() throws InterruptedException {
        BlockingQueue<String> late = new LinkedBlockingQueue<>();
        try (Watch watch = new Watch(0.1, late::add)) {
            watch.begin("one that ends");
            watch.end();
            assertThat(late.poll(1, TimeUnit.SECONDS)).isNull();
        }
    }
}
