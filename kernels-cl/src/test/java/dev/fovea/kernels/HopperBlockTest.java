package dev.fovea.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class HopperBlockTest {
    @Test
    void sectionsAreEvenWhereTheyCanBe() {
        assertEquals(2, HopperBlock.evenly(16, 3));
        assertEquals(8, HopperBlock.evenly(64, 12));
        assertEquals(32, HopperBlock.evenly(256, 45));
        assertEquals(45, HopperBlock.evenly(45, 45));
        assertEquals(1, HopperBlock.evenly(7, 1));
    }

    @Test
    void otherwiseLittleIsMissingOfTheLast() {
        assertEquals(9, HopperBlock.evenly(17, 12));
        assertEquals(2, HopperBlock.evenly(7, 3));
    }
}
