package dev.fovea.api.spec;

/** The points at which scores can be looked at; each is [B, Hq, Sq, Sk] f32, past keys included. */
public enum ScoreStage {
    /** {@code scale * q.k}, of every pair, masked or not. */
    RAW,
    /** After the cap expression; the same as RAW without one. */
    CAPPED,
    /** After the score expression, -inf where masked. */
    MASKED,
    /** The softmax weights: 0 where masked, and in the whole row if all of it is. */
    PROBABILITY
}
