package dev.fovea.opencl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.Attention;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.Tensor;
import dev.fovea.api.spi.Storage;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** Two owners of one context, one buffer, no copy. */
class OpenClInteropTest {
    private static OpenClInterop interop(Backend fovea) {
        return fovea.capability(OpenClInterop.class).orElseThrow();
    }

    @Test
    void aBufferPassesBetweenTwoOwners() {
        float[] ones = {1, 1, 1, 1, 1, 1, 1, 1};
        try (Backend maker = FirstDevice.open()) {
            OpenClInterop makers = interop(maker);
            try (Backend guest = OpenClInterop.open(makers.handles())) {
                OpenClInterop guests = interop(guest);
                assertThat(guests.handles()).isEqualTo(makers.handles());
                try (Tensor q = maker.copyOf(new float[] {2, 2, 2, 2, 3, 3, 3, 3}, 1, 1, 2, 4);
                        Tensor lent = guest.tensorOn(guests.storageOf(makers.memoryOf(q)), DType.F32, 1, 1, 2, 4)) {
                    assertThat(guests.memoryOf(lent)).isEqualTo(makers.memoryOf(q));
                    assertThat(lent.toFloatArray()).containsExactly(2, 2, 2, 2, 3, 3, 3, 3);
                    q.storage().write(0, MemorySegment.ofArray(ones));
                    assertThat(lent.toFloatArray()).as("the same memory").containsExactly(ones);
                    try (Tensor out = guest.attend(lent, lent, lent, Attention.full());
                            Tensor back =
                                    maker.tensorOn(makers.storageOf(guests.memoryOf(out)), DType.F32, 1, 1, 2, 4)) {
                        assertThat(back.toFloatArray())
                                .as("computed by the guest")
                                .containsExactly(ones);
                    }
                }
                assertThat(guest.allocatedBytes())
                        .as("lent memory counts for its owner")
                        .isZero();
            }
            try (Tensor t = maker.copyOf(ones, 8)) {
                assertThat(t.toFloatArray()).as("the maker outlives the guest").containsExactly(ones);
            }
        }
    }

    @Test
    void lentMemoryOutlivesItsMaker() {
        try (Backend maker = FirstDevice.open();
                Backend guest = OpenClInterop.open(interop(maker).handles())) {
            Tensor lent;
            try (Tensor t = maker.copyOf(new float[] {7, 8}, 2)) {
                lent = guest.tensorOn(interop(guest).storageOf(interop(maker).memoryOf(t)), DType.F32, 2);
            }
            assertThat(lent.toFloatArray()).containsExactly(7, 8);
            lent.close();
        }
    }

    @Test
    void whatDoesNotBelongTogetherIsRefused() {
        try (Backend one = FirstDevice.open();
                Backend other = FirstDevice.open();
                Tensor t = one.copyOf(new float[] {1}, 1)) {
            OpenClInterop.Handles mine = interop(one).handles();
            OpenClInterop.Handles theirs = interop(other).handles();
            assertThatThrownBy(() -> interop(other).storageOf(interop(one).memoryOf(t)))
                    .isInstanceOf(InvalidArgument.class)
                    .hasMessageContaining("context");
            assertThatThrownBy(() -> OpenClInterop.open(
                                    new OpenClInterop.Handles(mine.context(), mine.device(), theirs.queue()))
                            .close())
                    .isInstanceOf(InvalidArgument.class);
            assertThatThrownBy(() -> OpenClInterop.open(new OpenClInterop.Handles(0, mine.device(), mine.queue()))
                            .close())
                    .isInstanceOf(InvalidArgument.class);
            Storage small = interop(one).storageOf(interop(one).memoryOf(t));
            assertThatThrownBy(() -> one.tensorOn(small, DType.F32, 1000)).isInstanceOf(InvalidArgument.class);
            small.free();
        }
    }
}
