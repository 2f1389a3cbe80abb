package dev.fovea.conformance;

import org.jspecify.annotations.Nullable;

/**
 * What a problem says beyond dense tensors. Keys and values stay [B, H, S, D] by logical index here, whatever the layout on the
 * device: the reference knows nothing of pages, packing or formats.
 *
 * @param queryLengths I32 [B]: queries of each sequence where they are packed; rows beyond are not part of the result
 * @param pageSize positions of a page where keys are paged
 * @param pagesPerHead whether each key head has pages of its own
 * @param positions I32 [B, S] or [B, Hk, S]: kpos of each key
 * @param selected the keys that queries may see at all
 * @param key how the keys are stored if quantised; the key tensor of the problem then holds what that decodes to
 * @param value likewise
 * @param cosines F32 [positions, pairs] of a rotary embedding on load
 * @param sines likewise
 */
public record HostSource(
        @Nullable HostTensor queryLengths,
        int pageSize,
        boolean pagesPerHead,
        @Nullable HostTensor positions,
        @Nullable HostSelection selected,
        @Nullable QuantisedRows key,
        @Nullable QuantisedRows value,
        @Nullable HostTensor cosines,
        @Nullable HostTensor sines) {

    public static final HostSource NONE = new HostSource(null, 0, false, null, null, null, null, null, null);
}
