package dev.fovea.kernels;

/** A matrix unit that the kernel tile_attention.cl can be compiled for. */
public enum TileEngine {
    /** AMD's CDNA from gfx90a on. */
    MFMA(64, 16, 4, 256),
    /** AMD's RDNA3 in waves of 32. */
    WMMA(32, 16, 8, 128),
    /** Intel's, on devices whose least sub-group has eight work-items. */
    DPAS8(8, 8, 16, 128),
    /** Intel's, on devices whose least sub-group has 16. */
    DPAS16(16, 16, 8, 128);

    private static final int EMULATED_SUB_GROUPS = 2;

    private final int lanes;
    private final int blockColumns;
    private final int subGroups;
    private final int widest;

    TileEngine(int lanes, int blockColumns, int subGroups, int widest) {
        this.lanes = lanes;
        this.blockColumns = blockColumns;
        this.subGroups = subGroups;
        this.widest = widest;
    }

    /** Work-items of a sub-group. */
    public int lanes() {
        return lanes;
    }

    /** Queries of a block of scores. */
    int blockColumns() {
        return blockColumns;
    }

    /** Sub-groups of a work-group. */
    int subGroups(boolean emulated) {
        return emulated ? EMULATED_SUB_GROUPS : subGroups;
    }

    /** Head dim up to which registers suffice. */
    int widest() {
        return widest;
    }

    /** What its kernels are compiled for. */
    KernelSource.Target target(boolean emulated) {
        if (emulated) {
            return KernelSource.Target.EMULATED;
        }
        return switch (this) {
            case MFMA, WMMA -> KernelSource.Target.PORTABLE;
            case DPAS8, DPAS16 -> KernelSource.Target.LARGE_REGISTERS;
        };
    }

    String defines(boolean emulated) {
        return "#define ENGINE ENGINE_" + this + "\n#define EMULATED " + (emulated ? 1 : 0) + "\n";
    }
}
